"""The linear joint model: coefficients linear in a few functions of every pair.

    C = P^(1/2) exp(M) P^(1/2),

with P and the quadratic forms of M as in ``network/joints.py``; the 42 coefficients of a directed
pair are sums of the functions ``BASIS`` of its invariants, with weights from least squares
(``training/joints_fit.py``). It is the baseline of the joint network, and interpretable.
"""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.network.base import ModelSettings
from lattice_gnn.network.joint_network import JointNetwork
from lattice_gnn.network.layers.joint_cases import PAIR_FEATURES, JointCases
from lattice_gnn.network.layers.joint_forms import NUM_FORMS, joint_responses, work
from lattice_gnn.network.normaliser import Normaliser

BASIS = ("1", *PAIR_FEATURES, "c^4", "log(1 + influence of all on a)", "the same on b")
"""Functions of a directed pair, in order."""


@dataclass(frozen=True, slots=True)
class JointLinearConfig(ModelSettings):
    """The linear joint model has no settings.

    Attributes:
        positive_map: "beam".
        kind: Name of the architecture.
    """

    positive_map: Literal["beam"] = "beam"
    kind: Literal["joints-linear"] = "joints-linear"


class JointLinearModel(JointNetwork):
    """Joint forms with linear coefficients, fitted by least squares."""

    weights: Float[Tensor, "functions 42"]

    def __init__(self, config: JointLinearConfig, normaliser: Normaliser):
        super().__init__(config, normaliser)
        start = 1e-3 * torch.randn(len(BASIS), NUM_FORMS, dtype=torch.float64)
        self.register_buffer("weights", start)

    @property
    def dtype(self) -> torch.dtype:
        """The precision of the weights."""
        return self.weights.dtype

    def matrix(self, inputs: Any) -> Float[Tensor, "lattices 6 6"]:
        """M, linear in the weights."""
        return work(self.responses(inputs), inputs)[0]

    def responses(self, cases: JointCases) -> Float[Tensor, "1 ends 2 3 6"]:
        """H F: minus the displacements and rotations of strut ends, scaled."""
        return joint_responses((basis_functions(cases) @ self.weights)[None], cases)


def basis_functions(cases: JointCases) -> Float[Tensor, "2 pairs functions"]:
    """``BASIS`` of every directed pair."""
    features, ends = cases.features, cases.ends
    company = cases.influence.new_zeros(len(cases.forces))
    company = company.index_add(0, ends.flatten(), cases.influence.flatten())
    crowd = torch.log1p(company)[ends][..., None]
    one, c = torch.ones_like(crowd), features[..., :1]
    return torch.cat([one, features, c**4, crowd, crowd.flip(0)], -1)
