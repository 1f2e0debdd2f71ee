"""Maps from a symmetric matrix M to a stiffness; all but "none" exclude negative strain energy.

All are equivariant (matrix functions commute with rotations) and computed in float64: in float32
the matrix square of a nearly singular M can have negative eigenvalues.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.tensors.matrix_functions import (
    SPECTRAL_FUNCTIONS,
    SpectralFunction,
    Spectrum,
    symmetric_function,
)
from lattice_gnn.tensors.notation import strain_basis

Matrices = Float[Tensor, "lattices 6 6"]


def unconstrained(M: Matrices, batch: LatticeBatch) -> Matrices:
    """C = rho M, possibly indefinite: the comparison without positivity."""
    return batch.relative_density.double()[:, None, None] * M


def square(M: Matrices, batch: LatticeBatch) -> Matrices:
    """C = rho M^2, rho the relative density (Grega et al. 2024, section 4.2; there without rho)."""
    return batch.relative_density.double()[:, None, None] * (M.mT @ M)


def exponential(M: Matrices, batch: LatticeBatch) -> Matrices:
    """C = rho exp(M)."""
    return batch.relative_density.double()[:, None, None] * symmetric_function(M, "exp")


class AffinePrior:
    """P, the stiffness under affine nodal motion without rotation, with its eigendecomposition.

    A strut with share v of the solid, modulus E, end radii r1 and r2, bore ratio m, length L and
    direction t stores energy in stretch t.E_k t and in shear under the unit strains E_k:

        (P / rho)_kl = sum over struts of v E [a n_k n_l + b (E_k t . E_l t - n_k n_l)],
        n_k = t.E_k t,   a = 3 r1 r2 / (r1^2 + r1 r2 + r2^2),   b = 3 (1 + m^2) r1 r2 / L^2,

    which is ``fem_reference.beam.affine.affine_stiffness`` in closed form.

    Attributes:
        direction: t, from the first end to the second.
        share: v.
        density: rho, the relative density.
        relative: P / rho.
    """

    def __init__(self, batch: LatticeBatch):
        vectors = batch.strut_vectors
        length = vectors.norm(dim=-1)
        product = batch.radii * batch.end_radii
        square = (batch.radii**2 + product + batch.end_radii**2) / 3
        bore = (batch.inner_radii / batch.radii).square()
        volume = square * (1 - bore) * length
        total = batch.sum_over_struts(volume)
        self.direction: Float[Tensor, "struts 3"] = vectors / length[:, None]
        self.share: Float[Tensor, " struts"] = volume / total.index_select(0, batch.strut_lattice)
        self.density: Float[Tensor, " lattices"] = torch.pi * total / batch.volumes
        weight = self.share * batch.E * product
        shear = 3 * weight * (1 + bore) / length.square()
        stretch = weight / square - shear
        t, E = self.direction, strain_basis(vectors)
        tt = t[:, :, None] * t[:, None]
        n = tt.flatten(1) @ E.flatten(1).mT
        nn = batch.sum_over_struts((stretch[:, None] * n)[:, :, None] * n[:, None])
        T = batch.sum_over_struts(shear[:, None, None] * tt)
        self.relative = Spectrum(nn + (E.flatten(0, 1) @ T).view(-1, 6, 9) @ E.flatten(1).mT)

    def root(self) -> Matrices:
        """P^(1/2)."""
        return self.density.double().sqrt()[:, None, None] * self.relative("sqrt")


def prior_root(batch: LatticeBatch) -> Matrices:
    """P^(1/2) with P the affine stiffness."""
    return AffinePrior(batch).root()


def beam_root(batch: LatticeBatch) -> Matrices:
    """P^(1/2) with P the beam stiffness (Euler-Bernoulli)."""
    return symmetric_function(homogenise_beam(batch).stiffness.mandel, "sqrt")


def relative_to(M: Matrices, root: Matrices) -> Matrices:
    """C = P^(1/2) exp(M) P^(1/2), ``root`` = P^(1/2): M = 0 is P."""
    G = symmetric_function(M / 2, "exp") @ root
    return G.mT @ G


def _best(m: Tensor) -> Tensor:
    return (m.clamp(max=0) / 2).exp()


def _best_difference(a: Tensor, b: Tensor) -> Tensor:
    # exp has derivatives of 1/2 at most here, and is constant above 0.
    low, high = b.clamp(max=0), a.clamp(max=0)
    share = torch.where(a > b, (high - low) / torch.where(a > b, a - b, 1.0), (b < 0).to(a))
    return _EXP.divided_difference(high / 2, low / 2) / 2 * share


_EXP = SPECTRAL_FUNCTIONS["exp"]
_BEST = SpectralFunction("exponential of the best response", _best, _best_difference)


def below(M: Matrices, root: Matrices) -> Matrices:
    """C = P^(1/2) exp(min(M, 0)) P^(1/2) <= P: the best of no response and the learned one.

    The minimum applies to the eigenvalues of M. Responses of nodes can only lower the energy of a
    frame, so that the affine stiffness P is never exceeded, however far outside the training set.
    """
    G = symmetric_function(M, _BEST) @ root
    return G.mT @ G


def relative_logarithm(C: Matrices, root: Matrices) -> Matrices:
    """The M that ``relative_to`` maps to C, log(P^(-1/2) C P^(-1/2)): the target of a log loss."""
    half = torch.linalg.solve(root, C)
    relative = torch.linalg.solve(root, half.mT)
    return symmetric_function((relative + relative.mT) / 2, "log")


def prior(M: Matrices, batch: LatticeBatch) -> Matrices:
    """``relative_to`` the affine stiffness: M = 0 is the affine bound."""
    return relative_to(M, prior_root(batch))


def prior_inverse(C: Matrices, batch: LatticeBatch) -> Matrices:
    """The M that ``prior`` maps to C."""
    return relative_logarithm(C, prior_root(batch))


def beam(M: Matrices, batch: LatticeBatch) -> Matrices:
    """``relative_to`` the beam stiffness: M = 0 is the frame."""
    return relative_to(M, beam_root(batch))


ROOTS: dict[str, Callable[[LatticeBatch], Matrices]] = {"prior": prior_root, "beam": beam_root}
"""P^(1/2) for the maps relative to a known stiffness P."""
POSITIVE_MAPS: dict[str, Callable[[Matrices, LatticeBatch], Matrices]] = {
    "none": unconstrained,
    "square": square,
    "exp": exponential,
    "prior": prior,
    "beam": beam,
}
