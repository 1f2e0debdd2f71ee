"""The stored 3j symbols are those of e3nn; the others are e3nn's own."""

import json

import pytest
import torch
from e3nn import o3

from lattice_gnn.network.layers import couplings
from lattice_gnn.network.layers.couplings import (
    STORED,
    STORED_DEGREES,
    coupling,
    store_couplings,
)


@pytest.mark.parametrize("degrees", STORED_DEGREES)
def test_stored_symbols_are_those_of_e3nn(degrees, monkeypatch):
    monkeypatch.delattr(couplings, "e3nn_coupling")  # the file must have them
    expected = o3.wigner_3j(*degrees, dtype=torch.float64)
    torch.testing.assert_close(coupling(*degrees), expected, rtol=0, atol=1e-15)


def test_the_stored_file_is_the_one_that_store_couplings_writes(tmp_path):
    store_couplings(tmp_path / "again.json")
    stored, again = (json.loads(p.read_text("utf-8")) for p in (STORED, tmp_path / "again.json"))
    assert stored.keys() == again.keys()
    for key, entries in again.items():
        assert [entry[:3] for entry in entries] == [entry[:3] for entry in stored[key]]
        values, expected = ([entry[3] for entry in x[key]] for x in (stored, again))
        assert values == pytest.approx(expected, rel=0, abs=1e-15)


def test_other_symbols_come_from_e3nn():
    assert (4, 1, 5) not in STORED_DEGREES
    expected = o3.wigner_3j(4, 1, 5, dtype=torch.float64)
    torch.testing.assert_close(coupling(4, 1, 5), expected, rtol=0, atol=0)
