"""Statistics of a set of solid labels, and the differences of beam theory from them.

    python benchmarks/solid_labels.py DATASET [TESTSET] [--update-docs]

Datasets with labels of the kinds "beam" and "solid". Prints what each holds, the difference of
beams from solids by density and class of lattice (both sets together), and how it grows with r/L.
``--update-docs`` writes that and a picture into ``docs/solid-reference.md``.
"""

import argparse
import sys
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np
from pages import DOCS, Row, table, write_section
from scipy.stats import spearmanr

from data.datasets.dataset import Dataset
from data.datasets.file import read_dataset
from lattice_gnn.errors import LatticeGnnError
from viz.solid import BeamSolidMap, draw_beam_solid_map

CLASSES = ("up to 4 struts per node", "between 4 and 6", "6 or more")
CONTACT = "struts touch, or nearly"
EDGES = (0.0, 0.03, 0.05, 0.1, 0.2, np.inf)  #: bounds of the ranges of relative density
IMAGE = "images/solid-beam-map.png"
Columns = dict[str, np.ndarray]
"""Values by name, one per lattice."""


def census(sets: dict[str, Dataset]) -> str:
    """Return a table of the number of labels, their kinds, and their estimated errors."""
    rows = []
    for name, dataset in sets.items():
        part = dataset.select(np.flatnonzero(dataset.labels["solid"].mask))
        detail = part.labels["solid"].detail
        density = 100 * part.to_batch().relative_density.numpy()
        rows.append((
            name, f"{len(part):,}", f"{len(part.bases):,}",
            f"{density.min():.2g} to {density.max():.2g}",
            *(f"{100 * detail(key).mean():.1f}" for key in ("touching", "unresolved_gap")),
            *(spread(100 * detail(key), "{:.2g}") for key in ("error", "softest_error")),
            spread(detail("nodes"), "{:,.0f}"), spread(detail("voxels_per_diameter"), "{:.1f}"),
        ))  # fmt: skip
    heads = (
        "set", "lattices", "bases", "relative density, %", "struts touch, %", "nearly, %",
        "stated error of C, %", "of the softest eigenvalue, %", "nodes", "voxels per diameter",
    )  # fmt: skip
    return f"Medians, with the 90th percentile in brackets:\n\n{table(heads, rows)}"


def spread(values: np.ndarray, form: str) -> str:
    """Format median and 90th percentile."""
    return f"{form.format(np.median(values))} ({form.format(np.quantile(values, 0.9))})"


def compare(dataset: Dataset) -> Columns:
    """Compare beams with solids, for the lattices that have both labels.

    ``copies`` is the same number for lattices that differ in density alone.

    Raises:
        LatticeGnnError: If one of the kinds is missing, or no lattice has both.
    """
    everything = np.arange(len(dataset))
    finite = [np.isfinite(dataset.stiffness(kind, everything)) for kind in ("beam", "solid")]
    chosen = np.flatnonzero(np.logical_and(*finite).all((1, 2)))
    if len(chosen) == 0:
        raise LatticeGnnError("dataset: no lattice has labels of both kinds, beam and solid.")
    beam, solid = (dataset.stiffness(kind, chosen) for kind in ("beam", "solid"))
    soft, soft_solid = (np.linalg.eigvalsh(C)[:, 0] for C in (beam, solid))
    batch = dataset.to_batch(chosen).simplified()
    offsets = batch.strut_offsets.numpy()
    ratio = (batch.radii / batch.lengths).numpy()
    detail = dataset.labels["solid"].select(chosen).detail
    copies = np.column_stack([dataset.base, np.nan_to_num(dataset.levels)])[chosen]
    return {
        "relative_density": batch.relative_density.numpy(),
        "slenderness": np.maximum.reduceat(ratio, offsets[:-1]),
        "difference": np.linalg.norm(beam - solid, axis=(1, 2))
        / np.linalg.norm(solid, axis=(1, 2)),
        "softest_ratio": soft / soft_solid,
        "struts_at_node": 2 * np.diff(offsets) / np.diff(batch.node_offsets.numpy()),
        "contact": (detail("touching") > 0) | (detail("unresolved_gap") > 0),
        "copies": np.unique(copies, axis=0, return_inverse=True)[1].ravel(),
    }


def joined(parts: Iterable[Columns]) -> Columns:
    """Concatenate sets; copies of one lattice are never in two sets."""
    parts = list(parts)
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    number = np.repeat(np.arange(len(parts)), [len(part["copies"]) for part in parts])
    columns["copies"] = columns["copies"] * len(parts) + number
    return columns


def groups(struts_at_node: np.ndarray) -> np.ndarray:
    """Return the index of the class in ``CLASSES``."""
    return (struts_at_node > 4).astype(int) + (struts_at_node >= 6)


