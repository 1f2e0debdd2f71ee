"""Differences between solid labels of the same lattices on grids of several resolutions.

    python benchmarks/label_noise.py DATASET DATASET... [--update-docs]

Datasets with labels of the kind "solid". Every two that share lattices are compared, the coarser
against the finer: difference of C (Frobenius), of the mean eigenvalue and of the smallest one; the
slope s of ``data/datasets/grid_bias.py``.
``--update-docs`` writes the table into ``docs/data.md``.
"""

import itertools

import numpy as np
from dataset_page import run
from pages import Row, table

from data.datasets.dataset import Dataset, lattice_digests
from data.datasets.grid_bias import FEWEST_TWINS, GridBias, twins
from data.datasets.joining import concatenate
from lattice_gnn.errors import LatticeGnnError

HEADS = (
    "voxels per diameter", "against", "lattices", "of them", "C, %: median (p90)",
    "mean eigenvalue, %: median", "softest eigenvalue, %: median", "its size, %: median (p90)",
    "stated error of the coarser, %: median", "slope s",
)  # fmt: skip
CONTACT = "with contact, or nearly"


def resolution(dataset: Dataset) -> float:
    """Return the requested voxels per diameter; grids are multiples of 8, hence slightly finer."""
    runs = [
        run["voxels_per_diameter"] for run in dataset.provenance if "voxels_per_diameter" in run
    ]
    if not runs:
        raise LatticeGnnError("dataset: its provenance gives no resolution of solid labels.")
    return float(min(runs))


def shared(coarse: Dataset, fine: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices, in each dataset, of the lattices labelled in both."""
    numbers = []
    for dataset in (coarse, fine):
        digests = lattice_digests(dataset).tolist()
        labelled = np.flatnonzero(dataset.labels["solid"].mask).tolist()
        numbers.append({digests[k]: k for k in labelled})
    both = [key for key in numbers[0] if key in numbers[1]]
    first, second = (np.array([of[key] for key in both], dtype=np.int64) for of in numbers)
    return first, second


def compare(coarse: Dataset, fine: Dataset) -> dict[str, np.ndarray]:
    """Return signed and absolute relative differences of the lattices labelled in both."""
    first, second = shared(coarse, fine)
    C, D = coarse.stiffness("solid", first), fine.stiffness("solid", second)
    detail = fine.labels["solid"].select(second).detail
    low, reference = np.linalg.eigvalsh(C), np.linalg.eigvalsh(D)
    return {
        "C": np.linalg.norm(C - D, axis=(1, 2)) / np.linalg.norm(D, axis=(1, 2)),
        "mean": low.mean(1) / reference.mean(1) - 1,
        "softest": low[:, 0] / reference[:, 0] - 1,
        "stated": coarse.labels["solid"].detail("error")[first],
        "contact": (detail("touching") > 0) | (detail("unresolved_gap") > 0),
    }


def report(datasets: list[Dataset]) -> str:
    """Return the table of all pairs."""
    rows: list[Row] = []
    for coarse, fine in itertools.combinations(sorted(datasets, key=resolution), 2):
        values = compare(coarse, fine)
        contact = values["contact"]
        for title, chosen in (("all", np.ones(len(contact), dtype=bool)), (CONTACT, contact)):
            if chosen.any() and resolution(coarse) < resolution(fine):
                found = {name: 100 * column[chosen] for name, column in values.items()}
                size = np.abs(found["softest"])
                rows.append((
                    f"{resolution(coarse):g}", f"{resolution(fine):g}", f"{chosen.sum()}", title,
                    spread(found["C"]), f"{np.median(found['mean']):+.2f}",
                    f"{np.median(found['softest']):+.2f}", spread(size),
                    f"{np.median(found['stated']):.2g}",
                    slope(coarse, fine) if title == "all" else "-",
                ))  # fmt: skip
    if not rows:
        raise LatticeGnnError("datasets: no two of them share lattices at different resolutions.")
    return table(HEADS, rows)


def slope(coarse: Dataset, fine: Dataset) -> str:
    """Format s of ``GridBias``, if enough lattices without contact have labels on both grids."""
    both = concatenate([coarse, fine], one_method=False)
    if len(twins(both, "solid")[0]) < FEWEST_TWINS:
        return "-"
    return f"{GridBias.fit(both).slope:.3f}"


def spread(values: np.ndarray) -> str:
    """Format median and 90th percentile."""
    return f"{np.median(values):.2f} ({np.quantile(values, 0.9):.2f})"


def main() -> None:
    """Print the table, and write it into the docs."""
    run(__doc__.splitlines()[0], "noise", lambda sets: report(list(sets.values())))


if __name__ == "__main__":
    main()
