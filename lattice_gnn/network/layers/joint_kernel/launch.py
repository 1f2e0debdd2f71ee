"""Torch interface of the kernel: sums of profiles and joint energies, differentiable, threaded."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from fem_reference.beam import compiled
from fem_reference.beam.kernel import launch as beam
from fem_reference.beam.schedule import in_threads, spans
from fem_reference.jit import is_kept
from lattice_gnn.network.layers.joint_kernel import networks, profile
from lattice_gnn.network.layers.joint_kernel.forms import Forms, add_responses, make_room
from lattice_gnn.network.layers.joint_kernel.forms_derivatives import (
    Gradient,
    differentiate_responses,
    make_adjoint,
)
from lattice_gnn.network.layers.joint_kernel.partners import (
    add_ends,
    differentiate_ends,
    differentiate_pool,
    pool,
)
from lattice_gnn.network.layers.joint_kernel.perceptrons import evaluate
from lattice_gnn.network.layers.joint_kernel.profile import (
    Joints,
    add_profile,
    differentiate_profile,
)
from lattice_gnn.tensors.matrix_functions import OnceDifferentiable

Room = TypeVar("Room")

_KEPT = 30_000_000  #: bytes, just below the largest threshold of glibc
_LEAST = 20_000  #: pairs per thread, at least
_ENTRIES = (
    add_profile,
    differentiate_profile,
    add_responses,
    differentiate_responses,
    pool,
    differentiate_pool,
    add_ends,
    differentiate_ends,
)


def is_cached() -> bool:
    """Return whether compiled code only needs to be loaded."""
    return all(is_kept(entry) for entry in (*_ENTRIES, evaluate))


def warm() -> None:
    """Load or compile all entries in both precisions, the perceptrons in single precision.

    The kernel of the frame, which joint models need too, is loaded if that takes a moment only.
    """
    if beam.is_cached():
        compiled.load_kernel()
    _keep_memory()
    for dtype in (np.float32, np.float64):
        for entry, arguments in zip(_ENTRIES, _nothing(dtype), strict=True):
            with suppress(OSError):  # cache not writable; the code is used in this process only
                entry(*arguments)
    with suppress(OSError):
        evaluate(*networks.nothing())


def _nothing(dtype: type[np.floating[Any]]) -> Iterator[tuple[Any, ...]]:
    """Yield arguments of every entry without any lattice."""

    def zeros(*shape: int) -> np.ndarray:
        return np.zeros(shape, dtype)

    line, plane, cube = zeros(0), zeros(0, 3), zeros(0, 0, 0)
    number, span = np.zeros(0, dtype=np.int64), (0, 0)
    constants = _constants(line.dtype, (0.0, 0.0, 0.0))
    joints = Joints(number, number.reshape(2, 0), plane, line, line, constants)
    room = profile.make_room(joints)
    yield joints, span, room, zeros(0, 6)
    yield joints, span, room, zeros(0, 6), zeros(0, 5)
    ends, g = zeros(0, 36), zeros(0, 2, 0, 42)
    forms = Forms(ends, plane, joints.ends, g, zeros(2, 0), line, zeros(1))
    rooms = make_room(line.dtype), make_adjoint(line.dtype)
    found = Gradient(g, zeros(2, 0), line, ends, plane)
    yield forms, span, rooms[0], zeros(0, 0, 36)
    yield forms, span, rooms, zeros(0, 0, 36), found, False
    yield cube, cube, line, number, cube
    yield (cube, cube, line), number, cube, cube, cube, line
    yield plane, plane, plane, joints.ends, 0
    yield plane, joints.ends, 0, plane, plane


def _keep_memory() -> None:
    """Let the allocator keep blocks of the size of our intermediate results.

    glibc returns freed blocks to the system until a larger one has been freed once; the page faults
    of getting them back would take as long as the arithmetic.
    """
    torch.empty(_KEPT, dtype=torch.uint8)


def profile_sums(
    direction: Float[Tensor, "ends 3"],
    radius: Float[Tensor, " ends"],
    modulus: Float[Tensor, " ends"],
    joints: tuple[Int[Tensor, " ends"], Int[Tensor, "2 pairs"]],
    shape: tuple[float, float, float],
) -> Float[Tensor, "directed azimuths"]:
    """Return the sums of (z / r_a)^8 for all directed pairs, azimuths as ``profile.AZIMUTHS``.

    Args:
        direction: Unit vectors along the struts, away from the joint.
        radius: Radius of each end.
        modulus: Modulus of the strut of each end.
        joints: Node of each end; the two ends of every pair.
        shape: Added to 1 - c; rounding at the half-space; 1 - c^2 below which azimuths fade.
    """
    result: Tensor = _Profile.apply(direction, radius, modulus, joints, shape)
    return result


def joint_responses(
    coefficients: Float[Tensor, "sets 2 pairs 42"],
    weights: tuple[Float[Tensor, "2 pairs"], Float[Tensor, " pairs"]],
    motion: tuple[Float[Tensor, "ends 2 3 6"], Float[Tensor, "ends 3"]],
    ends: Int[Tensor, "2 pairs"],
    pair_offsets: Int[Tensor, " lattices_plus_1"],
) -> Float[Tensor, "sets ends 2 3 6"]:
    """Return the responses of all ends.

    Args:
        coefficients: Sets of coefficients of the forms.
        weights: Of the forms in the forces of one end, and of those in both.
        motion: Scaled forces, and unit vectors along the struts.
        ends: The two ends of every pair.
        pair_offsets: Lattice k owns pairs ``pair_offsets[k]:pair_offsets[k + 1]``.
    """
    result: Tensor = _Responses.apply(coefficients, *weights, *motion, ends, pair_offsets)
    return result


def pooled(
    messages: Float[Tensor, "members directed width"],
    share: Float[Tensor, "members directed half"],
    weight: Float[Tensor, " directed"],
    pairs: tuple[Int[Tensor, "2 pairs"], int],
) -> Float[Tensor, "ends members sums"]:
    """Return ``partners.pool`` of messages; ``pairs`` are the ends and their number."""
    result: Tensor = _Pool.apply(messages, share, weight, *pairs)
    return result


def with_ends(
    values: Float[Tensor, "directed width"],
    own: Float[Tensor, "ends width"],
    others: Float[Tensor, "ends width"],
    ends: Int[Tensor, "2 pairs"],
) -> Float[Tensor, "directed width"]:
    """Add parts of both ends to ``values``, in place."""
    result: Tensor = _Ends.apply(values, own, others, ends)
    return result


def _array(tensor: Tensor) -> np.ndarray:
    return np.ascontiguousarray(tensor.detach().numpy())


def _constants(dtype: np.dtype, shape: tuple[float, float, float]) -> np.ndarray:
    return profile.constants(*shape, dtype)


def _numbers(dtype: np.dtype) -> np.ndarray:
    return np.array([0, 0.5, 2, 1, -1], dtype)


def _run(
    marks: np.ndarray, make: Callable[[], Room], function: Callable[[tuple[int, int], Room], None]
) -> None:
    """Apply the function to spans of items, distributed over torch's threads.

    ``marks`` is the number of pairs of all items up to each one, 0 first.
    """
    in_threads(lambda span: function(span, make()), spans(marks, _LEAST), parallel=True)


class _Profile(torch.autograd.Function):
    """Sums of profiles forward, their derivatives backward. First derivatives only."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        """Return the sums."""
        *leaves, (node, ends), shape = inputs
        x, radius, modulus = (_array(leaf) for leaf in leaves)
        number = _array(node), _array(ends)
        ctx.joints = joints = Joints(*number, x, radius, modulus, _constants(x.dtype, shape))
        ctx.save_for_backward(*leaves)
        sums = np.empty((joints.ends.size, len(profile.AZIMUTHS)), x.dtype)
        _over_joints(joints, lambda span, room: add_profile(joints, span, room, sums))
        return torch.from_numpy(sums)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Differentiate the sum of the result times the gradient."""
        joints, by_sums = ctx.joints, _array(gradients[0])
        found = np.zeros((len(joints.node), 5), by_sums.dtype)
        _over_joints(
            joints, lambda span, room: differentiate_profile(joints, span, room, by_sums, found)
        )
        parts = (found[:, :3], found[:, 3], found[:, 4])
        return *_once(parts, ctx.saved_tensors, gradients[0]), None, None


