"""Statistics of a dataset: counts, and distributions of size, density, shape and stiffness."""

import numpy as np
from jaxtyping import Float

from data.datasets.dataset import Dataset
from data.populations.space_groups import SYSTEMS, crystal_system
from lattice_gnn.reports.dataset import DatasetFacts, Distribution, LabelFacts


def describe(dataset: Dataset) -> DatasetFacts:
    """Return the statistics of the population."""
    values = population_values(dataset)
    spread = {name: _distribution(column) for name, column in values.items()}
    numbers = dataset.bases.space_groups.tolist()
    systems = [crystal_system(n) if n else "unknown" for n in numbers]
    return DatasetFacts(
        lattices=len(dataset),
        bases=len(dataset.bases),
        nets=len(np.unique(dataset.bases.nets)),
        space_groups=len({n for n in numbers if n}),  # 0: unknown
        systems={s: systems.count(s) for s in (*SYSTEMS, "unknown") if s in systems},
        levels=tuple(np.unique(dataset.levels).tolist()),
        labels={
            kind: LabelFacts(
                count=int(label.mask.sum()),
                method=label.method,
                error=float(label.error),
                C=spread.get(f"{kind}.C"),
                anisotropy=spread.get(f"{kind}.anisotropy"),
            )
            for kind, label in dataset.labels.items()
        },
        nodes=spread["nodes"],
        struts=spread["struts"],
        connectivity=spread["connectivity"],
        relative_density=spread["relative_density"],
        slenderness=spread["slenderness"],
    )


def population_values(dataset: Dataset) -> dict[str, Float[np.ndarray, " values"]]:
    """Return the quantities behind the statistics; ``KIND.C`` and ``KIND.anisotropy`` of labels."""
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


def _distribution(values: Float[np.ndarray, " values"]) -> Distribution:
    low, p10, median, p90, high = np.percentile(values, (0, 10, 50, 90, 100)).tolist()
    return Distribution(low, p10, median, float(values.mean()), p90, high)
