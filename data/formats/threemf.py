"""3MF files with the Beam Lattice extension, ``.3mf``: reading.

A mesh object with a ``<beamlattice>`` holds beams between vertices, each a frustum with radii r1
and r2 (defaults: r2 = r1, r1 = radius of the lattice), caps, balls at vertices and sets of beams.
Every object that the build places is one lattice, as drawn, where it holds one such mesh: how the
build turns, scales or stretches it is reported, not applied. An object of several such components
is one lattice, with its components in their places. Objects may lie in model parts of their own
(production extension). Clipping is not applied, and balls wider than the struts are not kept, both
with a note. Beams shorter than ``minlength`` are ignored, as the specification demands.

:mod:`data.formats.threemf_write` writes them, with the lattice itself in namespaced metadata.

Source: 3MF Beam Lattice Extension, versions 1.1 and 1.2, and Production Extension
(github.com/3MFConsortium).
"""

import dataclasses
import math
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float

from data.drawings.builder import DrawingBuilder
from data.drawings.drawing import Drawing, read_passport, union
from data.drawings.fold_report import Fold
from data.formats.options import ReadOptions, fold_file
from data.formats.threemf_package import member, model_name, open_package
from data.reading import Place, XmlHandler, attribute, integer, number, parse_xml
from lattice_gnn.errors import LatticeGnnError

CORE = "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"
BEAMS = "http://schemas.microsoft.com/3dmanufacturing/beamlattice/2017/02"
BALLS = "http://schemas.microsoft.com/3dmanufacturing/beamlattice/balls/2020/07"
PRODUCTION = "http://schemas.microsoft.com/3dmanufacturing/production/2015/06"
OURS = "urn:lattice-gnn:3mf:1"
_MAX_PARTS = 200
_MAX_PLACED = 1000  #: components of one object
_MAX_DEPTH = 16

Transform = Float[np.ndarray, "4 3"]
Key = tuple[str, str]
"""Model part and number of an object in it."""


UNITS = {
    "micron": "µm",
    "millimeter": "mm",
    "centimeter": "cm",
    "inch": "in",
    "foot": "ft",
    "meter": "m",
}


@dataclass(frozen=True, slots=True, eq=False)
class _Placed:
    """An object in its place: the transform of a build item or component."""

    key: Key
    transform: Transform


@dataclass(slots=True)
class _Object:
    """One object, while it is read."""

    name: str
    builder: DrawingBuilder = field(default_factory=DrawingBuilder)
    points: list[tuple[float, float, float]] = field(default_factory=list)
    radius: float = 0.0
    min_length: float = 0.0
    has_beams: bool = False
    short: int = 0
    balls: list[float] = field(default_factory=list)
    ball_mode: str = ""
    ball_radius: float = 0.0
    clipping: str = ""
    components: list[_Placed] = field(default_factory=list)


@dataclass(slots=True)
class _Model:
    """The model of one file with all its parts, while it is read."""

    unit: str = "millimeter"
    passports: dict[str, str] = field(default_factory=dict)
    objects: dict[Key, _Object] = field(default_factory=dict)
    build: list[_Placed] = field(default_factory=list)
    current: _Object | None = None
    metadata: str | None = None
    path: tuple[str, ...] = ()
    part: str = ""
    main: str = ""

    def start(self, tag: str, attributes: dict[str, str], place: Place) -> None:
        space, _, name = tag.rpartition(" ")
        if not self.path and (space, name) != (CORE, "model"):
            raise place.error(f"not a 3MF model: expected <model>, got <{name[:40]}>")
        self.path = (*self.path, name)
        handler = _HANDLERS.get((space, name))
        if handler is not None:
            if path := attributes.get(f"{PRODUCTION} path"):
                attributes = attributes | {"p:path": path}
            handler(self, {k.rpartition(" ")[2]: v for k, v in attributes.items()}, place)

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

    def parts(self) -> set[str]:
        """Return the model parts that components and items name."""
        placed = [*self.build, *(c for x in self.objects.values() for c in x.components)]
        return {x.key[0] for x in placed}


def _model(model: _Model, attributes: dict[str, str], place: Place) -> None:
    unit = attributes.get("unit", "millimeter")
    if unit not in UNITS:
        raise place.error(f"unit: expected one of {', '.join(UNITS)}, got {unit[:40]!r}")
    if model.part == model.main:
        model.unit = unit
    elif unit != model.unit:
        raise place.error("its model parts are in different units of length")


def _metadata(model: _Model, attributes: dict[str, str], place: Place) -> None:
    prefix, _, label = attributes.get("name", "").rpartition(":")
    if prefix and label.startswith("lattice") and len(model.path) == 2:
        model.metadata = label
        model.passports[label] = ""


def _object(model: _Model, attributes: dict[str, str], place: Place) -> None:
    model.current = _Object(attributes.get("name", ""))
    key = (model.part, attributes.get("id", f"object {len(model.objects)}"))
    if key in model.objects:
        raise place.error(f"the object {key[1][:40]!r} is defined twice")
    model.objects[key] = model.current


