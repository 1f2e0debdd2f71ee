"""Engineering moduli of Mandel stiffness tensors: directional values, averages, anisotropy.

Functions of (..., 6, 6) tensors, also available as methods of
`lattice_gnn.tensors.stiffness.Stiffness`. All are differentiable with respect to the stiffness and
to the directions, if any. Batch dimensions of stiffness and directions broadcast.

Directional formulae: Nye (1985), Physical Properties of Crystals, ch. VIII; Ting (1996),
Anisotropic Elasticity, sec. 2.3-2.5; Cazzani and Rovati (2003), Int. J. Solids Struct. 40,
1713-1744.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.tensors.notation import dyad_mandel

SINGULAR = 1e-15
"""A stiffness with a reciprocal condition number below this is treated as singular."""

AVERAGES = ("voigt", "reuss", "hill")

ROUNDED = 1e-9
"""An asymmetry below this share of the largest entry is attributed to rounding."""


@dataclass(frozen=True)
class ComplianceForm:
    """The bilinear form x : S : y of the compliance S = C^-1 on Mandel vectors.

    If `positive`, the matrix is W, the inverse Cholesky factor of C, and the form is (W x).(W y),
    which avoids cancellation in a stiff direction of a soft lattice, where x : S : x is tiny.
    Otherwise C is not positive definite and the matrix is S itself.
    """

    matrix: Float[Tensor, "*batch 6 6"]
    positive: bool

    def __call__(self, x: Float[Tensor, "*#batch 6"], y: Float[Tensor, "*#batch 6"]) -> Tensor:
        """Return x : S : y with the batch dimensions of the form and both vectors broadcast."""
        left = torch.einsum("...ij,...j->...i", self.matrix, x) if self.positive else x
        return (left * torch.einsum("...ij,...j->...i", self.matrix, y)).sum(-1)


def compliance_form(mandel: Float[Tensor, "*batch 6 6"]) -> ComplianceForm:
    """Return the bilinear form of the compliance, factored where C is positive definite."""
    skew = (mandel - mandel.mT).detach().abs().amax((-2, -1))
    factor, info = torch.linalg.cholesky_ex(0.5 * (mandel + mandel.mT))
    symmetric = skew <= ROUNDED * mandel.detach().abs().amax((-2, -1))
    if not bool((symmetric & (info == 0)).all()):
        return ComplianceForm(compliance(mandel), positive=False)
    identity = torch.eye(6, dtype=mandel.dtype, device=mandel.device)
    return ComplianceForm(torch.linalg.solve_triangular(factor, identity, upper=False), True)


def compliance(mandel: Float[Tensor, "*batch 6 6"]) -> Float[Tensor, "*batch 6 6"]:
    """Return the Mandel compliance S = C^-1.

    Raises:
        LatticeGnnError: Where the stiffness is singular to rounding.
    """
    inverse, info = torch.linalg.inv_ex(mandel)
    norms = mandel.detach().square().sum((-2, -1)) * inverse.detach().square().sum((-2, -1))
    regular = (info == 0) & torch.isfinite(norms) & (norms.sqrt() * SINGULAR < 1.0)
    if not bool(regular.all()):
        first = int(torch.nonzero(~regular.reshape(-1))[0])
        raise LatticeGnnError(
            f"the stiffness (number {first} of the batch) is singular, so compliance and moduli do "
            "not exist: look at its soft mode, or check that the lattice spans space"
        )
    return inverse


def unit_vectors(directions: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3"]:
    """Return the directions scaled to length 1.

    Raises:
        LatticeGnnError: For a direction of length zero or not finite.
    """
    length = torch.linalg.vector_norm(directions, dim=-1, keepdim=True)
    if not bool(((length > 0) & torch.isfinite(length)).all()):
        raise LatticeGnnError(
            "a direction has length zero or is not finite: pass vectors (x, y, z)"
        )
    return directions / length


def _orthonormal_pair(
    n: Float[Tensor, "*#batch 3"], m: Float[Tensor, "*#batch 3"]
) -> tuple[Tensor, Tensor]:
    """Return unit n and the unit vector along the part of m perpendicular to it."""
    n, m = unit_vectors(n), unit_vectors(m)
    across = m - (m * n).sum(-1, keepdim=True) * n
    if bool((torch.linalg.vector_norm(across, dim=-1) < 1e-6).any()):
        raise LatticeGnnError("the directions n and m are parallel: pass two different directions")
    return n, unit_vectors(across)


def _dyad(n: Tensor, m: Tensor) -> Tensor:
    n, m = torch.broadcast_tensors(n, m)
    return dyad_mandel(n, m)


def young_modulus(mandel: Float[Tensor, "*#batch 6 6"], n: Float[Tensor, "*#batch 3"]) -> Tensor:
    """Return Young's modulus E(n), 1/E = n n : S : n n, for uniaxial stress along n."""
    nn = _dyad(unit_vectors(n), unit_vectors(n))
    return 1.0 / compliance_form(mandel)(nn, nn)


