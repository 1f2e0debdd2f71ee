"""Inputs of the commands: files, folders, and output paths."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cli.terminal.output import say_note
from cli.terminal.own_results import is_result
from lattice_gnn.errors import LatticeGnnError

if TYPE_CHECKING:
    from lattice_gnn.lattice.lattice import Lattice
    from lattice_gnn.reports.lattice import Origin


@dataclass(frozen=True, slots=True)
class Source:
    """A lattice and where it comes from.

    Attributes:
        lattice: The lattice.
        file: The file that contains it.
        index: Its number in the file, from 0.
        alone: Whether it is the only one in the file.
    """

    lattice: "Lattice"
    file: Path
    index: int
    alone: bool

    @property
    def label(self) -> str:
        """File and number, for messages."""
        return str(self.file) if self.alone else f"{self.file}[{self.index}]"

    @property
    def origin(self) -> "Origin":
        """File and number, for documents."""
        from lattice_gnn.reports.lattice import Origin

        return Origin(str(self.file), None if self.alone else self.index)


def read_sources(paths: Sequence[Path]) -> list[Source]:
    """Read all lattices of files and folders, in the order given; folders sorted by file name.

    Raises:
        LatticeGnnError: For the first file that cannot be used, or a folder without lattice files.
    """
    sources = []
    for file in _files(paths):
        lattices = _read(file)
        sources += [Source(x, file, k, len(lattices) == 1) for k, x in enumerate(lattices)]
    return sources


def _read(file: Path) -> "Sequence[Lattice]":
    """Read a file of any format, with notes on stderr on what was changed."""
    from data.formats import first_guess, read_with_report
    from lattice_gnn.files import seekable
    from lattice_gnn.lattice.json_file import read_lattices

    with seekable(file) as real:
        kind = first_guess(real)
        if kind == "json":  # without loading the libraries of other formats
            return read_lattices(real)
        reading = read_with_report(real, kind)
    for sentence in reading.sentences():
        say_note(f"{file}: {sentence}")
    return reading.lattices


def read_one(path: Path) -> Source:
    """Read a file that holds exactly one lattice."""
    sources = read_sources([path])
    if len(sources) != 1:
        raise LatticeGnnError(
            f"{path}: holds {len(sources)} lattices, expected one; put that one into "
            "a separate file."
        )
    return sources[0]


def is_single(paths: Sequence[Path], sources: Sequence[Source]) -> bool:
    """Return whether the input is one file with one lattice, so that the output is not a list."""
    return len(paths) == 1 and not paths[0].is_dir() and len(sources) == 1


def _files(paths: Sequence[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        suffixes = _folder_suffixes()
        inside = sorted(
            x
            for x in path.iterdir()
            if x.suffix.lower() in suffixes and not x.name.startswith(".") and not is_result(x)
        )
        if not inside:
            raise LatticeGnnError(
                f"{path}: this folder holds no lattice file ({', '.join(suffixes)})."
            )
        files += inside
    return files


def _folder_suffixes() -> list[str]:
    """Return the suffixes that are read from folders: all but those of tables and plain text."""
    from data.formats import FORMATS

    return sorted({x for found in FORMATS for x in found.suffixes} - {".csv", ".txt"})


def require_spanning(sources: Sequence[Source]) -> None:
    """Refuse nets that do not span space, for which the network is not defined.

    Raises:
        LatticeGnnError: Naming the file and how many dimensions its struts connect.
    """
    from lattice_gnn.surrogate.domain import require_spanning as require

    for source in sources:
        require(source.lattice, source.label)


def check_output(path: Path | None, inputs: Sequence[Path] = ()) -> None:
    """Refuse a file that cannot or should not be written, before anything is computed.

    Raises:
        LatticeGnnError: As :func:`check_outputs`.
    """
    check_outputs((path,), inputs)


def check_outputs(outputs: Sequence[Path | None], inputs: Sequence[Path] = ()) -> None:
    """Check every output of a command against its inputs and its other outputs.

    Args:
        outputs: Files to be written; None for outputs not requested.
        inputs: Files and folders that are read.

    Raises:
        LatticeGnnError: If one cannot be written (its folder is missing, it is a folder, a device
            or a pipe), is one of the inputs, or two of them are the same file.
    """
    from data.formats import files_of
    from lattice_gnn.files import check_writable

    taken = [file for path in _files(inputs) for file in files_of(path) if file.exists()]
    seen: dict[Path, Path] = {}
    for output in filter(None, outputs):
        for file in files_of(output):
            check_writable(file)
            if file.exists() and any(file.samefile(other) for other in taken):
                raise LatticeGnnError(
                    f"{file}: is one of the input files and would be overwritten; choose another "
                    "name."
                )
            place = file.resolve()
            if seen.setdefault(place, output) is not output:
                raise LatticeGnnError(
                    f"{file}: two outputs cannot go to the same file; choose different names."
                )


def make_folder(folder: Path) -> None:
    """Create a folder for results, before anything is computed.

    Raises:
        LatticeGnnError: If it cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LatticeGnnError(
            f"{folder}: cannot be made ({error.strerror}); choose another folder."
        ) from None
    if not os.access(folder, os.W_OK):
        raise LatticeGnnError(f"{folder}: is not writable; choose another folder.")
