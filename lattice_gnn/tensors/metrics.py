"""Error metrics between stiffness tensors.

All take Mandel matrices ``predicted`` and ``reference`` of shape (lattices, 6, 6) and return one
number per lattice; the unit of stiffness does not matter. References are positive definite.
Predictions may be indefinite: a metric that is then undefined (a logarithm, a compliance) is
infinite, so that a median over many lattices stays meaningful and a mean reveals the failure.
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from lattice_gnn.tensors.matrix_functions import ROUNDING, symmetric_function
from lattice_gnn.tensors.moduli import averages
from lattice_gnn.tensors.notation import UPPER, dyad_mandel
from lattice_gnn.tensors.rotations import fibonacci_spiral
from lattice_gnn.tensors.stiffness import Stiffness

Matrices = Float[Tensor, "lattices 6 6"]
Numbers = Float[Tensor, " lattices"]


def fixed_directions(count: int = 250) -> Float[Tensor, "count 3"]:
    """Return a Fibonacci lattice of directions on the sphere."""
    k = torch.arange(count, dtype=torch.float64) + 0.5
    return fibonacci_spiral(1 - 2 * k / count, first=0.5)


def directional_stiffness(C: Matrices) -> Float[Tensor, "lattices directions"]:
    """Return nn : C : nn in 250 fixed directions n."""
    n = fixed_directions().to(C)
    dyads = dyad_mandel(n, n)
    return torch.einsum("da,bac,dc->bd", dyads, C, dyads)


def directional_error(predicted: Matrices, reference: Matrices) -> Numbers:
    """Return mean_n |c(n) - c_ref(n)| / mean_n c_ref(n), c = nn : C : nn (Grega et al. 2024)."""
    c, c_ref = directional_stiffness(predicted), directional_stiffness(reference)
    return (c - c_ref).abs().mean(1) / c_ref.mean(1)


def component_error(predicted: Matrices, reference: Matrices) -> Numbers:
    """Return mean_ij |C_ij - C_ref,ij| / mean_n c_ref(n) over the 21 Mandel components.

    The component loss of Grega et al. 2024, normalised by the lattice's mean directional stiffness.
    It depends on the frame, unlike the Frobenius norm.
    """
    difference = (predicted - reference)[:, *UPPER].abs().mean(1)
    return difference / directional_stiffness(reference).mean(1)


def relative_frobenius(
    predicted: Stiffness | Float[Tensor, "*batch 6 6"],
    reference: Stiffness | Float[Tensor, "*batch 6 6"],
) -> Float[Tensor, "*batch"]:
    """Return |C - C_ref|_F / |C_ref|_F of Mandel matrices or `Stiffness`, frame-independent."""
    C, C_ref = (x if isinstance(x, Stiffness) else Stiffness(x) for x in (predicted, reference))
    return (C - C_ref).norm() / C_ref.norm()


def log_euclidean(predicted: Matrices, reference: Matrices) -> Numbers:
    """Return |log C - log C_ref|_F, which weighs soft modes as much as stiff ones.

    Infinite where the prediction is not positive definite to rounding, which is the limit as an
    eigenvalue goes to zero.

    Reference:
        Arsigny, Fillard, Pennec, Ayache, SIAM J. Matrix Anal. Appl. 29 (2007) 328.
    """
    values = torch.linalg.eigvalsh(predicted.double())
    definite = values[:, 0] > ROUNDING * values.abs().amax(1)
    safe = torch.where(definite[:, None, None], predicted.double(), reference.double())
    difference = symmetric_function(safe, "log") - symmetric_function(reference, "log")
    return torch.where(definite, difference.flatten(1).norm(dim=1), math.inf)


def softest_error(predicted: Matrices, reference: Matrices) -> Numbers:
    """Return |l - l_ref| / l_ref of the smallest eigen-stiffness."""
    soft, soft_ref = (torch.linalg.eigvalsh(C)[:, 0] for C in (predicted, reference))
    return (soft - soft_ref).abs() / soft_ref


def has_negative_energy(C: Matrices) -> Bool[Tensor, " lattices"]:
    """Return whether some strain has negative energy: an eigenvalue below -1e-12 of the largest.

    A zero made negative by rounding does not count.
    """
    values = torch.linalg.eigvalsh(C.double())
    return values[:, 0] < -ROUNDING * values.abs().amax(1)


def moduli_errors(predicted: Matrices, reference: Matrices) -> dict[str, Numbers]:
    """Return the errors of the isotropic averages of E, G, nu and K.

    With K_V, K_R, G_V, G_R the Voigt and Reuss averages and K_H = (K_V + K_R)/2, G_H likewise
    (Hill 1952, Proc. Phys. Soc. A 65, 349):

    - ``E``: |E - E_ref| / E_ref of E = 9 K_H G_H / (3 K_H + G_H),
    - ``G``: |G - G_ref| / G_ref of G_H,
    - ``nu``: |nu - nu_ref| of nu = (3 K_H - 2 G_H) / (6 K_H + 2 G_H); absolute, since nu may be 0,
    - ``K``: |K - K_ref| / K_ref of K_R = 1 / (1 : S : 1), the stiffness under pressure.

    All are infinite where the prediction is not positive definite to rounding and so has no
    compliance.
    """
    values = torch.linalg.eigvalsh(predicted.double())
    definite = values[:, 0] > ROUNDING * values.abs().amax(1)
    safe = torch.where(definite[:, None, None], predicted.double(), reference.double())
    ours, theirs = averages(safe), averages(reference.double())

    def relative(name: str) -> Tensor:
        value: Tensor = getattr(theirs, name)
        return (getattr(ours, name) - value).abs() / value

    found = {
        "E": relative("young_hill"),
        "G": relative("shear_hill"),
        "nu": (ours.poisson_hill - theirs.poisson_hill).abs(),
        "K": relative("bulk_reuss"),
    }
    return {name: torch.where(definite, error, math.inf) for name, error in found.items()}


METRICS = {
    "directional_error": directional_error,
    "relative_frobenius": relative_frobenius,
    "log_euclidean": log_euclidean,
    "softest_error": softest_error,
}
"""Metrics that training evaluates on the validation set after every epoch."""


def summarise(values: Numbers) -> dict[str, float]:
    """Return median, mean, p90, p99 and max of one metric over at least one lattice.

    Quantiles are interpolated linearly between order statistics; infinite values are allowed.
    """
    return {
        "median": quantile(values, 0.5),
        "mean": float(values.mean()),
        "p90": quantile(values, 0.9),
        "p99": quantile(values, 0.99),
        "max": float(values.max()),
    }


def quantile(values: Numbers, share: float) -> float:
    """Return a quantile, interpolated linearly between order statistics.

    Interpolation with an infinite value gives infinity.
    """
    ordered = values.sort().values
    place = share * (len(ordered) - 1)
    below = min(math.floor(place), len(ordered) - 1)
    above = min(below + 1, len(ordered) - 1)
    low, high, part = float(ordered[below]), float(ordered[above]), place - below
    return low if part < 1e-12 or low == high else low + part * (high - low)
