"""Report on the quality of the solid labels of a dataset."""

from pathlib import Path

import numpy as np

from data.datasets.dataset import Dataset, Label
from data.labelling.solid import SOLID
from lattice_gnn.reports.dataset import MedianAndP90, SolidLabelReport


def solid_label_report(dataset: Dataset, file: Path) -> SolidLabelReport:
    """Describe all solid labels of a dataset, and why its last labelling run left some out."""
    label = dataset.labels[SOLID]
    return SolidLabelReport(
        file=str(file),
        lattices=len(dataset),
        labelled=int(label.mask.sum()),
        touching=int(np.nansum(label.detail("touching"))),
        unresolved_gap=int(np.nansum(label.detail("unresolved_gap"))),
        error=_spread(label, "error"),
        softest_error=_spread(label, "softest_error"),
        nodes=_spread(label, "nodes"),
        refused=refused(dataset),
    )


def refused(dataset: Dataset) -> dict[str, str]:
    """Return why the last labelling run gave lattices no label, by name and density."""
    return dict(dataset.provenance[-1]["refused"])


def _spread(label: Label, detail: str) -> MedianAndP90:
    median, p90 = np.percentile(label.detail(detail)[label.mask], (50, 90)).tolist()
    return MedianAndP90(median, p90)
