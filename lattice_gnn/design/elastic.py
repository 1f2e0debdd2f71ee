"""Quantities of the stiffness: moduli, targets, anisotropy, eigenvalues, bounds.

All are multiples of E_s, the Young's modulus of the solid, where they have a unit. The formulae are
those of `lattice_gnn.tensors`.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import product

import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.design import elastic_rules
from lattice_gnn.design.directions import direction_name, frame_name, frame_of, pair, vector
from lattice_gnn.design.geometric import volume_fraction
from lattice_gnn.design.quantities import Constraint, Quantity
from lattice_gnn.design.state import DesignState
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.tensors import moduli, notation
from lattice_gnn.tensors.arrays import ArrayLike, float64_tensor
from lattice_gnn.tensors.bounds import upper_bounds
from lattice_gnn.tensors.eigen import eigen_stiffnesses
from lattice_gnn.tensors.moduli import AVERAGES
from lattice_gnn.tensors.rotation_search import direction_grid
from lattice_gnn.tensors.rotations import perpendicular_pair
from lattice_gnn.tensors.stiffness import Stiffness
from lattice_gnn.tensors.symmetry import SYMMETRIES, nearest

GRID = 400
"""Directions of load on the half sphere in `poisson_max` and `poisson_min`."""
SHARPNESS = 500.0
"""Sharpness p of their smooth maximum; it exceeds the maximum by at most ln(413)/p = 0.012."""


def E(direction: ArrayLike) -> Quantity:  # noqa: N802 (the textbook letter)
    """Young's modulus along a direction (x, y, z) of any length, over E_s."""
    n = vector(direction)
    name = f"E[{direction_name(direction)}]"
    rule = elastic_rules.reciprocal(n, n)
    return Quantity(name, lambda state: moduli.young_modulus(state.stiffness, n), elastic_rule=rule)


def G(normal: ArrayLike, direction: ArrayLike) -> Quantity:  # noqa: N802 (the textbook letter)
    """Shear modulus over E_s in the plane with a normal, along a direction in it.

    Only the part of the direction perpendicular to the normal counts.
    """
    n, m = pair("G", normal, direction)
    name = f"G[{direction_name(normal)}][{direction_name(direction)}]"
    rule = elastic_rules.reciprocal(n, m, 0.25)
    return Quantity(
        name, lambda state: moduli.shear_modulus(state.stiffness, n, m), elastic_rule=rule
    )


def poisson(load: ArrayLike, strain: ArrayLike) -> Quantity:
    """Poisson's ratio: contraction along one direction under uniaxial stress along another.

    Only the part of the strain direction perpendicular to the load counts.
    """
    n, m = pair("poisson", load, strain)
    name = f"poisson[{direction_name(load)}][{direction_name(strain)}]"
    rule = elastic_rules.poisson(n, m)
    return Quantity(
        name, lambda state: moduli.poisson_ratio(state.stiffness, n, m), elastic_rule=rule
    )


def average_modulus(modulus: str, average: str = "hill") -> Quantity:
    """Modulus of an isotropic average of the stiffness, over E_s.

    Args:
        modulus: "young", "shear", "bulk" or "poisson".
        average: "voigt", "reuss" or "hill".
    """
    for value, known in ((modulus, ("young", "shear", "bulk", "poisson")), (average, AVERAGES)):
        if value not in known:
            raise LatticeGnnError(
                f"average_modulus: unknown {value!r}; use one of {', '.join(known)}"
            )
    return Quantity(
        f"average_modulus[{modulus}][{average}]",
        lambda state: moduli.average_modulus(state.stiffness, modulus, average),
    )


bulk_modulus = replace(average_modulus("bulk"), name="bulk_modulus")
"""Hill's average of the bulk modulus over E_s."""

shear_modulus = replace(average_modulus("shear"), name="shear_modulus")
"""Hill's average of the shear modulus over E_s."""

universal_anisotropy = Quantity(
    "universal_anisotropy", lambda state: moduli.universal_anisotropy(state.stiffness)
)
"""Universal anisotropy A_U (Ranganathan and Ostoja-Starzewski 2008), 0 if isotropic."""


def zener_in(frame: ArrayLike) -> Quantity:
    """Zener ratio of the nearest cubic tensor with these cube axes, given as rows."""
    axes = frame_of(frame)
    name = f"zener{frame_name(frame)}"
    return Quantity(name, lambda state: Stiffness(state.stiffness).zener(axes))


zener = replace(zener_in(((1, 0, 0), (0, 1, 0), (0, 0, 1))), name="zener")
"""Zener ratio 2 C44/(C11 - C12) of the nearest cubic tensor in the coordinate axes, 1 if
isotropic."""


