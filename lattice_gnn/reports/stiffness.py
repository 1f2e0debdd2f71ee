"""Documents of a stiffness: matrices and the moduli derived from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.tensors.extrema import Extrema
from lattice_gnn.tensors.stiffness import Stiffness

ORDER = "11 22 33 23 13 12"
SYMMETRY_TOLERANCE = 0.01

Vector = tuple[float, float, float]
Six = tuple[float, float, float, float, float, float]
Matrix = tuple[Six, Six, Six, Six, Six, Six]

Pair = Literal["12", "13", "21", "23", "31", "32"]
"""Axis of the load, axis of the contraction."""


@dataclass(frozen=True, slots=True)
class StiffnessFacts:
    """A stiffness as 6x6 matrices.

    Attributes:
        order: Order of the components: ``11 22 33 23 13 12``.
        voigt: C/E_s in Voigt notation.
        mandel: C/E_s in Mandel notation.
        voigt_times_E: C in Voigt notation, in the unit of Young's modulus of the lattice's
            material.
    """

    order: str
    voigt: Matrix
    mandel: Matrix
    voigt_times_E: Matrix  # noqa: N815 (a key of the JSON)


@dataclass(frozen=True, slots=True)
class AxisModuli:
    """Moduli along the axes.

    Attributes:
        E: Young's modulus along 1, 2, 3, over E_s.
        G: Shear modulus in 23, 13, 12, over E_s.
        nu: Poisson's ratios nu_nm by ``nm``: load along n, contraction along m.
        beta: Linear compressibility along 1, 2, 3, times E_s.
    """

    E: Vector
    G: Vector
    nu: dict[Pair, float]
    beta: Vector


@dataclass(frozen=True, slots=True)
class Extremum:
    """The smallest or largest value over all directions.

    Attributes:
        value: The value.
        n: Direction of the load.
        m: Direction of the shear or of the contraction, perpendicular to n; for G and nu only.
    """

    value: float
    n: Vector
    m: Vector | None = None


@dataclass(frozen=True, slots=True)
class Extremes:
    """Smallest and largest value over all directions.

    Attributes:
        min: The minimum.
        max: The maximum.
    """

    min: Extremum
    max: Extremum


@dataclass(frozen=True, slots=True)
class AllExtremes:
    """Extremes of the moduli.

    Attributes:
        E: Young's modulus over E_s.
        G: Shear modulus over E_s.
        nu: Poisson's ratio.
        beta: Linear compressibility times E_s.
    """

    E: Extremes
    G: Extremes
    nu: Extremes
    beta: Extremes


@dataclass(frozen=True, slots=True)
class Average:
    """Average of a modulus over all orientations.

    Attributes:
        voigt: At equal strain, an upper bound.
        reuss: At equal stress, a lower bound.
        hill: The mean of both for K and G, and the E and nu that follow.
    """

    voigt: float
    reuss: float
    hill: float


@dataclass(frozen=True, slots=True)
class AllAverages:
    """Averages over all orientations.

    Attributes:
        K: Bulk modulus over E_s.
        G: Shear modulus over E_s.
        E: Young's modulus over E_s.
        nu: Poisson's ratio.
    """

    K: Average
    G: Average
    E: Average
    nu: Average


@dataclass(frozen=True, slots=True)
class Anisotropy:
    """Measures of anisotropy.

    Attributes:
        zener: 2 C44/(C11 - C12) in the cube axes; null unless cubic.
        universal: A_U of Ranganathan and Ostoja-Starzewski.
        log_euclidean: A_L of Kube.
    """

    zener: float | None
    universal: float
    log_euclidean: float


@dataclass(frozen=True, slots=True)
class SymmetryFacts:
    """Elastic symmetry.

    Attributes:
        name: The most symmetric class within the tolerance.
        distance: Relative Frobenius distance to that class.
        tolerance: Largest admissible distance.
        frame: Material axes of the class, as rows.
    """

    name: str
    distance: float
    tolerance: float
    frame: tuple[Vector, Vector, Vector]


@dataclass(frozen=True, slots=True)
class Moduli:
    """Moduli and derived quantities, as multiples of E_s.

    Attributes:
        axes: Moduli along the axes.
        extremes: Extremes over all directions.
        averages: Averages over all orientations.
        anisotropy: Measures of anisotropy.
        symmetry: Elastic symmetry.
    """

    axes: AxisModuli
    extremes: AllExtremes
    averages: AllAverages
    anisotropy: Anisotropy
    symmetry: SymmetryFacts


def stiffness_facts(stiffness: Stiffness, E: float) -> StiffnessFacts:
    """Describe one stiffness C/E_s as matrices, and in the unit of ``E``."""
    return StiffnessFacts(
        order=ORDER,
        voigt=_matrix(stiffness.voigt),
        mandel=_matrix(stiffness.mandel),
        voigt_times_E=_matrix(stiffness.scaled(E).voigt),
    )


def moduli_facts(stiffness: Stiffness) -> list[Moduli | None]:
    """Compute the moduli of every tensor of a batch; None for one singular to rounding."""
    try:
        return list(_moduli(stiffness))
    except LatticeGnnError:
        if len(stiffness) == 1:
            return [None]
        return [moduli_facts(stiffness[b : b + 1])[0] for b in range(len(stiffness))]


def _moduli(stiffness: Stiffness) -> list[Moduli]:
    axes, extremes = _axis_moduli(stiffness), _extremes(stiffness)
    averages, symmetry = _averages(stiffness), _symmetry(stiffness)
    universal = stiffness.universal_anisotropy().tolist()
    log_euclidean = stiffness.log_euclidean_anisotropy().tolist()
    return [
        Moduli(
            axes=axes[b],
            extremes=extremes[b],
            averages=averages[b],
            anisotropy=Anisotropy(
                _zener(stiffness[b], symmetry[b]), universal[b], log_euclidean[b]
            ),
            symmetry=symmetry[b],
        )
        for b in range(len(stiffness))
    ]


def _axis_moduli(stiffness: Stiffness) -> list[AxisModuli]:
    axis = torch.eye(3, dtype=torch.float64)
    C = stiffness[:, None]
    pairs = [(n, m) for n in range(3) for m in range(3) if n != m]
    names = [cast(Pair, f"{n + 1}{m + 1}") for n, m in pairs]
    load, across = ([pair[k] for pair in pairs] for k in range(2))
    E = C.young_modulus(axis).tolist()
    G = C.shear_modulus(axis[[1, 0, 0]], axis[[2, 2, 1]]).tolist()
    nu = C.poisson_ratio(axis[load], axis[across]).tolist()
    beta = C.linear_compressibility(axis).tolist()
    return [
        AxisModuli(
            E=_vector(E[b]),
            G=_vector(G[b]),
            nu=dict(zip(names, nu[b], strict=True)),
            beta=_vector(beta[b]),
        )
        for b in range(len(stiffness))
    ]


def _extremes(stiffness: Stiffness) -> list[AllExtremes]:
    found = {quantity: stiffness.extrema(quantity) for quantity in ("E", "G", "nu", "beta")}
    return [
        AllExtremes(
            **{
                quantity: Extremes(_extremum(extrema, "min", b), _extremum(extrema, "max", b))
                for quantity, extrema in found.items()
            }
        )
        for b in range(len(stiffness))
    ]


def _extremum(extrema: Extrema, end: Literal["min", "max"], b: int) -> Extremum:
    """Return value and directions: n alone for E and beta, n and m for G and nu."""
    vectors = getattr(extrema, f"{end}_directions")[b].reshape(-1, 3)
    return Extremum(float(getattr(extrema, end)[b]), *(_direction(vector) for vector in vectors))


def _direction(vector: Float[Tensor, "3"]) -> Vector:
    """Return the unit vector without rounding noise, its first largest component positive."""
    values = [round(x, 9) for x in vector.tolist()]
    largest = max(values, key=lambda x: round(abs(x), 6))
    return _vector([x * (1 if largest > 0 else -1) + 0.0 for x in values])


def _averages(stiffness: Stiffness) -> list[AllAverages]:
    averages = stiffness.averages()
    names = {"K": "bulk", "G": "shear", "E": "young", "nu": "poisson"}
    return [
        AllAverages(
            **{
                letter: Average(
                    *(
                        float(getattr(averages, f"{name}_{kind}")[b])
                        for kind in ("voigt", "reuss", "hill")
                    )
                )
                for letter, name in names.items()
            }
        )
        for b in range(len(stiffness))
    ]


def _symmetry(stiffness: Stiffness) -> list[SymmetryFacts]:
    found = stiffness.classify(SYMMETRY_TOLERANCE)
    frames = [[[round(x, 9) + 0.0 for x in row] for row in frame] for frame in found.frame.tolist()]
    return [
        SymmetryFacts(
            name=found.names[b],
            distance=float(found.distance[b]),
            tolerance=SYMMETRY_TOLERANCE,
            frame=(_vector(frames[b][0]), _vector(frames[b][1]), _vector(frames[b][2])),
        )
        for b in range(len(stiffness))
    ]


def _zener(stiffness: Stiffness, symmetry: SymmetryFacts) -> float | None:
    """Return Zener's ratio if the tensor is cubic."""
    if symmetry.name not in ("cubic", "isotropic"):
        return None
    return float(stiffness.zener([list(axis) for axis in symmetry.frame]))


def _vector(values: Sequence[float]) -> Vector:
    a, b, c = values
    return a, b, c


def _matrix(values: Float[Tensor, "6 6"]) -> Matrix:
    return cast(Matrix, tuple(tuple(row) for row in values.tolist()))
