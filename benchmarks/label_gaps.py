"""Unresolved gaps of solid labels, examined again for all pairs of struts.

    python benchmarks/label_gaps.py DATASET...               # how many labels have one
    python benchmarks/label_gaps.py DATASET... --correct     # and writes what is wrong in a file

The first labels looked at the smallest gap alone, so that a gap went unnoticed where other
struts touch, and did not double the error estimates of labels with an unresolved gap. ``--correct``
sets the flag and doubles the estimates of all labels of a file that has not been corrected yet; its
provenance says so afterwards.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from data.datasets.dataset import Dataset
from data.datasets.file import read_dataset, write_dataset
from fem_reference.solid.grid import thinnest
from fem_reference.solid.homogenise import UNRESOLVED, is_unresolved
from lattice_gnn.errors import LatticeGnnError

NOTE = "unresolved_gap of all pairs of struts; error and softest_error doubled where it is set"


def flags(dataset: Dataset) -> np.ndarray:
    """Return, for each lattice, whether its label has an unresolved gap; NaN if unknown."""
    voxels = dataset.labels["solid"].detail("voxels_per_diameter")
    found = np.full(len(dataset), np.nan)
    for k in np.flatnonzero(dataset.labels["solid"].mask).tolist():
        (lattice,) = dataset.lattices([k])
        try:
            clearance = lattice.clearance()
        except LatticeGnnError:
            continue
        found[k] = is_unresolved(clearance, 2 * thinnest(lattice) / float(voxels[k]))
    return found


def corrected(dataset: Dataset) -> Dataset:
    """Return the dataset with its flags set and its estimates doubled where they are.

    In a dataset that was corrected before, only labels with a wrong flag are corrected.
    """
    before = any(run.get("gaps") == NOTE for run in dataset.provenance)
    label, found = dataset.labels["solid"], flags(dataset)
    wrong = (found == 1) != (label.detail("unresolved_gap") == 1)
    if before and not wrong.any():
        return dataset
    double = (found == 1) & (wrong | (not before))
    details = {
        **label.details,
        "unresolved_gap": found,
        **{
            k: np.where(double, UNRESOLVED, 1) * label.detail(k) for k in ("error", "softest_error")
        },
    }
    run = {"generator": "benchmarks.label_gaps", "gaps": NOTE, "flags_changed": int(wrong.sum())}
    return replace(
        dataset,
        labels={**dataset.labels, "solid": replace(label, details=details)},
        provenance=(*dataset.provenance, run),
    )


def main() -> None:
    """Count unresolved gaps; correct the files on request."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("datasets", type=Path, nargs="+", metavar="DATASET")
    parser.add_argument("--correct", action="store_true", help="write the corrected files")
    arguments = parser.parse_args()
    for path in arguments.datasets:
        dataset = read_dataset(path)
        if arguments.correct:
            dataset = corrected(dataset)
            write_dataset(path, dataset, compressed=True)
        flagged, found = dataset.labels["solid"].detail("unresolved_gap"), flags(dataset)
        wrong = int(((flagged == 1) != (found == 1)).sum())
        sys.stdout.write(
            f"{path}: {int((found == 1).sum())} unresolved gaps, {wrong} flags wrong\n"
        )


if __name__ == "__main__":
    main()
