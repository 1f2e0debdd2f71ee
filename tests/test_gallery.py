"""The gallery's index names every picture, and its commands are commands."""

import importlib.util
import shlex
import sys
from pathlib import Path

import pytest
import typer
from PIL import Image

from cli.main import app

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "gallery"


@pytest.fixture(scope="module")
def gallery():
    spec = importlib.util.spec_from_file_location("gallery", ROOT / "docs" / "draw_gallery.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["gallery"] = module
    spec.loader.exec_module(module)
    return module


def test_index_and_pictures_are_those_of_the_list(gallery):
    files = {entry.file for entry in gallery.entries()}
    assert len(files) >= 12
    assert {path.name for path in FOLDER.iterdir()} == files | {"README.md"}
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == gallery.index()
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 3_000_000


def test_pictures_are_not_blank(gallery):
    for entry in gallery.entries():
        with Image.open(FOLDER / entry.file) as image:
            assert min(image.size) >= 350
            assert len(image.convert("RGB").getcolors(2**24)) > 40


def test_every_command_parses_and_the_last_one_names_the_file(gallery):
    group = typer.main.get_command(app)
    for entry in gallery.entries():
        for command in entry.commands:
            name, *arguments = shlex.split(command.format(labels=gallery.LABELS))
            with group.commands[name].make_context(name, arguments):
                pass
        assert entry.file in entry.commands[-1] or "--pictures ." in entry.commands[-1]


def test_an_entry_is_drawn(gallery, tmp_path):
    gallery.main(tmp_path, ("bcc-cuts.png",))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "bcc-cuts.png"]


def test_a_command_that_fails_is_named(gallery):
    with pytest.raises(RuntimeError, match="make nothing"):
        gallery.run("make nothing --radius 0.1")
