"""How far one stiffness is from another: each metric with its formula.

All take Mandel matrices ``predicted`` and ``reference`` of shape (lattices, 6, 6) and return one
number a lattice. With a scale-free metric the unit of stiffness does not matter.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.matrix_functions import symmetric_function
from lattice_gnn.notation import dyad_mandel

Matrices = Float[Tensor, "lattices 6 6"]
Numbers = Float[Tensor, " lattices"]


def fixed_directions(count: int = 250) -> Float[Tensor, "count 3"]:
    """A Fibonacci lattice of directions on the sphere (Gonzalez, Math. Geosci. 42 (2010) 49)."""
    k = torch.arange(count, dtype=torch.float64) + 0.5
    z = 1 - 2 * k / count
    angle = math.pi * (3 - math.sqrt(5)) * k
    ring = (1 - z**2).sqrt()
    return torch.stack([ring * angle.cos(), ring * angle.sin(), z], -1)


def directional_stiffness(C: Matrices) -> Float[Tensor, "lattices directions"]:
    """N n : C : n n in 250 fixed directions."""
    n = fixed_directions().to(C)
    dyads = dyad_mandel(n, n)
    return torch.einsum("da,bac,dc->bd", dyads, C, dyads)


def directional_error(predicted: Matrices, reference: Matrices) -> Numbers:
    """mean_n |c(n) - c_ref(n)| / mean_n c_ref(n), c(n) = nn : C : nn (Grega et al. 2024)."""
    c, c_ref = directional_stiffness(predicted), directional_stiffness(reference)
    return (c - c_ref).abs().mean(1) / c_ref.mean(1)


def relative_frobenius(predicted: Matrices, reference: Matrices) -> Numbers:
    """|C - C_ref|_F / |C_ref|_F, the same in every frame."""
    return (predicted - reference).flatten(1).norm(dim=1) / reference.flatten(1).norm(dim=1)


def log_euclidean(predicted: Matrices, reference: Matrices) -> Numbers:
    """|log C - log C_ref|_F: soft modes count as much as stiff ones.

    Reference:
        Arsigny, Fillard, Pennec, Ayache, SIAM J. Matrix Anal. Appl. 29 (2007) 328.
    """
    difference = symmetric_function(predicted, "log") - symmetric_function(reference, "log")
    return difference.flatten(1).norm(dim=1)


def softest_error(predicted: Matrices, reference: Matrices) -> Numbers:
    """|l - l_ref| / l_ref of the smallest eigen-stiffness."""
    soft, soft_ref = (torch.linalg.eigvalsh(C)[:, 0] for C in (predicted, reference))
    return (soft - soft_ref).abs() / soft_ref


METRICS = {
    "directional_error": directional_error,
    "relative_frobenius": relative_frobenius,
    "log_euclidean": log_euclidean,
    "softest_error": softest_error,
}


def summarise(values: Numbers) -> dict[str, float]:
    """Median, mean, p90, p99 and max of one metric over many lattices."""
    at = torch.quantile(values, values.new_tensor([0.5, 0.9, 0.99]))
    return {
        "median": float(at[0]),
        "mean": float(values.mean()),
        "p90": float(at[1]),
        "p99": float(at[2]),
        "max": float(values.max()),
    }
