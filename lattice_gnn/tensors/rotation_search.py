"""Global search over directions and orientations: even grids, seeds, and Newton's method on SO(3).

Finding the extrema of moduli and finding the symmetry frame of a stiffness are the same task: the
global minimisation of a low-degree polynomial of a rotation with several local minima. The method
is the same too: evaluate an even grid, keep its local minima and some informed guesses as seeds,
and run a guarded Newton iteration from all of them (the lanes). Everything is batched over problems
and lanes, without autograd.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from lattice_gnn.tensors.notation import PAIRS, rotation_generators
from lattice_gnn.tensors.rotations import fibonacci_spiral, rotation_matrix

FIRST_STEP = 0.25
"""Initial limit on a Newton step per principal direction, in radians."""

CONVERGED = 1e-9
"""A lane stops once its step or its step limit falls below this angle, in radians."""


NEGLIGIBLE = 1e-17
"""A lane also stops once the expected decrease falls below this share of the value."""


class Expansion(NamedTuple):
    """Second-order expansion in the vector w of a rotation exp(w) from the left of each frame."""

    value: Float[Tensor, " lanes"]
    gradient: Float[Tensor, "lanes 3"]
    hessian: Float[Tensor, "lanes 3 3"]


class Grid(NamedTuple):
    """Evenly spaced points with the indices of their nearest neighbours."""

    points: Float[Tensor, "points n"]
    neighbours: Int[Tensor, "points near"]


def _with_neighbours(points: Tensor, near: int) -> Grid:
    """Return points with their nearest by |dot|, so that x and -x are the same point."""
    closeness = (points @ points.T).abs().fill_diagonal_(-1.0)
    return Grid(points, closeness.topk(near, dim=1).indices)


@cache
def direction_grid(count: int) -> Grid:
    """Return evenly spaced directions on half a sphere."""
    heights = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    return _with_neighbours(fibonacci_spiral(heights), near=8)


@cache
def rotation_grid(count: int) -> Grid:
    """Return even unit quaternions (w, x, y, z): super-Fibonacci spirals (Alexa 2022, CVPR)."""
    s = torch.arange(count, dtype=torch.float64) + 0.5
    inner, outer = (s / count).sqrt(), (1.0 - s / count).sqrt()
    alpha, beta = 2.0 * torch.pi * s / 2.0**0.5, 2.0 * torch.pi * s / 1.533751168755204288118041
    parts = [inner * alpha.sin(), inner * alpha.cos(), outer * beta.sin(), outer * beta.cos()]
    return _with_neighbours(torch.stack(parts, dim=1), near=14)


def grid_minima(
    values: Float[Tensor, "problems points"], grid: Grid, count: int
) -> Int[Tensor, "problems lanes"]:
    """Return the numbers of the `count` lowest grid points, local minima first."""
    lowest_near = values[:, grid.neighbours].amin(-1)
    spread = (values.amax(-1) - values.amin(-1))[:, None] + 1.0
    ranked = torch.where(values <= lowest_near, values, values + spread)
    return ranked.topk(count, dim=1, largest=False).indices


@cache
def jet_matrix() -> Float[Tensor, "6 60"]:
    """Map a Mandel vector x to x, its 3 first and its 6 second derivatives under rotation."""
    return _jets(rotation_generators(torch.zeros(1, dtype=torch.float64)))


@cache
def stiffness_jet_matrix() -> Float[Tensor, "36 360"]:
    """Map a flattened Mandel matrix likewise; its generators are L x 1 + 1 x L."""
    generators = rotation_generators(torch.zeros(1, dtype=torch.float64))
    one = torch.eye(6, dtype=torch.float64)
    return _jets(torch.stack([torch.kron(L, one) + torch.kron(one, L) for L in generators]))


def _jets(generators: Tensor) -> Tensor:
    size = generators.shape[-1]
    second = [
        0.5 * (generators[j] @ generators[k] + generators[k] @ generators[j]) for j, k in PAIRS
    ]
    blocks = [torch.eye(size, dtype=generators.dtype), *generators, *second]
    return torch.cat([block.T for block in blocks], dim=1)


def expand_product(x: Float[Tensor, "lanes 10 n"], y: Float[Tensor, "lanes 10 n"]) -> Expansion:
    """Expand the scalar product x.y from the jets of both vectors."""
    gram = torch.bmm(x, y.mT)
    gram = gram + gram.mT
    second = gram[:, 0, [4, 9, 8, 9, 5, 7, 8, 7, 6]].unflatten(1, (3, 3))
    return Expansion(0.5 * gram[:, 0, 0], gram[:, 0, 1:4], second + gram[:, 1:4, 1:4])


def hold_axis(at: Expansion, axis: Float[Tensor, "*#lanes 3"]) -> Expansion:
    """Remove the rotation about an axis on which the value does not depend.

    Otherwise rounding errors would be divided by a curvature of zero.
    """
    dyad = axis[..., :, None] * axis[..., None, :]
    rest = torch.eye(3, dtype=axis.dtype, device=axis.device) - dyad
    scale = at.hessian.abs().amax((-2, -1), keepdim=True)
    gradient = (rest @ at.gradient[..., None])[..., 0]
    return Expansion(at.value, gradient, rest @ at.hessian @ rest + scale * dyad)


def _newton_step(at: Expansion, limit: Tensor) -> Tensor:
    """Return the saddle-free Newton step: |curvature| per principal direction, clipped."""
    curvature, axes = torch.linalg.eigh(at.hessian)
    curvature = curvature.abs()
    floor = 1e-10 * curvature.amax(-1, keepdim=True) + torch.finfo(torch.float64).tiny
    components = (axes.mT @ at.gradient[..., None])[..., 0] / torch.maximum(curvature, floor)
    components = torch.maximum(torch.minimum(components, limit[..., None]), -limit[..., None])
    return -(axes @ components[..., None])[..., 0]


def _correct(
    objective: Callable[[Tensor, Tensor], Expansion],
    problem: Tensor,
    missed: Tensor,
    frames: Tensor,
    tried: Expansion,
    limit: Tensor,
) -> None:
    """Apply one more Newton step, in place, to trials that increased the value.

    A straight step along a curved valley climbs its wall; the second step returns to its floor.
    """
    step = _newton_step(Expansion(*(part[missed] for part in tried)), limit[missed])
    frames[missed] = rotation_matrix(step) @ frames[missed]
    for part, new in zip(tried, objective(frames[missed], problem), strict=True):
        part[missed] = new


def minimise(
    objective: Callable[[Tensor, Tensor], Expansion],
    frames: Float[Tensor, "problems lanes 3 3"],
    iterations: int = 100,
) -> tuple[Float[Tensor, "problems lanes 3 3"], Float[Tensor, "problems lanes"]]:
    """Minimise from every lane by guarded Newton steps; return the final frames and values.

    A step that does not lower the value is rejected and the lane's step limit is divided by four;
    success doubles the limit. Frames rotate by exp(w) from the left. Converged lanes are no longer
    evaluated.

    Args:
        objective: Expansion at flat frames (lanes, 3, 3), given the problem number of each.
        frames: Initial frames.
        iterations: Maximum number of steps.
    """
    problems, lanes = frames.shape[:2]
    problem = torch.arange(problems, device=frames.device).repeat_interleave(lanes)
    here = frames.flatten(0, 1)
    final, at = here.clone(), objective(here, problem)
    final_value = at.value.clone()
    number = torch.arange(len(final), device=frames.device)
    limit = torch.full_like(at.value, FIRST_STEP)
    for _ in range(iterations):
        step = _newton_step(at, limit)
        length = step.abs().amax(-1)
        gain = (step * at.gradient).sum(-1).abs()
        awake = (torch.minimum(length, limit) > CONVERGED) & (gain > NEGLIGIBLE * at.value.abs())
        if not bool(awake.all()):
            final[number], final_value[number] = here, at.value
            number, here, limit = number[awake], here[awake], limit[awake]
            at, step, length = Expansion(*(part[awake] for part in at)), step[awake], length[awake]
            if not len(number):
                break
        tried_frames = rotation_matrix(step) @ here
        tried = objective(tried_frames, problem[number])
        missed = torch.nonzero(tried.value >= at.value)[:, 0]
        if len(missed):
            _correct(objective, problem[number[missed]], missed, tried_frames, tried, limit)
        lower = tried.value < at.value
        here = torch.where(lower[:, None, None], tried_frames, here)
        at = Expansion(
            torch.where(lower, tried.value, at.value),
            torch.where(lower[:, None], tried.gradient, at.gradient),
            torch.where(lower[:, None, None], tried.hessian, at.hessian),
        )
        shrunk = 0.25 * torch.minimum(limit, length)
        limit = torch.where(lower, (2.0 * limit).clamp_max(0.5), shrunk)
    final[number], final_value[number] = here, at.value
    return final.unflatten(0, (problems, lanes)), final_value.unflatten(0, (problems, lanes))