def shear_modulus(
    mandel: Float[Tensor, "*#batch 6 6"],
    n: Float[Tensor, "*#batch 3"],
    m: Float[Tensor, "*#batch 3"],
) -> Tensor:
    """Return the shear modulus G(n, m), 1/G = 4 nm : S : nm, of shear between normals n and m."""
    n, m = _orthonormal_pair(n, m)
    nm = _dyad(n, m)
    return 0.25 / compliance_form(mandel)(nm, nm)


def poisson_ratio(
    mandel: Float[Tensor, "*#batch 6 6"],
    n: Float[Tensor, "*#batch 3"],
    m: Float[Tensor, "*#batch 3"],
) -> Tensor:
    """Return Poisson's ratio nu(n, m) = -(mm : S : nn)/(nn : S : nn): load n, strain m."""
    n, m = _orthonormal_pair(n, m)
    nn, form = _dyad(n, n), compliance_form(mandel)
    return -form(_dyad(m, m), nn) / form(nn, nn)


def linear_compressibility(
    mandel: Float[Tensor, "*#batch 6 6"], n: Float[Tensor, "*#batch 3"]
) -> Tensor:
    """Return beta(n) = n n : S : 1, the shortening along n under unit pressure."""
    n = unit_vectors(n)
    return compliance_form(mandel)(_dyad(n, n), dilatation(mandel))


def dilatation(like: Tensor) -> Float[Tensor, " 6"]:
    """Return the Mandel vector of the 3x3 identity."""
    return like.new_tensor([1.0, 1.0, 1.0, 0.0, 0.0, 0.0])


def isotropic_young(K: Tensor, G: Tensor) -> Tensor:
    """Return Young's modulus 9 K G/(3 K + G) of an isotropic solid."""
    return 9.0 * K * G / (3.0 * K + G)


def isotropic_poisson(K: Tensor, G: Tensor) -> Tensor:
    """Return Poisson's ratio (3 K - 2 G)/(6 K + 2 G) of an isotropic solid."""
    return (3.0 * K - 2.0 * G) / (6.0 * K + 2.0 * G)


@dataclass(frozen=True)
class Averages:
    """Isotropic averages of an anisotropic stiffness, in its unit.

    Voigt averages the stiffness over orientations, Reuss the compliance, Hill takes the mean of
    both bulk and shear moduli (Hill 1952, Proc. Phys. Soc. A 65, 349-354). E and nu follow from K
    and G.
    """

    bulk_voigt: Tensor
    bulk_reuss: Tensor
    shear_voigt: Tensor
    shear_reuss: Tensor

    @property
    def bulk_hill(self) -> Tensor:
        """Bulk modulus, mean of Voigt and Reuss."""
        return 0.5 * (self.bulk_voigt + self.bulk_reuss)

    @property
    def shear_hill(self) -> Tensor:
        """Shear modulus, mean of Voigt and Reuss."""
        return 0.5 * (self.shear_voigt + self.shear_reuss)

    @property
    def young_voigt(self) -> Tensor:
        """Young's modulus of the Voigt average."""
        return isotropic_young(self.bulk_voigt, self.shear_voigt)

    @property
    def young_reuss(self) -> Tensor:
        """Young's modulus of the Reuss average."""
        return isotropic_young(self.bulk_reuss, self.shear_reuss)

    @property
    def young_hill(self) -> Tensor:
        """Young's modulus that follows from the Hill averages of K and G."""
        return isotropic_young(self.bulk_hill, self.shear_hill)

    @property
    def poisson_voigt(self) -> Tensor:
        """Poisson's ratio of the Voigt average."""
        return isotropic_poisson(self.bulk_voigt, self.shear_voigt)

    @property
    def poisson_reuss(self) -> Tensor:
        """Poisson's ratio of the Reuss average."""
        return isotropic_poisson(self.bulk_reuss, self.shear_reuss)

    @property
    def poisson_hill(self) -> Tensor:
        """Poisson's ratio that follows from the Hill averages of K and G."""
        return isotropic_poisson(self.bulk_hill, self.shear_hill)


