"""The perceptrons of the joint network, evaluated for all members of an ensemble at once.

Every member computes the 42 coefficients of a directed pair (a, b) in three steps:

    v, s = message(features)                       message of b to a: values and scores
    h_a = embed(sum w v / 3, sum w e^s v / (1 + sum w e^s))    over the partners b, w the influence
    coefficients = perceptron(features, h_a, h_b) + polynomial in c.

First layers of all members are one matrix product, and the part of the last perceptron's first
layer that acts on h is applied to ends, of which there are fewer than pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lattice_gnn.network.layers.joint_cases import PAIR_FEATURES, JointCases
from lattice_gnn.network.layers.joint_forms import NUM_FORMS
from lattice_gnn.network.layers.joint_kernel import kernel_for

_SMALL = 0.1  #: scale of the last layer before training
_PARTNERS = 3.0  #: by which sums over partners are divided
_HIGHEST = 20.0  #: scores are limited to this


class JointMember(nn.Module):
    """Weights of one network: coefficients of the forms of every directed pair.

    Args:
        hidden: Width of the hidden layers.
        embedding: Width of the embedding of a strut end among its partners.
        degree: Degree of the polynomial in c.
    """

    def __init__(self, hidden: int, embedding: int, degree: int):
        super().__init__()
        features = len(PAIR_FEATURES)
        self.polynomial = nn.Parameter(torch.zeros(degree + 1, NUM_FORMS))
        self.message = _perceptron(features, hidden, 2 * embedding)
        self.embed = _perceptron(2 * embedding, hidden, embedding)
        last = nn.Linear(hidden, NUM_FORMS)
        self.coefficients = nn.Sequential(
            *_perceptron(features + 2 * embedding, hidden, hidden), nn.SiLU(), last
        )
        with torch.no_grad():
            last.weight.mul_(_SMALL)
            last.bias.zero_()

    def forward(self, cases: JointCases) -> Float[Tensor, "2 pairs 42"]:
        """The coefficients."""
        return coefficients([self], cases)[0]


def coefficients(
    members: Sequence[JointMember], cases: JointCases
) -> Float[Tensor, "members 2 pairs 42"]:
    """Return the coefficients of every member."""
    kernel = kernel_for(cases.features, len(cases.coupling))
    if kernel is not None and not _differentiable(members, cases):
        return _without_derivatives(kernel, members, cases)
    x = cases.features.flatten(0, 1)
    last = _Layer.of(_layers(members, "coefficients", 4))
    polynomial = torch.stack([member.polynomial for member in members])
    found = (
        last(_last_hidden(members, x, cases)) + _powers(x[:, 0], polynomial.shape[1]) @ polynomial
    )
    return found.view(len(members), *cases.features.shape[:2], NUM_FORMS)


def _differentiable(members: Sequence[JointMember], cases: JointCases) -> bool:
    """Whether derivatives are recorded, or expected in double precision."""
    inputs = cases.features, cases.influence
    leaves = (*inputs, *(weight for member in members for weight in member.parameters()))
    recorded = torch.is_grad_enabled() and any(leaf.requires_grad for leaf in leaves)
    return recorded or cases.features.dtype != torch.float32


def _without_derivatives(
    kernel: ModuleType, members: Sequence[JointMember], cases: JointCases
) -> Float[Tensor, "members 2 pairs 42"]:
    """``coefficients`` in compiled code, which keeps nothing for derivatives."""
    features = cases.features.shape[2]
    first, last = (_layers(members, "coefficients", place) for place in (0, 4))
    weight = torch.stack([layer.weight for layer in first])
    embedding = (weight.shape[2] - features) // 2
    of_pair, own, others = weight.split([features, embedding, embedding], 2)
    polynomial = torch.stack([member.polynomial for member in members])
    Stack, stacked = kernel.networks.Stack, partial(_stacked, kernel)
    perceptrons = kernel.networks.Perceptrons(
        layers=(
            stacked(_layers(members, "message", 0)),
            stacked(_layers(members, "message", 2)),
            stacked(_layers(members, "embed", 0)),
            stacked(_layers(members, "embed", 2)),
            Stack(own),
            Stack(others),
            Stack(of_pair, torch.stack([layer.bias for layer in first])),
            stacked(_layers(members, "coefficients", 2)),
            stacked(last),
        ),
        powers=polynomial.mT,
        highest=_HIGHEST,
        partners=_PARTNERS,
    )
    pairs = cases.features, cases.influence, cases.ends
    found: Tensor = kernel.networks.coefficients(
        perceptrons, pairs, (cases.end_offsets, cases.pair_offsets)
    )
    return found


def _stacked(kernel: ModuleType, layers: Sequence[Any]) -> Any:
    weight = torch.stack([layer.weight for layer in layers])
    return kernel.networks.Stack(weight, torch.stack([layer.bias for layer in layers]))


def _powers(c: Float[Tensor, " directed"], count: int) -> Float[Tensor, "directed powers"]:
    """Return 1, c, c^2, ... as columns."""
    found = [torch.ones_like(c)]
    for _ in range(count - 1):
        found.append(found[-1] * c)
    return torch.stack(found, 1)


@dataclass(frozen=True, slots=True)
class _Layer:
    """A linear layer of every member."""

    matrix: Float[Tensor, "members inputs outputs"]
    bias: Float[Tensor, "members 1 outputs"]

    @classmethod
    def of(cls, layers: Sequence[Any]) -> "_Layer":
        """Stack the weights."""
        matrix = torch.stack([layer.weight for layer in layers]).mT
        return cls(matrix, torch.stack([layer.bias for layer in layers])[:, None])

    def __call__(self, x: Float[Tensor, "members rows inputs"]) -> Tensor:
        return torch.baddbmm(self.bias, x, self.matrix)


def _last_hidden(
    members: Sequence[JointMember], x: Float[Tensor, "directed features"], cases: JointCases
) -> Float[Tensor, "members directed hidden"]:
    """Return the last hidden layer of every directed pair."""
    count, features = len(members), x.shape[1]
    messages = _by_member(x, _layers(members, "message", 0), count)
    messages = _Layer.of(_layers(members, "message", 2))(messages)
    h = _embedding(members, _pooled(messages, cases))
    layers = _layers(members, "coefficients", 0)
    first = torch.cat([layer.weight[:, :features] for layer in layers])
    rows = torch.addmm(torch.cat([layer.bias for layer in layers]), x, first.mT)
    parts = torch.stack([layer.weight[:, features:] for layer in layers]).unflatten(2, (2, -1))
    own, others = (torch.bmm(h, parts[:, :, k].mT).transpose(0, 1).flatten(1) for k in range(2))
    hidden = nn.functional.silu(_with_ends(rows, own, others, cases))
    hidden = hidden.unflatten(1, (count, -1)).transpose(0, 1)
    return nn.functional.silu(_Layer.of(_layers(members, "coefficients", 2))(hidden))


def _by_member(
    x: Float[Tensor, "rows inputs"], layers: Sequence[Any], count: int
) -> Float[Tensor, "members rows outputs"]:
    """Return the first hidden layer of every member, computed in one product."""
    weight = torch.cat([layer.weight for layer in layers])
    hidden = torch.addmm(torch.cat([layer.bias for layer in layers]), x, weight.mT)
    return nn.functional.silu(hidden).unflatten(1, (count, -1)).transpose(0, 1)


def _embedding(
    members: Sequence[JointMember], total: Float[Tensor, "ends members sums"]
) -> Float[Tensor, "members ends embedding"]:
    """Return the embedding of every end from the sums over its partners."""
    summed, top, norm = total.transpose(0, 1).chunk(3, 2)
    h = torch.cat([summed / _PARTNERS, top / (1 + norm)], 2)
    h = nn.functional.silu(_Layer.of(_layers(members, "embed", 0))(h))
    return _Layer.of(_layers(members, "embed", 2))(h)


def _pooled(
    messages: Float[Tensor, "members directed width"], cases: JointCases
) -> Float[Tensor, "ends members sums"]:
    """Return the sums of w v, w e^s v and w e^s over the partners of every end."""
    value, score = messages.chunk(2, 2)
    share, weight = score.clamp(max=_HIGHEST).exp(), cases.influence.flatten()
    kernel = kernel_for(messages, len(cases.coupling))
    if kernel is not None:
        found: Tensor = kernel.pooled(messages, share, weight, (cases.ends, len(cases.forces)))
        return found
    weight = weight[:, None]
    share = weight * share
    parts = torch.cat([weight * value, share * value, share], 2)
    total = parts.new_zeros(len(parts), len(cases.forces), parts.shape[2])
    return total.index_add(1, cases.ends.flatten(), parts).transpose(0, 1)


def _with_ends(
    rows: Float[Tensor, "directed width"],
    own: Float[Tensor, "ends width"],
    others: Float[Tensor, "ends width"],
    cases: JointCases,
) -> Float[Tensor, "directed width"]:
    """Add to the row of every directed pair (a, b) the own part of a and the other part of b."""
    kernel = kernel_for(rows, len(cases.coupling))
    if kernel is not None:
        found: Tensor = kernel.with_ends(rows, own, others, cases.ends)
        return found
    a, b = cases.ends.flatten(), cases.ends.flip(0).flatten()
    return rows + own.index_select(0, a) + others.index_select(0, b)


def _layers(members: Sequence[JointMember], perceptron: str, place: int) -> list[Any]:
    """Return one linear layer of every member."""
    return [getattr(member, perceptron)[place] for member in members]


def _perceptron(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, hidden), nn.SiLU(), nn.Linear(hidden, outputs))
