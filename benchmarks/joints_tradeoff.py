"""Error of C over processor time: beams, joint models, and the solid reference on several grids.

On the test lattices with labels on 20 voxels per diameter whose grids are the smallest, that is the
denser ones. Solvers are timed lattice by lattice, models in one batch on the compiled path.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from beam_paths import KERNEL, in_turns, on
from solid_report import table

from data.datasets.file import read_dataset
from fem_reference.beam.homogenise import homogenise_beam
from fem_reference.solid.homogenise import homogenise_solid
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.surrogate.surrogate import Surrogate
from lattice_gnn.tensors.metrics import relative_frobenius

LABELS = Path(__file__).parents[1] / "data" / "solid_set" / "fine_test.h5"
CELLS = 8
GRIDS = (4, 6, 8, 12, 16)  #: voxels per diameter
RIGID = 0.365  #: rigid length of strut ends over their radius, see ``joints.py``
LONGEST = 0.4  #: of a strut's length, at most, at either end
COPIES = 8  #: of every lattice in the batch of a model


@dataclass(frozen=True)
class Point:
    """A method.

    Attributes:
        name: What it is.
        seconds: Processor time per lattice.
        errors: Relative Frobenius errors of C, one per lattice.
    """

    name: str
    seconds: float
    errors: np.ndarray


def measure(network: Surrogate, linear: Surrogate | None) -> list[Point]:
    """Measure all methods on the same lattices."""
    batch, lattices, reference = cheapest(CELLS)
    arms = torch.minimum(
        RIGID * torch.stack([batch.radii, batch.end_radii], 1), LONGEST * batch.lengths[:, None]
    )
    ways: dict[str, Callable[[LatticeBatch], torch.Tensor]] = {
        "beam": lambda b: homogenise_beam(b).stiffness.mandel,
        "Timoshenko beam": lambda b: homogenise_beam(b, element="timoshenko").stiffness.mandel,
        "rigid ends": lambda b: (
            homogenise_beam(b, rigid_ends=arms.repeat(len(b) // len(batch), 1)).stiffness.mandel
        ),
        "joint network": network.model.stiffness,
    }
    if linear is not None:
        ways["linear joint model"] = linear.model.stiffness
    many = batch.select(torch.arange(CELLS).repeat(COPIES))
    with torch.no_grad():
        timings = in_turns({name: on(KERNEL, lambda f=f: f(many)) for name, f in ways.items()}, 5)
        points = [
            Point(name, timings[name]["cpu_s"] / len(many), errors(way(batch), reference))
            for name, way in ways.items()
        ]
    return points + [solid(lattices, voxels, reference) for voxels in GRIDS]


def cheapest(count: int) -> tuple[LatticeBatch, list[Lattice], torch.Tensor]:
    """Return the test lattices with the smallest grids on 20 voxels, and their labels."""
    dataset = read_dataset(LABELS)
    batch, C = dataset.labelled("solid", np.flatnonzero(dataset.labels["solid"].mask))
    thin = torch.full((len(batch),), torch.inf, dtype=torch.float64)
    thin = thin.scatter_reduce(0, batch.strut_lattice, batch.radii, "amin")
    chosen = (batch.volumes / thin**3).argsort()[:count]
    part = batch.select(chosen)
    return part, part.to_lattices(), C[chosen]


def solid(lattices: list[Lattice], voxels: int, reference: torch.Tensor) -> Point:
    """Run the solid reference on one grid."""
    start = time.process_time()
    C = [homogenise_solid(x, voxels_per_diameter=voxels).stiffness.mandel for x in lattices]
    seconds = (time.process_time() - start) / len(lattices)
    return Point(f"solid, {voxels}", seconds, errors(torch.cat(C), reference))


def errors(C: torch.Tensor, reference: torch.Tensor) -> np.ndarray:
    """Return the relative Frobenius errors."""
    found: np.ndarray = relative_frobenius(C, reference).numpy()
    return found


def tradeoff_table(points: list[Point]) -> str:
    """Return processor time and errors of all methods."""
    rows = [
        (p.name, f"{1e3 * p.seconds:.3g}", f"{100 * np.median(p.errors):.2f}",
         f"{100 * p.errors.max():.2f}")
        for p in points
    ]  # fmt: skip
    heads = ("method", "ms per lattice", "median error, %", "largest error, %")
    return (
        f"{len(points[0].errors)} test lattices, errors against labels on 20 voxels per diameter, "
        f"processor time on {torch.get_num_threads()} thread:\n\n" + table(heads, rows)
    )


def draw_tradeoff(points: list[Point], path: Path) -> None:
    """Draw the median error over processor time; bars reach from the smallest to the largest."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    for point in points:
        solid_fem, model = point.name.startswith("solid"), "joint" in point.name
        colour = "tab:red" if solid_fem else "tab:blue" if model else "0.4"
        low, middle, high = (100 * np.quantile(point.errors, q) for q in (0, 0.5, 1))
        bars = [[middle - low], [high - middle]]
        time_ms = 1e3 * point.seconds
        axes.errorbar(time_ms, middle, bars, fmt="o", color=colour, ms=5, lw=1, capsize=2)
        axes.annotate(point.name, (time_ms, middle), (6, 4), textcoords="offset points", fontsize=8)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("processor time per lattice, ms")
    axes.set_ylabel("|C - C_solid| / |C_solid|, %")
    figure.savefig(path, dpi=110)
