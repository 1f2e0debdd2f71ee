"""The default precision of the user's program changes no result."""

import pytest
import torch

from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.network.registry import build_model, kinds, read_model_config
from lattice_gnn.surrogate.surrogate import load_surrogate

LATTICES = [
    cell("octet", relative_density=0.1),
    cell("bcc", relative_density=0.2).perturbed(0.05, seed=1),
]


@pytest.fixture(params=[torch.bfloat16, torch.float16, torch.float64], ids=str)
def other(request):
    """Set another default precision when called, until the end of the test."""
    usual = torch.get_default_dtype()
    yield lambda: torch.set_default_dtype(request.param)
    torch.set_default_dtype(usual)


@pytest.mark.parametrize("name", ["joints", "joints-linear", "relaxation"])
def test_shipped_models_predict_the_same(name, other):
    before = load_surrogate(name).predict(LATTICES)
    other()
    after = load_surrogate(name).predict(LATTICES)
    for one, two in zip(before, after, strict=True):
        assert torch.equal(one.stiffness.mandel, two.stiffness.mandel)
        assert one.expected_error == two.expected_error
        assert one.domain_notes == two.domain_notes
        assert one.to_dict() == two.to_dict()


@pytest.mark.parametrize("kind", [*kinds(), "paper"])
def test_new_models_have_the_same_weights_and_results(kind, other):
    batch = LatticeBatch.from_lattices([x.simplified() for x in LATTICES])
    values = {"size": "paper", "channels": 4} if kind == "paper" else {"kind": kind}

    def fresh():
        torch.manual_seed(0)
        model = build_model(read_model_config(values), Normaliser.fit(batch)).eval()
        with torch.no_grad():
            return model(batch)

    before = fresh()
    other()
    assert torch.equal(before, fresh())


def test_beam_fem_gives_the_same(other):
    before = homogenise_beam(LATTICES).stiffness.mandel
    other()
    assert torch.equal(before, homogenise_beam(LATTICES).stiffness.mandel)
