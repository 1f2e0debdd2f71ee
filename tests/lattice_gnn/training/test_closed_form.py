"""A fit in closed form finds what its labels say, and replaces no other model."""

import pytest
import torch

from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.network.checkpoint import read_header, save_model
from lattice_gnn.network.equivariant import ModelConfig
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.network.registry import build_model, read_model_config
from lattice_gnn.training.closed_form import fit_in_closed_form
from lattice_gnn.training.labelled import LabelledLattices

LINEAR = read_model_config({"kind": "joints-linear"})


def labelled(density):
    names = ("bcc", "octet", "kelvin")
    return LabelledLattices.by_beams([cell(name, relative_density=density) for name in names])


@pytest.fixture(scope="module")
def sets():
    return labelled(0.1), labelled(0.05)


def test_beam_labels_need_no_correction_of_the_joints(sets, tmp_path):
    """M_ref = 0: C is that of the frame, also on the validation lattices."""
    model = fit_in_closed_form(LINEAR, sets, tmp_path)
    frames = sets[1]
    assert torch.allclose(model(frames.batch), frames.stiffness, rtol=1e-9, atol=1e-12)
    errors = read_header(tmp_path / "best.safetensors")["metrics"]["validation"]
    assert errors["relative_frobenius"]["max"] < 1e-9
    again = fit_in_closed_form(LINEAR, sets, tmp_path)  # the same once more is no other model
    assert torch.equal(model.weights, again.weights)


def test_another_model_is_not_replaced(sets, tmp_path):
    weights = tmp_path / "best.safetensors"
    fit_in_closed_form(LINEAR, sets, tmp_path)
    before = weights.read_bytes()
    with pytest.raises(LatticeGnnError, match=r"holds joints-linear of .* other data"):
        fit_in_closed_form(LINEAR, sets[::-1], tmp_path)
    assert weights.read_bytes() == before
    config = ModelConfig(channels=2, hidden=4, readout_channels=2, layers=1)
    save_model(weights, build_model(config, Normaliser()), {})
    before = weights.read_bytes()
    with pytest.raises(LatticeGnnError, match="holds equivariant of another configuration"):
        fit_in_closed_form(LINEAR, sets, tmp_path)
    assert weights.read_bytes() == before
