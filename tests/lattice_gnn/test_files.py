"""Files are replaced in one step, and what is wrong with one is a sentence that names it."""

import pytest

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import read_yaml, reading, replacing, write_whole


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing_behind(tmp_path):
    path = tmp_path / "a.txt"
    write_whole(path, "old ρ")
    assert path.read_bytes() == "old ρ".encode()

    def stop_half_way(part):
        part.write_text("half")
        assert part.suffix == path.suffix
        raise RuntimeError

    with pytest.raises(RuntimeError), replacing(path) as part:
        stop_half_way(part)
    assert path.read_text(encoding="utf-8") == "old ρ"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["no/folder/a.txt", ""])
def test_a_place_that_cannot_be_written_is_one_sentence(name, tmp_path):
    with pytest.raises(LatticeGnnError, match=r"cannot be written|expected the name of a file"):
        write_whole(tmp_path / name if name else "", "x")


def test_a_missing_file_and_a_folder_are_one_sentence(tmp_path):
    for place, reason in ((tmp_path / "a", "no such file"), (tmp_path, "got a folder")):
        with pytest.raises(LatticeGnnError, match=reason), reading(place):
            place.read_text()


def test_yaml_holds_names_with_values(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("a: 1\nb: {c: [2, 3]}\n", encoding="utf-8")
    assert read_yaml(path) == {"a": 1, "b": {"c": [2, 3]}}
    for content, reason in (
        (b"- 1", "expected names with values, got list"),
        (b"a: [", "not YAML: while parsing"),
        (b"\xff\xfe\x00", "not YAML"),
        (b"", "expected names with values, got NoneType"),
    ):
        path.write_bytes(content)
        with pytest.raises(LatticeGnnError, match=reason) as caught:
            read_yaml(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)
    with pytest.raises(LatticeGnnError, match="no such file"):
        read_yaml(tmp_path / "b.yaml")
