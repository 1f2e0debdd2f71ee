"""Draw the gallery: every picture by the command that stands below it.

``make gallery`` runs this file; it draws what ``gallery.yaml`` lists and writes pictures and
``README.md`` into ``docs/gallery``. The commands start from lattices that ``lattice-gnn make``
writes, and from the solid labels that the package contains; a temporary folder takes what is not a
picture.
"""

import os
import shlex
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from cli.main import main as run_command

ROOT = Path(__file__).resolve().parents[1]
SEEN = 12  #: difference of a colour, of 255, that is not seen in a few pixels
LABELS = ROOT / "data" / "solid_set" / "test.h5"


@dataclass(frozen=True)
class Entry:
    """A picture of the gallery.

    Attributes:
        file: Its name.
        text: What it shows.
        commands: Commands that draw it; the last one writes the file.
    """

    file: str
    text: str
    commands: tuple[str, ...]


def entries() -> list[Entry]:
    """Read the list of pictures."""
    listed = yaml.safe_load((ROOT / "docs" / "gallery.yaml").read_text(encoding="utf-8"))
    return [Entry(x["file"], x["text"], tuple(x["commands"])) for x in listed]


def main(folder: Path = ROOT / "docs" / "gallery", names: tuple[str, ...] = ()) -> None:
    """Draw the entries with these file names, or all, and write the index.

    Args:
        folder: Where pictures and index go.
        names: File names of entries; all if empty.
    """
    folder.mkdir(parents=True, exist_ok=True)
    start = Path.cwd()
    for entry in entries():
        if names and entry.file not in names:
            continue
        with tempfile.TemporaryDirectory() as workplace:
            os.chdir(workplace)
            try:
                for command in entry.commands:
                    run(command)
                publish(Path(entry.file), folder / entry.file)
            finally:
                os.chdir(start)
    (folder / "README.md").write_text(index(), encoding="utf-8")


def run(command: str) -> None:
    """Run one command of lattice-gnn in this process."""
    arguments = shlex.split(command.format(labels=LABELS))
    try:
        run_command(arguments)
    except SystemExit as end:
        if end.code:
            raise RuntimeError(f"lattice-gnn {command}: exit code {end.code}") from None


def publish(drawn: Path, target: Path) -> None:
    """Copy a picture; PNG with a table of colours where nobody would see the difference."""
    if drawn.suffix != ".png":
        target.write_bytes(drawn.read_bytes())
        return
    with Image.open(drawn) as image:
        plain = image.convert("RGB")
    few = plain.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    apart = np.abs(np.asarray(plain, dtype=int) - np.asarray(few.convert("RGB"), dtype=int))
    same = float(np.quantile(apart.max(axis=2), 0.999)) <= SEEN
    (few if same else plain).save(target, optimize=True)


def index() -> str:
    """Return the index page: every picture with its text and commands."""
    lines = [
        "# Gallery",
        "",
        "Every picture was drawn by the commands below it; `make gallery` draws all of them again.",
        "[cli.md](../cli.md) explains the options of `render`.",
    ]
    for entry in entries():
        name = entry.file.rpartition(".")[0]
        commands = [command.format(labels="data/solid_set/test.h5") for command in entry.commands]
        block = [f"lattice-gnn {command}" for command in commands]
        lines += ["", f"## {name}", "", f"![{name}]({entry.file})", "", entry.text, ""]
        lines += ["```sh", *block, "```"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main(names=tuple(sys.argv[1:]))
