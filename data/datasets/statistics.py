"""What is in a dataset: counts, and the distributions of size, density, shape and stiffness."""

from typing import Any

import numpy as np
from jaxtyping import Float

from data.datasets.dataset import Dataset
from data.populations.space_groups import SYSTEMS, crystal_system


def describe(dataset: Dataset) -> dict[str, Any]:
    """Statistics of the population, in plain values.

    Nodes, struts and connectivity are those of the bases (of the first lattice of each); density,
    slenderness and stiffness those of all lattices. ``C`` is the mean eigenvalue of C / E_s over
    the relative density (1/6 where every strut stretches affinely and bending adds nothing);
    ``anisotropy`` is the ratio of the largest to the smallest eigenvalue.
    """
    values = population_values(dataset)
    numbers = dataset.bases.space_groups.tolist()
    systems = [crystal_system(n) if n else "unknown" for n in numbers]
    return {
        "lattices": len(dataset),
        "bases": len(dataset.bases),
        "nets": len(np.unique(dataset.bases.nets)),
        "space_groups": len(set(numbers)),
        "systems": {s: systems.count(s) for s in (*SYSTEMS, "unknown") if s in systems},
        "levels": np.unique(dataset.levels).tolist(),
        "labels": {
            kind: {
                "count": int(label.mask.sum()),
                "method": label.method,
                "error": label.error,
            }
            for kind, label in dataset.labels.items()
        },
        **{name: _summary(column) for name, column in values.items()},
    }


def population_values(dataset: Dataset) -> dict[str, Float[np.ndarray, " values"]]:
    """The quantities behind the statistics, under the same names."""
    _, first = np.unique(dataset.base, return_index=True)
    nodes, struts = (np.diff(x) for x in (dataset.node_offsets, dataset.strut_offsets))
    batch = dataset.to_batch()
    ratio = np.maximum(batch.radii.numpy(), batch.end_radii.numpy()) / batch.lengths.numpy()
    density = batch.relative_density.numpy()
    values = {
        "nodes": nodes[first].astype(float),
        "struts": struts[first].astype(float),
        "connectivity": 2 * struts[first] / nodes[first],
        "relative_density": density,
        "slenderness": np.maximum.reduceat(ratio, dataset.strut_offsets[:-1]),
    }
    for kind, label in dataset.labels.items():
        eigenvalues = np.linalg.eigvalsh(dataset.stiffness(kind, np.flatnonzero(label.mask)))
        if len(eigenvalues):
            values[f"{kind}.C"] = eigenvalues.mean(1) / density[label.mask]
            values[f"{kind}.anisotropy"] = eigenvalues[:, -1] / np.maximum(
                eigenvalues[:, 0], 1e-300
            )
    return values


def _summary(values: Float[np.ndarray, " values"]) -> dict[str, float]:
    low, p10, median, p90, high = np.percentile(values, (0, 10, 50, 90, 100))
    named = {"min": low, "p10": p10, "median": median, "mean": values.mean()}
    return {k: float(v) for k, v in {**named, "p90": p90, "max": high}.items()}
