"""The meaning of a table column or mesh array, recognised by its name in any spelling.

``Radius [mm]``, ``r``, ``radius_mm`` and ``Diameter (um)`` are understood; what is not is reported.
"""

import dataclasses
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from data.drawings.drawing import Drawing
from lattice_gnn.errors import LatticeGnnError

_BRACKET = re.compile(r"(.*?)[\s_]*(?:[\[({<]\s*(.*?)\s*[\])}>]|/\s*(\S+))", re.DOTALL)
_SUFFIX = re.compile(r"(.*\w)[\s_](m|cm|mm|um|µm|μm|nm|in|inch|ft)", re.IGNORECASE)
_IN_METRES = {
    "m": 1.0, "meter": 1.0, "metre": 1.0, "cm": 1e-2, "mm": 1e-3, "millimeter": 1e-3, "um": 1e-6,
    "µm": 1e-6, "μm": 1e-6, "micron": 1e-6, "microns": 1e-6, "nm": 1e-9, "in": 0.0254,
    "inch": 0.0254, "ft": 0.3048,
}  # fmt: skip
_STEMS = {
    "radius": ("r", "radius", "radii", "rad", "strutradius", "beamradius", "barradius",
               "edgeradius", "noderadius", "pointradius", "outerradius", "radiusouter", "r1",
               "radius1", "startradius", "radiusstart", "rstart"),
    "end_radius": ("r2", "radius2", "endradius", "radiusend", "rend"),
    "inner_radius": ("innerradius", "radiusinner", "rinner", "boreradius", "bore"),
    "diameter": ("d", "dia", "diam", "diameter", "strutdiameter", "beamdiameter", "bardiameter",
                 "edgediameter", "outerdiameter", "diameterouter", "d1", "diameter1",
                 "startdiameter", "diameterstart", "dstart", "ø",
                 "⌀"),
    "end_diameter": ("d2", "diameter2", "enddiameter", "diameterend", "dend"),
    "inner_diameter": ("innerdiameter", "diameterinner", "dinner"),
    "label": ("id", "nodeid", "node", "label", "nodelabel", "number", "nodenumber", "no", "nodeno",
              "nr", "index", "point", "pointid", "vertex", "vertexid", "name", "nodename", "tag"),
    "x": ("x", "xcoord", "xcoordinate", "coordx", "coordinatex", "posx", "xpos", "x1", "points0",
          "pointsx", "px"),
    "y": ("y", "ycoord", "ycoordinate", "coordy", "coordinatey", "posy", "ypos", "y1", "points1",
          "pointsy", "py"),
    "z": ("z", "zcoord", "zcoordinate", "coordz", "coordinatez", "posz", "zpos", "z1", "points2",
          "pointsz", "pz"),
    "i": ("i", "n1", "start", "node1", "from", "nodei", "startnode", "nodestart", "source", "a",
          "nodea", "end1", "v1", "vertex1", "p1", "point1", "id1", "inode", "node1id", "firstnode",
          "nodeid1", "startid", "fromnode", "n0", "node0", "nodefrom", "sourcenode", "endnodes1"),
    "j": ("j", "n2", "end", "node2", "to", "nodej", "endnode", "nodeend", "target", "b", "nodeb",
          "end2", "v2", "vertex2", "p2", "point2", "id2", "jnode", "node2id", "secondnode",
          "nodeid2", "endid", "tonode", "n1", "node1", "nodeto", "targetnode", "endnodes2"),
}  # fmt: skip
OF_STRUTS = ("radius", "end_radius", "inner_radius")
OF_ENDS = ("radius", "end_radius")
OF_NODES = ("radius",)
OWN_RADII = "struts have radii of their own; those of the nodes were left out."
_SIZES = ("radius", "end_radius", "inner_radius", "diameter", "end_diameter", "inner_diameter")


