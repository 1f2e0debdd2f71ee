"""What the commands are given: files, folders, places to write; and what a lattice is warned of."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cli.terminal.output import say_note
from lattice_gnn.errors import LatticeGnnError

if TYPE_CHECKING:
    from lattice_gnn.lattice.lattice import Lattice

BEAM_SLENDERNESS = 0.1
"""Radius over length up to which a strut passes for a beam."""


@dataclass(frozen=True, slots=True)
class Source:
    """A lattice and where it comes from.

    Attributes:
        lattice: The lattice.
        file: The file that holds it.
        index: Its number in the file, from 0.
        alone: Whether it is the only one in the file.
    """

    lattice: "Lattice"
    file: Path
    index: int
    alone: bool

    @property
    def label(self) -> str:
        """File and number, for people."""
        return str(self.file) if self.alone else f"{self.file}[{self.index}]"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a user should know of a lattice.

    Attributes:
        kind: "net", "contact", "slenderness", "dangling", "collinear" or "handedness".
        text: One sentence.
    """

    kind: str
    text: str

    @property
    def matters(self) -> bool:
        """Whether it touches results; a collinear node or a left-handed cell does not."""
        return self.kind not in ("collinear", "handedness")


def read_sources(paths: Sequence[Path]) -> list[Source]:
    """Read all lattices of files and folders, in the order given; a folder by file name.

    Raises:
        LatticeGnnError: For the first file that cannot be used, or a folder without ``*.json``.
    """
    sources = []
    for file in _files(paths):
        lattices = _read(file)
        sources += [Source(x, file, k, len(lattices) == 1) for k, x in enumerate(lattices)]
    return sources


def _read(file: Path) -> "Sequence[Lattice]":
    """Read a file of any format, and say on stderr what was done to it."""
    from data.formats import first_guess, read_with_report
    from lattice_gnn.lattice.json_file import read_lattices

    kind = first_guess(file)
    if kind == "json":  # without loading what the other formats need
        return read_lattices(file)
    reading = read_with_report(file, kind)
    for sentence in reading.sentences():
        say_note(f"{file}: {sentence}")
    return reading.lattices


def read_one(path: Path) -> Source:
    """Read a file that holds exactly one lattice."""
    sources = read_sources([path])
    if len(sources) != 1:
        raise LatticeGnnError(
            f"{path}: holds {len(sources)} lattices, expected one; put the one that you mean into "
            "a file of its own."
        )
    return sources[0]


def is_single(paths: Sequence[Path], sources: Sequence[Source]) -> bool:
    """Whether the user named one file with one lattice: then the answer is one, not a list."""
    return len(paths) == 1 and not paths[0].is_dir() and len(sources) == 1


def _files(paths: Sequence[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        suffixes = _folder_suffixes()
        inside = sorted(x for x in path.iterdir() if x.suffix.lower() in suffixes)
        if not inside:
            raise LatticeGnnError(
                f"{path}: this folder holds no lattice file ({', '.join(suffixes)})."
            )
        files += inside
    return files


def _folder_suffixes() -> list[str]:
    """Suffixes that are read from folders: all but those of tables and plain text."""
    from data.formats import FORMATS

    return sorted({x for found in FORMATS for x in found.suffixes} - {".csv", ".txt"})


def require_spanning(sources: Sequence[Source]) -> None:
    """Refuse nets for which the network has no answer.

    Raises:
        LatticeGnnError: Naming the file and how many dimensions its struts connect.
    """
    from lattice_gnn.surrogate.domain import require_spanning as require

    for source in sources:
        require(source.lattice, source.label)


def check_output(path: Path | None, inputs: Sequence[Path] = ()) -> None:
    """Refuse a file that cannot or should not be written, before time goes into computing.

    Raises:
        LatticeGnnError: The folder is missing or not writable, or the file is one of the inputs.
    """
    if path is None:
        return
    if not path.parent.is_dir():
        raise LatticeGnnError(
            f"{path}: cannot be written, there is no folder {path.parent}; make it first."
        )
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise LatticeGnnError(
            f"{path}: cannot be written; give the name of a file in a folder that is writable."
        )
    if path.exists() and any(file.exists() and path.samefile(file) for file in _files(inputs)):
        raise LatticeGnnError(
            f"{path}: is one of the input files and would be overwritten; choose another name."
        )


def findings(lattice: "Lattice") -> list[Finding]:
    """List what a user should know of a lattice, in order of weight."""
    found = []
    net = lattice.connectivity()
    if not net.is_single_net:
        found.append(Finding("net", net.describe()))
    try:
        clearance = lattice.clearance()
        if clearance.distance <= 0:
            found.append(Finding("contact", clearance.describe()))
    except LatticeGnnError as error:
        found.append(Finding("contact", f"The clearance is unknown: {error}"))
    simplified = lattice.simplified()
    found += _slenderness(simplified)
    dangling = [str(node) for node in (lattice.degrees == 1).nonzero()[0]]
    if dangling:
        found.append(
            Finding(
                "dangling",
                f"Only one strut ends at node{'s' * (len(dangling) > 1)} "
                f"{', '.join(dangling[:6])}{', ...' if len(dangling) > 6 else ''}: "
                "dangling struts weigh but carry no load.",
            )
        )
    merged = lattice.num_nodes - simplified.num_nodes
    if merged:
        found.append(
            Finding(
                "collinear",
                f"{_count(merged, 'node')} merely cut{'s' if merged == 1 else ''} straight struts "
                f"in two; without, {_count(simplified.num_nodes, 'node')} and "
                f"{_count(simplified.num_struts, 'strut')} remain, which the network sees.",
            )
        )
    if _left_handed(lattice):
        found.append(
            Finding("handedness", "The cell vectors are left-handed, which changes no result.")
        )
    return found


def _slenderness(lattice: "Lattice") -> list[Finding]:
    ends = lattice.radii if lattice.end_radii is None else lattice.end_radii
    ratios = [
        max(r, end) / length
        for r, end, length in zip(lattice.radii, ends, lattice.lengths, strict=True)
    ]
    thick = sum(ratio > BEAM_SLENDERNESS for ratio in ratios)
    if not thick:
        return []
    return [
        Finding(
            "slenderness",
            f"{thick} of {_count(len(ratios), 'strut')} {'is' if thick == 1 else 'are'} too thick "
            f"for beam theory: radius/length is up to {max(ratios):.3g}, expected at most "
            f"{BEAM_SLENDERNESS:g}.",
        )
    ]


def _left_handed(lattice: "Lattice") -> bool:
    import numpy as np

    return bool(np.linalg.det(lattice.cell) < 0)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def make_folder(folder: Path) -> None:
    """Make a folder for results, long before they are there.

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
