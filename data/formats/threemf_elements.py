"""Elements of a 3MF model: what :mod:`data.formats.threemf` reads of each.

Source: 3MF Core Specification, Beam Lattice Extension, versions 1.1 and 1.2, and Production
Extension (github.com/3MFConsortium).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from data.drawings.builder import DrawingBuilder
from data.reading import Place, attribute, integer, number

CORE = "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"
BEAMS = "http://schemas.microsoft.com/3dmanufacturing/beamlattice/2017/02"
BALLS = "http://schemas.microsoft.com/3dmanufacturing/beamlattice/balls/2020/07"
PRODUCTION = "http://schemas.microsoft.com/3dmanufacturing/production/2015/06"
OURS = "urn:lattice-gnn:3mf:1"
_READ = {BEAMS, BALLS, PRODUCTION}  #: extensions

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


_SPELLINGS = {label: unit for unit, label in UNITS.items()} | dict.fromkeys(
    ("um", "\N{GREEK SMALL LETTER MU}m"), "micron"
)


def unit_of(label: str) -> str:
    """Return the unit of length of a lattice as 3MF spells it, "" if 3MF has none of this name."""
    return label if label in UNITS else _SPELLINGS.get(label, "")


def unit_notes(label: str) -> list[str]:
    """Say it where 3MF has no unit of length of this name."""
    if unit_of(label):
        return []
    what = f"the unit of length {label[:40]!r} is none of 3MF" if label else "no unit of length"
    return [f"{what}: lengths are written as millimetres."]


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """An object in its place: the transform of a build item or component."""

    key: Key
    transform: Transform


@dataclass(slots=True)
class Object:
    """One object, while it is read; its label is that of a set of beams of ours."""

    name: str
    builder: DrawingBuilder = field(default_factory=DrawingBuilder)
    points: list[tuple[float, float, float]] = field(default_factory=list)
    radius: float = 0.0
    min_length: float = 0.0
    has_beams: bool = False
    short: int = 0
    triangles: int = 0
    label: str = ""
    balls: list[float] = field(default_factory=list)
    ball_mode: str = ""
    ball_radius: float = 0.0
    clipping: str = ""
    components: list[Placed] = field(default_factory=list)


@dataclass(slots=True)
class Model:
    """The model of one file with all its parts, while it is read.

    Attributes:
        unit: Of length, as the format spells it.
        passports: The lattices themselves, as written by lattice-gnn, by the name of the metadata.
        objects: All objects.
        build: What the build places.
        prefixes: Namespaces by their prefix.
        unread: Extensions that the file requires and that are not read.
        current: The object that is being read.
        metadata: Name of the metadata that are being read.
        path: Names of the elements around the present one.
        part: The model part that is being read.
        main: The model part that has the build.
    """

    unit: str = "millimeter"
    passports: dict[str, str] = field(default_factory=dict)
    objects: dict[Key, Object] = field(default_factory=dict)
    build: list[Placed] = field(default_factory=list)
    prefixes: dict[str | None, str] = field(default_factory=dict)
    unread: dict[str, None] = field(default_factory=dict)
    current: Object | None = None
    metadata: str | None = None
    path: tuple[str, ...] = ()
    part: str = ""
    main: str = ""

    def start(self, tag: str, attributes: dict[str, str], place: Place) -> None:
        """Read the attributes of an element."""
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
        """Leave an element."""
        self.path = self.path[:-1]
        name = tag.rpartition(" ")[2]
        if name == "metadata":
            self.metadata = None
        elif name == "object":
            self.current = None

    def text(self, piece: str) -> None:
        """Keep text of metadata."""
        if self.metadata is not None:
            self.passports[self.metadata] += piece

    def parts(self) -> set[str]:
        """Return the model parts that components and items name."""
        placed = [*self.build, *(c for x in self.objects.values() for c in x.components)]
        return {x.key[0] for x in placed}


def _model(model: Model, attributes: dict[str, str], place: Place) -> None:
    unit = attributes.get("unit", "millimeter")
    if unit not in UNITS:
        raise place.error(f"unit: expected one of {', '.join(UNITS)}, got {unit[:40]!r}")
    required = attributes.get("requiredextensions", "").split()
    spaces = [model.prefixes.get(prefix, prefix) for prefix in required]
    model.unread |= dict.fromkeys(x for x in spaces if x not in _READ)
    if model.part == model.main:
        model.unit = unit
    elif unit != model.unit:
        raise place.error("its model parts are in different units of length")


def _metadata(model: Model, attributes: dict[str, str], place: Place) -> None:
    prefix, _, label = attributes.get("name", "").rpartition(":")
    if prefix and label.startswith("lattice") and len(model.path) == 2:
        model.metadata = label
        model.passports[label] = ""


def _object(model: Model, attributes: dict[str, str], place: Place) -> None:
    model.current = Object(attributes.get("name", ""))
    key = (model.part, attributes.get("id", f"object {len(model.objects)}"))
    if key in model.objects:
        raise place.error(f"the object {key[1][:40]!r} is defined twice")
    model.objects[key] = model.current


def _placed(model: Model, attributes: dict[str, str], place: Place) -> Placed:
    words = attributes.get("transform", "1 0 0 0 1 0 0 0 1 0 0 0").split()
    if len(words) != 12:
        raise place.error("transform: expected 12 numbers")
    rows = np.array([number(word, place, "transform") for word in words]).reshape(4, 3)
    part = attributes.get("p:path", model.part).lstrip("/")
    return Placed((part, attribute(attributes, "objectid", "component", place)), rows)


def _component(model: Model, attributes: dict[str, str], place: Place) -> None:
    if model.current is not None:
        model.current.components.append(_placed(model, attributes, place))


def _item(model: Model, attributes: dict[str, str], place: Place) -> None:
    if model.part == model.main:
        model.build.append(_placed(model, attributes, place))


def _vertex(model: Model, attributes: dict[str, str], place: Place) -> None:
    if model.current is None:
        raise place.error("a <vertex> outside of any <object>")
    x, y, z = (number(attribute(attributes, k, "vertex", place), place, k) for k in "xyz")
    label = str(len(model.current.points))
    model.current.points.append((x, y, z))
    model.current.builder.add_point(label, (x, y, z), place)


def _beamlattice(model: Model, attributes: dict[str, str], place: Place) -> None:
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


def _beam(model: Model, attributes: dict[str, str], place: Place) -> None:
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


def _ball(model: Model, attributes: dict[str, str], place: Place) -> None:
    home = model.current
    if home is not None and home.ball_mode != "none":
        given = number(attributes["r"], place, "r") if "r" in attributes else home.ball_radius
        home.balls.append(given)


def _beamset(model: Model, attributes: dict[str, str], place: Place) -> None:
    if model.current is not None:
        model.current.label = attributes.get("identifier", "")


def _triangle(model: Model, attributes: dict[str, str], place: Place) -> None:
    if model.current is not None:
        model.current.triangles += 1


_HANDLERS: dict[tuple[str, str], Callable[[Model, dict[str, str], Place], None]] = {
    (CORE, "model"): _model,
    (CORE, "metadata"): _metadata,
    (CORE, "object"): _object,
    (CORE, "component"): _component,
    (CORE, "item"): _item,
    (CORE, "vertex"): _vertex,
    (CORE, "triangle"): _triangle,
    (BEAMS, "beamlattice"): _beamlattice,
    (BEAMS, "beam"): _beam,
    (BEAMS, "beamset"): _beamset,
    (BALLS, "ball"): _ball,
}
"""The elements that matter to a lattice; all others are skipped."""
