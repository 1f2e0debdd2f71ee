"""Global extrema of directional moduli, with their directions.

A stiff direction of a soft lattice appears as a needle of E(n): for the cubic tensor C11 = 1, C12 =
0.9995, C44 = 0.95 the largest E is 2.1644 along [111], and 20,000 sampled directions find 1.38. The
needle is an artefact of the reciprocal. The compliance 1/E(n) = nn:S:nn is a smooth quartic of n
with at most 13 pairs of isolated critical directions (Cartwright and Sturmfels 2013, Linear Algebra
Appl. 438, 942-952). So each modulus is optimised through a polynomial:

- E: the quartic nn:S:nn on the sphere;
- G: the polynomial nm:S:nm on rotations (n, m); for fixed n the best m is a 2x2 eigenproblem, so
  that the seeds come from a grid over n alone;
- nu: the ratio -(mm:S:nn)/(nn:S:nn); each Newton step improves the polynomial -(mm + nu nn):S:nn at
  the present nu (Dinkelbach 1967, Management Science 13, 492-498), whose global maximum is zero at
  the largest nu. It is sampled again at the nu found, where a larger value would show;
- beta: the quadratic form nn:S:1, an exact 3x3 eigenproblem.

Seeds are the local extrema on an even grid of directions, <100>, <110>, <111>, and the eigenvectors
of the six Kelvin modes. S enters through its factor W, nn:S:nn = |W nn|^2, which keeps full
relative accuracy in the stiffest direction.
"""

from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.tensors import moduli
from lattice_gnn.tensors.notation import dyad_mandel, mandel_to_strain
from lattice_gnn.tensors.rotation_search import (
    CONVERGED,
    Expansion,
    direction_grid,
    expand_product,
    grid_minima,
    hold_axis,
    jet_matrix,
    minimise,
)
from lattice_gnn.tensors.rotations import perpendicular_pair

GRID = 800
"""Directions on the half sphere from which seeds are drawn (5 degrees apart)."""

LANES = 16
"""Seeds kept from the grid, and as many from the special directions, for each extremum."""

CHUNK = 128
"""Number of tensors searched at once; larger batches are split."""


@dataclass(frozen=True)
class Extrema:
    """Smallest and largest value of a modulus over all directions, and where they occur.

    Attributes:
        quantity: "E", "G", "nu" or "beta".
        min: Shape of the batch; exactly differentiable once with respect to the stiffness.
        min_directions: Unit vectors: (..., 3) n for E and beta; (..., 2, 3) the pair n, m for G and
            nu.
        max: Like `min`.
        max_directions: Like `min_directions`.
    """

    quantity: str
    min: Float[Tensor, "*batch"]
    min_directions: Float[Tensor, "..."]
    max: Float[Tensor, "*batch"]
    max_directions: Float[Tensor, "..."]


class _Dyads(NamedTuple):
    """Mandel vectors of the dyads of n and of two directions a, b perpendicular to it."""

    nn: Tensor
    na: Tensor
    nb: Tensor
    aa: Tensor
    ab: Tensor
    bb: Tensor


def find_extrema(mandel: Float[Tensor, "*batch 6 6"], quantity: str) -> Extrema:
    """Find the global minimum and maximum of "E", "G", "nu" or "beta" and their directions.

    Where several directions attain the extremum, one of them is returned.

    Raises:
        LatticeGnnError: For an unknown quantity or a stiffness that is not positive definite.
    """
    if quantity not in ("E", "G", "nu", "beta"):
        raise LatticeGnnError(f"unknown quantity {quantity!r}: use E, G, nu or beta")
    if not bool(torch.isfinite(mandel).all()):
        raise LatticeGnnError("the stiffness holds NaN or infinity: check where it comes from")
    batch = mandel.shape[:-2]
    fixed = mandel.detach().reshape(-1, 6, 6)
    if quantity == "beta":
        low, high = _compressibility_axes(fixed)
    else:
        pieces = [_search(piece, quantity) for piece in fixed.split(CHUNK)]
        low, high = (torch.cat(ends) for ends in zip(*pieces, strict=True))
    low, high = low.reshape(*batch, *low.shape[1:]), high.reshape(*batch, *high.shape[1:])
    value_min, value_max = (_value(mandel, quantity, directions) for directions in (low, high))
    return Extrema(quantity, value_min, low, value_max, high)


