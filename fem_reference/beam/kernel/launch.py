"""Torch interface of the kernel: batches in, stiffness and fields out, differentiable, threaded."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fem_reference.beam.affine import affine_displacements
from fem_reference.beam.elements import strut_coefficients
from fem_reference.beam.groups import (
    NEGLIGIBLE,
    ROUNDING,
    Found,
    Task,
    condition_numbers,
)
from fem_reference.beam.kernel.blocks import WIDTH
from fem_reference.beam.kernel.cells import Cells, Work, make_work
from fem_reference.beam.kernel.derivatives import Derivatives, differentiate
from fem_reference.beam.kernel.misfit import Misfits, differentiate_misfits, relax
from fem_reference.beam.kernel.solve import Results, solve
from fem_reference.beam.schedule import in_threads, spans
from fem_reference.beam.solution import BeamFields
from fem_reference.jit import is_kept
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.tensors.matrix_functions import OnceDifferentiable

_LEAST = 45_000  #: least cost of a span per thread, nodes x (nodes + 20): 150 cells of 10
_COLUMNS = np.uint64(WIDTH)


def is_cached() -> bool:
    """Return whether compiled code only needs to be loaded."""
    return all(is_kept(entry) for entry in (solve, differentiate, relax, differentiate_misfits))


def warm() -> None:
    """Load or compile all entries."""
    none, number = np.zeros((0, 6, 6)), np.zeros(0, dtype=np.int64)
    cells = Cells(
        np.zeros((0, 3)),
        np.zeros((0, 8)),
        np.zeros(0),
        np.zeros((0, 2), dtype=np.int64),
        *(number, number, np.zeros((0, 6), dtype=np.bool_)),
        *(0.0, 0.0),
    )
    work, results = make_work(cells, 0, 0), _results(cells, motion=True, fields=True)
    request = Derivatives(results.solved, none, none, none, results.forces, results.parts, False)
    ends, energy = np.zeros((0, 0, 12, 6)), np.zeros((0, 0, 6, 6))
    misfits = Misfits(results.solved, ends, energy, ends)
    for function, arguments in (
        (solve, (cells, (0, 0), _COLUMNS, work, results)),
        (differentiate, (cells, (0, 0), _COLUMNS, work, request, np.zeros((0, 11)))),
        (relax, (cells, (0, 0), _COLUMNS, work, misfits)),
        (differentiate_misfits, (cells, (0, 0), _COLUMNS, work, misfits, np.zeros((0, 11)))),
    ):
        with suppress(OSError):  # cache not writable; the code is used in this process only
            function(*arguments)


def solve_compiled(
    batch: LatticeBatch, held: Bool[Tensor, "nodes 6"], task: Task
) -> tuple[Found, Bool[np.ndarray, " lattices"]]:
    """Homogenise cells one by one with the compiled kernel.

    Args:
        batch: The lattices; computed in float64 whatever their precision.
        held: Degrees of freedom to hold.
        task: Settings of the solution.

    Returns:
        The results, and for which lattices they are verified to be accurate.
    """
    wide = batch.to(dtype=torch.float64)
    vectors, coefficients = strut_coefficients(
        wide, element=task.element, rigid_ends=task.rigid_ends
    )
    cells = _cells(wide, held, (vectors, coefficients))
    gradient = torch.is_grad_enabled() and (coefficients.requires_grad or vectors.requires_grad)
    results = _results(cells, motion=gradient or task.fields is True, fields=bool(task.fields))
    _over_cells(cells, lambda span, work: solve(cells, span, _COLUMNS, work, results))
    found = tuple(torch.from_numpy(x) for x in results[1:])
    if gradient:
        leaves = vectors, coefficients, wide.volumes
        found = _Differentiable.apply(*leaves, cells, results)
    C, motion, forces, parts = found
    if not task.fields:
        return Found(C), results.solved
    forces = forces.to(batch.nodes.dtype)
    if task.fields == "end_forces":
        return Found(C, forces), results.solved
    condition = condition_numbers(batch, held, task)
    fields = _fields(batch, motion.to(forces), parts.to(forces), (forces, condition))
    return Found(C, forces, fields), results.solved


def misfit_energies(
    batch: LatticeBatch, held: Bool[Tensor, "nodes 6"], misfit: Float[Tensor, "sets struts 12 6"]
) -> tuple[Float[Tensor, "sets lattices 6 6"], Bool[np.ndarray, " lattices"]]:
    """Compute ``misfit_energy`` cell by cell; also return which stiffnesses are definite."""
    vectors, coefficients = strut_coefficients(batch)
    cells = _cells(batch, held, (vectors, coefficients))
    sets = len(misfit)
    misfits = Misfits(
        solved=np.zeros(len(batch), dtype=np.bool_),
        misfit=_array(misfit).copy(),
        energy=np.full((sets, len(batch), 6, 6), np.nan),
        forces=np.zeros((sets, 0, 12, 6)),
    )
    _over_cells(cells, lambda span, work: relax(cells, span, _COLUMNS, work, misfits))
    found: Tensor = _Misfits.apply(vectors, coefficients, misfit, cells, misfits)
    return found, misfits.solved


def _cells(
    batch: LatticeBatch,
    held: Bool[Tensor, "nodes 6"],
    struts: tuple[Float[Tensor, "struts 3"], Float[Tensor, "struts 8"]],
) -> Cells:
    """Return the cells of a batch in float64; ``struts`` are vectors and coefficients."""
    return Cells(
        vectors=_array(struts[0]),
        coefficients=_array(struts[1]),
        volumes=_array(batch.volumes),
        ends=_array(batch.struts),
        node_offsets=_array(batch.node_offsets),
        strut_offsets=_array(batch.strut_offsets),
        held=_array(held),
        negligible=NEGLIGIBLE,
        rounding=float((ROUNDING * np.finfo(np.float64).eps) ** 2),
    )


def _fields(
    batch: LatticeBatch,
    motion: Float[Tensor, "nodes 6 6"],
    parts: Float[Tensor, "lattices 3 6 6"],
    others: tuple[Float[Tensor, "struts 12 6"], Float[Tensor, " lattices"]],
) -> BeamFields:
    """Build the fields, except for the condition numbers."""
    return BeamFields(
        fluctuations=motion[:, :3],
        rotations=motion[:, 3:],
        displacements=affine_displacements(batch) + motion[:, :3],
        end_forces=others[0],
        axial=parts[:, 0],
        torsion=parts[:, 1],
        bending=parts[:, 2],
        condition=others[1],
    )


def _array(tensor: Tensor) -> np.ndarray:
    return np.ascontiguousarray(tensor.detach().numpy())


def _results(cells: Cells, *, motion: bool, fields: bool) -> Results:
    """Allocate arrays for the requested results; NaN where nothing is written."""
    lattices, nodes, struts = len(cells.volumes), len(cells.held), len(cells.ends)
    return Results(
        solved=np.zeros(lattices, dtype=np.bool_),
        stiffness=np.full((lattices, 6, 6), np.nan),
        motion=np.full((nodes if motion else 0, 6, 6), np.nan),
        forces=np.full((struts if fields else 0, 12, 6), np.nan),
        parts=np.full((lattices if fields else 0, 3, 6, 6), np.nan),
    )


def _over_cells(cells: Cells, function: Callable[[tuple[int, int], Work], None]) -> None:
    """Apply the function to all cells, in spans distributed over torch's threads."""
    nodes = np.diff(cells.node_offsets)
    cost = np.concatenate([[0], np.cumsum(nodes * (nodes + 20))])
    in_threads(
        lambda span: function(span, make_work(cells, *span)), spans(cost, _LEAST), parallel=True
    )


