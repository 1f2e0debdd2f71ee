"""What training saves is what it had, and damaged files are refused."""

import json
import struct

import pytest
import torch

from data.populations.varied_cells import CellSampling, sample_cells
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.checkpoint import (
    FORMAT,
    load_model,
    read_header,
    save_model,
    weights_checksum,
)
from lattice_gnn.network.equivariant import ModelConfig, StiffnessModel
from lattice_gnn.network.normaliser import Normaliser

SMALL = ModelConfig(channels=8, hidden=16, readout_channels=4)


def saved(path):
    torch.manual_seed(1)
    model = StiffnessModel(SMALL, Normaliser(mean_degree=5.0))
    save_model(path, model, {"metrics": {"a": 1}})
    return model


def test_a_saved_model_predicts_the_same_and_keeps_its_header(tmp_path):
    path = tmp_path / "m.safetensors"
    model = saved(path)
    loaded, header = load_model(path)
    batch = LatticeBatch.from_lattices(sample_cells(CellSampling(count=3)))
    assert torch.equal(model(batch), loaded(batch))
    assert loaded.normaliser == model.normaliser
    assert header["format"] == FORMAT
    assert header["metrics"] == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_errors_without_a_value_are_null_in_the_header(tmp_path):
    """The log of a tensor that is not positive is infinitely far off, and JSON has no infinity."""
    path = tmp_path / "m.safetensors"
    metrics = {"log": {"mean": float("inf"), "median": 0.5}, "all": [float("nan"), 1.0]}
    save_model(path, saved(path), {"metrics": metrics})
    expected = {"log": {"mean": None, "median": 0.5}, "all": [None, 1.0]}
    assert read_header(path)["metrics"] == expected


def edit_header(path, change):
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    outer = json.loads(raw[8 : 8 + length])
    inner = json.loads(outer["__metadata__"]["lattice-gnn"])
    change(inner)
    outer["__metadata__"]["lattice-gnn"] = json.dumps(inner)
    header = json.dumps(outer).encode()
    header += b" " * (-len(header) % 8)
    path.write_bytes(struct.pack("<Q", len(header)) + header + raw[8 + length :])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda p: p.unlink(), "no such weights file"),
        (lambda p: p.write_bytes(b"not weights"), "not a usable lattice-gnn weights file"),
        (lambda p: p.write_bytes(p.read_bytes()[:-100]), "not a usable lattice-gnn weights file"),
        (lambda p: edit_header(p, lambda h: h.update(format=99)), "weights of format 99"),
        (
            lambda p: edit_header(p, lambda h: h["config"].update(channels=9)),
            "not a usable lattice-gnn weights file",
        ),
        (lambda p: edit_header(p, lambda h: h["config"].update(depth=9)), "unknown key"),
    ],
)
def test_damaged_weights_are_refused_in_one_sentence(tmp_path, damage, message):
    path = tmp_path / "m.safetensors"
    saved(path)
    damage(path)
    with pytest.raises(LatticeGnnError, match=message) as caught:
        load_model(path)
    assert "\n" not in str(caught.value)


def test_header_can_be_read_without_the_weights(tmp_path):
    path = tmp_path / "m.safetensors"
    saved(path)
    assert read_header(path)["config"] == SMALL.to_dict()


def first_header(path, text):
    """Replace the JSON of our header by any text."""
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    outer = json.loads(raw[8 : 8 + length])
    outer["__metadata__"]["lattice-gnn"] = text
    header = json.dumps(outer).encode()
    header += b" " * (-len(header) % 8)
    path.write_bytes(struct.pack("<Q", len(header)) + header + raw[8 + length :])


@pytest.mark.parametrize(
    "text", ["[]", "null", "3", '"x"', "[" * 5000, '{"format": NaN}', "{", '{"config": []}',
             '{"format": 1, "domain": null}', '{"format": 1, "metrics": [1]}']
)  # fmt: skip
def test_headers_that_are_none_are_refused(tmp_path, text):
    path = tmp_path / "m.safetensors"
    saved(path)
    first_header(path, text)
    with pytest.raises(LatticeGnnError, match="not a usable lattice-gnn weights file"):
        load_model(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda h: h["config"].update(channels=10**12), "at most 4096"),
        (lambda h: h["config"].update(lmax=4000), "at most 8"),
        (lambda h: h["config"].update(kind=["a"]), "model.kind"),
        (lambda h: h["config"].update(size=[1]), "model.size"),
        (lambda h: h["normaliser"].pop("mean"), "not a usable"),
        (lambda h: h["normaliser"].update(mean_degree="x"), "not a usable"),
    ],
)
def test_configurations_that_no_model_has_are_refused(tmp_path, change, words):
    path = tmp_path / "m.safetensors"
    saved(path)
    edit_header(path, change)
    with pytest.raises(LatticeGnnError, match=words):
        load_model(path)


@pytest.mark.parametrize("bit", [0, 7, 30])
def test_a_single_bit_of_the_weights_is_noticed(tmp_path, bit):
    path = tmp_path / "m.safetensors"
    saved(path)
    raw = bytearray(path.read_bytes())
    raw[-100 - bit // 8] ^= 1 << (bit % 8)
    path.write_bytes(raw)
    with pytest.raises(LatticeGnnError, match="do not match their checksum"):
        load_model(path)


def test_weights_are_recognised_whatever_their_header_says(tmp_path):
    path = tmp_path / "m.safetensors"
    model = saved(path)
    before = weights_checksum(path)
    save_model(path, model, {"training": {"counts": 3}})
    assert weights_checksum(path) == before == read_header(path)["checksum"]
    with torch.no_grad():
        next(model.parameters()).view(-1)[0] += 1
    save_model(path, model, {})
    assert weights_checksum(path) != before


def test_weights_that_are_not_finite_are_refused_without_a_checksum_too(tmp_path):
    path = tmp_path / "m.safetensors"
    model = saved(path)
    with torch.no_grad():
        next(model.parameters()).view(-1)[0] = float("nan")
    save_model(path, model, {})
    edit_header(path, lambda h: h.pop("checksum"))
    with pytest.raises(LatticeGnnError, match="are not finite"):
        load_model(path)
