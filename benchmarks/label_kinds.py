"""Numbers of lattices of rare kinds in each solid label set.

    python benchmarks/label_kinds.py DATASET DATASET... [--update-docs]

Datasets with labels of the kind "solid"; only labelled lattices count. ``--update-docs`` writes the
table into ``docs/data.md``.
"""

import numpy as np
from dataset_page import run
from pages import table

from data.datasets.dataset import Dataset
from data.populations.nets import smallest_angle


def kinds(dataset: Dataset) -> dict[str, int]:
    """Count the labelled lattices by kind; a lattice may belong to several kinds."""
    dataset = dataset.with_label("solid")
    lattices = dataset.lattices(range(len(dataset)))
    angles = np.array([smallest_angle(x.struts, x.strut_vectors) for x in lattices])
    valence = np.array([np.bincount(x.struts.ravel()).max() for x in lattices])
    density = 100 * dataset.to_batch().relative_density.numpy()
    radii, moduli = (ratios(dataset, x) for x in (dataset.radii, dataset.section("E")))
    detail = dataset.labels["solid"].detail
    near = (detail("unresolved_gap") > 0) | (detail("clearance") < 0.7)
    found = {
        "labelled lattices": np.ones(len(dataset)),
        "smallest angle below 40 degrees": angles < 40,
        "below 30 degrees": angles < 30,
        "10 or more struts at a joint": valence >= 10,
        "12 or more": valence >= 12,
        "radii 1.1 to 2.5 times one another": (radii > 1.1) & (radii <= 2.5),
        "more than 2.5 times": radii > 2.5,
        "relative density below 2 %": density < 2,
        "15 to 30 %": (density >= 15) & (density < 30),
        "30 % and more": density >= 30,
        "struts touch without a joint": detail("touching") > 0,
        "nearly: a gap below 0.7 radii, or below two coarse voxels": near
        & ~(detail("touching") > 0),
        "Poisson's ratio other than 0.3": dataset.poisson != 0.3,
        "moduli more than 1.5 times one another": moduli > 1.5,
    }
    return {kind: int(np.sum(which)) for kind, which in found.items()} | {
        "bases": len(dataset.bases),
        "nets": len(np.unique(dataset.bases.nets)),
    }


def ratios(dataset: Dataset, values: np.ndarray) -> np.ndarray:
    """Return the largest over the smallest value among the struts of each lattice."""
    first = dataset.strut_offsets[:-1]
    return np.maximum.reduceat(values, first) / np.minimum.reduceat(values, first)


def report(datasets: dict[str, Dataset]) -> str:
    """Return the table: a row per kind, a column per file."""
    columns = [kinds(dataset) for dataset in datasets.values()]
    rows = [(kind, *(f"{column[kind]:,}" for column in columns)) for kind in columns[0]]
    return table(("kind", *(f"`{name}`" for name in datasets)), rows)


def main() -> None:
    """Print the table, and write it into the docs."""
    run(
        __doc__.splitlines()[0],
        "kinds",
        lambda sets: report({path.name: dataset for path, dataset in sets.items()}),
    )


if __name__ == "__main__":
    main()
