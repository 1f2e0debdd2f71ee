"""One file per format: reading and writing what other programs use.

The format of a file is detected from its content; the suffix only decides what is written. Formats
with absolute coordinates are folded into a cell (:mod:`data.drawings.fold`), and what was done is
reported.
"""

import codecs
import dataclasses
import importlib
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.formats.foreign import what_it_is
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import reading, seekable

if TYPE_CHECKING:
    from data.drawings.fold_report import FoldReport
    from data.formats.options import ReadOptions
    from lattice_gnn.lattice.lattice import Lattice

_HEAD = 65536


@dataclass(frozen=True, slots=True)
class Format:
    """A file format.

    Attributes:
        kind: Its short name.
        title: Its name for people.
        suffixes: Of files that are written; the first is the usual one.
        module: Where it is read: ``read(path, options)``.
        writer: Where it is written: ``write(path, lattices)``; "" if it is read only.
        fits: Whether the first bytes of a file are of this format.
        many: Whether one file holds several lattices.
    """

    kind: str
    title: str
    suffixes: tuple[str, ...]
    module: str
    writer: str
    fits: Callable[[bytes], bool]
    many: bool = False


def _matches(pattern: bytes) -> Callable[[bytes], bool]:
    compiled = re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    return lambda head: compiled.search(head) is not None


def _never(head: bytes) -> bool:
    """Detected from the whole file, or named by the user."""
    return False


def _is_json(head: bytes) -> bool:
    return head.lstrip()[:1] in (b"{", b"[")


def _is_pylattice(head: bytes) -> bool:
    return _is_json(head) and b'"beams"' in head and b'"schema"' not in head


_is_deck = _matches(rb"^\s*\*(heading|node|part|material|element|include|parameter)\b")


def _is_table(head: bytes) -> bool:
    """Whether the first line, comments aside, names coordinates or the two ends of struts."""
    from data.formats.columns import find
    from data.formats.segments import end_columns
    from data.formats.table import COMMENTS

    for line in head.decode("utf-8", "replace").lstrip().splitlines()[:100]:
        text = line.strip()
        if not text or text.startswith(COMMENTS) or re.fullmatch("sep=.", text):
            continue
        names = [x.strip(" \"'") for x in re.split(r"[;,\t|]", text[:2000])]
        names = text.split() if len(names) == 1 else names
        if end_columns(names) is not None:
            return True
        roles = [find(names, role) for role in "xyz"]
        return None not in roles or None not in (find(names, "i"), find(names, "j"))
    return False


FORMATS = (
    Format("3mf", "3MF beam lattice", (".3mf",), "threemf", "threemf_write",
           lambda head: head.startswith(b"PK"), many=True),
    Format("vtu", "VTU or VTP mesh", (".vtu",), "mesh", "mesh",
           lambda head: b"<VTKFile" in head[:4096]),
    Format("vtk", "legacy VTK mesh", (".vtk",), "mesh", "mesh",
           lambda head: head.startswith(b"# vtk DataFile")),
    Format("xdmf", "XDMF mesh", (".xdmf", ".xmf"), "mesh", "mesh",
           lambda head: b"<Xdmf" in head[:4096]),
    Format("gmsh", "Gmsh mesh", (".msh",), "mesh", "mesh",
           lambda head: head.startswith((b"$MeshFormat", b"$Comments"))),
    Format("ltcx", "nTop lattice", (".ltcx",), "ltcx", "ltcx",
           lambda head: head.lstrip().startswith(b"<")),
    Format("pylattice", "pyLattice unit cell", (), "pylattice", "", _is_pylattice),
    Format("json", "lattice-gnn JSON", (".json",), "periodic", "periodic", _is_json, many=True),
    Format("deck", "Abaqus or CalculiX deck", (), "abaqus", "", _is_deck),
    Format("abaqus", "Abaqus deck", (".inp",), "abaqus", "abaqus_write", _never),
    Format("calculix", "CalculiX deck", (), "calculix", "calculix", _never),
    Format("lat", "GLAMM catalogue", (".lat",), "periodic", "periodic",
           _matches(rb"lattice_transition|\A\s*name:"), many=True),
    Format("text", "GRID/STRUT text", (".txt",), "text", "text",
           _matches(rb"^\s*(grid|strut)[\s,]")),
    Format("csv", "CSV tables", (".csv",), "csv_tables", "csv_tables", _is_table),
)  # fmt: skip
"""Every format, in the order in which files are tried."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Contents of a file that was read.

    Attributes:
        kind: Its format.
        lattices: The lattices.
        reports: For each, what was done to get it.
    """

    kind: str
    lattices: "tuple[Lattice, ...]"
    reports: "tuple[FoldReport, ...]"

    def sentences(self) -> tuple[str, ...]:
        """Return what a user should know, one sentence each, with the lattice's name if several.

        What holds for many lattices is said once.
        """
        owners: dict[str, list[str]] = {}
        for lattice, report in zip(self.lattices, self.reports, strict=True):
            for text in report.sentences():
                owners.setdefault(text, []).append(lattice.name)
        if len(self.lattices) == 1:
            return tuple(owners)
        return tuple(
            f"{names[0]}{f' and {len(names) - 1} more' if len(names) > 1 else ''}: {text}"
            for text, names in owners.items()
        )

    def require_spanning(self, where: str) -> None:
        """Refuse a drawing that was folded into an inferred cell and does not span space.

        Args:
            where: The file, for the error.

        Raises:
            LatticeGnnError: With the likely cause.
        """
        for report in self.reports:
            if report.cell == "inferred" and not report.spans_space:
                raise LatticeGnnError(
                    f"{where}: the struts do not connect the cell with its images in all three "
                    f"dimensions: {report.why_not_spanning()}."
                )