@dataclass(frozen=True, slots=True)
class Column:
    """A column name, parsed.

    Attributes:
        stem: Lower case, letters and digits alone.
        unit: As it stands in brackets or behind the name; "" if there is none.
    """

    stem: str
    unit: str

    @classmethod
    def of(cls, name: str) -> "Column":
        """Parse a name."""
        text = name.strip()[:200]
        for pattern in (_BRACKET, _SUFFIX):
            if found := pattern.fullmatch(text):
                unit = next((x for x in found.groups()[1:] if x), "")
                return cls(_stem(found[1]), unit.strip())
        return cls(_stem(text), "")

    def is_a(self, role: str) -> bool:
        """Whether this is the name of a role, such as "radius"."""
        return self.stem in _STEMS[role]


def _stem(text: str) -> str:
    return re.sub(r"[^0-9a-zµμø⌀]", "", text.lower())


def find(names: Iterable[str], role: str) -> str | None:
    """Return the first of the names that stands for a role, None if none does."""
    return next((name for name in names if Column.of(name).is_a(role)), None)


def only(names: Iterable[str], role: str) -> str | None:
    """Return the one name that stands for a role, None if none does.

    Raises:
        LatticeGnnError: Two of them do.
    """
    found = [name for name in names if Column.of(name).is_a(role)]
    if len(found) > 1:
        raise ambiguous(found[0], found[1], role)
    return found[0] if found else None


def node_columns(names: Sequence[str]) -> tuple[str | None, str | None]:
    """Return the names of the first and of the second node of a strut, None if there is none.

    Two names of one spelling, such as n1 and n2, belong together, whatever other names there are.

    Raises:
        LatticeGnnError: There are several such pairs.
    """
    stems = {name: Column.of(name).stem for name in names}
    first, second = ([x for x in names if stems[x] in _STEMS[role]] for role in "ij")
    several = [(a, b) for a in first for b in second if a != b]
    spellings = list(zip(_STEMS["i"], _STEMS["j"], strict=True))
    pairs = [(a, b) for a, b in several if (stems[a], stems[b]) in spellings] or several
    if len(pairs) > 1:
        one, other = pairs[:2]
        k = 0 if one[0] != other[0] else 1
        raise ambiguous(one[k], other[k], "the same node of a strut")
    if pairs:
        return pairs[0]
    return next(iter(first), None), None


def ambiguous(first: str, second: str, what: str) -> LatticeGnnError:
    """Return the error that two columns give one thing."""
    return LatticeGnnError(
        f"the columns {first[:40]!r} and {second[:40]!r} both give {what}; leave one of them out"
    )


def size_columns(names: Iterable[str]) -> dict[str, tuple[str, float]]:
    """Return for each of radius, end_radius and inner_radius its column and a factor.

    The factor makes a radius of a diameter.

    Raises:
        LatticeGnnError: Two columns stand for one thing.
    """
    found: dict[str, tuple[str, float]] = {}
    for name in names:
        column = Column.of(name)
        for role in _SIZES:
            if not column.is_a(role):
                continue
            key = role.replace("diameter", "radius")
            if key in found:
                raise ambiguous(found[key][0], name, "radii")
            found[key] = (name, 0.5 if "diameter" in role else 1.0)
    return found


@dataclass(frozen=True, slots=True)
class Sizes:
    """Columns of radii.

    Attributes:
        columns: For each of radius, end_radius and inner_radius, in this order, its name, and the
            factor that makes radii in the unit of the coordinates of it.
        notes: What was assumed, one sentence each.
    """

    columns: dict[str, tuple[str, float]]
    notes: list[str]

    @property
    def names(self) -> set[str]:
        """The columns that are used."""
        return {name for name, _ in self.columns.values()}


