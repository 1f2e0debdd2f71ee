"""Outputs are checked against inputs and one another before any work."""

import os

import pytest

from cli.terminal.inputs import check_outputs, read_sources
from data.formats import write_any
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError


@pytest.fixture
def octet(tmp_path):
    write_any(tmp_path / "octet.json", [cell("octet", radius=0.02)])
    return tmp_path / "octet.json"


@pytest.mark.parametrize(
    ("outputs", "inputs", "words"),
    [
        (["octet.json"], ["octet.json"], "is one of the input files"),
        (["link.json"], ["octet.json"], "is one of the input files"),
        (["new.json", "octet.json"], ["."], "is one of the input files"),
        (["a.csv"], ["a_nodes.csv"], "is one of the input files"),
        (["a_nodes.csv"], ["a_struts.csv"], "is one of the input files"),
        (["p.png", "p.png"], [], "two outputs cannot go to the same file"),
        (["b.csv", "b_nodes.csv"], [], "two outputs cannot go to the same file"),
        (["none/x.json"], [], "there is no folder"),
        (["folder"], [], "it is a folder"),
        (["c.csv"], [], "it is a folder"),
        (["fifo"], [], "device or a pipe"),
    ],
)
def test_nothing_of_the_users_is_overwritten(tmp_path, octet, outputs, inputs, words):
    (tmp_path / "link.json").symlink_to(octet)
    (tmp_path / "folder").mkdir()
    (tmp_path / "c_struts.csv").mkdir()
    os.mkfifo(tmp_path / "fifo")
    write_any(tmp_path / "a.csv", [cell("bcc", radius=0.02)])
    with pytest.raises(LatticeGnnError, match=words):
        check_outputs([tmp_path / x for x in outputs], [tmp_path / x for x in inputs])


def test_other_places_are_fine(tmp_path, octet):
    check_outputs([tmp_path / "a.json", None, tmp_path / "a.png"], [octet])


def test_both_tables_are_written_or_none(tmp_path):
    (tmp_path / "a_struts.csv").mkdir()
    with pytest.raises(LatticeGnnError):
        write_any(tmp_path / "a.csv", [cell("bcc", radius=0.02)])
    assert not (tmp_path / "a_nodes.csv").exists()


def test_hidden_files_in_folders_are_left_out(tmp_path, octet):
    (tmp_path / "._octet.json").write_bytes(b"\0\5\26\7")
    (tmp_path / ".hidden.json").write_text("{}")
    assert len(read_sources([tmp_path])) == 1