def format_named(kind: str) -> Format:
    """Return a format by its short name.

    Raises:
        LatticeGnnError: There is none of this name.
    """
    for found in FORMATS:
        if found.kind == kind:
            return found
    kinds = ", ".join(x.kind for x in FORMATS)
    raise LatticeGnnError(f"format {kind!r}: no such format; the formats are {kinds}.")


def kind_of(path: str | os.PathLike[str]) -> str:
    """Detect the format of a file from its content.

    Raises:
        LatticeGnnError: It cannot be read, or is of no known format, or is a deck of which it
            stays unclear whose.
    """
    kind = first_guess(path)
    if kind != "deck":
        return kind
    from data.formats.deck_keywords import read_deck

    return read_deck(Path(path), None).dialect


def first_guess(path: str | os.PathLike[str]) -> str:
    """Detect the format of a file from its first bytes; a deck may be Abaqus or CalculiX.

    Raises:
        LatticeGnnError: It cannot be read, or is of no known format.
    """
    path = Path(path)
    source = path
    if not path.exists() and path.suffix.lower() in (".csv", ".tsv"):
        from data.formats.csv_tables import table_paths

        source = table_paths(path)[0] if table_paths(path)[0].exists() else path
    with reading(source), source.open("rb") as file:
        head = file.read(_HEAD)
    head = _in_utf8(head)
    for found in FORMATS:
        if found.fits(head):
            return found.kind
    told = {".json": "json", ".csv": "csv", ".tsv": "csv"}.get(path.suffix.lower())
    if told and head.strip():
        return told  # whose reader says what is wrong with it
    titles = ", ".join(x.title for x in FORMATS if x.fits is not _never)
    known = what_it_is(head, path.suffix) or "is of no known format"
    raise LatticeGnnError(
        f"{path.name}: {known if head.strip() else 'is empty'}; expected {titles}."
    )


