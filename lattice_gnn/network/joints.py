"""The joint network: the frame is solved exactly, and a network corrects for the joint material.

    C = P^(1/2) exp(M) P^(1/2),

where P is the beam stiffness. M is, to first order, the complementary energy of the material at the
joints under the end forces of the frame, relative to the energy of the cell: a sum over pairs of
struts at every joint (``layers/joint_forms.py``). To second order it has the energy of the
self-stress by which the joints redistribute these forces (``layers/joint_redistribution.py``). The
coefficients are functions of invariants of the pair and of an embedding of both ends, which pools
over all their partners. See ``docs/joints.md``.
"""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lattice_gnn.network.base import ModelSettings, check_config
from lattice_gnn.network.joint_network import JointNetwork
from lattice_gnn.network.layers.joint_cases import JointCases
from lattice_gnn.network.layers.joint_forms import joint_responses, work
from lattice_gnn.network.layers.joint_members import JointMember, coefficients
from lattice_gnn.network.layers.joint_redistribution import redistribution
from lattice_gnn.network.normaliser import Normaliser

_PAIRS = 4_000  #: pairs whose coefficients are computed together, about


@dataclass(frozen=True, slots=True)
class JointConfig(ModelSettings):
    """Configuration of the joint network.

    Attributes:
        hidden: Width of the hidden layers.
        embedding: Width of the embedding of a strut end among its partners.
        degree: Degree of the polynomial in c, the cosine of the angle of a pair.
        members: Independent networks whose M are averaged; their spread measures what the labels
            leave open.
        redistribution: Whether M has the second order in the frame's forces.
        positive_map: "beam".
        kind: Name of the architecture.
    """

    hidden: int = 32
    embedding: int = 16
    degree: int = 4
    members: int = 1
    redistribution: bool = True
    positive_map: Literal["beam"] = "beam"
    kind: Literal["joints"] = "joints"

    def __post_init__(self) -> None:
        check_config(self, {"hidden": 1, "embedding": 1, "degree": 0, "members": 1})


class JointModel(JointNetwork):
    """Quadratic forms of pairs of struts at joints in the exact forces of the frame."""

    config: JointConfig

    def __init__(self, config: JointConfig, normaliser: Normaliser):
        super().__init__(config, normaliser)
        self.members = nn.ModuleList(
            JointMember(config.hidden, config.embedding, config.degree)
            for _ in range(config.members)
        )

    def matrix(self, inputs: Any) -> Float[Tensor, "lattices 6 6"]:
        """M, the mean over the members."""
        return self.member_matrices(inputs).mean(0)

    def member_matrices(self, inputs: Any) -> Float[Tensor, "members lattices 6 6"]:
        """M of every member."""
        responses = self.responses(inputs)
        M = work(responses, inputs)
        if not self.config.redistribution:
            return M
        return M + redistribution(responses, M, inputs).to(M.dtype)

    def responses(self, cases: JointCases) -> Float[Tensor, "members ends 2 3 6"]:
        """H F of every member: minus the displacements and rotations of strut ends, scaled."""
        members: list[Any] = list(self.members)
        found = [joint_responses(coefficients(members, part), part) for part in cases.parts(_PAIRS)]
        return found[0] if len(found) == 1 else torch.cat(found, 1)