def _placed(model: _Model, attributes: dict[str, str], place: Place) -> _Placed:
    words = attributes.get("transform", "1 0 0 0 1 0 0 0 1 0 0 0").split()
    if len(words) != 12:
        raise place.error("transform: expected 12 numbers")
    rows = np.array([number(word, place, "transform") for word in words]).reshape(4, 3)
    part = attributes.get("p:path", model.part).lstrip("/")
    return _Placed((part, attribute(attributes, "objectid", "component", place)), rows)


def _component(model: _Model, attributes: dict[str, str], place: Place) -> None:
    if model.current is not None:
        model.current.components.append(_placed(model, attributes, place))


def _item(model: _Model, attributes: dict[str, str], place: Place) -> None:
    if model.part == model.main:
        model.build.append(_placed(model, attributes, place))


def _vertex(model: _Model, attributes: dict[str, str], place: Place) -> None:
    if model.current is None:
        raise place.error("a <vertex> outside of any <object>")
    x, y, z = (number(attribute(attributes, k, "vertex", place), place, k) for k in "xyz")
    label = str(len(model.current.points))
    model.current.points.append((x, y, z))
    model.current.builder.add_point(label, (x, y, z), place)


def _beamlattice(model: _Model, attributes: dict[str, str], place: Place) -> None:
    if model.current is None:
        raise place.error("a <beamlattice> outside of any <object>")
    model.current.has_beams = True
    radius = attribute(attributes, "radius", "beamlattice", place)
    model.current.radius = number(radius, place, "radius")
    model.current.min_length = number(attributes.get("minlength", "0"), place, "minlength")
    model.current.clipping = attributes.get("clippingmode", "none").replace("none", "")
    model.current.ball_mode = attributes.get("ballmode", "")
    model.current.ball_radius = number(attributes.get("ballradius", "0"), place, "ballradius")
    if model.current.ball_mode == "all":
        model.current.balls.append(model.current.ball_radius)


def _beam(model: _Model, attributes: dict[str, str], place: Place) -> None:
    home = model.current
    if home is None or not home.has_beams:
        raise place.error("a <beam> outside of any <beamlattice>")
    ends = [integer(attribute(attributes, k, "beam", place), place, k) for k in ("v1", "v2")]
    for end in ends:
        if not 0 <= end < len(home.points):
            raise place.error(
                f"a beam ends at vertex {end}, the object has {len(home.points)} vertices"
            )
    length = math.dist(home.points[ends[0]], home.points[ends[1]])
    if length < home.min_length or length == 0:
        home.short += 1
        return
    first = number(attributes["r1"], place, "r1") if "r1" in attributes else home.radius
    last = number(attributes["r2"], place, "r2") if "r2" in attributes else first
    home.builder.add_bar((str(ends[0]), str(ends[1])), place, first, last)


def _ball(model: _Model, attributes: dict[str, str], place: Place) -> None:
    home = model.current
    if home is not None and home.ball_mode != "none":
        given = number(attributes["r"], place, "r") if "r" in attributes else home.ball_radius
        home.balls.append(given)


_HANDLERS: dict[tuple[str, str], Callable[[_Model, dict[str, str], Place], None]] = {
    (CORE, "model"): _model,
    (CORE, "metadata"): _metadata,
    (CORE, "object"): _object,
    (CORE, "component"): _component,
    (CORE, "item"): _item,
    (CORE, "vertex"): _vertex,
    (BEAMS, "beamlattice"): _beamlattice,
    (BEAMS, "beam"): _beam,
    (BALLS, "ball"): _ball,
}
"""The elements that matter to a lattice; all others are skipped."""


def read(path: Path, options: ReadOptions) -> list[Fold]:
    """Read the beam lattices of a file, one for each object that is built, and fold them.

    Raises:
        LatticeGnnError: Naming file and line of the model.
    """
    where = path.name
    with open_package(path) as archive:
        model = _read_model(archive, where)
    order = [key for key, home in model.objects.items() if home.has_beams]
    folds = []
    for key, transforms in _built(model):
        meshes = _meshes(model, key, where)
        if meshes:
            folds.append(_fold(model, key, (meshes, transforms, order), where, options))
    if not folds:
        raise LatticeGnnError(
            f"{where}: holds no beam lattice; surfaces alone cannot be read as struts."
        )
    return folds


def _read_model(archive: zipfile.ZipFile, where: str) -> _Model:
    """Read the model and the parts that it names."""
    model = _Model()
    handler = XmlHandler(start=model.start, end=model.end, text=model.text)
    names = set(archive.namelist())
    model.main = model_name(archive, where)
    waiting, done = [model.main], set[str]()
    while waiting:
        model.part = waiting.pop()
        done.add(model.part)
        if model.part not in names or len(done) > _MAX_PARTS:
            raise LatticeGnnError(
                f"{where}: the archive lacks the model part {model.part[:60]!r}, or has more than "
                f"{_MAX_PARTS} of them."
            )
        model.path = ()
        parse_xml(member(archive, model.part, where), where, handler)
        waiting = sorted(model.parts() - done)
    return model


