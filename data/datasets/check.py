"""What is wrong with a dataset, what is in it, and putting several into one."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from data.datasets.dataset import Dataset, Label, symmetric
from data.datasets.joining import concatenate
from data.populations.space_groups import SYSTEMS, crystal_system
from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.checks import canonical_struts
from lattice_gnn.tensors.stiffness import Stiffness

_DETAILS = {
    "error": (0.0, np.inf),
    "softest_error": (0.0, np.inf),
    "volume_fraction": (0.0, 1.0),
    "touching": (0.0, 1.0),
    "unresolved_gap": (0.0, 1.0),
}
"""Limits of what a method says of its labels."""
_UNKNOWN = ("touching", "unresolved_gap")  #: details that may be missing for a labelled lattice
_SAME_LABEL = 1e-6  #: relative difference up to which labels of one lattice are taken for equal
_SAME_SHARE = 0.01  #: and, of any strain energy, this share of the error that their method claims
_VOIGT = 1e-6  #: of the solid's stiffness, by which a label may exceed the bound of Voigt
_INDEFINITE = -1e-10  #: smallest eigenvalue of a label over its largest
_CHUNK = 2048  #: lattices whose labels are looked at together


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check found.

    Attributes:
        problems: One sentence each; empty where all is well.
        relabelled: Number of lattices whose beam label was computed again.
        largest_difference: Largest relative Frobenius difference of these from what is stored.
    """

    problems: tuple[str, ...]
    relabelled: int
    largest_difference: float


def check_dataset(
    dataset: Dataset, *, spots: int = 20, seed: int = 0, tolerance: float = 1e-6
) -> CheckReport:
    """Look for NaN, impossible geometry, indefinite labels; label some lattices again by beam FEM.

    Args:
        dataset: The dataset.
        spots: How many lattices to label again.
        seed: Of the choice of these.
        tolerance: Relative Frobenius difference from the stored label that is admitted.
    """
    problems = _geometry_problems(dataset)
    for kind in dataset.labels:
        problems += _label_problems(dataset, kind)
    difference, count = 0.0, 0
    if not problems and "beam" in dataset.labels and spots > 0:
        labelled = np.flatnonzero(dataset.labels["beam"].mask)
        rng = np.random.default_rng(seed)
        chosen = np.sort(rng.choice(labelled, min(spots, len(labelled)), replace=False))
        count = len(chosen)
        if count:
            stored = dataset.stiffness("beam", chosen)
            again = homogenise_beam(dataset.to_batch(chosen)).stiffness.mandel.numpy()
            errors = np.linalg.norm(stored - again, axis=(1, 2))
            errors /= np.linalg.norm(again, axis=(1, 2))
            difference = float(errors.max())
            if difference > tolerance:
                worst = int(chosen[np.argmax(errors)])
                problems.append(
                    f"lattice {worst} ({dataset.name(worst)}): the beam label differs from a new "
                    f"one by {difference:.2g} (relative), expected at most {tolerance:g}."
                )
    return CheckReport(tuple(problems), count, difference)


def _geometry_problems(dataset: Dataset) -> list[str]:
    """Everything that would stop the lattices from being built."""
    strut_owner = np.repeat(np.arange(len(dataset)), np.diff(dataset.strut_offsets))
    node_owner = np.repeat(np.arange(len(dataset)), np.diff(dataset.node_offsets))
    found: list[str] = []

    def note(wrong: np.ndarray, owner: np.ndarray, what: str) -> None:
        bad = np.unique(owner[wrong])
        if len(bad):
            others = f" and {len(bad) - 1} others" if len(bad) > 1 else ""
            found.append(f"lattice {bad[0]} ({dataset.name(int(bad[0]))}){others}: {what}.")

    lattice = np.arange(len(dataset))
    volumes = np.abs(np.linalg.det(np.nan_to_num(dataset.cells)))
    flat = volumes <= 1e-12 * np.prod(np.linalg.norm(dataset.cells, axis=2), axis=1)
    note(~np.isfinite(dataset.cells).all((1, 2)) | flat, lattice, "the cell vectors span no space")
    note(~np.isfinite(dataset.nodes).all(1), node_owner, "a node's position is no finite number")
    note(~(dataset.radii > 0) | ~np.isfinite(dataset.radii), strut_owner, "a radius is not above 0")
    note(
        ~((dataset.poisson > -1) & (dataset.poisson < 0.5)),
        lattice,
        "Poisson's ratio is out of range",
    )
    for name, column in dataset.sections.items():
        low, high = {
            "end_radii": (0.0, np.inf),
            "inner_radii": (-1e-300, dataset.radii),
            "E": (0.0, np.inf),
            "nu": (-1.0, 0.5),
        }[name]
        note(~((column > low) & (column < high)), strut_owner, f"{name} is out of range")
    if not found:
        vectors = dataset.to_batch().strut_vectors().numpy()
        short = np.linalg.norm(vectors, axis=1) <= 1e-9 * np.cbrt(volumes)[strut_owner]
        note(short, strut_owner, "a strut has no length")
    rows = np.column_stack(
        [strut_owner, canonical_struts(dataset.struts.astype(int), dataset.shifts.astype(int))]
    )
    rows = rows[np.lexsort(rows.T[::-1])]
    twice = (rows[1:] == rows[:-1]).all(1)
    note(twice, rows[1:, 0], "a strut is stored twice")
    node_first = dataset.node_offsets[strut_owner]
    used = np.bincount((dataset.struts + node_first[:, None]).ravel(), minlength=len(dataset.nodes))
    note(used == 0, node_owner, "no strut ends at a node")
    return found


