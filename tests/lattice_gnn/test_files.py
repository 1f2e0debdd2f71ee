"""Files are replaced in one step, and what is wrong with one is a sentence that names it."""

import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import read_yaml, reading, replacing, seekable, write_whole


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
        (b"a: 1\nb:\n  c: 1\n  c: 2\n", "line 4: the name 'c' occurs twice"),
        (b"\xff\xfe\x00", "not YAML"),
        (b"", "expected names with values, got NoneType"),
    ):
        path.write_bytes(content)
        with pytest.raises(LatticeGnnError, match=reason) as caught:
            read_yaml(path)
        assert str(caught.value).startswith(f"{path}")
        assert "\n" not in str(caught.value)
    with pytest.raises(LatticeGnnError, match="no such file"):
        read_yaml(tmp_path / "b.yaml")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("a: !!int x\n", "tags"),
        ("a: !!timestamp x\n", "tags"),
        ("a: !!python/object:os.system x\n", "tags"),
        ("1: x\n", "expected names that are text, got 1|expected text as name"),
        ("[1, 2]: x\n", "not YAML|expected text"),
        ("a: " + "9" * 5000 + "\n", "not YAML"),
        ("a: 99999999999999999999999\n", "below 2\\^63"),
        ("a: 0x\nb: 0xFFFFFFFFFFFFFFFFFFFFFFFF\n", "below 2\\^63"),
        ("a: .nan\n", "finite"),
        ("a: [1, .inf]\n", "finite"),
        ("a: " + "[" * 20_000, "nested deeper than 50"),
        ("a: " + "{a: " * 60 + "1" + "}" * 60, "nested deeper than 50"),
        ("a: &a [1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
         "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"
         "f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n", "more than"),
        ("\ud800a: 1\n", "not YAML"),
    ],
)  # fmt: skip
def test_whatever_the_yaml_loader_raises_is_one_sentence(tmp_path, content, reason):
    path = tmp_path / "a.yaml"
    path.write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(LatticeGnnError, match=reason) as caught:
        read_yaml(path)
    assert len(str(caught.value)) < 600


def test_dates_are_text_and_aliases_are_read(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("a: 2001-13-45\nb: 2001-01-01\nc: &x {d: 1}\ne: *x\n")
    assert read_yaml(path) == {"a": "2001-13-45", "b": "2001-01-01", "c": {"d": 1}, "e": {"d": 1}}


def test_temporary_names_are_random_exclusive_and_keep_a_suffix_that_writers_know(tmp_path):
    path = tmp_path / "x.PNG"
    with replacing(path) as first, replacing(path) as second:
        assert first != second
        assert {first.suffix, second.suffix} == {".png"}
        assert str(os.getpid()) not in first.name.split(".")
        first.write_text("1")
        second.write_text("2")
    assert path.read_text() == "1"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_and_its_target_is_replaced(tmp_path):
    target, link = tmp_path / "real.txt", tmp_path / "link.txt"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    write_whole(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_threads_that_write_one_file_never_mix(tmp_path):
    path = tmp_path / "a.txt"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda k: write_whole(path, str(k) * 10_000), range(10)))
    assert len(set(path.read_text())) == 1
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["/dev/null", "/dev/full", "fifo", "folder"])
def test_devices_pipes_and_folders_are_never_replaced(tmp_path, name):
    place = tmp_path / name
    if name == "fifo":
        os.mkfifo(place)
    elif name == "folder":
        place.mkdir()
    with pytest.raises(LatticeGnnError, match=r"device or a pipe|folder"):
        write_whole(place, "x")
    assert not place.is_file()
    with pytest.raises(LatticeGnnError, match="name of a file"):
        write_whole(tmp_path / "a\0b", "x")


def test_devices_are_not_read():
    with pytest.raises(LatticeGnnError, match="got a device"), reading("/dev/zero"):
        pass


def test_what_comes_through_a_pipe_can_be_read_as_often_as_needed(tmp_path):
    pipe = tmp_path / "pipe.json"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(b"x" * 300_000))
    writer.start()
    with seekable(pipe) as real:
        assert real.name == pipe.name
        assert real.read_bytes() == real.read_bytes() == b"x" * 300_000
    writer.join()
    assert not real.exists()
    with seekable(tmp_path / "plain") as same:
        assert same == tmp_path / "plain"


def test_a_hyphen_is_no_output():
    with pytest.raises(LatticeGnnError, match="-: stands for no output"):
        write_whole("-", "text")


def test_a_pipe_that_nobody_writes_into_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("lattice_gnn.files._WAIT", 0.2)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(LatticeGnnError, match="no data came through"), seekable(tmp_path / "pipe"):
        pass
