"""Schemas say what the dataclasses say, and reading back refuses what does not follow them."""

import dataclasses

import pytest

from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.reports import schema
from lattice_gnn.reports.document import Document, plain
from lattice_gnn.reports.lattice import LatticeReport, lattice_report


@pytest.fixture
def document():
    return lattice_report(cell("octet", relative_density=0.05)).to_dict()


def test_every_key_of_every_document_is_described():
    for kind in schema.DOCUMENTS:
        found = schema.json_schema(kind)
        for entry in (found, *found.get("$defs", {}).values()):
            for name, of in entry["properties"].items():
                assert name == "schema" or len(of["description"]) > 3, (kind, name)


def test_every_document_is_listed():
    def below(kind):
        for child in kind.__subclasses__():
            yield child
            yield from below(child)

    named = {kind for kind in below(Document) if "SCHEMA" in vars(kind)}
    assert {kind.__name__ for kind in named} == {kind.__name__ for kind in schema.DOCUMENTS}


def test_a_document_reads_back_as_itself(document):
    found = schema.read_document(document)
    assert isinstance(found, LatticeReport)
    assert found.to_dict() == document
    assert found.lattice.relative_density == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(schema="lattice-gnn/other/1"), "unknown document"),
        (lambda d: d.pop("net"), r"info/1: net: "),
        (lambda d: d["geometry"].update(volume="1"), r"info/1: geometry\.volume: .* number"),
        (lambda d: d["geometry"].update(radii=[1.0]), r"info/1: geometry\.radii\.1: "),
    ],
)
def test_what_does_not_follow_the_schema_is_refused(document, change, message):
    change(document)
    with pytest.raises(LatticeGnnError, match=message):
        schema.read_document(document)


def test_only_keys_without_meaning_are_left_out():
    @dataclasses.dataclass(frozen=True)
    class Pair:
        unknown: float | None
        optional: float | None = None

    assert plain(Pair(None)) == {"unknown": None}
    assert plain((Pair(1.0, 2.0),)) == [{"unknown": 1.0, "optional": 2.0}]
