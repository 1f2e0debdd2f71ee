"""Displacements and end forces are differentiable through equilibrium, not with U held fixed."""

import pytest
import torch
from torch import Tensor

from fem_reference.beam import groups, homogenise_beam
from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.testing import random_lattice

pytestmark = pytest.mark.usefixtures("path")

CENTRAL_DIFFERENCE = 1e-6
LATTICES = {
    "octet": cell("octet", relative_density=0.1),
    "bcc": cell("bcc", radius=0.08),
    "asymmetric": random_lattice(1, sections=True),
}


FIELDS = ("end_forces", "rotations", "axial", "bending", "torsion")


def _fields(batch: LatticeBatch) -> list[Tensor]:
    fields = homogenise_beam(batch, fields=True).fields
    return [getattr(fields, name) for name in FIELDS]


@pytest.mark.parametrize("lattice", LATTICES.values(), ids=LATTICES)
@pytest.mark.parametrize("name", ["nodes", "cells", "radii", "E", "nu"])
def test_gradient_through_the_fields_is_that_of_central_differences(
    lattice: Lattice, name: str
) -> None:
    batch = LatticeBatch.from_lattices([lattice.perturbed(0.01, seed=3)])
    scales = [field.abs().max().clamp(min=1e-6) for field in _fields(batch)]  # 0 by symmetry
    generator = torch.Generator().manual_seed(0)
    weights = [torch.randn(f.shape, generator=generator).to(f) for f in _fields(batch)]

    def load(x: Tensor) -> Tensor:
        fields = _fields(batch.replace(**{name: x}))
        terms = zip(weights, fields, scales, strict=True)
        return torch.stack([(w * field).sum() / scale for w, field, scale in terms]).sum()

    x = getattr(batch, name).clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(load(x), x)
    direction = torch.randn(x.shape, generator=torch.Generator().manual_seed(9)).to(x)
    direction = direction * x.detach().abs().clamp(min=0.1)
    h = 1e-6
    with torch.no_grad():
        difference = (load(x + h * direction) - load(x - h * direction)) / (2 * h)
    expected = float(difference)
    assert float((gradient * direction).sum()) == pytest.approx(
        expected, rel=CENTRAL_DIFFERENCE, abs=CENTRAL_DIFFERENCE
    )


def test_sparse_factor_gives_the_same_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = LatticeBatch.from_lattices([LATTICES["octet"], LATTICES["asymmetric"]])

    def gradient() -> Tensor:
        radii = batch.radii.clone().requires_grad_(True)
        forces = homogenise_beam(batch.replace(radii=radii), fields="end_forces").end_forces
        assert forces is not None
        (found,) = torch.autograd.grad(forces.square().sum(), radii)
        return found

    dense = gradient()
    monkeypatch.setattr(groups, "SPARSE_FROM_NODES", 0)
    torch.testing.assert_close(gradient(), dense, rtol=1e-9, atol=1e-12 * float(dense.abs().max()))


def test_end_forces_alone_are_those_of_the_fields() -> None:
    lattices = [LATTICES["octet"], LATTICES["asymmetric"], LATTICES["bcc"]]
    alone = homogenise_beam(lattices, fields="end_forces")
    everything = homogenise_beam(lattices, fields=True)
    assert alone.fields is None
    assert everything.fields is not None
    assert alone.end_forces is not None
    torch.testing.assert_close(alone.end_forces, everything.fields.end_forces, rtol=0, atol=0)


def test_second_derivatives_are_refused() -> None:
    batch = LatticeBatch.from_lattices([LATTICES["bcc"]])
    radii = batch.radii.clone().requires_grad_(True)
    forces = homogenise_beam(batch.replace(radii=radii), fields="end_forces").end_forces
    assert forces is not None
    (first,) = torch.autograd.grad(forces.square().sum(), radii, create_graph=True)
    with pytest.raises(RuntimeError, match="once differentiable"):
        first.sum().backward()