def sizes_among(names: Iterable[str], unit: str, keys: Sequence[str] = OF_STRUTS) -> Sizes:
    """Return the columns of radii among names.

    Args:
        names: Of all columns.
        unit: Of the coordinates; "" if they have none, or one that is not said.
        keys: Which of radius, end_radius and inner_radius can be used.

    Raises:
        LatticeGnnError: Two columns stand for one thing, a unit cannot be converted, or the radius
            itself is missing beside that of the other end or of the bore.
    """
    sizes = size_columns(names)
    found = {key: sizes[key] for key in keys if key in sizes}
    if found and "radius" not in found:
        name = next(iter(found.values()))[0]
        raise LatticeGnnError(
            f"the column {name[:40]!r} gives the radius of the other end or of the bore, and none "
            "gives that of the strut itself; add one called radius"
        )
    notes = []
    told = {
        own: name
        for name, _ in found.values()
        if (own := Column.of(name).unit).lower() in _IN_METRES
    }
    if told and not unit:
        if len({_IN_METRES[own.lower()] for own in told}) > 1:
            raise LatticeGnnError(
                f"radii are in different units ({', '.join(told)[:60]}), the coordinates in none; "
                "write all of them in one"
            )
        own, name = next(iter(told.items()))
        notes = [f"the coordinates name no unit: taken to be in {own}, like {name[:40]!r}."]
    return Sizes(
        {key: (name, factor * unit_factor(name, unit)) for key, (name, factor) in found.items()},
        notes,
    )


def unit_factor(name: str, unit: str) -> float:
    """Return the factor that converts a column of sizes to the unit of the coordinates.

    Args:
        name: Name of the column, with its own unit perhaps.
        unit: Of the coordinates; "" if they have none, or one that is not said.

    Raises:
        LatticeGnnError: The two units differ, and one of them is not known.
    """
    own = Column.of(name).unit
    if not own or not unit or own.lower() == unit.lower():
        return 1.0
    factors = [_IN_METRES.get(x.lower()) for x in (own, unit)]
    if factors[0] is None or factors[1] is None:
        raise LatticeGnnError(
            f"the column {name[:40]!r} is in {own[:20]!r}, the coordinates in {unit[:20]!r}; write "
            "both in one unit"
        )
    return factors[0] / factors[1]


def common_unit(names: Iterable[str]) -> str:
    """Return the unit that the names of the coordinates give.

    Raises:
        LatticeGnnError: They give several.
    """
    units = {Column.of(name).unit for name in names}
    if len(units) > 1:
        raise LatticeGnnError(
            f"the coordinates are in different units ({', '.join(sorted(units))[:60]}); write all "
            "of them in one"
        )
    return units.pop() if units else ""


def from_nodes(
    at_nodes: Float[np.ndarray, " nodes"], bars: np.ndarray
) -> tuple[Float[np.ndarray, " bars"], Float[np.ndarray, " bars"] | None]:
    """Return the radii at both ends of bars from radii at nodes; the second None if they agree."""
    first, last = at_nodes[bars[:, 0]], at_nodes[bars[:, 1]]
    return first, None if np.array_equal(first, last) else last


def with_node_radii(
    drawing: Drawing, at_nodes: Sequence[float], where: str
) -> tuple[Drawing, list[str]]:
    """Give every strut the radii of its nodes, unless struts have radii of their own.

    Args:
        drawing: The drawing.
        at_nodes: Radius of every point, nan where it has none.
        where: The file, for errors.

    Returns:
        The drawing and notes.

    Raises:
        LatticeGnnError: Only some nodes have a radius, or one is not above 0.
    """
    radii = np.array(at_nodes, dtype=np.float64)
    missing = np.isnan(radii)
    if missing.all():
        return drawing, []
    if drawing.radii is not None:
        return drawing, [OWN_RADII]
    if missing.any() or not (radii > 0).all():
        wrong = int(np.flatnonzero(missing | ~(radii > 0))[0])
        raise LatticeGnnError(
            f"{where}: node {wrong + 1} of the file: expected a radius above 0 as at other nodes, "
            f"got {'none' if missing[wrong] else format(radii[wrong], 'g')}."
        )
    first, last = from_nodes(radii, drawing.bars)
    return dataclasses.replace(drawing, radii=first, end_radii=last), []


def skipped_note(names: Iterable[str]) -> list[str]:
    """Return a note that lists the columns that were not understood, if there are any."""
    several = [repr(name[:30]) for name in names]
    if not several:
        return []
    more = f" and {len(several) - 6} more" if len(several) > 6 else ""
    return [f"columns that are not known here were skipped: {', '.join(several[:6])}{more}."]
