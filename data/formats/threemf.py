"""3MF files with the Beam Lattice extension, ``.3mf``: reading.

A mesh object with a ``<beamlattice>`` holds beams between vertices, each a frustum with radii r1
and r2 (defaults: r2 = r1, r1 = radius of the lattice), caps, balls at vertices and sets of beams.
Every such object is one lattice; transforms of the build, triangles, caps, balls and sets mean
nothing for a periodic lattice and are skipped, with a note where balls are wider than the struts.
Beams shorter than ``minlength`` are ignored, as the specification demands.

:mod:`data.formats.threemf_write` writes them, with the lattice itself in namespaced metadata.

Source: 3MF Beam Lattice Extension, versions 1.1 and 1.2 (github.com/3MFConsortium).
"""

import dataclasses
import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from data.drawings.builder import DrawingBuilder
from data.drawings.drawing import Drawing, read_passport
from data.drawings.fold_report import Fold
from data.formats.options import ReadOptions, fold_file
from data.reading import (
    MAX_BYTES,
    Place,
    XmlHandler,
    attribute,
    integer,
    number,
    parse_xml,
    read_bytes,
)
from lattice_gnn.errors import LatticeGnnError

CORE = "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"
BEAMS = "http://schemas.microsoft.com/3dmanufacturing/beamlattice/2017/02"
BALLS = "http://schemas.microsoft.com/3dmanufacturing/beamlattice/balls/2020/07"
OURS = "urn:lattice-gnn:3mf:1"
MODEL = "3D/3dmodel.model"
RELATIONS = "_rels/.rels"
MODEL_TYPE = "http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"
_KNOWN = {BEAMS, BALLS}
_MAX_MEMBERS = 10_000
_MAX_RATIO = 200  #: decompressed over compressed size


@dataclass(slots=True)
class _Object:
    """One mesh object, while it is read."""

    name: str
    builder: DrawingBuilder = field(default_factory=DrawingBuilder)
    points: list[tuple[float, float, float]] = field(default_factory=list)
    radius: float = 0.0
    min_length: float = 0.0
    has_beams: bool = False
    short: int = 0
    balls: list[float] = field(default_factory=list)


@dataclass(slots=True)
class _Model:
    """The model of one file, while it is read."""

    unit: str = "millimeter"
    prefixes: dict[str, str] = field(default_factory=dict)
    passports: dict[str, str] = field(default_factory=dict)
    objects: list[_Object] = field(default_factory=list)
    current: _Object | None = None
    metadata: str | None = None
    path: tuple[str, ...] = ()

    def start(self, tag: str, attributes: dict[str, str], place: Place) -> None:
        space, _, name = tag.rpartition(" ")
        if not self.path and (space, name) != (CORE, "model"):
            raise place.error(f"not a 3MF model: expected <model>, got <{name}>")
        self.path = (*self.path, name)
        method = getattr(self, f"_{name}", None)
        if method is not None and space in (CORE, BEAMS, BALLS):
            method({key.rpartition(" ")[2]: value for key, value in attributes.items()}, place)

    def end(self, tag: str) -> None:
        self.path = self.path[:-1]
        name = tag.rpartition(" ")[2]
        if name == "metadata":
            self.metadata = None
        elif name == "object":
            self.current = None

    def text(self, piece: str) -> None:
        if self.metadata is not None:
            self.passports[self.metadata] += piece

    def _model(self, attributes: dict[str, str], place: Place) -> None:
        self.unit = attributes.get("unit", "millimeter")

    def _metadata(self, attributes: dict[str, str], place: Place) -> None:
        prefix, _, label = attributes.get("name", "").rpartition(":")
        if prefix and label.startswith("lattice") and len(self.path) == 2:
            self.metadata = label
            self.passports[label] = ""

    def _object(self, attributes: dict[str, str], place: Place) -> None:
        self.current = _Object(attributes.get("name", ""))
        self.objects.append(self.current)

    def _vertex(self, attributes: dict[str, str], place: Place) -> None:
        if self.current is None:
            raise place.error("a <vertex> outside of any <object>")
        x, y, z = (number(attribute(attributes, k, "vertex", place), place, k) for k in "xyz")
        label = str(len(self.current.points))
        self.current.points.append((x, y, z))
        self.current.builder.add_point(label, (x, y, z), place)

    def _beamlattice(self, attributes: dict[str, str], place: Place) -> None:
        if self.current is None:
            raise place.error("a <beamlattice> outside of any <object>")
        self.current.has_beams = True
        radius = attribute(attributes, "radius", "beamlattice", place)
        self.current.radius = number(radius, place, "radius")
        self.current.min_length = number(attributes.get("minlength", "0"), place, "minlength")

    def _beam(self, attributes: dict[str, str], place: Place) -> None:
        home = self.current
        if home is None or not home.has_beams:
            raise place.error("a <beam> outside of any <beamlattice>")
        ends = [integer(attribute(attributes, k, "beam", place), place, k) for k in ("v1", "v2")]
        for end in ends:
            if not 0 <= end < len(home.points):
                raise place.error(
                    f"a beam ends at vertex {end}, the object has {len(home.points)} vertices"
                )
        length = float(np.linalg.norm(np.subtract(home.points[ends[0]], home.points[ends[1]])))
        if length < home.min_length or length == 0:
            home.short += 1
            return
        first = number(attributes["r1"], place, "r1") if "r1" in attributes else home.radius
        last = number(attributes["r2"], place, "r2") if "r2" in attributes else first
        home.builder.add_bar((str(ends[0]), str(ends[1])), place, first, last)

    def _ball(self, attributes: dict[str, str], place: Place) -> None:
        if self.current is not None and "r" in attributes:
            self.current.balls.append(number(attributes["r"], place, "r"))