def _over_joints(joints: Joints, function: Callable[[tuple[int, int], profile.Room], None]) -> None:
    """Apply the function to the pairs of all joints; no joint is divided."""
    nodes = joints.node[joints.ends[0]]
    marks = np.concatenate([[0], np.flatnonzero(np.diff(nodes)) + 1, [len(nodes)]])
    _over_lattices(marks, lambda: profile.make_room(joints), function)


class _Responses(torch.autograd.Function):
    """Responses forward, their derivatives backward. First derivatives only."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        """Return the responses."""
        *leaves, ends, offsets = inputs
        g, alone, both, loads, direction = (_array(leaf) for leaf in leaves)
        half = np.array([0.5], g.dtype)
        ctx.forms = forms = Forms(
            loads.reshape(-1, 36), direction, _array(ends), g, alone, both, half
        )
        ctx.offsets = _array(offsets)
        ctx.save_for_backward(*leaves)
        found = np.zeros((len(g), len(loads), 2, 3, 6), g.dtype)
        by_set = found.reshape(len(g), len(loads), 36)
        _over_lattices(
            ctx.offsets,
            lambda: make_room(g.dtype),
            lambda span, room: add_responses(forms, span, room, by_set),
        )
        return torch.from_numpy(found)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Differentiate the sum of the responses times the gradient."""
        forms: Forms = ctx.forms
        moves = any(ctx.needs_input_grad[3:5])
        by_responses = _array(gradients[0]).reshape(-1, len(forms.forces), 36)
        found = Gradient(
            np.empty_like(forms.coefficients),
            np.empty_like(forms.alone),
            np.empty_like(forms.both),
            np.zeros_like(forms.forces),
            np.zeros_like(forms.direction),
        )
        dtype = by_responses.dtype
        _over_lattices(
            ctx.offsets,
            lambda: (make_room(dtype), make_adjoint(dtype)),
            lambda span, rooms: differentiate_responses(
                forms, span, rooms, by_responses, found, moves
            ),
        )
        parts = *found[:3], found.forces.reshape(-1, 2, 3, 6), found.direction
        given: list[Tensor | None] = list(_once(parts, ctx.saved_tensors, gradients[0]))
        if not moves:
            given[3:] = None, None
        return *given, None, None


