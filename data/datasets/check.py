"""Checks of a dataset: impossible geometry, indefinite labels, outdated labels."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from data.datasets.dataset import Dataset
from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.lattice.checks import canonical_struts
from lattice_gnn.tensors.stiffness import Stiffness

_DETAILS = {
    "error": (0.0, np.inf),
    "softest_error": (0.0, np.inf),
    "volume_fraction": (0.0, 1.0),
    "touching": (0.0, 1.0),
    "unresolved_gap": (0.0, 1.0),
}
"""Admissible ranges of the details that a method gives with its labels."""
_UNKNOWN = ("touching", "unresolved_gap")  #: details that a labelled lattice may lack
_VOIGT = 1e-6  #: tolerated excess over the Voigt bound, relative to the stiffness of the solid
_INDEFINITE = -1e-10  #: tolerated ratio of the smallest to the largest eigenvalue of a label
_CHUNK = 2048  #: lattices whose labels are checked together


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Result of a check.

    Attributes:
        problems: One sentence each; empty where all is well.
        relabelled: Number of lattices whose beam label was recomputed.
        largest_difference: Largest relative Frobenius difference from the stored labels.
    """

    problems: tuple[str, ...]
    relabelled: int
    largest_difference: float


def check_dataset(
    dataset: Dataset, *, spots: int = 20, seed: int = 0, tolerance: float = 1e-6
) -> CheckReport:
    """Check for NaN, impossible geometry and indefinite labels; recompute some beam labels.

    Args:
        dataset: The dataset.
        spots: Number of lattices to label again.
        seed: Random seed of their choice.
        tolerance: Admissible relative Frobenius difference from the stored label.
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
    """Return whatever would prevent the lattices from being built."""
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
    note(
        ~np.isfinite(dataset.cells).all((1, 2)) | flat,
        lattice,
        "the cell vectors do not span space",
    )
    note(~np.isfinite(dataset.nodes).all(1), node_owner, "a node's position is not finite")
    note(
        ~(dataset.radii > 0) | ~np.isfinite(dataset.radii), strut_owner, "a radius is not positive"
    )
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
        vectors = dataset.to_batch().strut_vectors.numpy()
        short = np.linalg.norm(vectors, axis=1) <= 1e-9 * np.cbrt(volumes)[strut_owner]
        note(short, strut_owner, "a strut has zero length")
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
        return [
            f"labels {kind!r}: {len(wrong)} labels contain NaN, first that of lattice {wrong[0]}."
        ]
    labelled = np.flatnonzero(label.mask)
    for start in range(0, len(labelled), _CHUNK):
        chosen = labelled[start : start + _CHUNK]
        eigenvalues = np.linalg.eigvalsh(dataset.stiffness(kind, chosen))
        bad = (eigenvalues[:, 0] < _INDEFINITE * eigenvalues[:, -1]) | (eigenvalues[:, -1] <= 0)
        if bad.any():
            worst = int(chosen[np.argmax(bad)])
            return [f"labels {kind!r}: the label of lattice {worst} is not positive semi-definite."]
    return _detail_problems(dataset, kind)


def _detail_problems(dataset: Dataset, kind: str) -> list[str]:
    """Return details out of range, and solid labels that violate the Voigt bound."""
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
    bulk, shear = _largest_moduli(dataset)
    for k, f in zip(chosen.tolist(), fraction.tolist(), strict=True):
        K, G = torch.tensor([bulk[k], shear[k]]).double()
        solid = Stiffness.cubic(K + 4 / 3 * G, K - 2 / 3 * G, G).numpy()
        slack = np.linalg.eigvalsh(f * solid - dataset.stiffness(kind, [k])[0])[0]
        if slack < -_VOIGT * f * np.linalg.norm(solid):
            return [
                f"labels {kind!r}: the label of lattice {k} is stiffer than its volume fraction "
                f"{f:.3g} of the solid allows."
            ]
    return []


def _largest_moduli(
    dataset: Dataset,
) -> tuple[Float[np.ndarray, " lattices"], Float[np.ndarray, " lattices"]]:
    """Return the largest bulk and the largest shear modulus among the struts, over E_s."""
    E, nu, first = dataset.section("E"), dataset.section("nu"), dataset.strut_offsets[:-1]
    bulk, shear = E / (3 * (1 - 2 * nu)), E / (2 * (1 + nu))
    return np.maximum.reduceat(bulk, first), np.maximum.reduceat(shear, first)