def _built(model: _Model) -> list[tuple[Key, list[Transform]]]:
    """Return the objects that are built, each once, with its places; all if there is no build."""
    if not model.build:
        inside = {c.key for x in model.objects.values() for c in x.components}
        return [(key, []) for key in model.objects if key not in inside]
    found: dict[Key, list[Transform]] = {}
    for item in model.build:
        found.setdefault(item.key, []).append(item.transform)
    return list(found.items())


def _meshes(model: _Model, key: Key, where: str) -> list[_Placed]:
    """Return the meshes with beams that an object consists of, each in its place."""
    found, visits = [], 0
    waiting = [(_Placed(key, _IDENTITY), 0)]
    while waiting:
        placed, depth = waiting.pop()
        visits += 1
        home = model.objects.get(placed.key)
        if home is None:
            raise LatticeGnnError(
                f"{where}: the object {placed.key[1][:40]!r} is placed but not defined."
            )
        if depth > _MAX_DEPTH:
            raise LatticeGnnError(f"{where}: components nested deeper than {_MAX_DEPTH}.")
        if home.has_beams:
            found.append(placed)
        if visits + len(waiting) + len(home.components) > _MAX_PLACED:
            raise LatticeGnnError(f"{where}: more than {_MAX_PLACED} components in one object.")
        for component in reversed(home.components):
            inside = component.transform @ placed.transform[:3]
            inside[3] += placed.transform[3]
            waiting.append((_Placed(component.key, inside), depth + 1))
    return found


_IDENTITY: Transform = np.vstack([np.eye(3), np.zeros(3)])

_Built = tuple[list[_Placed], list[Transform], list[Key]]
"""Meshes of an object, where the build places it, and the order of all meshes in the file."""


def _fold(model: _Model, key: Key, built: _Built, where: str, options: ReadOptions) -> Fold:
    meshes, transforms, order = built
    homes = [model.objects[x.key] for x in meshes]
    one = len(meshes) == 1
    units = UNITS.get(model.unit, "")
    name = model.objects[key].name or homes[0].name
    if one:
        drawing = homes[0].builder.drawing(where, name=name, units=units)
        places = [meshes[0].transform, *transforms]
    else:
        drawings = [
            _in_place(home, x.transform, where) for home, x in zip(homes, meshes, strict=True)
        ]
        drawing = dataclasses.replace(union(drawings), name=name, units=units)
        places = transforms
    text = model.passports.get(f"lattice{order.index(meshes[0].key) + 1}") if one else None
    original = read_passport(text, where) if text else None
    notes = [*_placing(places), *_left_out(homes, drawing)]
    fold = fold_file(where, drawing, original, options)
    report = dataclasses.replace(fold.report, notes=(*fold.report.notes, *notes))
    return Fold(fold.lattice, report)


def _in_place(home: _Object, transform: Transform, where: str) -> Drawing:
    """Return the beams of a component where it is; radii grow with the volume."""
    drawing = home.builder.drawing(where)
    turn = transform[:3]
    scale = float(np.cbrt(abs(np.linalg.det(turn))))
    return dataclasses.replace(
        drawing,
        points=drawing.points @ turn + transform[3],
        radii=None if drawing.radii is None else drawing.radii * scale,
        end_radii=None if drawing.end_radii is None else drawing.end_radii * scale,
    )


def _placing(places: list[Transform]) -> list[str]:
    """Return what the build does to an object beyond moving it."""
    words: dict[str, None] = {}
    for place in places:
        turn = place[:3]
        product = turn @ turn.T
        size = np.trace(product) / 3
        if not np.allclose(product, size * np.eye(3), atol=1e-6 * max(size, 1e-300)):
            words["stretched"] = None
        elif abs(size - 1) > 1e-6:
            words[f"scaled by {np.sqrt(size):.6g}"] = None
        elif np.linalg.det(turn) < 0:
            words["mirrored"] = None
        elif not np.allclose(turn, np.eye(3), atol=1e-6):
            words["turned"] = None
    if not words:
        return []
    return [
        f"the file places the object {' and '.join(words)}, which was not applied: the lattice is "
        "that of the object as drawn."
    ]


def _left_out(homes: list[_Object], drawing: Drawing) -> list[str]:
    notes = []
    if short := sum(home.short for home in homes):
        notes.append(f"beams shorter than minlength were ignored: {short}.")
    balls = [r for home in homes for r in home.balls]
    if balls and max(balls) > 1.001 * _widest(drawing):
        notes.append(
            "balls at the nodes are wider than the struts; the lattice does not keep them."
        )
    modes = dict.fromkeys(home.clipping for home in homes if home.clipping)
    if modes:
        notes.append(
            f"the beams are to be clipped by a mesh (clippingmode {', '.join(modes)[:40]}), which "
            "was not applied: all beams are there whole."
        )
    return notes


def _widest(drawing: Drawing) -> float:
    radii = [x.max() for x in (drawing.radii, drawing.end_radii) if x is not None]
    return float(max(radii))