def _in_utf8(head: bytes) -> bytes:
    """Return the first bytes of a text file of UTF-8 or UTF-16 in UTF-8, without their mark."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head.decode("utf-16", "ignore").encode()
    return head.removeprefix(codecs.BOM_UTF8)


def read_with_report(
    path: str | os.PathLike[str],
    kind: str | None = None,
    options: "ReadOptions | None" = None,
) -> Reading:
    """Read every lattice of a file, with a report of what was done.

    Args:
        path: The file.
        kind: Its format; None: told by its content.
        options: Cell vectors and crossings, for formats that draw struts in space.

    Raises:
        LatticeGnnError: Naming the file, the place and what is wrong.
    """
    from data.formats.options import ReadOptions

    options = options or ReadOptions()
    with seekable(path) as real:
        found = format_named(kind or first_guess(real))
        if found.kind == "abaqus":
            options = dataclasses.replace(options, dialect="abaqus")
        folds = _function(found.module, "read")(real, options)
    told = folds[0].report.kind or found.kind
    return Reading(told, tuple(x.lattice for x in folds), tuple(x.report for x in folds))


def read_any(path: str | os.PathLike[str], kind: str | None = None) -> "list[Lattice]":
    """Read every lattice of a file of any format.

    Args:
        path: The file.
        kind: Its format; None: told by its content.

    Raises:
        LatticeGnnError: Naming the file, the place and what is wrong.
    """
    return list(read_with_report(path, kind).lattices)


def write_any(
    path: str | os.PathLike[str], lattices: "Sequence[Lattice]", kind: str | None = None
) -> str:
    """Write lattices to a file.

    Args:
        path: The file; an old one is replaced.
        lattices: At least one.
        kind: The format; None: told by the suffix.

    Returns:
        The format.

    Raises:
        LatticeGnnError: The suffix tells no format, the format is read only or cannot hold these
            lattices, or the file cannot be written.
    """
    path = Path(path)
    found = output_format(path, kind)
    if not lattices:
        raise LatticeGnnError(f"{path}: there is no lattice to write.")
    extra = (found.kind,) if found.writer in ("mesh", "periodic") else ()
    _function(found.writer, "write")(path, list(lattices), *extra)
    return found.kind


def output_format(path: Path, kind: str | None = None) -> Format:
    """Return the format in which a file will be written.

    Args:
        path: The file.
        kind: The format; None: told by the suffix.

    Raises:
        LatticeGnnError: The suffix tells no format, or the format is read only.
    """
    found = format_named(kind) if kind else _format_of_suffix(path)
    if not found.writer:
        raise LatticeGnnError(f"{path}: {found.title}s are read, not written; write JSON.")
    return found


def writing_notes(kind: str, lattices: "Sequence[Lattice]") -> list[str]:
    """Return what a format changes about lattices beyond what it loses, one sentence each.

    Args:
        kind: The format that they are written in.
        lattices: Before writing.
    """
    if kind == "json":
        return []
    if kind != "lat":
        return [*_notes_on_drawings(kind, lattices), *_notes_on_sections(kind, lattices)]
    from data.formats.lat import is_in_standard_frame

    lost = _lost_in_catalogues(lattices)
    turned = [x.name or f"lattice {k}" for k, x in enumerate(lattices)
              if not is_in_standard_frame(x)]  # fmt: skip
    if not turned:
        return lost
    more = f" and {len(turned) - 4} more" if len(turned) > 4 else ""
    return [
        *lost,
        f"turned so that cell vector a lies along x and b in the plane xy, as .lat demands "
        f"({', '.join(turned[:4])}{more}): the components of the stiffness are those in the turned "
        "axes.",
    ]


def _notes_on_drawings(kind: str, lattices: "Sequence[Lattice]") -> list[str]:
    if kind == "3mf":
        from data.formats.threemf_elements import unit_notes

        return [
            "holds beams (3MF beam lattice extension), which almost no viewer shows; `lattice-gnn "
            "render FILE --3mf OUT.3mf` writes triangles, for viewers and printers.",
            *unit_notes(lattices[0].units),
        ]
    if format_named(kind).module == "mesh" and any(x.units for x in lattices):
        return ["the unit of length is not kept."]
    return []


def _notes_on_sections(kind: str, lattices: "Sequence[Lattice]") -> list[str]:
    """Say what other programs do not see of the sections of struts."""
    notes = []
    is_deck, is_mesh = kind in ("abaqus", "calculix"), format_named(kind).module == "mesh"
    if is_deck and any(x.end_radii is not None for x in lattices):
        notes.append("tapered struts are written as pieces of constant section.")
    hidden = {
        "bores": any(x.inner_radii is not None and x.inner_radii.any() for x in lattices),
        "moduli of single struts": any(x.E is not None or x.nu is not None for x in lattices),
    }
    told = " and ".join(what for what, is_there in hidden.items() if is_there)
    if told and not is_deck and not is_mesh:
        notes.append(f"{told} are kept for lattice-gnn alone: other programs do not see them.")
    return notes


def _lost_in_catalogues(lattices: "Sequence[Lattice]") -> list[str]:
    lost = {
        "units of length": any(x.units for x in lattices),
        "Young's moduli": any(x.material.E != 1 for x in lattices),
        "blanks in names": any(x.name.split() not in ([x.name], []) for x in lattices),
    }
    told = ", ".join(what for what, is_there in lost.items() if is_there)
    return [f"a catalogue does not keep {told}."] if told else []


def files_of(path: str | os.PathLike[str]) -> tuple[Path, ...]:
    """Return the files behind a name: both CSV tables of a lattice, otherwise the file itself."""
    path = Path(path)
    if path.suffix.lower() in (".csv", ".tsv"):
        from data.formats.csv_tables import table_paths

        return (*table_paths(path), path)
    return (path,)


def _format_of_suffix(path: Path) -> Format:
    for found in FORMATS:
        if path.suffix.lower() in found.suffixes:
            return found
    suffixes = ", ".join(suffix for x in FORMATS for suffix in x.suffixes)
    raise LatticeGnnError(
        f"{path}: the suffix {path.suffix!r} tells no format; use one of {suffixes}, or say which."
    )


def _function(module: str, name: str) -> Any:
    return getattr(importlib.import_module(f"data.formats.{module}"), name)