def _over_lattices(
    offsets: np.ndarray, make: Callable[[], Room], function: Callable[[tuple[int, int], Room], None]
) -> None:
    """Apply the function to the pairs of all lattices; no lattice is divided."""
    _run(
        offsets,
        make,
        lambda span, room: function((int(offsets[span[0]]), int(offsets[span[1]])), room),
    )


class _Pool(torch.autograd.Function):
    """Sums over partners. First derivatives only."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        """Return the sums."""
        *leaves, ends, count = inputs
        ctx.ends = ends
        ctx.save_for_backward(*leaves)
        messages, share, weight = (_array(leaf) for leaf in leaves)
        total = np.zeros((count, len(share), 3 * share.shape[2]), share.dtype)
        pool(messages, share, weight, _array(ends).ravel(), total)
        return torch.from_numpy(total)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Differentiate the sum of the result times the gradient."""
        given = tuple(_array(leaf) for leaf in ctx.saved_tensors)
        found = np.empty_like(given[0]), np.empty_like(given[1]), np.zeros_like(given[2])
        differentiate_pool(given, _array(ctx.ends).ravel(), _array(gradients[0]), *found)
        return *_once(found, ctx.saved_tensors, gradients[0]), None, None


class _Ends(torch.autograd.Function):
    """Rows of pairs plus parts of their ends. First derivatives only."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        """Add the parts to the rows."""
        values, own, others, ends = inputs
        ctx.ends, ctx.count = ends, len(own)
        ctx.mark_dirty(values)
        add_ends(values.detach().numpy(), _array(own), _array(others), _array(ends), ends.shape[1])
        return values

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Collect the gradient at the ends."""
        by_values = _array(gradients[0])
        shape = ctx.count, by_values.shape[1]
        own, others = np.zeros(shape, by_values.dtype), np.zeros(shape, by_values.dtype)
        differentiate_ends(by_values, _array(ctx.ends), ctx.ends.shape[1], own, others)
        found = by_values, own, others
        return *_once(found, (), gradients[0]), None


def _once(
    found: Sequence[np.ndarray], saved: Sequence[Tensor], gradient: Tensor
) -> Iterator[Tensor]:
    """Yield gradients as tensors that cannot be differentiated again."""
    for x in found:
        tensor: Tensor = OnceDifferentiable.apply(
            torch.from_numpy(np.ascontiguousarray(x)), *saved, gradient
        )
        yield tensor
