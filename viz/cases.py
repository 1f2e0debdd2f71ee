"""Macroscopic strains by name: unit strains, eigen-strains of the stiffness, six numbers."""

from dataclasses import dataclass

import numpy as np
import scipy.linalg
import torch
from jaxtyping import Float

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.tensors.notation import COMPONENTS
from lattice_gnn.tensors.stiffness import Stiffness

SOFTEST = "softest"
_EQUAL = 1e-6  #: difference of eigenvalues over the largest, below which they count as equal


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A macroscopic strain with its name.

    Attributes:
        title: What is applied.
        strain: Mandel, order 11 22 33 23 13 12.
    """

    title: str
    strain: Float[np.ndarray, " 6"]


def unit_cases() -> tuple[Case, ...]:
    """Return the six unit strains; unit shears have two components of 1/sqrt 2."""
    kinds = ["unit strain"] * 3 + ["unit shear"] * 3
    rows = zip(kinds, COMPONENTS, np.eye(6), strict=True)
    return tuple(Case(f"{kind} {name}", row) for kind, name, row in rows)


def mode_cases(stiffness: Float[np.ndarray, "6 6"]) -> tuple[Case, ...]:
    """Return the eigen-strains of a Mandel stiffness C / E_s, softest first.

    Of equal eigenvalues those eigen-strains are chosen that are closest to single components.
    """
    values, modes = np.linalg.eigh((stiffness + stiffness.T) / 2)
    found = []
    for k, (value, mode) in enumerate(zip(values, _plain(values, modes).T, strict=True)):
        sign = np.sign(mode[np.argmax(np.abs(mode))])
        found.append(Case(f"mode {k + 1}: eigen-stiffness {value:.4g} E_s", sign * mode))
    return tuple(found)


def _plain(
    values: Float[np.ndarray, " 6"], modes: Float[np.ndarray, "6 6"]
) -> Float[np.ndarray, "6 6"]:
    """Turn the eigenvectors of equal eigenvalues towards the axes of strain space."""
    gaps = np.diff(values) > _EQUAL * max(float(np.abs(values).max()), 1e-300)
    groups = np.split(np.arange(6), np.flatnonzero(gaps) + 1)
    plain = []
    for group in groups:
        projector = modes[:, group] @ modes[:, group].T
        plain.append(scipy.linalg.qr(projector, pivoting=True)[0][:, : len(group)])
    return np.concatenate(plain, axis=1)


def case_named(text: str, stiffness: Float[np.ndarray, "6 6"]) -> Case:
    """Return the strain that a text describes.

    Args:
        text: A component such as "23" for its unit strain, "stress-23" for the strain under this
            stress alone, scaled to 1 in this component, "softest" for the softest eigen-strain, or
            six numbers separated by commas: 11, 22, 33, and engineering shear 23, 13, 12.
        stiffness: C / E_s, Mandel.

    Raises:
        LatticeGnnError: If it is none of these, or zero, or the stress has no strain because the
            stiffness is singular.
    """
    if text in COMPONENTS:
        return unit_cases()[COMPONENTS.index(text)]
    if text == SOFTEST:
        return mode_cases(stiffness)[0]
    if text in (f"stress-{name}" for name in COMPONENTS):
        k = COMPONENTS.index(text.removeprefix("stress-"))
        kind = "uniaxial stress" if k < 3 else "shear stress"
        S = Stiffness(torch.from_numpy(stiffness)).compliance().numpy()
        return Case(f"{kind} {COMPONENTS[k]}", S[:, k] / S[k, k])
    try:
        numbers = np.array([float(word) for word in text.split(",")])
    except ValueError:
        numbers = np.zeros(0)
    if len(numbers) != 6 or not np.isfinite(numbers).all() or not numbers.any():
        raise LatticeGnnError(
            f"strain {text!r}: expected one of {', '.join(COMPONENTS)}, one of them after stress- "
            f"(stress-33), {SOFTEST}, or six numbers separated by commas, not all zero."
        )
    title = "strain " + ", ".join(f"{x:g}" for x in numbers)
    return Case(title, numbers * np.array([1, 1, 1, *[0.5**0.5] * 3]))
