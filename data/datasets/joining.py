"""Joining datasets: by concatenation, or merging equal lattices."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from data.datasets.dataset import (
    SECTIONS,
    Bases,
    Dataset,
    Label,
    lattice_digests,
)
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.tensors.notation import symmetric_from_upper

_SAME_LABEL = 1e-6  #: relative difference up to which labels of one lattice count as equal
_SAME_SHARE = (
    0.01  #: likewise for any strain energy, as a share of the error that their method claims
)


def concatenate(parts: Sequence[Dataset], *, one_method: bool = True) -> Dataset:
    """Concatenate datasets; their bases are taken to be different.

    Lattices of a part without some kind of label have none in the result; equal provenances are
    kept once.

    Args:
        parts: The datasets.
        one_method: Whether all labels of one kind must come from one method.

    Raises:
        LatticeGnnError: If there are no datasets, or labels of one kind come from different
            methods.
    """
    if not parts:
        raise LatticeGnnError("dataset: expected at least one dataset to join.")

    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part in parts])

    def chained(name: str) -> np.ndarray:
        counts = np.concatenate([np.diff(getattr(part, name)) for part in parts])
        return np.concatenate([[0], np.cumsum(counts)])

    firsts = np.cumsum([0] + [len(part.bases) for part in parts[:-1]])
    numbered = [part.base + first for part, first in zip(parts, firsts, strict=True)]
    provenance: list[Mapping[str, Any]] = []
    for part in parts:
        provenance += [source for source in part.provenance if source not in provenance]
    names = ("cells", "nodes", "struts", "shifts", "radii", "poisson", "levels")
    kinds = sorted({kind for part in parts for kind in part.labels})
    columns = [name for name in SECTIONS if any(name in part.sections for part in parts)]
    bases = (np.concatenate([getattr(p.bases, n) for p in parts]) for n in Bases.__slots__)
    return Dataset(
        **{name: joined(name) for name in names},
        node_offsets=chained("node_offsets"),
        strut_offsets=chained("strut_offsets"),
        base=np.concatenate(numbered).astype(np.int32),
        bases=Bases(*bases),
        sections={n: np.concatenate([part.section(n) for part in parts]) for n in columns},
        labels={kind: joined_label(parts, kind, one_method=one_method) for kind in kinds},
        provenance=tuple(provenance),
    )


def joined_label(parts: Sequence[Dataset], kind: str, *, one_method: bool = True) -> Label:
    """Concatenate the labels of one kind, which some parts, but not all, may lack.

    Raises:
        LatticeGnnError: If they come from different methods.
    """
    labels = [
        part.labels.get(kind)
        or Label(np.full((len(part), 21), np.nan), np.zeros(len(part), dtype=bool), "", 0.0)
        for part in parts
    ]
    methods = sorted({label.method for label in labels if label.method})
    if len(methods) > 1 and one_method:
        raise LatticeGnnError(
            f"labels {kind!r}: made by different methods ({'; '.join(methods)}); "
            "rename one of the kinds."
        )
    details = {
        name: np.concatenate([label.detail(name) for label in labels])
        for name in sorted({name for label in labels for name in label.details})
    }
    return Label(
        np.concatenate([label.stiffness for label in labels]),
        np.concatenate([label.mask for label in labels]),
        "; ".join(methods),
        _claimed(labels, details),
        details,
    )


def _claimed(labels: Sequence[Label], details: Mapping[str, np.ndarray]) -> float:
    """Return the error that the method claims: the median of its estimates, if it has any."""
    known = details["error"][np.isfinite(details["error"])] if "error" in details else np.empty(0)
    return float(np.median(known)) if len(known) else max(label.error for label in labels)


def merge_datasets(parts: Sequence[Dataset]) -> Dataset:
    """Merge datasets: equal bases become one, and equal lattices one with all their labels.

    Raises:
        LatticeGnnError: If there are no datasets, methods differ, or one lattice has two different
            labels of one kind.
    """
    joined = concatenate(parts)
    _, first, number = np.unique(joined.bases.shapes, return_index=True, return_inverse=True)
    joined = replace(joined, base=first[number][joined.base].astype(np.int32))
    _, keep, twin = np.unique(lattice_digests(joined), return_index=True, return_inverse=True)
    labels = {kind: _merged_label(kind, label, keep, twin) for kind, label in joined.labels.items()}
    return replace(joined, labels=labels).select(np.sort(keep))


def _merged_label(
    kind: str, label: Label, keep: Int[np.ndarray, " kept"], twin: Int[np.ndarray, " lattices"]
) -> Label:
    """Give every lattice that is kept the label of the first of its duplicates that has one."""
    stiffness, mask = label.stiffness.copy(), label.mask.copy()
    details = {name: column.copy() for name, column in label.details.items()}
    home = keep[twin]
    for k in np.flatnonzero(label.mask & (home != np.arange(len(home)))).tolist():
        kept = home[k]
        if not mask[kept]:
            stiffness[kept], mask[kept] = label.stiffness[k], True
            for column in details.values():
                column[kept] = column[k]
        elif not _agree(stiffness[kept], stiffness[k], _SAME_SHARE * label.error):
            raise LatticeGnnError(
                f"labels {kind!r}: lattices {kept} and {k} are equal and their labels are not; "
                "check both files."
            )
    return replace(label, stiffness=stiffness, mask=mask, details=details)


def _agree(first: Float[np.ndarray, " 21"], second: Float[np.ndarray, " 21"], share: float) -> bool:
    """Return whether all strain energies agree within a relative tolerance, up to rounding."""
    C, other = symmetric_from_upper(first), symmetric_from_upper(second)
    slack = share * C + _SAME_LABEL * np.linalg.norm(C) * np.eye(6)
    return all(np.linalg.eigvalsh(slack + x)[0] >= 0 for x in (other - C, C - other))