def distance(symmetry: str, frame: ArrayLike | None = None) -> Quantity:
    """Relative Frobenius distance |C - nearest|/|C| to a symmetry class.

    Args:
        symmetry: "isotropic", "cubic", "hexagonal", "tetragonal", "trigonal", "orthotropic" or
            "monoclinic".
        frame: Material axes as rows; None searches for the best, which takes longer than a beam
            solution (not for isotropic).
    """
    if symmetry not in SYMMETRIES or symmetry == "triclinic":
        known = ", ".join(name for name in SYMMETRIES if name != "triclinic")
        raise LatticeGnnError(f"distance: unknown symmetry {symmetry!r}; use one of {known}")
    axes = None if frame is None else frame_of(frame)
    name = f"distance[{symmetry}]" + ("" if frame is None else frame_name(frame))
    return Quantity(name, lambda state: nearest(state.stiffness, symmetry, axes).distance)


def eigenvalue_ratio(k: int) -> Quantity:
    """Ratio of Kelvin's eigen-stiffnesses k + 1 and k, in ascending order, k from 1 to 5.

    A pentamode has a large ratio for k = 5, a unimode (five stiff modes, one soft) for k = 1
    (Milton and Cherkaev 1995, J. Eng. Mater. Technol. 117, 483-493).
    """
    if k not in (1, 2, 3, 4, 5):
        raise LatticeGnnError(f"eigenvalue_ratio: expected k from 1 to 5, got {k!r}")

    def function(state: DesignState) -> Tensor:
        values = eigen_stiffnesses(state.stiffness).values
        return values[:, k] / values[:, k - 1]

    return Quantity(f"eigenvalue_ratio[{k}]", function)


def eigenvalue(k: int) -> Quantity:
    """Kelvin's eigen-stiffness number k in ascending order, k from 1 to 6, over E_s."""
    if k not in (1, 2, 3, 4, 5, 6):
        raise LatticeGnnError(f"eigenvalue: expected k from 1 to 6, got {k!r}")
    return Quantity(
        f"eigenvalue[{k}]", lambda state: eigen_stiffnesses(state.stiffness).values[:, k - 1]
    )


_HASHIN_SHTRIKMAN = {
    "bulk": moduli.bulk_modulus_voigt,
    "shear": moduli.shear_modulus_voigt,
    "young": lambda C: moduli.average_modulus(C, "young", "hill"),
}


def hashin_shtrikman(modulus: str = "young") -> Quantity:
    """Modulus as a fraction of its Hashin-Shtrikman upper bound at the same volume fraction.

    Isotropic averages: Voigt's bulk and shear moduli, Hill's Young's modulus. The bound of the bulk
    modulus holds for any symmetry, the others for isotropic tensors only. The volume fraction is
    that of the union of struts and joints, Poisson's ratio that of the first strut.

    Args:
        modulus: "bulk", "shear" or "young".
    """
    if modulus not in _HASHIN_SHTRIKMAN:
        raise LatticeGnnError(
            f"hashin_shtrikman: unknown modulus {modulus!r}; use bulk, shear or young"
        )
    own = _HASHIN_SHTRIKMAN[modulus]

    def function(state: DesignState) -> Tensor:
        nu = state.batch.nu[state.batch.strut_offsets[:-1]]
        bounds = upper_bounds(volume_fraction(state)[:, 0], nu=nu)
        limit: Tensor = getattr(bounds, f"{modulus}_hashin_shtrikman")
        return own(state.stiffness) / limit

    return Quantity(f"hashin_shtrikman[{modulus}]", function)


poisson_max = Quantity("poisson_max", lambda state: _smooth_poisson(state.stiffness, 1.0))
"""Largest Poisson's ratio over all directions of load and strain, as a smooth maximum.

For 413 directions of load the largest ratio over the directions of strain is a closed form, the
larger eigenvalue of a 2x2 matrix; their maximum is ln(sum exp(p nu))/p, p = 500, which lies above
the largest of them by at most 0.012 and is differentiable where several directions tie, as in an
isotropic tensor. Sharp extremes between these directions are found by `Stiffness.extrema`."""

poisson_min = Quantity("poisson_min", lambda state: _smooth_poisson(state.stiffness, -1.0))
"""Smallest Poisson's ratio over all directions, as a smooth minimum; see `poisson_max`."""


@cache
def _loads() -> Float[Tensor, "loads 3"]:
    """Return <100>, <110>, <111> and an even grid of directions on half a sphere."""
    half = [axis for axis in product((-1, 0, 1), repeat=3) if axis > (0, 0, 0)]
    special = moduli.unit_vectors(torch.tensor(half, dtype=torch.float64))
    return torch.cat([special, direction_grid(GRID).points])


