"""Text, numbers and XML from strangers: what is understood, and how errors name their place."""

import math

import pytest

from data.reading import (
    Place,
    XmlHandler,
    in_chunks,
    integer,
    number,
    parse_json,
    parse_xml,
    read_bytes,
    read_lines,
)
from lattice_gnn.errors import LatticeGnnError

HERE = Place("a.txt", 7)


def test_an_error_names_file_and_line_and_ends_with_one_full_stop():
    for message in ("expected a number", "expected a number."):
        assert str(HERE.error(message)) == "a.txt, line 7: expected a number."


@pytest.mark.parametrize(
    ("text", "value"),
    [(" 1.5 ", 1.5), ("-2", -2.0), (".5", 0.5), ("3.", 3.0), ("1.0D-3", 1e-3), ("+2e2", 200.0)],
)
def test_numbers_as_programs_print_them(text, value):
    assert number(text, HERE, "x") == value


@pytest.mark.parametrize("text", ["", "1,5", "0x10", "1_000", "nan", "-inf", "1e999", "²"])
def test_other_words_are_no_numbers(text):
    with pytest.raises(LatticeGnnError, match=r"^a\.txt, line 7: x: expected a (finite )?number"):
        number(text, HERE, "x")


def test_whole_numbers_are_exact():
    assert integer("-999999999999999", HERE, "n") == -(10**15) + 1
    for text in ("1.0", "1e3", "1" * 16, ""):
        with pytest.raises(LatticeGnnError, match="n: expected a whole number"):
            integer(text, HERE, "n")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_lines_come_with_their_numbers_in_every_encoding(encoding, tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("eins ä\r\n\r\n zwei".encode(encoding))
    assert list(read_lines(path)) == [
        ("eins ä", Place("a.txt", 1)),
        ("", Place("a.txt", 2)),
        ("zwei", Place("a.txt", 3)),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_on_any_system(end, tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(f"one{end}two{end}".encode())
    assert [line for line, _ in read_lines(path)] == ["one", "two", ""]


def test_binary_and_large_files_are_refused(monkeypatch, tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\ntwo\0")
    with pytest.raises(LatticeGnnError, match=r"a\.txt, line 2: expected text, got binary data"):
        list(read_lines(path))
    monkeypatch.setattr("data.reading.MAX_BYTES", 4)
    with pytest.raises(LatticeGnnError, match=r"a\.txt: larger than"):
        read_bytes(path)


def test_xml_is_told_part_by_part_with_lines():
    seen = []
    handler = XmlHandler(
        start=lambda tag, attributes, place: seen.append((tag, attributes, place.line)),
        end=seen.append,
        text=lambda piece: seen.append(piece.strip()),
        instruction=lambda target, piece: seen.append((target, piece)),
    )
    content = b'<?mark it?>\n<a xmlns="u"><b x="1">t</b>\n</a>'
    parse_xml(in_chunks(content), "a.xml", handler)
    parts = [part for part in seen if part]
    assert parts == [
        ("mark", "it"), ("u a", {}, 2), ("u b", {"x": "1"}, 2), "t", "u b", "u a",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<a><b></a>", "not well-formed XML"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a/>', "declares entities"),
        (b'<!DOCTYPE a [<!ENTITY % b SYSTEM "c">%b;]><a/>', "declares entities"),
        (b"<a>" * 100, "nested deeper"),
        (b'<?xml version="1.0" encoding="none"?><a/>', r"a\.xml"),
    ],
)
def test_xml_that_is_broken_or_dangerous_is_refused(content, reason):
    handler = XmlHandler(start=lambda tag, attributes, place: None)
    with pytest.raises(LatticeGnnError, match=reason) as caught:
        parse_xml(in_chunks(content), "a.xml", handler)
    assert str(caught.value).startswith("a.xml")


def test_a_document_type_alone_is_harmless():
    """Files of XDMF have one."""
    tags = []
    handler = XmlHandler(start=lambda tag, attributes, place: tags.append(tag))
    parse_xml(in_chunks(b'<!DOCTYPE a SYSTEM "a.dtd" []><a><b/></a>'), "a.xml", handler)
    assert tags == ["a", "b"]


def test_json_that_is_none_is_named_by_its_place():
    assert parse_json('{"a": [1, 2.5]}', "here") == {"a": [1, 2.5]}
    assert math.isnan(parse_json("NaN", "here"))
    for text in ("{", "[" * 100_000):
        with pytest.raises(LatticeGnnError, match=r"^here: not readable as JSON"):
            parse_json(text, "here")
    with pytest.raises(LatticeGnnError, match=r"^here: the key 'a' occurs twice"):
        parse_json('{"b": {"a": 1, "a": 2}}', "here")
