"""Evaluators: the differentiable stiffness of many designs at once."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from fem_reference.beam.homogenise import homogenise_beam
from fem_reference.sparse import IllConditionedError
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.surrogate.limits import SLACK, excess_over_solid
from lattice_gnn.surrogate.surrogate import Surrogate, load_surrogate
from lattice_gnn.tensors.matrix_functions import symmetric_function

StiffnessFunction = Callable[[LatticeBatch], Tensor]
_ROUNDINGS = 10.0  #: precision of an evaluator, in relative rounding errors of its numbers


def _no_notes(lattice: Lattice) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True, eq=False)
class Evaluator:
    """A differentiable stiffness.

    Attributes:
        name: Name in results: "beam", "network", or that of the user's function.
        function: Returns C / E_s of every lattice of a batch, (lattices, 6, 6), Mandel.
        notes: In which ways a lattice lies outside the evaluator's domain, one sentence each.
        correction: Matrix A of the corrected stiffness A C A^T; None without correction.
        precision: Relative precision of C: smaller changes may be rounding.
    """

    name: str
    function: StiffnessFunction
    notes: Callable[[Lattice], tuple[str, ...]] = _no_notes
    correction: Float[Tensor, "6 6"] | None = None
    precision: float = _ROUNDINGS * torch.finfo(torch.float64).eps

    def __call__(self, batch: LatticeBatch) -> Float[Tensor, "lattices 6 6"]:
        """Return C / E_s; NaN for lattices that cannot be solved."""
        C = _solvable(self.function, batch)
        if C.shape != (len(batch), 6, 6):
            raise LatticeGnnError(
                f"design: evaluator {self.name}: expected a tensor of shape ({len(batch)}, 6, 6), "
                f"got {tuple(C.shape)}"
            )
        C = C.to(torch.float64)
        return C if self.correction is None else self.correction @ C @ self.correction.mT

    def corrected(
        self, value: Float[Tensor, "6 6"], reference: Float[Tensor, "6 6"]
    ) -> "Evaluator":
        """Return this evaluator with a multiplicative correction that maps value to reference.

        A C A^T with A = V^(-1/2) (V^(1/2) R V^(1/2))^(1/2) V^(-1/2) maps V to R, keeps every C
        positive definite, and is independent of the basis (the geometric mean of R and V^-1).

        Args:
            value: C by the uncorrected evaluator, positive definite.
            reference: C of the same lattice by the reference, positive definite.
        """
        root = symmetric_function(value.detach(), "sqrt")
        inverse = torch.linalg.inv(root)
        A = inverse @ symmetric_function(root @ reference.detach() @ root, "sqrt") @ inverse
        return replace(self, correction=A)


def _solvable(function: StiffnessFunction, batch: LatticeBatch) -> Tensor:
    """Evaluate the lattices that can be solved; the others are NaN."""
    left = list(range(len(batch)))
    while left:
        part = batch if len(left) == len(batch) else batch.select(left)
        try:
            C = function(part)
        except IllConditionedError as error:
            del left[error.lattice]
            continue
        if part is batch:
            return C
        return C.new_full((len(batch), 6, 6), torch.nan).index_copy(0, torch.tensor(left), C)
    return batch.nodes.new_full((len(batch), 6, 6), torch.nan)


def make_evaluator(fidelity: object) -> Evaluator:
    """Return the evaluator of a fidelity.

    Args:
        fidelity: "beam" for beam FEM; "solid" for the joint network, whose labels are by solid FEM;
            a ``Surrogate``; an ``Evaluator``; or a function from a batch to C / E_s.

    Raises:
        LatticeGnnError: For anything else.
    """
    if isinstance(fidelity, Evaluator):
        return fidelity
    if fidelity == "beam":
        return Evaluator("beam", _beam)
    if fidelity == "solid":
        return _network(load_surrogate())
    if isinstance(fidelity, Surrogate):
        return _network(fidelity)
    if callable(fidelity):
        return Evaluator(getattr(fidelity, "__name__", "function"), fidelity)
    raise LatticeGnnError(
        "design: fidelity: expected 'beam', 'solid', a Surrogate or a function of a LatticeBatch, "
        f"got {fidelity!r:.60}"
    )


def _beam(batch: LatticeBatch) -> Tensor:
    return homogenise_beam(batch).stiffness.mandel


def _network(surrogate: Surrogate) -> Evaluator:
    def stiffness(batch: LatticeBatch) -> Tensor:
        """Return the prediction; NaN where no lattice of this solid can have it."""
        C = surrogate.stiffness(batch).mandel
        possible = excess_over_solid(C.detach().double(), batch) <= SLACK
        return torch.where(possible[:, None, None], C, torch.nan)

    def notes(lattice: Lattice) -> tuple[str, ...]:
        return surrogate.domain.notes(lattice.simplified())

    rounding = torch.finfo(next(surrogate.model.parameters()).dtype).eps
    return Evaluator("network", stiffness, notes, precision=_ROUNDINGS * rounding)