def _smooth_poisson(mandel: Tensor, sign: float) -> Tensor:
    """Return the smooth maximum (sign 1) or minimum (sign -1) of nu over all directions."""
    n = _loads().to(mandel.device)
    a, b = perpendicular_pair(n)
    S = moduli.compliance(mandel)
    nn = notation.dyad_mandel(n, n)
    load = torch.einsum("bij,dj->bdi", S, nn)
    along = (load * nn).sum(-1)
    aa, bb, ab = (
        -(load * notation.dyad_mandel(p, q)).sum(-1) / along for p, q in ((a, a), (b, b), (a, b))
    )
    apart = 0.5 * (aa - bb)
    # The root is smooth where both strain directions tie; the 1e-6 there is far below 1/p.
    spread = (apart.square() + ab.square() + 1e-12).sqrt()
    values = 0.5 * (aa + bb) + sign * spread
    return sign * torch.logsumexp(sign * SHARPNESS * values, dim=-1) / SHARPNESS


def misfit(target: Stiffness | ArrayLike, name: str = "misfit") -> Quantity:
    """Relative distance |C - target|/|target| in the components that the target prescribes.

    The square of the norm is taken over the Cartesian components, so that a complete target gives
    the relative Frobenius distance in any frame. Its gradient at distance zero is zero.

    Args:
        target: `Stiffness` over E_s, or a symmetric 6x6 Voigt matrix (order 11, 22, 33, 23, 13, 12)
            in which NaN marks components that are free.
        name: Name in results and messages, to tell several targets apart.
    """
    mandel, prescribed = target_components(target)
    size = float(mandel[prescribed].norm())

    def function(state: DesignState) -> Tensor:
        missing = (state.stiffness - mandel)[:, prescribed]
        return torch.linalg.vector_norm(missing, dim=-1) / size

    return Quantity(name, function, target=_with_free(mandel, prescribed))


def components(target: Stiffness | ArrayLike) -> Quantity:
    """Components of C that a target prescribes, minus the target, over its norm: a vector.

    Components beside the diagonal count once and weigh sqrt(2), so that the norm of the vector is
    the `misfit`.
    """
    mandel, prescribed = target_components(target)
    size = float(mandel[prescribed].norm())
    rows, columns = torch.nonzero(torch.triu(prescribed), as_tuple=True)
    weights = torch.where(rows == columns, 1.0, math.sqrt(2.0)).to(mandel.dtype) / size

    def function(state: DesignState) -> Tensor:
        return (state.stiffness - mandel)[:, rows, columns] * weights

    free = _with_free(mandel, prescribed)
    return Quantity("components", function, size=len(rows), target=free)


def matches(target: Stiffness | ArrayLike, tolerance: float = 1e-3) -> Constraint:
    """Require a target tensor component by component, as a vector equality.

    Args:
        target: As for `misfit`.
        tolerance: Largest error of a component relative to the norm of the target.
    """
    return Constraint(components(target), "==", 0.0, tolerance=tolerance, text="C == target")


def _with_free(mandel: Tensor, prescribed: Tensor) -> Tensor:
    return torch.where(prescribed, mandel, torch.nan)


def target_components(
    target: Stiffness | ArrayLike,
) -> tuple[Float[Tensor, "6 6"], Tensor]:
    """Return a target in Mandel notation, zero where free, and the mask of what it prescribes.

    Raises:
        LatticeGnnError: If it is not a symmetric 6x6 matrix, or prescribes nothing.
    """
    voigt = (
        target.voigt if isinstance(target, Stiffness) else float64_tensor(target, name="a target")
    )
    voigt = voigt.detach()
    if voigt.shape != (6, 6):
        raise LatticeGnnError(
            f"target: expected a 6x6 Voigt matrix or a Stiffness, got shape {tuple(voigt.shape)}"
        )
    if bool(torch.isinf(voigt).any()):
        raise LatticeGnnError("target: holds infinite components; use NaN for free ones")
    prescribed = ~torch.isnan(voigt)
    filled = torch.where(prescribed, voigt, 0.0)
    apart = (filled - filled.T).abs().max()
    if not bool((prescribed == prescribed.T).all()) or bool(apart > 1e-6 * filled.abs().max()):
        raise LatticeGnnError("target: must be symmetric, C_ij = C_ji, but it is not")
    if not bool(filled.any()):
        raise LatticeGnnError("target: prescribes no component other than zero")
    complete = bool(prescribed.all())
    if complete and float(torch.linalg.eigvalsh(filled)[0]) <= 0.0:
        raise LatticeGnnError("target: is not positive definite, so that no lattice can have it")
    return notation.voigt_to_mandel_stiffness(filled), prescribed


def stiffness_function(
    function: Callable[[Float[Tensor, "lattices 6 6"]], Tensor], name: str = "function"
) -> Quantity:
    """Any torch function of the stiffness: (B, 6, 6) Mandel tensors over E_s to (B,) values."""
    return Quantity(name, lambda state: function(state.stiffness))