def _label_problems(dataset: Dataset, kind: str) -> list[str]:
    label = dataset.labels[kind]
    numbers = np.isfinite(label.stiffness).all(1)
    wrong = np.flatnonzero(label.mask & ~numbers)
    if len(wrong):
        return [f"labels {kind!r}: {len(wrong)} labels hold NaN, first that of lattice {wrong[0]}."]
    labelled = np.flatnonzero(label.mask)
    for start in range(0, len(labelled), _CHUNK):
        chosen = labelled[start : start + _CHUNK]
        eigenvalues = np.linalg.eigvalsh(dataset.stiffness(kind, chosen))
        bad = (eigenvalues[:, 0] < _INDEFINITE * eigenvalues[:, -1]) | (eigenvalues[:, -1] <= 0)
        if bad.any():
            worst = int(chosen[np.argmax(bad)])
            return [f"labels {kind!r}: that of lattice {worst} is not positive semi-definite."]
    return _detail_problems(dataset, kind)


def _detail_problems(dataset: Dataset, kind: str) -> list[str]:
    """Details that cannot be, and solids stiffer than their material side by side (Voigt)."""
    label = dataset.labels[kind]
    chosen = np.flatnonzero(label.mask)
    found = []
    for name, (low, high) in _DETAILS.items():
        if name in label.details:
            values = label.details[name][chosen]
            bad = ~((values >= low) & (values <= high) | np.isnan(values) & (name in _UNKNOWN))
            if bad.any():
                found.append(
                    f"labels {kind!r}: {name} of lattice {chosen[np.argmax(bad)]} is "
                    f"{values[np.argmax(bad)]:g}, expected {low:g} to {high:g}."
                )
    if found or "volume_fraction" not in label.details:
        return found
    fraction = label.details["volume_fraction"][chosen]
    for k, f in zip(chosen.tolist(), fraction.tolist(), strict=True):
        solid = Stiffness.isotropic(1.0, float(dataset.poisson[k])).numpy()
        slack = np.linalg.eigvalsh(f * solid - dataset.stiffness(kind, [k])[0])[0]
        if slack < -_VOIGT * f * np.linalg.norm(solid):
            return [
                f"labels {kind!r}: that of lattice {k} is stiffer than its volume fraction "
                f"{f:.3g} of the solid allows."
            ]
    return []


def merge_datasets(parts: Sequence[Dataset]) -> Dataset:
    """Put datasets into one: bases of equal shape become one, equal lattices one with all labels.

    Raises:
        LatticeGnnError: If there is none, methods differ, or one lattice has two different labels
            of one kind.
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
    """Give every lattice that is kept the label of the first of its twins that has one."""
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
    """Whether no strain energy differs by more than a share of itself, rounding apart."""
    C, other = symmetric(first), symmetric(second)
    slack = share * C + _SAME_LABEL * np.linalg.norm(C) * np.eye(6)
    return all(np.linalg.eigvalsh(slack + x)[0] >= 0 for x in (other - C, C - other))


def lattice_digests(dataset: Dataset) -> np.ndarray:
    """A hash of the geometry of every lattice, as bytes."""
    columns = [dataset.struts, dataset.shifts, dataset.radii]
    columns += [dataset.section(name) for name in ("end_radii", "inner_radii", "E", "nu")]
    found = []
    for k in range(len(dataset)):
        nodes = slice(*dataset.node_offsets[k : k + 2])
        struts = slice(*dataset.strut_offsets[k : k + 2])
        digest = hashlib.sha256(dataset.cells[k].tobytes())
        digest.update(dataset.nodes[nodes].tobytes())
        for column in columns:
            digest.update(column[struts].tobytes())
        found.append(digest.hexdigest()[:24].encode())
    return np.array(found)


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
    ratio = np.maximum(batch.radii.numpy(), batch.end_radii.numpy()) / batch.lengths().numpy()
    density = batch.relative_density().numpy()
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
