"""Loss functions, and their targets, which are computed once before the first step."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.layers.positivity import (
    POSITIVE_MAPS,
    ROOTS,
    relative_logarithm,
    relative_to,
)
from lattice_gnn.tensors.notation import UPPER, rotation_mandel
from lattice_gnn.training.labelled import LabelledLattices

Matrices = Float[Tensor, "lattices 6 6"]
Numbers = Float[Tensor, " lattices"]
_CHUNK = 1024  #: lattices per chunk, to limit memory
_RUNAWAY = 1e6  #: first term of the relative loss above which it grows like a logarithm


@dataclass(frozen=True, slots=True)
class Examples:
    """Training lattices with everything that is the same in all steps, float64.

    Attributes:
        batch: Simplified lattices.
        stiffness: Their C / E_s.
        root: P^(1/2) for positive maps relative to a known stiffness P, else None.
        target: The matrix M that the positive map takes to C / E_s, for the same maps, else None.
        prepared: ``StiffnessNetwork.inputs`` of the lattices; None where they are the lattices.
    """

    batch: LatticeBatch
    stiffness: Matrices
    root: Matrices | None = None
    target: Matrices | None = None
    prepared: Any = None

    @classmethod
    def of(cls, labelled: LabelledLattices, positive_map: str, prepared: Any = None) -> "Examples":
        """Prepare a training set for a positive map; ``prepared`` are the inputs of the network.

        Raises:
            LatticeGnnError: If a label is not finite.
        """
        broken = ~torch.isfinite(labelled.stiffness).flatten(1).all(1)
        if bool(broken.any()):
            raise LatticeGnnError(
                f"training lattice {int(broken.nonzero()[0])}: its stiffness is not finite "
                f"({int(broken.sum())} such labels of {len(labelled)}); remove them"
            )
        find_root = ROOTS.get(positive_map)
        if find_root is None:
            return cls(labelled.batch, labelled.stiffness, prepared=prepared)
        roots, targets = [], []
        for part in labelled.split(_CHUNK):
            roots.append(find_root(part.batch))
            targets.append(relative_logarithm(part.stiffness, roots[-1]))
        return cls(
            labelled.batch, labelled.stiffness, torch.cat(roots), torch.cat(targets), prepared
        )

    @property
    def inputs(self) -> Any:
        """Inputs of the network's ``matrix``."""
        return self.batch if self.prepared is None else self.prepared

    def __len__(self) -> int:
        """Number of lattices."""
        return len(self.batch)

    def to(self, device: torch.device) -> "Examples":
        """Move to a device."""
        prepared = None if self.prepared is None else self.prepared.to(device=device)
        return self._with(self.batch.to(device=device), lambda x: x.to(device), prepared)

    def select(self, chosen: np.ndarray) -> "Examples":
        """The given lattices."""
        index = torch.from_numpy(chosen).to(self.stiffness.device)
        prepared = None if self.prepared is None else self.prepared.select(chosen)
        return self._with(self.batch.select(chosen), lambda x: x.index_select(0, index), prepared)

    def rotated(self, R: Float[Tensor, "lattices 3 3"]) -> "Examples":
        """Rotate every lattice with its labels and targets.

        Raises:
            LatticeGnnError: If the inputs of the network are not the lattices themselves.
        """
        if self.prepared is not None:
            raise LatticeGnnError(
                "train.rotate: the inputs of this network are invariant under rotation; "
                "set rotate to false"
            )
        R = R.to(self.stiffness)
        Q = rotation_mandel(R)
        cells = self.batch.cells @ R.to(self.batch.cells).mT
        return self._with(self.batch.replace(cells=cells), lambda x: Q @ x @ Q.mT, None)

    def _with(
        self, batch: LatticeBatch, change: Callable[[Tensor], Tensor], prepared: Any
    ) -> "Examples":
        def changed(x: Tensor | None) -> Tensor | None:
            return None if x is None else change(x)

        return Examples(
            batch, change(self.stiffness), changed(self.root), changed(self.target), prepared
        )


def stiffness_of(M: Matrices, examples: Examples, positive_map: str) -> Matrices:
    """C / E_s from the network's matrix M, with the precomputed root if there is one."""
    if examples.root is not None:
        return relative_to(M, examples.root)
    return POSITIVE_MAPS[positive_map](M, examples.batch)


def relative_loss(
    M: Matrices,
    C: Matrices,
    examples: Examples,
    *,
    log_weight: float,
    huber: float = 0.0,
    log_huber: float = 0.0,
) -> Numbers:
    """e^2 + log_weight m^2, e = |C - C_ref| / |C_ref|, m = |M - M_ref|, Frobenius norms.

    Independent of the frame. The second term, on the logarithm of C relative to P, applies only to
    positive maps relative to a known stiffness P. With ``huber`` = h > 0, e^2 is replaced by
    2 h^2 (sqrt(1 + (e/h)^2) - 1), about e^2 below h and 2 h e above, so that the few lattices whose
    prior is a thousand times too stiff do not dominate the first epochs. ``log_huber`` is the same
    for m. An exponential map may run away on a lattice unlike the others: above 1e6 the first term
    grows like its logarithm, so that the gradient stays finite and brings the prediction back.
    """
    error = (C - examples.stiffness).square().sum((-1, -2))
    loss = _pseudo_huber(error / examples.stiffness.square().sum((-1, -2)), huber)
    loss = loss.clamp(max=_RUNAWAY) + _RUNAWAY * (loss.clamp(min=_RUNAWAY) / _RUNAWAY).log()
    if examples.target is None:
        return loss
    square = (M - examples.target).square().sum((-1, -2))
    return loss + log_weight * _pseudo_huber(square, log_huber)


def _pseudo_huber(square: Numbers, h: float) -> Numbers:
    """Pseudo-Huber function: about e^2 below e = h, 2 h e above; e^2 everywhere for h = 0."""
    return 2 * h**2 * ((1 + square / h**2).sqrt() - 1) if h > 0 else square


def paper_loss(C: Matrices, examples: Examples) -> Numbers:
    """mean_k (C_k - C_ref,k)^2 / mean_k C_ref,k^2 over the 21 components k of each lattice.

    The components are the upper triangle of the Mandel matrix (shear rows include sqrt 2), each
    counted once; unlike ``relative_loss`` it depends slightly on the frame. No logarithmic term.

    Reference:
        Grega et al., ICLR 2024: mean squared error per lattice over the mean square of its
        reference components.
    """
    difference = (C - examples.stiffness)[:, *UPPER]
    reference = examples.stiffness[:, *UPPER]
    return difference.square().mean(1) / reference.square().mean(1)
