"""What the verbs take, and how they refuse everything else."""

from pathlib import Path

import pytest

from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.sequence import as_list, label

BCC = cell("bcc", radius=0.05)


def test_one_or_many_become_a_list():
    assert as_list(BCC, "predict") == [BCC]
    assert as_list((BCC, BCC), "predict") == [BCC, BCC]
    assert as_list(iter([BCC]), "predict") == [BCC]
    assert as_list([], "predict") == []


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (3, "predict: expected a Lattice or a sequence of them, got int"),
        (None, "got NoneType"),
        (LatticeBatch.from_lattices([BCC]), "got LatticeBatch"),
        ("octet.json", r"got str 'octet.json'; lattice_gnn.read\(path\) reads a file"),
        (Path("a.inp"), r"Path 'a.inp'; .*lattice_gnn.cell\(name\)"),
        ([BCC, "bcc"], "expected a Lattice as item 1, got str 'bcc'"),
    ],
)
def test_anything_else_is_refused_in_one_sentence(value, sentence):
    with pytest.raises(LatticeGnnError, match=sentence):
        as_list(value, "predict")


def test_a_lattice_of_a_sequence_is_named_by_number_and_name():
    assert label(2, BCC) == "lattice 2 (bcc)"
    assert label(0, BCC.replace(name="")) == "lattice 0"
