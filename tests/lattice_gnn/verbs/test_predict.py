"""The verb ``predict``: one in, one out; weights are read once."""

import inspect
import os
import shutil
from types import SimpleNamespace

import pytest

import lattice_gnn as lg
from fem_reference.beam import compiled
from lattice_gnn.network.checkpoint import resolve_model
from lattice_gnn.network.layers import joint_kernel
from lattice_gnn.verbs import predict as module

OCTET = lg.cell("octet", relative_density=0.05)


@pytest.fixture(autouse=True)
def torch_alone(monkeypatch):
    """A process that changes to compiled code between two calls changes their last digits."""
    for kernels in (compiled, joint_kernel):
        monkeypatch.setattr(kernels, "KERNEL", SimpleNamespace(serving=lambda work: None))


def test_one_in_one_out_and_a_sequence_in_a_list_out():
    alone = lg.predict(OCTET)
    assert isinstance(alone, lg.Prediction)
    assert alone == lg.load_surrogate().predict(OCTET)
    seen = []
    several = lg.predict([OCTET] * 3, batch_size=2, on_progress=lambda *count: seen.append(count))
    assert [p.lattice for p in several] == [OCTET] * 3
    assert seen == [(2, 3), (3, 3)]
    assert lg.predict(OCTET, model=lg.load_surrogate()) == alone


def test_beam_fidelity_is_beam_fem():
    alone = lg.predict(OCTET, fidelity="beam")
    assert isinstance(alone, lg.Homogenisation)
    assert alone == lg.homogenise(OCTET)
    assert lg.predict([OCTET] * 2, fidelity="beam") == [alone, alone]
    assert lg.predict(OCTET, fidelity="solid") == lg.predict(OCTET)
    with pytest.raises(lg.LatticeGnnError, match="beams need none"):
        lg.predict(OCTET, fidelity="beam", model="joints")
    with pytest.raises(lg.LatticeGnnError, match="expected fidelity 'solid' or 'beam', got 'x'"):
        inspect.unwrap(lg.predict)(OCTET, fidelity="x")


def test_weights_are_read_once_and_again_when_their_file_changes(tmp_path, monkeypatch):
    weights = shutil.copy(resolve_model("default"), tmp_path / "mine.safetensors")
    loads = []

    def load(model):
        loads.append(model)
        return lg.load_surrogate(model)

    monkeypatch.setattr(module, "load_surrogate", load)
    first = lg.predict(OCTET, model=weights)
    assert lg.predict(OCTET, model=weights) == first
    assert len(loads) == 1
    os.utime(weights, (1, 1))
    assert lg.predict(OCTET, model=str(weights)) == first
    assert len(loads) == 2
    weights.unlink()
    with pytest.raises(lg.LatticeGnnError, match="no such"):
        lg.predict(OCTET, model=weights)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"lattices": "octet"}, r"got str 'octet'; lattice_gnn.read"),
        ({"lattices": OCTET, "model": 3}, "expected model as the name of a shipped model"),
        ({"lattices": OCTET, "model": "nothing"}, "nothing: no such weights file"),
    ],
)
def test_wrong_input_is_refused_in_one_sentence(arguments, sentence):
    unchecked = inspect.unwrap(lg.predict)  # without the types that are checked under pytest only
    with pytest.raises(lg.LatticeGnnError, match=sentence):
        unchecked(**arguments)