def _value(mandel: Tensor, quantity: str, directions: Tensor) -> Tensor:
    """Evaluate the modulus at fixed directions, differentiably (envelope theorem)."""
    if quantity == "E":
        return moduli.young_modulus(mandel, directions)
    if quantity == "beta":
        return moduli.linear_compressibility(mandel, directions)
    function = moduli.shear_modulus if quantity == "G" else moduli.poisson_ratio
    return function(mandel, directions[..., 0, :], directions[..., 1, :])


def _compressibility_axes(mandel: Tensor) -> tuple[Tensor, Tensor]:
    """Return the directions of smallest and largest beta: the eigenvectors of S : 1."""
    S = moduli.compliance(mandel)
    axes = torch.linalg.eigh(mandel_to_strain(S @ moduli.dilatation(S)))[1]
    return _upright(axes[..., 0]), _upright(axes[..., 2])


def _search(mandel: Tensor, quantity: str) -> tuple[Tensor, Tensor]:
    """Find the directions of the minimum and maximum of E, G or nu for (B, 6, 6) tensors."""
    form = moduli.compliance_form(0.5 * (mandel + mandel.mT))
    if not form.positive:
        lowest = torch.linalg.eigvalsh(0.5 * (mandel + mandel.mT))[:, 0].min().item()
        raise LatticeGnnError(
            f"extrema of {quantity} need a positive definite stiffness but its smallest "
            f"eigen-stiffness is {lowest:.3g}: look at its soft mode"
        )
    # Problems: first the B minima of the modulus, then the B maxima. What is minimised is
    # sign * nn:S:nn, sign * nm:S:nm or sign * nu.
    sign = torch.ones(2 * len(mandel), dtype=mandel.dtype, device=mandel.device)
    sign[: len(mandel)] = 1.0 if quantity == "nu" else -1.0
    sign[len(mandel) :] = -sign[0]
    problem = _Problem(quantity, torch.cat([form.matrix] * 2), sign)
    special = torch.cat([_special_directions(mandel)] * 2)
    frames, values = minimise(problem.expand, problem.seeds(special))
    if quantity == "nu":
        again = problem.seeds(special, at=sign * values.amin(-1))
        more_frames, more_values = minimise(problem.expand, again)
        frames = torch.cat([frames, more_frames], dim=1)
        values = torch.cat([values, more_values], dim=1)
    best = _pick(frames, values)
    n, m = _upright(best[..., 0]), _upright(best[..., 1])
    chosen = n if quantity == "E" else torch.stack([n, m], dim=1)
    return chosen[: len(mandel)], chosen[len(mandel) :]


def _pick(frames: Tensor, values: Tensor) -> Tensor:
    """Choose the best lane; among ties, the one whose n leans most evenly into the first octant."""
    lowest = values.amin(-1, keepdim=True)
    tied = values <= lowest + 1e-12 * lowest.abs()
    leaning = torch.where(tied, _upright(frames[..., 0]).sum(-1).round(decimals=6), -torch.inf)
    lane = leaning.argmax(-1)
    return frames[torch.arange(len(lane), device=lane.device), lane]


def _upright(n: Tensor) -> Tensor:
    """Return n or -n, whichever has a positive first non-zero component."""
    n = torch.where(n.abs() < 10.0 * CONVERGED, 0.0, n)
    sign, tail = torch.sign(torch.where(n.abs() > 1e-6, n, 0.0)), torch.ones_like(n[..., 0])
    lead = torch.where(
        sign[..., 1] != 0, sign[..., 1], torch.where(sign[..., 2] != 0, sign[..., 2], tail)
    )
    lead = torch.where(sign[..., 0] != 0, sign[..., 0], lead)
    return n * lead[..., None] + 0.0  # turns -0 into 0


@cache
def _axes_100_110_111() -> Tensor:
    half = [v for v in product((-1, 0, 1), repeat=3) if v > (0, 0, 0)]
    axes = torch.tensor(half, dtype=torch.float64)
    return axes / torch.linalg.vector_norm(axes, dim=-1, keepdim=True)


def _special_directions(mandel: Tensor) -> Tensor:
    """Return <100>, <110>, <111> and the 18 principal directions of the Kelvin modes."""
    modes = mandel_to_strain(torch.linalg.eigh(mandel)[1].mT)
    principal = torch.linalg.eigh(modes)[1].mT.flatten(1, 2)
    fixed = _axes_100_110_111().to(mandel.device)
    return torch.cat([fixed.expand(len(mandel), -1, -1), principal], dim=1)


def _dyads(n: Tensor) -> _Dyads:
    a, b = perpendicular_pair(n)
    pairs = ((n, n), (n, a), (n, b), (a, a), (a, b), (b, b))
    return _Dyads(*(dyad_mandel(p, q) for p, q in pairs))