def members(values: Columns) -> dict[str, np.ndarray]:
    """Return which lattices belong to each class; those with contact form a separate class."""
    group, contact = groups(values["struts_at_node"]), values["contact"]
    found = {name: (group == number) & ~contact for number, name in enumerate(CLASSES)}
    return {**found, CONTACT: contact}


def by_density(values: Columns) -> str:
    """Tabulate the difference of C and the ratio of the softest eigenvalue by density."""
    rows: list[Row] = []
    density = values["relative_density"]
    for low, high in pairwise(EDGES):
        title = f"{100 * low:.0f} to {100 * high:.0f}" if high < 1 else f"{100 * low:.0f} and more"
        for name, belongs in members(values).items():
            chosen = belongs & (density >= low) & (density < high)
            if chosen.any():
                p10, p50, p90 = np.quantile(values["softest_ratio"][chosen], (0.1, 0.5, 0.9))
                difference = spread(100 * values["difference"][chosen], "{:.1f}")
                ratio = f"{p50:.2f} ({p10:.2f} to {p90:.2f})"
                rows.append((title, name, f"{chosen.sum():,}", difference, ratio))
    heads = (
        "relative density, %", "class", "lattices", "difference of C, %: median (p90)",
        "softest eigenvalue, beam over solid: median (p10 to p90)",
    )  # fmt: skip
    return table(heads, rows)


def growth(values: Columns) -> str:
    """Tabulate the dependence of the difference on r/L and density."""
    rows = []
    for name, chosen in {**members(values), "all without contact": ~values["contact"]}.items():
        x, y = (np.log(values[key][chosen]) for key in ("slenderness", "difference"))
        lattices, power = power_within(values["copies"][chosen], x, y)
        density = values["relative_density"][chosen]
        rows.append((
            name, f"{len(y):,}", rank_correlation(x, y), rank_correlation(density, y),
            f"{lattices:,}", f"{power:.2f}" if lattices else "-",
        ))  # fmt: skip
    heads = (
        "class", "lattices", "rank correlation with r/L", "with density",
        "shapes at several densities", "power of r/L",
    )  # fmt: skip
    return table(heads, rows)


def rank_correlation(x: np.ndarray, y: np.ndarray) -> str:
    """Return Spearman's rank correlation, if there are enough values."""
    return f"{spearmanr(x, y).statistic:.2f}" if len(x) > 2 else "-"


def power_within(copies: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[int, float]:
    """Fit the least-squares slope of y over x with a separate intercept per group of copies.

    Returns:
        Number of groups that contribute, and the slope; NaN if there are none.
    """
    _, number, size = np.unique(copies, return_inverse=True, return_counts=True)
    x, y = (column - (np.bincount(number, column) / size)[number] for column in (x, y))
    apart = np.bincount(number, x**2) > 1e-9
    return int(apart.sum()), float((x * y).sum() / (x**2).sum()) if apart.any() else np.nan


def report(sets: dict[str, Dataset], picture: Path | None = None) -> str:
    """Return all tables, and draw the figure if a path is given."""
    values = joined([compare(dataset) for dataset in sets.values()])
    plain = ~values["contact"]
    per_slenderness = values["difference"] / values["slenderness"]
    text = [
        census(sets),
        "Differences are |C_beam - C_solid| / |C_solid| (Frobenius):",
        by_density(values),
        "How the difference grows, with r/L that of the strut where it is largest. The power is "
        "fitted within the copies of a lattice that differ in density alone:",
        growth(values),
        "The rank correlation of the mean number of struts per node with the difference over "
        f"r/L is {rank_correlation(values['struts_at_node'][plain], per_slenderness[plain])} "
        "without the lattices with contact.",
    ]
    if picture is not None:
        draw(picture, values)
        text.append(f"![Difference of beams from solids]({IMAGE})")
    return "\n\n".join(text)


def draw(picture: Path, values: Columns) -> None:
    """Draw the figure of the docs."""
    names = ("relative_density", "slenderness", "difference", "softest_ratio", "contact")
    columns = {name: values[name] for name in names}
    group = groups(values["struts_at_node"])
    draw_beam_solid_map(picture, BeamSolidMap(**columns, group=group, classes=CLASSES))


def main() -> None:
    """Print the tables, and write them into the docs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("testset", type=Path, nargs="?")
    parser.add_argument("--update-docs", action="store_true")
    arguments = parser.parse_args()
    paths = [path for path in (arguments.dataset, arguments.testset) if path is not None]
    try:
        names = ("labels", "test set")
        sets = {name: read_dataset(path) for name, path in zip(names, paths, strict=False)}
        text = report(sets, DOCS / IMAGE if arguments.update_docs else None)
    except LatticeGnnError as error:
        parser.error(str(error))
    sys.stdout.write(f"{text}\n")
    if arguments.update_docs:
        write_section("labels", text, DOCS / "solid-reference.md")


if __name__ == "__main__":
    main()
