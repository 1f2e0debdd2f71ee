"""Upper bounds on the stiffness of a porous solid: Voigt and Hashin-Shtrikman against void.

The lower bounds against void are zero. All bounds use the volume fraction of the union of the
solid, not the sum of strut volumes, which counts joints twice.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.tensors.matrix_functions import symmetric_function
from lattice_gnn.tensors.moduli import bulk_modulus_voigt, isotropic_young, shear_modulus_voigt
from lattice_gnn.tensors.symmetry import nearest

ISOTROPIC = 0.01
"""Relative distance to isotropy up to which the shear bound is applied."""


@dataclass(frozen=True)
class Bounds:
    """Upper bounds on the effective moduli, in the unit of the solid's Young's modulus.

    The Voigt bound holds for every symmetry as C <= f C_solid in the Loewner sense, `voigt`
    (..., 6, 6). The Hashin-Shtrikman bulk bound holds for 1:C:1/9 of any symmetry; the shear bound,
    and the Young's modulus that follows from both, for isotropic C only. Aligned struts may exceed
    the latter two.
    """

    volume_fraction: Float[Tensor, "*batch"]
    voigt: Float[Tensor, "*batch 6 6"]
    bulk_voigt: Float[Tensor, "*batch"]
    shear_voigt: Float[Tensor, "*batch"]
    young_voigt: Float[Tensor, "*batch"]
    bulk_hashin_shtrikman: Float[Tensor, "*batch"]
    shear_hashin_shtrikman: Float[Tensor, "*batch"]
    young_hashin_shtrikman: Float[Tensor, "*batch"]


@dataclass(frozen=True)
class BoundRatios:
    """Ratios of a stiffness to its upper bounds; a ratio above 1 indicates an error.

    Attributes:
        voigt: Largest eigenvalue of C relative to f C_solid.
        bulk: 1:C:1/9 over the Hashin-Shtrikman bulk bound.
        shear: Shear modulus over the Hashin-Shtrikman shear bound; NaN where C is not isotropic
            within 1 % and the bound does not apply.
    """

    voigt: Float[Tensor, "*batch"]
    bulk: Float[Tensor, "*batch"]
    shear: Float[Tensor, "*batch"]


def upper_bounds(
    volume_fraction: float | Tensor, *, E: float | Tensor = 1.0, nu: float | Tensor = 0.3
) -> Bounds:
    """Return the upper bounds at a volume fraction f of an isotropic solid in void.

    Bulk: 4 G K f/(4 G + 3 K (1 - f)). Shear: G - (1 - f) G/(1 - 6 f (K + 2 G)/(5 (3 K + 4 G))).
    Source: Hashin and Shtrikman (1963), J. Mech. Phys. Solids 11, 127-140, with a
    void phase; Voigt: Hill (1963), J. Mech. Phys. Solids 11, 357-372.

    Args:
        volume_fraction: Volume of the union of the solid over the cell volume, 0 to 1.
        E: Young's modulus of the solid; 1 gives bounds on C/E_s.
        nu: Poisson's ratio of the solid.

    Raises:
        LatticeGnnError: For a volume fraction outside 0 to 1, E <= 0, or nu outside -1 to 0.5.
    """
    f, young, poisson = torch.broadcast_tensors(
        *(torch.as_tensor(value, dtype=torch.float64) for value in (volume_fraction, E, nu))
    )
    _require(f, (f >= 0.0) & (f <= 1.0), "the volume fraction must lie between 0 and 1")
    _require(young, young > 0.0, "the solid's E must be positive")
    _require(poisson, (poisson > -1.0) & (poisson < 0.5), "the solid's nu must lie in (-1, 0.5)")
    K, G = young / (3.0 * (1.0 - 2.0 * poisson)), young / (2.0 * (1.0 + poisson))
    bulk = 4.0 * G * K * f / (4.0 * G + 3.0 * K * (1.0 - f))
    beta = 6.0 * (K + 2.0 * G) / (5.0 * (3.0 * K + 4.0 * G))
    shear = f * G * (1.0 - beta) / (1.0 - f * beta)
    return Bounds(
        volume_fraction=f,
        voigt=f[..., None, None] * _isotropic(K, G),
        bulk_voigt=f * K,
        shear_voigt=f * G,
        young_voigt=f * young,
        bulk_hashin_shtrikman=bulk,
        shear_hashin_shtrikman=shear,
        young_hashin_shtrikman=torch.where(f > 0, isotropic_young(bulk, shear), 0.0),
    )


def bound_ratios(mandel: Float[Tensor, "*#batch 6 6"], bounds: Bounds) -> BoundRatios:
    """Compare stiffness tensors, in the unit of the bounds, with their upper bounds."""
    f = bounds.volume_fraction
    _require(f, f > 0.0, "to compare with bounds the volume fraction must be positive")
    root = symmetric_function(bounds.voigt, "inv_sqrt")
    relative = root @ mandel @ root
    symmetric = 0.5 * (relative + relative.mT).detach()
    top = torch.linalg.eigh(symmetric)[1][..., -1]
    shear = shear_modulus_voigt(mandel) / bounds.shear_hashin_shtrikman
    isotropic = nearest(mandel, "isotropic").distance <= ISOTROPIC
    return BoundRatios(
        voigt=torch.einsum("...i,...ij,...j->...", top, relative, top),
        bulk=bulk_modulus_voigt(mandel) / bounds.bulk_hashin_shtrikman,
        shear=torch.where(isotropic, shear, torch.nan),
    )


def _isotropic(K: Tensor, G: Tensor) -> Tensor:
    spherical = K.new_zeros(6, 6)
    spherical[:3, :3] = 1.0 / 3.0
    deviatoric = torch.eye(6, dtype=K.dtype, device=K.device) - spherical
    return 3.0 * K[..., None, None] * spherical + 2.0 * G[..., None, None] * deviatoric


def _require(values: Tensor, allowed: Tensor, sentence: str) -> None:
    if not bool(allowed.all()):
        raise LatticeGnnError(f"{sentence} but is {values[~allowed][0].item():.6g}")