def _trace(mandel: Tensor) -> Tensor:
    return mandel.diagonal(dim1=-2, dim2=-1).sum(-1)


def bulk_modulus_voigt(mandel: Float[Tensor, "*batch 6 6"]) -> Float[Tensor, "*batch"]:
    """Return Voigt's bulk modulus 1 : C : 1/9, stress over strain under pure dilatation."""
    return mandel[..., :3, :3].sum((-2, -1)) / 9.0


def shear_modulus_voigt(mandel: Float[Tensor, "*batch 6 6"]) -> Float[Tensor, "*batch"]:
    """Return Voigt's (C_ijij - C_iijj/3)/10; the Mandel trace is C_ijij = 3 K + 10 G."""
    return (_trace(mandel) - 3.0 * bulk_modulus_voigt(mandel)) / 10.0


def averages(mandel: Float[Tensor, "*batch 6 6"]) -> Averages:
    """Return the Voigt, Reuss and Hill averages (Hill 1952).

    Reuss: 1/K = 1 : S : 1, and the trace of the Mandel compliance is 1/(3 K) + 5/(2 G).
    """
    S = compliance(mandel)
    softness = S[..., :3, :3].sum((-2, -1))
    return Averages(
        bulk_voigt=bulk_modulus_voigt(mandel),
        bulk_reuss=1.0 / softness,
        shear_voigt=shear_modulus_voigt(mandel),
        shear_reuss=2.5 / (_trace(S) - softness / 3.0),
    )


def average_modulus(
    mandel: Float[Tensor, "*batch 6 6"], modulus: str, average: str
) -> Float[Tensor, "*batch"]:
    """Return one modulus of an isotropic average; for a singular C only Voigt averages exist.

    Args:
        mandel: The stiffness.
        modulus: "bulk", "shear", "young" or "poisson".
        average: "voigt", "reuss" or "hill".

    Raises:
        LatticeGnnError: For another average, or a Reuss or Hill average of a singular stiffness.
    """
    if average not in AVERAGES:
        raise LatticeGnnError(f"unknown average {average!r}: use voigt, reuss or hill")
    if average == "voigt":
        K, G = bulk_modulus_voigt(mandel), shear_modulus_voigt(mandel)
        found = Averages(bulk_voigt=K, bulk_reuss=K, shear_voigt=G, shear_reuss=G)
    else:
        found = averages(mandel)
    value: Tensor = getattr(found, f"{modulus}_{average}")
    return value


def universal_anisotropy(mandel: Float[Tensor, "*batch 6 6"]) -> Float[Tensor, "*batch"]:
    """Return A_U = 5 G_V/G_R + K_V/K_R - 6, zero for an isotropic tensor.

    Source: Ranganathan and Ostoja-Starzewski (2008), Phys. Rev. Lett. 101, 055504.
    """
    mean = averages(mandel)
    shear = mean.shear_voigt / mean.shear_reuss
    return 5.0 * shear + mean.bulk_voigt / mean.bulk_reuss - 6.0


def log_euclidean_anisotropy(mandel: Float[Tensor, "*batch 6 6"]) -> Float[Tensor, "*batch"]:
    """Return A_L = sqrt(ln(K_V/K_R)^2 + 5 ln(G_V/G_R)^2), zero for an isotropic tensor.

    The log-Euclidean distance between the Voigt and Reuss averages; its gradient at the isotropic
    tensor is taken as zero. Source: Kube (2016), AIP Advances 6, 095209.
    """
    mean = averages(mandel)
    bulk = (mean.bulk_voigt / mean.bulk_reuss).log()
    shear = (mean.shear_voigt / mean.shear_reuss).log()
    return torch.linalg.vector_norm(torch.stack([bulk, 5.0**0.5 * shear], dim=-1), dim=-1)
