"""Cost of the joint models relative to the frame that they solve and to the solid reference.

Functions are timed alternately, and the least processor time of several runs counts, so that other
load matters little. *torch* is the path of a process that has little to do, *compiled* that of one
that has loaded the kernels of the frame and of the joints.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from beam_paths import KERNEL, TORCH, in_turns, on
from pages import table

from fem_reference.beam.homogenise import homogenise_beam
from fem_reference.solid.homogenise import homogenise_solid
from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.network.layers.joint_pairs import JointPairs
from lattice_gnn.surrogate.surrogate import Surrogate

BATCH = 64
SOLID = 50  #: cells that the solid reference homogenises
VOXELS = 8
NAMES = ("octet", "isotruss", "kelvin", "bcc", "diamond", "fluorite", "truncated-cube")
LARGE = ((3, 3, 3), (6, 6, 6), (8, 8, 8))  #: supercells of bcc: 54, 432 and 1,024 nodes
PATHS = {"torch": TORCH, "compiled": KERNEL}
DIRECTIONS = np.array(
    [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, -1, 0], [1, 0, 1], [1, 0, -1], [0, 1, 1],
     [0, 1, -1], [1, 1, 1], [1, 1, -1], [1, -1, 1], [-1, 1, 1], [2, 1, 0], [1, 2, 0]]
)  # fmt: skip
"""Cells in which the struts of a Bravais lattice end; each gives its node two strut ends."""


def small_cells(count: int) -> list[Lattice]:
    """Draw perturbed named cells of about 7 nodes and 20 struts, density 10 %."""
    cells = [cell(NAMES[k % len(NAMES)], relative_density=0.1) for k in range(count)]
    return [x.perturbed(0.02, seed=k) for k, x in enumerate(cells)]


def star(struts: int) -> Lattice:
    """Build a lattice of one node with twice so many strut ends."""
    return Lattice(
        cell=np.eye(3),
        nodes=np.zeros((1, 3)),
        struts=np.zeros((struts, 2), dtype=np.int64),
        shifts=DIRECTIONS[:struts],
        radii=np.full(struts, 0.03),
    )


@dataclass(frozen=True)
class Task:
    """A computation on some lattices.

    Attributes:
        title: What it is.
        run: The computation.
        count: Number of lattices.
        pairs: Pairs of strut ends per lattice.
    """

    title: str
    run: Callable[[], object]
    count: int
    pairs: float = 0.0


def without_gradient(function: Callable[[], object]) -> Callable[[], object]:
    """Return the function, run without recording derivatives."""

    def run() -> object:
        with torch.no_grad():
            return function()

    return run


def with_gradient(network: Surrogate, batch: LatticeBatch) -> Callable[[], object]:
    """Return the computation of C and its derivatives by radii and nodes."""

    def run() -> object:
        radii, nodes = (
            getattr(batch, name).clone().requires_grad_() for name in ("radii", "nodes")
        )
        C = network.model.stiffness(batch.replace(radii=radii, nodes=nodes))
        return torch.autograd.grad(C.sum(), (radii, nodes))

    return run


def small_tasks(network: Surrogate, linear: Surrogate | None) -> list[Task]:
    """Return computations on 64 small cells and on one of them."""
    batch = LatticeBatch.from_lattices(small_cells(BATCH)).simplified()
    one = batch[0]
    model = network.model
    tasks = [
        Task("beam FEM", lambda: homogenise_beam(batch), BATCH),
        Task("joint network", without_gradient(lambda: model.stiffness(batch)), BATCH),
        Task("joint network with bounds", without_gradient(lambda: model.answer(batch)), BATCH),
        Task("joint network and its gradient", with_gradient(network, batch), BATCH),
    ]
    if linear is not None:
        run = without_gradient(lambda: linear.model.stiffness(batch))
        tasks.append(Task("linear joint model", run, BATCH))
    return [
        *tasks,
        Task("one cell alone: beam FEM", lambda: homogenise_beam(one), 1),
        Task("one cell alone: joint network", without_gradient(lambda: model.stiffness(one)), 1),
    ]


def cost_table(network: Surrogate, linear: Surrogate | None, repeats: int = 10) -> str:
    """Measure milliseconds per cell on both paths, and the ratio to the time of the frame."""
    tasks = small_tasks(network, linear)
    times = measured(tasks, repeats)
    frame = times[tasks[0].title]
    rows = [
        (
            task.title,
            *(f"{1e3 * times[task.title][path]:.3g}" for path in PATHS),
            *(f"{times[task.title][path] / frame[path]:.3g}" for path in PATHS),
        )
        for task in tasks
    ]
    heads = ("", "ms, torch", "ms, compiled", "beam FEM = 1, torch", "beam FEM = 1, compiled")
    return (
        f"Processor time per cell of about 7 nodes and 20 struts in batches of {BATCH}, "
        f"{torch.get_num_threads()} thread, all in one run.\n\n" + table(heads, rows)
    )


def measured(tasks: list[Task], repeats: int) -> dict[str, dict[str, float]]:
    """Return the processor time per lattice of every task on either path, s."""
    functions = {
        f"{task.title} {path}": on(lattices, task.run)
        for task in tasks
        for path, lattices in PATHS.items()
    }
    timings = in_turns(functions, repeats)
    return {
        task.title: {path: timings[f"{task.title} {path}"]["cpu_s"] / task.count for path in PATHS}
        for task in tasks
    }


def size_table(network: Surrogate, repeats: int = 4) -> str:
    """Measure the cost beyond the frame over the number of struts and of struts at a joint."""
    batches = {
        f"bcc, {'x'.join(map(str, tiling))}": LatticeBatch.from_lattices(
            [cell("bcc", radius=0.08).supercell(tiling)]
        )
        for tiling in LARGE
    }
    batches |= {
        f"one joint of {2 * count} strut ends": LatticeBatch.from_lattices([star(count)] * BATCH)
        for count in (3, 7, 15)
    }
    rows = []
    for name, batch in batches.items():
        tasks = [
            Task("frame", lambda b=batch: homogenise_beam(b, fields="end_forces"), len(batch)),
            Task(
                "network",
                without_gradient(lambda b=batch: network.model.stiffness(b)),
                len(batch),
            ),
        ]
        times = {title: paths["compiled"] for title, paths in measured(tasks, repeats).items()}
        struts = len(batch.struts) / len(batch)
        pairs = len(JointPairs.of(batch).cosine) / len(batch)
        more = times["network"] - times["frame"]
        rows.append(
            (name, f"{struts:,.0f}", f"{pairs:,.0f}", *(f"{1e3 * s:.3g}" for s in times.values()),
             f"{1e6 * more / struts:.3g}", f"{1e6 * more / pairs:.3g}")
        )  # fmt: skip
    heads = ("", "struts", "pairs", "frame, ms", "network, ms", "beyond the frame, us per strut",
             "us per pair")  # fmt: skip
    return "Larger cells and joints of many struts, compiled:\n\n" + table(heads, rows)


def solid_table(network: Surrogate) -> str:
    """Measure the time of the solid reference and of the network for the same cells, in one run."""
    lattices = small_cells(SOLID)
    batch = LatticeBatch.from_lattices(lattices).simplified()
    predict = without_gradient(lambda: network.model.stiffness(batch))
    fast = in_turns({path: on(count, predict) for path, count in PATHS.items()}, 5)
    homogenise_solid(lattices[0], voxels_per_diameter=VOXELS)  # loads what it needs
    start = time.process_time()
    for lattice in lattices:
        homogenise_solid(lattice, voxels_per_diameter=VOXELS)
    times = {"solid FEM": (time.process_time() - start) / SOLID}
    times |= {f"joint network, {path}": fast[path]["cpu_s"] / SOLID for path in PATHS}
    rows = [(name, f"{1e3 * s:.3g}", f"{times['solid FEM'] / s:,.0f}") for name, s in times.items()]
    return f"{SOLID} cells, solid FEM on {VOXELS} voxels per diameter:\n\n" + table(
        ("", "ms per cell", "solid FEM takes so many times as long"), rows
    )