class _Differentiable(torch.autograd.Function):
    """Results forward, their derivatives by strut vectors, coefficients and volumes backward."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> tuple[Tensor, ...]:
        """Return results computed beforehand; ``inputs`` are what they depend on."""
        *leaves, ctx.cells, results = inputs
        found = tuple(torch.from_numpy(x) for x in results[1:])
        ctx.solved = results.solved
        ctx.save_for_backward(*leaves, *found)
        ctx.set_materialize_grads(False)
        return found

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        """Differentiate the sum of results times gradients, with an adjoint solve if needed."""
        cells, saved = ctx.cells, ctx.saved_tensors
        results = Results(ctx.solved, *(_array(x) for x in saved[3:]))
        given = [
            np.zeros_like(result) if gradient is None else _array(gradient)
            for result, gradient in zip(results[1:], gradients, strict=True)
        ]
        beyond = any(gradient is not None for gradient in gradients[1:])
        request = Derivatives(
            solved=results.solved,
            motion=results.motion,
            by_stiffness=given[0],
            by_motion=given[1],
            by_forces=given[2],
            by_parts=given[3],
            beyond_stiffness=beyond,
        )
        gradient = np.empty((len(cells.ends), 11))
        _over_cells(
            cells, lambda span, w: differentiate(cells, span, _COLUMNS, w, request, gradient)
        )
        by_volume = -(given[0] * results.stiffness).sum((1, 2))
        if beyond and len(results.parts):
            by_volume -= (given[3] * results.parts).sum((1, 2, 3))
        dependencies = [*saved[:3], *(x for x in gradients if x is not None)]
        first, second, third = (
            OnceDifferentiable.apply(torch.from_numpy(x), *dependencies)
            for x in (gradient[:, :3].copy(), gradient[:, 3:].copy(), by_volume / cells.volumes)
        )
        return first, second, third, None, None


class _Misfits(torch.autograd.Function):
    """Misfit energies forward, their derivatives backward. First derivatives only."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        """Return energies computed beforehand; ``inputs`` are what they depend on."""
        *leaves, ctx.cells, ctx.misfits = inputs
        ctx.save_for_backward(*leaves)
        return torch.from_numpy(ctx.misfits.energy)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Differentiate the sum of energies times gradients, with the motion held fixed."""
        cells, misfits = ctx.cells, ctx.misfits
        both = _array(gradients[0] + gradients[0].mT)
        given = misfits._replace(energy=both, forces=np.zeros_like(misfits.misfit))
        gradient = np.empty((len(cells.ends), 11))
        _over_cells(
            cells,
            lambda span, w: differentiate_misfits(cells, span, _COLUMNS, w, given, gradient),
        )
        parts = gradient[:, :3].copy(), gradient[:, 3:].copy(), given.forces
        first, second, third = (
            OnceDifferentiable.apply(torch.from_numpy(x), *ctx.saved_tensors, gradients[0])
            for x in parts
        )
        return first, second, third, None, None
