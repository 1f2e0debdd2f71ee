"""Torch interface of the perceptrons of joint networks, threaded, without derivatives."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from fem_reference.beam.schedule import in_threads, spans
from lattice_gnn.network.layers.joint_kernel.perceptrons import (
    EXPONENTIAL,
    Layer,
    Networks,
    Pairs,
    evaluate,
    make_room,
    padded,
)

_LEAST = 5_000  #: pairs per thread, at least


class Stack(NamedTuple):
    """A linear layer of several networks.

    Attributes:
        weight: (networks, outputs, inputs).
        bias: (networks, outputs); none where it is that of another layer.
    """

    weight: Float[Tensor, "networks outputs inputs"]
    bias: Float[Tensor, "networks outputs"] | None = None


class Perceptrons(NamedTuple):
    """Layers of joint networks, in the order of ``perceptrons.Networks``, and constants.

    Attributes:
        layers: The layers.
        powers: The part of the last layer for powers of c (networks, outputs, powers).
        highest: Largest score.
        partners: By which sums over partners are divided.
    """

    layers: tuple[Stack, ...]
    powers: Float[Tensor, "networks outputs powers"]
    highest: float
    partners: float


def coefficients(
    perceptrons: Perceptrons,
    pairs: tuple[
        Float[Tensor, "2 pairs features"], Float[Tensor, "2 pairs"], Int[Tensor, "2 pairs"]
    ],
    offsets: tuple[Int[Tensor, " lattices_plus_1"], Int[Tensor, " lattices_plus_1"]],
) -> Float[Tensor, "networks 2 pairs 42"]:
    """Return the coefficients of every network.

    Args:
        perceptrons: The weights.
        pairs: Features of all pairs, influence of b on a, the two ends.
        offsets: Lattice k owns ends ``offsets[0][k]:offsets[0][k + 1]``; likewise pairs.
    """
    networks = _packed(perceptrons)
    (of_ends, of_pairs), layers = (x.numpy() for x in offsets), perceptrons.layers
    features, influence, ends = (x.detach() for x in pairs)
    count, forms = layers[-1].weight.shape[:2]
    sums = 3 * (layers[1].weight.shape[1] // 2)
    total = np.zeros((int(of_ends[-1]), count, sums), np.float32)
    parts = np.empty((2, len(total), count, layers[4].weight.shape[1]), np.float32)
    given = Pairs(
        features.permute(2, 0, 1).contiguous().numpy(),
        influence.contiguous().numpy(),
        ends.contiguous().numpy(),
        *(total, *parts),
    )
    found = np.empty((count, *influence.shape, forms), np.float32)

    def run(span: tuple[int, int]) -> None:
        first, last = span
        where = of_pairs[first], of_pairs[last], of_ends[first], of_ends[last]
        evaluate(networks, given, tuple(map(int, where)), make_room(networks, sums), found)

    in_threads(run, spans(of_pairs, _LEAST), parallel=True)
    return torch.from_numpy(found)


def _packed(perceptrons: Perceptrons) -> Networks:
    """Pad all layers with zeros."""
    numbers = np.array([*EXPONENTIAL, perceptrons.highest, 1 / perceptrons.partners], np.float32)
    layers = []
    *others, last = perceptrons.layers
    hidden = last.weight.shape[2]
    beside = last.weight.new_zeros(*last.weight.shape[:2], padded(hidden) - hidden)
    last = Stack(torch.cat([last.weight, beside, perceptrons.powers], 2), last.bias)
    for weight, bias in (*others, last):
        count, outputs, inputs = weight.shape
        layer = Layer(
            np.zeros((count, padded(outputs), padded(inputs)), np.float32),
            np.zeros((count, padded(outputs)), np.float32),
        )
        layer.matrix[:, :outputs, :inputs] = weight.detach().numpy()
        if bias is not None:
            layer.bias[:, :outputs] = bias.detach().numpy()
        layers.append(layer)
    return Networks(numbers, *layers)


def nothing() -> tuple[Networks, Pairs, tuple[int, ...], tuple[np.ndarray, ...], np.ndarray]:
    """Return arguments of ``evaluate`` without any pair."""
    layer = Stack(torch.zeros(1, 2, 2))
    networks = _packed(Perceptrons((layer,) * 9, layer.weight, 1.0, 1.0))
    plane, cube = np.zeros((2, 0), np.float32), np.zeros((0, 1, 2), np.float32)
    pairs = Pairs(plane[None], plane, np.zeros((2, 0), np.int64), cube, cube, cube)
    return (
        networks,
        pairs,
        (0, 0, 0, 0),
        make_room(networks, 3),
        np.zeros((1, 2, 0, 42), np.float32),
    )
