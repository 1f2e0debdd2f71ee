"""The assertions find every kind of violation, and say which."""

import numpy as np
import pytest
import torch

from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.testing import (
    assert_equivariant,
    assert_gradient,
    example_lattices,
    random_lattice,
)


def beam(lattices):
    return homogenise_beam(list(lattices)).stiffness.mandel


def spoilt_by(quantity):
    return lambda lattices: torch.stack(
        [C * (1 + 1e-6 * quantity(x)) for C, x in zip(beam(lattices), lattices, strict=True)]
    )


def test_beam_fem_passes():
    assert_equivariant(beam, example_lattices())


@pytest.mark.parametrize(
    ("change", "quantity"),
    [
        ("translation", lambda x: x.nodes[0, 0]),
        ("node order", lambda x: x.degrees[0]),
        ("strut direction", lambda x: x.struts[0, 0] - x.struts[0, 1]),
        ("cell vectors", lambda x: np.linalg.norm(x.cell)),
        ("left-handed cell", lambda x: np.linalg.det(x.cell) > 0),
        ("tiling", lambda x: x.num_nodes),
        ("uniform scale", lambda x: x.lengths.mean()),
        ("rotation", lambda x: (x.strut_vectors[:, 0] ** 2).sum() / (x.lengths**2).sum()),
    ],
)
def test_the_first_violation_is_named(change, quantity):
    expected = rf"^{change}: the stiffness of Lattice\(.* changes by"
    with pytest.raises(AssertionError, match=expected):
        assert_equivariant(spoilt_by(quantity), [random_lattice(0)])


def test_a_derivative_that_is_lost_is_found():
    x, direction = torch.tensor([0.3, 0.7]).double(), torch.tensor([1.0, -2.0]).double()
    assert_gradient(lambda x: x.sin().prod(), x, direction)
    with pytest.raises(AssertionError, match="the derivative is"):
        assert_gradient(lambda x: x[0].sin() * x[1].detach().sin(), x, direction)