class _Problem:
    """Objective of (P,) problems: values for directions, and second-order expansions at frames.

    Frames hold n, m and n x m as columns.
    """

    def __init__(self, quantity: str, W: Tensor, sign: Tensor) -> None:
        self.quantity = quantity
        self.W = W
        self.sign = sign
        self.jets = jet_matrix().to(W.device)
        grid = direction_grid(GRID)
        self.grid = type(grid)(*(part.to(W.device) for part in grid))
        self.grid_dyads = _Dyads(*(d.to(W.device) for d in _dyads(grid.points)))

    def seeds(self, special: Tensor, at: Tensor | None = None) -> Tensor:
        """Return starting frames (P, lanes, 3, 3): grid minima and the best special directions.

        For nu, `at` is the value whose polynomial is sampled; without it nu itself is sampled, and
        the local minima of nn:S:nn, where nu can be sharp, are added to the seeds.
        """
        values, angles = self._profile(self.grid_dyads, at)
        chosen = grid_minima(values, self.grid, LANES)
        if self.quantity == "nu" and at is None:
            stiff = (self.grid_dyads.nn @ self.W.mT).square().sum(-1)
            chosen = torch.cat([chosen, grid_minima(stiff, self.grid, LANES // 2)], dim=1)
        special_values, special_angles = self._profile(_dyads(special), at)
        best = special_values.topk(LANES, dim=1, largest=False).indices
        n = torch.cat(
            [self.grid.points[chosen], special.gather(1, best[..., None].expand(-1, -1, 3))], dim=1
        )
        angle = torch.cat([angles.gather(1, chosen), special_angles.gather(1, best)], dim=1)
        a, b = perpendicular_pair(n)
        m = angle.cos()[..., None] * a + angle.sin()[..., None] * b
        return torch.stack([n, m, torch.linalg.cross(n, m)], dim=-1)

    def _profile(self, dyads: _Dyads, at: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the value at each n with the best perpendicular m, and the angle of that m."""
        nn = dyads.nn @ self.W.mT
        f, sign = nn.square().sum(-1), self.sign[:, None]
        if self.quantity == "E":
            return sign * f, torch.zeros_like(f)
        if self.quantity == "G":
            na, nb = dyads.na @ self.W.mT, dyads.nb @ self.W.mT
            aa, ab, bb = na.square().sum(-1), (na * nb).sum(-1), nb.square().sum(-1)
        else:
            aa, ab, bb = (-(d @ self.W.mT * nn).sum(-1) for d in (dyads.aa, dyads.ab, dyads.bb))
        # The smallest (sign > 0) or largest eigenvalue of the symmetric 2x2 matrix.
        angle = 0.5 * torch.atan2(2.0 * ab, aa - bb) + torch.pi / 2 * (sign > 0).to(ab)
        radius = torch.hypot(0.5 * (aa - bb), ab)
        value = sign * 0.5 * (aa + bb) - radius
        if self.quantity == "nu":
            value = value / f if at is None else value - sign * at[:, None] * f
        return value, angle

    def expand(self, frames: Tensor, problem: Tensor) -> Expansion:
        """Expand the objective at frames (lanes, 3, 3) of the problems with these numbers."""
        n, m = frames[..., 0], frames[..., 1]
        sign, W = self.sign[problem], self.W[problem]
        x = self._jet(W, dyad_mandel(n, m if self.quantity == "G" else n))
        load = expand_product(x, x)
        if self.quantity == "E":
            return _scaled(hold_axis(load, n), sign)
        if self.quantity == "G":
            return _scaled(load, sign)
        across = expand_product(self._jet(W, dyad_mandel(m, m)), x)
        nu = -across.value / load.value
        combined = Expansion(
            nu * load.value,
            -(across.gradient + nu[:, None] * load.gradient),
            -(across.hessian + nu[:, None, None] * load.hessian),
        )
        return _scaled(combined, sign / load.value)

    def _jet(self, W: Tensor, x: Tensor) -> Tensor:
        """Return W x and its rotational derivatives: (lanes, 10, 6)."""
        return torch.bmm((x @ self.jets).unflatten(1, (10, 6)), W.mT)


def _scaled(expansion: Expansion, factor: Tensor) -> Expansion:
    return Expansion(
        factor * expansion.value,
        factor[:, None] * expansion.gradient,
        factor[:, None, None] * expansion.hessian,
    )
