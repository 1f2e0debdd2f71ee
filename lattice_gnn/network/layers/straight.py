"""Struts that share a joint but for nodes that merely cut one of them."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.layers.joint_pairs import JointPairs

_FAINT = 0.01  #: transparency of a node below which struts end there
_CHAIN = 4  #: maximum number of cuts of one straight strut that are followed

Shift = tuple[int, ...]


def straight_connection(
    batch: LatticeBatch, struts: Int[Tensor, "2 links"], shifts: Int[Tensor, "links 3"]
) -> Float[Tensor, " links"]:
    """How far two struts share a joint by straight continuations through nodes that only cut them.

    1 if nodes that are transparent (``JointPairs.transparency``) lead from one to a joint of the
    other: they are then parts of struts that share a joint. 0 at ordinary joints.

    Args:
        batch: The lattices.
        struts: The two struts of each link.
        shifts: Cell of the second one relative to the first.
    """
    chosen = batch.strut_lattice[struts[0]].unique()
    _, numbers = batch.members(chosen.cpu().numpy())
    struts = torch.searchsorted(numbers, struts.contiguous())
    batch = batch.select(chosen.cpu().numpy())
    pairs = JointPairs.of(batch)
    transparency = pairs.transparency(pairs.influence())
    clear = ((transparency - _FAINT) / (1 - _FAINT)).clamp(min=0)
    cuts: dict[int, list[tuple[int, Tensor]]] = {}
    for k in clear.nonzero()[:, 0].tolist():
        a, b = pairs.ends[:, k].tolist()
        cuts.setdefault(a, []).append((b, clear[k]))
        cuts.setdefault(b, []).append((a, clear[k]))
    apart = clear.new_ones(struts.shape[1])
    if not cuts:
        return 1 - apart
    net = _Net(batch.struts.tolist(), batch.shifts.tolist(), cuts, clear.new_ones(()))
    found = []
    for a, b, shift in zip(*struts.tolist(), shifts.tolist(), strict=True):
        left = apart.new_ones(())
        second = list(net.reached(b, tuple(shift)))
        for joint, weight in net.reached(a, (0, 0, 0)):
            for other, other_weight in second:
                if joint == other:
                    left = left * (1 - weight * other_weight)
        found.append(left)
    return 1 - torch.stack(found)


@dataclass(frozen=True)
class _Net:
    """Struts and the pairs of their ends that are transparent.

    Attributes:
        struts: Both nodes of each strut.
        shifts: Cell of the second relative to the first.
        cuts: Ends that continue an end, with the transparency.
        one: The number 1.
    """

    struts: list[list[int]]
    shifts: list[list[int]]
    cuts: dict[int, list[tuple[int, Tensor]]]
    one: Tensor

    def reached(self, strut: int, shift: Shift) -> Iterator[tuple[tuple[int, Shift], Tensor]]:
        """Yield the joints (node, cell) at the ends of a strut and of its continuations."""
        front = [(2 * strut + end, self._cell(2 * strut + end, shift), self.one) for end in (0, 1)]
        for _ in range(_CHAIN + 1):
            beyond = []
            for end, cell, weight in front:
                yield (self.struts[end // 2][end % 2], cell), weight
                for other, clear in self.cuts.get(end, ()):
                    home = self._cell(other, cell, -1)
                    beyond.append((other ^ 1, self._cell(other ^ 1, home), weight * clear))
            front = beyond

    def _cell(self, end: int, cell: Shift, sign: int = 1) -> Shift:
        """Cell of an end of a strut in a cell; with sign -1 the cell of the strut of an end."""
        step = self.shifts[end // 2] if end % 2 else (0, 0, 0)
        return tuple(x + sign * y for x, y in zip(cell, step, strict=True))
