"""Error of C over processor time: beams, joint models, and the solid reference on several grids.

On the test lattices without contact with labels on 20 voxels per diameter whose grids are the
smallest, that is the denser ones. The solid reference is timed lattice by lattice, all else in one
batch on the compiled path.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from beam_paths import KERNEL, in_turns, on
from pages import table
from rigid_ends import fitted_length, with_rigid_ends

from data.datasets.file import read_dataset
from fem_reference.beam.homogenise import homogenise_beam
from fem_reference.solid.homogenise import homogenise_solid
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.surrogate.surrogate import Surrogate
from lattice_gnn.tensors.metrics import relative_frobenius
from viz.style import MARKERS, PALETTE, new_figure, save_figure, tidy

LABELS = Path(__file__).parents[1] / "data" / "solid_set" / "fine_test.h5"
CELLS = 8
GRIDS = (4, 6, 8, 12, 16)  #: voxels per diameter
_LEFT = ("Timoshenko", "linear joint model")  #: methods named to the left of their points
COPIES = 8  #: of every lattice in the batch of a model


@dataclass(frozen=True)
class Point:
    """A method.

    Attributes:
        name: What it is.
        seconds: Processor time per lattice.
        errors: Relative Frobenius errors of C, one per lattice; NaN where it refuses to answer.
    """

    name: str
    seconds: float
    errors: np.ndarray


def measure(network: Surrogate, linear: Surrogate | None) -> list[Point]:
    """Measure all methods on the same lattices."""
    batch, lattices, reference = cheapest(CELLS)
    ways: dict[str, Callable[[LatticeBatch], torch.Tensor]] = {
        "beam": lambda b: homogenise_beam(b).stiffness.mandel,
        "Timoshenko": lambda b: homogenise_beam(b, element="timoshenko").stiffness.mandel,
        "rigid ends": with_rigid_ends,
        "joint network": network.model.stiffness,
    }
    if linear is not None:
        ways["linear joint model"] = linear.model.stiffness
    fitted_length()  # once, before the clock starts
    many = batch.select(np.tile(np.arange(CELLS), COPIES))
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
    label = dataset.labels["solid"]
    contact = (label.detail("touching") > 0) | (label.detail("unresolved_gap") > 0)
    batch, C = dataset.labelled("solid", np.flatnonzero(label.mask & ~contact))
    thin = torch.full((len(batch),), torch.inf, dtype=torch.float64)
    thin = thin.scatter_reduce(0, batch.strut_lattice, batch.radii, "amin")
    chosen = (batch.volumes / thin**3).argsort()[:count].numpy()
    part = batch.select(chosen)
    return part, part.to_lattices(), C[chosen]


def solid(lattices: list[Lattice], voxels: int, reference: torch.Tensor) -> Point:
    """Run the solid reference on one grid."""
    start = time.process_time()
    C = torch.full((len(lattices), 6, 6), torch.nan, dtype=torch.float64)
    for k, lattice in enumerate(lattices):
        with suppress(LatticeGnnError):  # two grids too coarse to be extrapolated
            C[k] = homogenise_solid(lattice, voxels_per_diameter=voxels).stiffness.mandel
    seconds = (time.process_time() - start) / len(lattices)
    return Point(f"solid, {voxels}", seconds, errors(C, reference))


def errors(C: torch.Tensor, reference: torch.Tensor) -> np.ndarray:
    """Return the relative Frobenius errors."""
    found: np.ndarray = relative_frobenius(C, reference).numpy()
    return found


def tradeoff_table(points: list[Point]) -> str:
    """Return processor time and errors of all methods."""
    rows = []
    for point in points:
        known = 100 * point.errors[np.isfinite(point.errors)]
        cells = f"{1e3 * point.seconds:.3g}", f"{np.median(known):.2f}", f"{known.max():.2f}"
        rows.append((point.name, *cells, f"{len(point.errors) - len(known)}"))
    heads = ("method", "ms per lattice", "median error, %", "largest error, %", "refused")
    return (
        f"{len(points[0].errors)} test lattices, errors against labels on 20 voxels per diameter, "
        f"processor time on {torch.get_num_threads()} thread:\n\n" + table(heads, rows)
    )


def draw_tradeoff(points: list[Point], path: Path) -> None:
    """Draw the median error over processor time; bars reach from the smallest to the largest."""
    figure = new_figure(7.0, 4.0)
    axes = figure.add_subplot()
    groups = {
        "beams": [p for p in points if "solid" not in p.name and "joint" not in p.name],
        "joint models": [p for p in points if "joint" in p.name],
        "solid FEM, voxels per diameter": [p for p in points if p.name.startswith("solid")],
    }
    for (title, group), colour, marker in zip(groups.items(), PALETTE, MARKERS, strict=False):
        times = [1e3 * point.seconds for point in group]
        low, middle, high = (
            np.array([100 * np.nanquantile(point.errors, q) for point in group])
            for q in (0, 0.5, 1)
        )
        axes.errorbar(
            times, middle, [middle - low, high - middle], label=title,
            color=colour, fmt=marker, markersize=5, linewidth=1, capsize=2,
        )  # fmt: skip
        for point, time_ms, error in zip(group, times, middle, strict=True):
            left = point.name in _LEFT
            axes.annotate(
                point.name.removeprefix("solid, "), (time_ms, error), (-6 if left else 6, 4),
                textcoords="offset points", fontsize=8, ha="right" if left else "left",
            )  # fmt: skip
    axes.set(xscale="log", yscale="log", ylabel="error of C, %")
    axes.margins(x=0.2)
    axes.set_xlabel("processor time per lattice, ms")
    axes.legend(frameon=False, fontsize=8)
    tidy(axes)
    save_figure(figure, path)
