"""Validation of a solver's stiffness against published tensors.

Published tensors are rounded to the printed digits. If a lattice has one soft and one stiff mode,
its compliance is dominated by the soft one; rounding that compliance to five digits and inverting
it can change the stiffness by per cents. ``rounding_floor`` quantifies this for each lattice, so
that rounding can be told apart from other differences.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.tensors.metrics import relative_frobenius, softest_error
from lattice_gnn.tensors.stiffness import Stiffness

Solver = Callable[[Sequence[Lattice]], Stiffness]


@dataclass(frozen=True, slots=True)
class Outlier:
    """One lattice of a comparison.

    Attributes:
        name: Name of the lattice.
        relative_density: Sum of strut volumes over the cell volume.
        stiffness: |C - C_ref| / |C_ref|.
        compliance: |S - S_ref| / |S_ref|.
        softest: Relative difference of the smallest eigenvalue of C.
        condition: Largest over smallest eigenvalue of the reference.
        rounding_floor: Root mean square change of C caused by rounding the reference.
        rounding_bound: Largest change of C that this rounding can cause.
    """

    name: str
    relative_density: float
    stiffness: float
    compliance: float
    softest: float
    condition: float
    rounding_floor: float
    rounding_bound: float


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Relative differences between computed and reference tensors, one number per lattice.

    Attributes:
        names: Names of the lattices.
        relative_density: Sum of strut volumes over cell volume.
        computed: C / E_s of the solver, Mandel.
        reference: C / E_s of the reference, Mandel.
        stiffness: |C - C_ref|_F / |C_ref|_F.
        compliance: |S - S_ref|_F / |S_ref|_F.
        softest: Difference of the smallest eigenvalue of C over that of the reference.
        condition: Largest over smallest eigenvalue of the reference.
        rounding_floor: Root mean square change of C caused by rounding the reference's compliance
            to its printed digits; 0 if it is taken as exact.
        rounding_bound: Largest change of C that this rounding can cause, to first order.
        seconds: Wall time of the solver for all lattices.
    """

    names: tuple[str, ...]
    relative_density: Float[Tensor, " lattices"]
    computed: Float[Tensor, "lattices 6 6"]
    reference: Float[Tensor, "lattices 6 6"]
    stiffness: Float[Tensor, " lattices"]
    compliance: Float[Tensor, " lattices"]
    softest: Float[Tensor, " lattices"]
    condition: Float[Tensor, " lattices"]
    rounding_floor: Float[Tensor, " lattices"]
    rounding_bound: Float[Tensor, " lattices"]
    seconds: float

    def __len__(self) -> int:
        """Return the number of lattices."""
        return len(self.names)

    def worst(self, count: int = 10) -> tuple[Outlier, ...]:
        """Return the lattices whose stiffness differs most, worst first."""
        order = torch.argsort(self.stiffness, descending=True)[:count].tolist()
        fields = (
            self.relative_density,
            self.stiffness,
            self.compliance,
            self.softest,
            self.condition,
            self.rounding_floor,
            self.rounding_bound,
        )
        return tuple(Outlier(self.names[k], *(float(x[k]) for x in fields)) for k in order)


def compare(
    pairs: Sequence[tuple[Lattice, Stiffness]],
    solve: Solver,
    roundings: Sequence[Float[np.ndarray, "6 6"]] | None = None,
) -> Comparison:
    """Solve every lattice and compare the result with its reference.

    Args:
        pairs: Lattices and their reference stiffness C / E_s (one 6x6 tensor each).
        solve: Solver that returns C / E_s of a sequence of lattices, shape (lattices, 6, 6).
        roundings: For each reference, half a unit in the last printed digit of its Mandel
            compliance, 1/E_s; without them the references are taken as exact.

    Raises:
        LatticeGnnError: If there are no pairs, roundings do not match, or a reference is not
            positive definite.
    """
    if not pairs:
        raise LatticeGnnError("expected at least one lattice with a reference tensor, got none")
    if roundings is not None and len(roundings) != len(pairs):
        raise LatticeGnnError(
            f"roundings: expected one per pair ({len(pairs)}), got {len(roundings)}"
        )
    lattices = [lattice for lattice, _ in pairs]
    reference = torch.stack([stiffness.mandel.detach() for _, stiffness in pairs])
    soft = torch.linalg.eigvalsh(reference)
    poor = torch.nonzero(~(soft[:, 0] > 0))[:, 0].tolist()
    if poor:
        raise LatticeGnnError(
            f"the reference of {lattices[poor[0]].name!r} is not positive definite (smallest "
            f"eigenvalue {float(soft[poor[0], 0]):.3g}); remove it"
        )
    start = time.perf_counter()
    computed = solve(lattices).mandel.detach().to(reference)
    seconds = time.perf_counter() - start
    floor, bound = rounding_errors(
        reference, None if roundings is None else torch.from_numpy(np.stack(roundings))
    )
    return Comparison(
        names=tuple(lattice.name for lattice in lattices),
        relative_density=reference.new_tensor([x.relative_density for x in lattices]),
        computed=computed,
        reference=reference,
        stiffness=relative_frobenius(computed, reference),
        compliance=relative_frobenius(torch.linalg.inv(computed), torch.linalg.inv(reference)),
        softest=softest_error(computed, reference),
        condition=soft[:, -1] / soft[:, 0],
        rounding_floor=floor,
        rounding_bound=bound,
        seconds=seconds,
    )


def rounding_errors(
    stiffness: Float[Tensor, "lattices 6 6"], halves: Float[Tensor, "lattices 6 6"] | None
) -> tuple[Float[Tensor, " lattices"], Float[Tensor, " lattices"]]:
    """Bound the change of C (relative Frobenius) caused by rounding its compliance.

    To first order dC = -C dS C. The 21 independent entries of dS are each uniform between plus and
    minus half a unit in the last digit: their contributions add in quadrature, variance half^2/3.

    Args:
        stiffness: C, Mandel.
        halves: Half units of the entries of S, Mandel, symmetric; None for no rounding.

    Returns:
        Root mean square, and the sum of all contributions, which is an upper bound to first order.
    """
    square = stiffness.new_zeros(len(stiffness))
    total = torch.zeros_like(square)
    if halves is None:
        return square, total
    size = stiffness.flatten(1).norm(dim=1)
    for i in range(6):
        for j in range(i, 6):
            change = stiffness[:, :, i, None] * stiffness[:, None, j, :]
            change = change if i == j else change + change.mT
            moved = change.flatten(1).norm(dim=1) * halves[:, i, j] / size
            square += moved**2 / 3
            total += moved
    return square.sqrt(), total
