"""What the joint models share: the beam stiffness P of the frame, C = P^(1/2) exp(M) P^(1/2)."""

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.answer import Answer
from lattice_gnn.network.base import StiffnessNetwork
from lattice_gnn.network.layers.joint_cases import JointCases
from lattice_gnn.network.layers.positivity import relative_to

_CHUNK = 128  #: lattices whose frames are solved together


class JointNetwork(StiffnessNetwork):
    """A model whose M is computed from the forces of the frame at its joints; see ``joints.py``."""

    slender_limit: ClassVar[bool] = True

    def stiffness(self, batch: LatticeBatch) -> Float[Tensor, "lattices 6 6"]:
        """C / E_s of simplified lattices, float64, positive definite; the frame is solved once."""
        cases = JointCases.of(batch, self.dtype)
        return relative_to(self.matrix(cases).double(), cases.root)

    def answer(self, batch: LatticeBatch) -> Answer:
        """C / E_s, the frame's, and how far apart they and the members are."""
        cases = JointCases.of(batch, self.dtype)
        frame = cases.root @ cases.root
        members = self.member_matrices(cases).double()
        C = relative_to(members.mean(0), cases.root)
        each = torch.stack([relative_to(M, cases.root) for M in members])
        scale = C.flatten(1).norm(dim=1)
        apart = (each - C).flatten(2).square().sum(-1).mean(0).sqrt()
        correction = (C - frame).flatten(1).norm(dim=1)
        spread = apart / scale if len(members) > 1 else None
        return Answer(C, frame, spread, correction / scale, cases.smallest_opening())

    def inputs(self, batch: LatticeBatch) -> JointCases:
        """Frames, forces and invariants, which are independent of the weights."""
        parts = [JointCases.of(part, self.dtype) for part in batch.split(_CHUNK)]
        return JointCases.join(parts)
