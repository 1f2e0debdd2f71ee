"""What training minimises, and the targets that it needs, computed once before the first step."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.layers.positivity import POSITIVE_MAPS, prior, prior_inverse, prior_root
from lattice_gnn.tensors.notation import UPPER, rotation_mandel
from lattice_gnn.training.labelled import LabelledLattices

Matrices = Float[Tensor, "lattices 6 6"]
Numbers = Float[Tensor, " lattices"]
_CHUNK = 1024  #: lattices whose elements are held at once


@dataclass(frozen=True, slots=True)
class Examples:
    """Training lattices with all that does not change from step to step, float64.

    Attributes:
        batch: The lattices, simplified.
        stiffness: Their C / E_s.
        root: Square root of the affine stiffness, None without the prior map.
        target: The M that the prior map takes to C / E_s, None without the prior map.
    """

    batch: LatticeBatch
    stiffness: Matrices
    root: Matrices | None = None
    target: Matrices | None = None

    @classmethod
    def of(cls, labelled: LabelledLattices, positive_map: str) -> "Examples":
        """Prepare the training set for a positive map.

        Raises:
            LatticeGnnError: If a label is not finite.
        """
        broken = ~torch.isfinite(labelled.stiffness).flatten(1).all(1)
        if bool(broken.any()):
            raise LatticeGnnError(
                f"training lattice {int(broken.nonzero()[0])}: its stiffness is not finite "
                f"({int(broken.sum())} such labels of {len(labelled)}); leave them out"
            )
        if positive_map != "prior":
            return cls(labelled.batch, labelled.stiffness)
        roots, targets = [], []
        for first in range(0, len(labelled), _CHUNK):
            stop = min(first + _CHUNK, len(labelled))
            part = labelled.batch.span(first, stop)
            roots.append(prior_root(part))
            targets.append(prior_inverse(labelled.stiffness[first:stop], part))
        return cls(labelled.batch, labelled.stiffness, torch.cat(roots), torch.cat(targets))

    def __len__(self) -> int:
        """Number of lattices."""
        return len(self.batch)

    def to(self, device: torch.device) -> "Examples":
        """The same on another device."""
        return self._with(self.batch.to(device=device), lambda x: x.to(device))

    def select(self, chosen: np.ndarray) -> "Examples":
        """The given lattices."""
        index = torch.from_numpy(chosen).to(self.stiffness.device)
        return self._with(self.batch.select(chosen), lambda x: x.index_select(0, index))

    def rotated(self, R: Float[Tensor, "lattices 3 3"]) -> "Examples":
        """Every lattice turned by its rotation, and all that belongs to it."""
        R = R.to(self.stiffness)
        Q = rotation_mandel(R)
        cells = self.batch.cells @ R.to(self.batch.cells).mT
        return self._with(self.batch.replace(cells=cells), lambda x: Q @ x @ Q.mT)

    def _with(self, batch: LatticeBatch, change: Callable[[Tensor], Tensor]) -> "Examples":
        def changed(x: Tensor | None) -> Tensor | None:
            return None if x is None else change(x)

        return Examples(batch, change(self.stiffness), changed(self.root), changed(self.target))


def stiffness_of(M: Matrices, examples: Examples, positive_map: str) -> Matrices:
    """C / E_s from the network's matrix M, by the root that is known already where there is one."""
    if examples.root is not None:
        return prior(M, examples.batch, examples.root)
    return POSITIVE_MAPS[positive_map](M, examples.batch)


def relative_loss(
    M: Matrices, C: Matrices, examples: Examples, *, log_weight: float, huber: float = 0.0
) -> Numbers:
    """e^2 + log_weight |M - M_ref|^2, e = |C - C_ref| / |C_ref|, Frobenius norms of all 36 numbers.

    The same in every frame. The second term, on the logarithm of C relative to the affine
    stiffness, is there with the prior map only. With ``huber`` = h > 0, e^2 gives way to
    2 h^2 (sqrt(1 + (e/h)^2) - 1): e^2 below h, 2 h e above, so that the few lattices whose prior is
    a thousand times too stiff do not rule the first epochs.
    """
    error = (C - examples.stiffness).square().sum((-1, -2))
    loss = error / examples.stiffness.square().sum((-1, -2))
    if huber > 0:
        loss = 2 * huber**2 * ((1 + loss / huber**2).sqrt() - 1)
    if examples.target is None:
        return loss
    return loss + log_weight * (M - examples.target).square().sum((-1, -2))


def paper_loss(C: Matrices, examples: Examples) -> Numbers:
    """mean_k (C_k - C_ref,k)^2 / mean_k C_ref,k^2 over the 21 components k of each lattice.

    The components are the upper triangle of the Mandel matrix (shear rows carry their sqrt 2), each
    counted once, so, unlike ``relative_loss``, it changes a little with the frame. No logarithm.

    Reference:
        Grega et al., ICLR 2024: the mean squared error of a lattice over the mean square of its
        reference components.
    """
    difference = (C - examples.stiffness)[:, *UPPER]
    reference = examples.stiffness[:, *UPPER]
    return difference.square().mean(1) / reference.square().mean(1)
