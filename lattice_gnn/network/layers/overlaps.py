"""Search for struts that overlap without a common joint, in all lattices of a batch."""

import itertools
from dataclasses import replace
from types import ModuleType

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.batch_solids import solids_of
from lattice_gnn.lattice.checks import is_forward
from lattice_gnn.lattice.contacts import segment_contacts, share_joint
from lattice_gnn.lattice.gaps import gaps_within
from lattice_gnn.network.layers.joint_kernel import kernel_for

_MANY = 200  #: struts of a lattice from which a tree is faster
_NEAREST = 1.5  #: reach in cell vectors for which the nearest images and their neighbours suffice
_NEAR = 4.0  #: and for which the compiled search is faster than the tree
_STEPS = np.array(list(itertools.product((-1, 0, 1), repeat=3)))
_ROUNDING = 1e-9  #: by which reach is increased

Rows = Int[np.ndarray, "pairs 5"]


@torch.no_grad()
def overlapping(batch: LatticeBatch) -> Rows:
    """Find struts without common joint whose axes are closer than the sum of their radii.

    The radius of a tapered strut counts as the larger one throughout.

    Returns:
        Rows (a, b, shift): strut b displaced by the shift overlaps strut a. Each pair once, sorted.
    """
    inverses = torch.linalg.inv(batch.cells)
    radii = torch.maximum(batch.radii, batch.end_radii)
    reach = batch.lengths / 2 + radii
    longest = reach.new_zeros(len(batch)).scatter_reduce(0, batch.strut_lattice, reach, "amax")
    kernel = kernel_for(batch.nodes, int(batch.strut_offsets.diff().square().sum()))
    # middles within reach of one another are at most so many cell vectors apart
    apart = (2 * longest[:, None] * inverses.norm(dim=1)).amax(1)
    near = apart <= (_NEAREST if kernel is None else _NEAR)
    small = (near & (batch.strut_offsets.diff() <= _MANY)).cpu().numpy()
    rows = [_by_tree(batch, k) for k in np.flatnonzero(~small).tolist()]
    if small.all():
        rows.append(_among_images(batch, radii, inverses, kernel))
    elif small.any():
        chosen = np.flatnonzero(small)
        part, (_, struts) = batch.select(chosen), batch.members(chosen)
        part_inverses = inverses[torch.from_numpy(chosen).to(inverses.device)]
        found = _among_images(part, radii[struts], part_inverses, kernel)
        found[:, :2] = struts.cpu().numpy()[found[:, :2]]
        rows.append(found)
    joined = np.concatenate(rows)
    return joined[np.lexsort(joined.T[::-1])]


def _among_images(
    batch: LatticeBatch,
    radii: Float[Tensor, " struts"],
    inverses: Float[Tensor, "lattices 3 3"],
    kernel: ModuleType | None,
) -> Rows:
    """Search small cells: by the compiled kernel, or among the nearest images."""
    vectors = batch.strut_vectors
    starts = batch.nodes[batch.struts[:, 0]]
    middles = (starts[:, None] @ batch.cells[batch.strut_lattice])[:, 0] + vectors / 2
    if kernel is None:
        return _by_numpy(batch, middles, vectors, radii)
    tensors = (
        batch.cells, inverses, batch.strut_offsets, middles, vectors, vectors.norm(dim=1), radii,
        batch.struts, batch.shifts,
    )  # fmt: skip
    found: Rows = kernel.overlapping(tensors)
    return found


def _by_numpy(batch: LatticeBatch, *geometry: Tensor) -> Rows:
    """``_among_images`` by numpy; ``geometry`` are middles, vectors and radii."""
    middles, vectors, radii = (x.cpu().numpy().astype(np.float64) for x in geometry)
    cells, marks = batch.cells.cpu().numpy().astype(np.float64), batch.strut_offsets.tolist()
    reach = radii + np.linalg.norm(vectors, axis=1) / 2
    near = []
    for k, (first, stop) in enumerate(itertools.pairwise(marks)):
        near.append(_near_images(cells[k], middles[first:stop], reach[first:stop]))
        near[k][:, :2] += first
    rows = np.concatenate(near)
    a, b, shifts = rows[:, 0], rows[:, 1], rows[:, 2:]
    struts, own_shifts = batch.struts.cpu().numpy(), batch.shifts.cpu().numpy()
    rows = rows[is_forward(a, b, shifts) & ~share_joint(struts, own_shifts, a, b, shifts)]
    a, b = rows[:, 0], rows[:, 1]
    cell = cells[batch.strut_lattice.cpu().numpy()[a]]
    apart = middles[b] - middles[a] + (rows[:, None, 2:] @ cell)[:, 0]
    p, q = vectors[a], vectors[b]
    distance = segment_contacts(apart - q / 2 + p / 2, p, q)[0].min(1)
    found: Rows = rows[distance < radii[a] + radii[b]]
    return found


def _near_images(
    cell: Float[np.ndarray, "3 3"],
    middles: Float[np.ndarray, "struts 3"],
    reach: Float[np.ndarray, " struts"],
) -> Rows:
    """Find the pairs of a middle and an image of another, a <= b, within the reach of both."""
    a, b = np.triu_indices(len(middles))
    apart = middles[b] - middles[a]
    nearest = -np.rint(apart @ np.linalg.inv(cell))
    home, steps = apart + nearest @ cell, _STEPS @ cell
    square = (home**2).sum(1)[:, None] + 2 * home @ steps.T + (steps**2).sum(1)
    pair, step = np.nonzero(square <= ((1 + _ROUNDING) * (reach[a] + reach[b])[:, None]) ** 2)
    return np.column_stack([a[pair], b[pair], nearest[pair].astype(np.int64) + _STEPS[step]])


def _by_tree(batch: LatticeBatch, lattice: int) -> Rows:
    """Search one lattice of any shape; one with too many or too long struts has no overlaps."""
    part = batch[lattice]
    radii = torch.maximum(part.radii, part.end_radii)
    (solids,) = solids_of(replace(part, radii=radii, end_radii=radii))
    try:
        gaps = gaps_within(solids, 0.0)
    except LatticeGnnError:
        return np.empty((0, 5), np.int64)
    first = int(batch.strut_offsets[lattice])
    return np.column_stack([gaps.strut_a + first, gaps.strut_b + first, gaps.shifts])