def read(path: Path, options: ReadOptions) -> list[Fold]:
    """Read the beam lattices of a file, one for each object that has one, and fold them.

    Raises:
        LatticeGnnError: Naming file and line of the model.
    """
    where = path.name
    model = _Model()
    handler = XmlHandler(start=model.start, end=model.end, text=model.text)
    with _open(path) as archive:
        parse_xml(_member(archive, _model_name(archive, where), where), where, handler)
    found = [x for x in model.objects if x.has_beams]
    if not found:
        raise LatticeGnnError(
            f"{where}: holds no beam lattice; surfaces alone cannot be read as struts."
        )
    return [_fold(x, n, model, where, options) for n, x in enumerate(found, 1)]


def _fold(home: _Object, order: int, model: _Model, where: str, options: ReadOptions) -> Fold:
    drawing = home.builder.drawing(where, name=home.name, units=UNITS.get(model.unit, ""))
    text = model.passports.get(f"lattice{order}")
    original = read_passport(text, where) if text else None
    fold = fold_file(where, drawing, original, options)
    notes = list(fold.report.notes)
    if home.short:
        notes.append(f"{home.short} beams shorter than minlength were ignored.")
    if home.balls and max(home.balls) > 1.001 * _widest(drawing):
        notes.append(
            "balls at the nodes are wider than the struts; the lattice does not keep them."
        )
    return Fold(fold.lattice, dataclasses.replace(fold.report, notes=tuple(notes)))


def _widest(drawing: Drawing) -> float:
    radii = [x.max() for x in (drawing.radii, drawing.end_radii) if x is not None]
    return float(max(radii))


UNITS = {
    "micron": "µm",
    "millimeter": "mm",
    "centimeter": "cm",
    "inch": "in",
    "foot": "ft",
    "meter": "m",
}


def _open(path: Path) -> zipfile.ZipFile:
    content = read_bytes(path)
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError):
        raise LatticeGnnError(
            f"{path.name}: not a 3MF file: the zip archive is damaged or cut short."
        ) from None
    if len(archive.namelist()) > _MAX_MEMBERS:
        raise LatticeGnnError(f"{path.name}: more than {_MAX_MEMBERS} files in the archive.")
    return archive


def _model_name(archive: zipfile.ZipFile, where: str) -> str:
    """Find the model: where the relations of the package say, or at its usual place."""
    names = set(archive.namelist())
    targets: list[str] = []

    def start(tag: str, attributes: dict[str, str], place: Place) -> None:
        if attributes.get("Type") == MODEL_TYPE:
            targets.append(attributes.get("Target", "").lstrip("/"))

    if RELATIONS in names:
        parse_xml(_member(archive, RELATIONS, where), where, XmlHandler(start=start))
    for name in (*targets, MODEL):
        if name in names:
            return name
    raise LatticeGnnError(f"{where}: not a 3MF file: the archive holds no 3D model.")


def _member(archive: zipfile.ZipFile, name: str, where: str) -> Iterator[bytes]:
    """Yield the content of a member in pieces, and stop where it grows out of proportion."""
    limit = min(MAX_BYTES, 2**20 + _MAX_RATIO * archive.getinfo(name).compress_size)
    total = 0
    try:
        with archive.open(name) as file:
            while piece := file.read(65536):
                total += len(piece)
                if total > limit:
                    raise LatticeGnnError(
                        f"{where}: {name} decompresses to more than {limit // 2**20} MiB; refused."
                    )
                yield piece
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError):
        raise LatticeGnnError(f"{where}: {name} in the archive is damaged or locked.") from None
