"""The text of an Abaqus or CalculiX input deck: keywords, parts, instances, sections."""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from data.reading import (
    MAX_BARS,
    MAX_POINTS,
    Place,
    check_count,
    integer,
    number,
    read_lines,
)
from lattice_gnn.errors import LatticeGnnError

PASSPORT = "** lattice-gnn "
KNOTS = "LATTICE_GNN_KNOTS"  #: set of elements that stand for no strut
_MAX_SET = 5_000_000


@dataclass(frozen=True, slots=True)
class Block:
    """A keyword with its parameters (upper-case names, values as given) and data lines."""

    keyword: str
    parameters: dict[str, str]
    lines: list[tuple[list[str], Place]]
    place: Place

    def get(self, key: str) -> str:
        """Return a parameter in upper case, '' if it is not there."""
        return self.parameters.get(key, "").strip().upper()


@dataclass(frozen=True, slots=True)
class Section:
    """A circular section: outer radius and bore radius, unit of the deck; name of its material."""

    radius: float
    bore: float
    material: str
    place: Place


@dataclass(slots=True)
class Part:
    """Nodes, beam elements and sets of one part, or of a deck without parts."""

    labels: dict[int, int] = field(default_factory=dict)
    points: array = field(default_factory=lambda: array("d"))
    elements: dict[int, tuple[int, ...]] = field(default_factory=dict)
    element_places: dict[int, Place] = field(default_factory=dict)
    sets: dict[str, list[int]] = field(default_factory=dict)
    sections: list[tuple[str, Section]] = field(default_factory=list)
    members: int = 0


@dataclass(slots=True)
class Instance:
    """A part in its place, with sections of its own."""

    name: str
    part: str
    moves: list[list[float]] = field(default_factory=list)
    sections: list[tuple[str, Section]] = field(default_factory=list)


@dataclass(slots=True)
class Deck:
    """What a deck holds of beams."""

    parts: dict[str, Part] = field(default_factory=dict)
    instances: list[Instance] = field(default_factory=list)
    materials: dict[str, tuple[float, float]] = field(default_factory=dict)
    passport: str = ""
    skipped: set[str] = field(default_factory=set)


def read_deck(path: Path, diameters: bool) -> Deck:
    """Read a deck.

    Args:
        path: The file.
        diameters: Whether circular sections give diameters, as in CalculiX.

    Raises:
        LatticeGnnError: Naming file and line.
    """
    deck = Deck()
    pieces: list[str] = []
    reader = _Reader(deck, diameters)
    for block in _blocks(path, pieces):
        reader.take(block)
    deck.passport = "".join(pieces)
    return deck


def _blocks(path: Path, passport: list[str]) -> Iterator[Block]:
    """Cut a deck into keywords; comments that hold the passport are collected."""
    block: Block | None = None
    pending = ""
    for line, place in _content(path, passport):
        if line.startswith("*") or pending:
            pending += line
            if not pending.endswith(","):
                if block is not None:
                    yield block
                block, pending = _keyword(pending, place), ""
        elif block is None:
            raise place.error(f"expected a keyword such as *NODE, got {line[:60]!r}")
        else:
            check_count(len(block.lines), MAX_BARS + MAX_POINTS, place, "lines of one keyword")
            words = line.split(",") if "," in line else line.split()
            block.lines.append(([word.strip() for word in words], place))
    if block is None:
        raise LatticeGnnError(f"{path.name}: not an input deck: it holds no keyword.")
    yield block


def _content(path: Path, passport: list[str]) -> Iterator[tuple[str, Place]]:
    """Yield the lines that are neither empty nor comments."""
    for line, place in read_lines(path):
        if line.startswith(PASSPORT):
            passport.append(line[len(PASSPORT) :])
        elif line and not line.startswith("**"):
            yield line, place


def _keyword(line: str, place: Place) -> Block:
    name, *rest = line[1:].split(",")
    pairs = (part.partition("=") for part in rest if part.strip())
    parameters = {key.strip().upper(): value.strip().strip('"') for key, _, value in pairs}
    return Block(" ".join(name.upper().split()), parameters, [], place)


class _Reader:
    """Puts the blocks of a deck where they belong."""

    def __init__(self, deck: Deck, diameters: bool) -> None:
        self.deck = deck
        self.diameters = diameters
        self.part = ""
        self.instance: Instance | None = None
        self.material = ""

    def take(self, block: Block) -> None:
        method = getattr(self, "_" + block.keyword.lower().replace(" ", "_"), None)
        if method is not None:
            method(block)

    def _here(self) -> Part:
        return self.deck.parts.setdefault(self.part, Part())

    def _include(self, block: Block) -> None:
        raise block.place.error("*INCLUDE names another file, which is not followed; paste it in")

    def _part(self, block: Block) -> None:
        self.part = block.get("NAME")

    def _end_part(self, block: Block) -> None:
        self.part = ""

    def _instance(self, block: Block) -> None:
        moves = [
            [number(w, place, "placement") for w in words if w] for words, place in block.lines
        ]
        if any(len(move) != size for move, size in zip(moves, (3, 7), strict=False)):
            raise block.place.error("*INSTANCE: expected a translation of 3 numbers, then 7")
        self.instance = Instance(block.get("NAME"), block.get("PART"), moves[:2])
        self.deck.instances.append(self.instance)

    def _end_instance(self, block: Block) -> None:
        self.instance = None

    def _node(self, block: Block) -> None:
        part = self._here()
        for words, place in block.lines:
            if len(words) < 4:
                raise place.error("*NODE: expected a label and three coordinates")
            label = integer(words[0], place, "*NODE")
            if label in part.labels:
                raise place.error(f"*NODE: node {label} is defined twice")
            part.labels[label] = len(part.labels)
            check_count(len(part.labels), MAX_POINTS, place, "nodes")
            part.points.extend(number(word, place, "*NODE") for word in words[1:4])

    def _element(self, block: Block) -> None:
        if block.get("ELSET") == KNOTS:
            return
        kind = block.get("TYPE")
        ends = {"B31": 2, "B33": 2, "B32": 3}.get(kind[:3])
        if ends is None:
            self.deck.skipped.add(kind)
            return
        part = self._here()
        members = part.sets.setdefault(block.get("ELSET"), []) if block.get("ELSET") else []
        for words, place in block.lines:
            labels = [integer(word, place, "*ELEMENT") for word in words if word]
            if len(labels) < ends + 1:
                raise place.error(f"*ELEMENT, TYPE={kind}: expected a label and {ends} nodes")
            if labels[0] in part.elements:
                raise place.error(f"*ELEMENT: element {labels[0]} is defined twice")
            part.elements[labels[0]] = tuple(labels[1 : ends + 1])
            part.element_places[labels[0]] = place
            members.append(labels[0])
            check_count(len(part.elements), MAX_BARS, place, "elements")

    def _elset(self, block: Block) -> None:
        part = self._here()
        members = part.sets.setdefault(block.get("ELSET"), [])
        for words, place in block.lines:
            new: Iterable[int]
            if "GENERATE" in block.parameters:
                low, high, *step = (integer(w, place, "*ELSET") for w in words if w)
                new = range(low, high + 1, max(1, step[0]) if step else 1)
            else:
                new = [label for word in words if word for label in self._labels(word, place)]
            part.members += len(new)
            check_count(part.members, _MAX_SET, place, "members of sets")
            members.extend(new)

    def _labels(self, word: str, place: Place) -> list[int]:
        known = self._here().sets.get(word.upper())
        return known if known is not None else [integer(word, place, "*ELSET")]

    def _material(self, block: Block) -> None:
        self.material = block.get("NAME")

    def _elastic(self, block: Block) -> None:
        if block.get("TYPE") not in ("", "ISO", "ISOTROPIC") or not block.lines:
            raise block.place.error("*ELASTIC: expected an isotropic solid: E, nu")
        words, place = block.lines[0]
        E, nu = ([number(w, place, "*ELASTIC") for w in words if w] + [0.0])[:2]
        if E <= 0 or not -1 < nu < 0.5:
            raise place.error(f"*ELASTIC: expected E > 0 and -1 < nu < 0.5, got {E:g}, {nu:g}")
        self.deck.materials[self.material] = (E, nu)

    def _beam_section(self, block: Block) -> None:
        if block.get("ELSET") == KNOTS:
            return
        kind = block.get("SECTION")
        if kind not in ("CIRC", "PIPE"):
            raise block.place.error(
                f"*BEAM SECTION: expected SECTION=CIRC or PIPE, got {kind or 'none'}; only round "
                "struts are known here"
            )
        if not block.lines:
            raise block.place.error("*BEAM SECTION: expected a line with the radius")
        words, place = block.lines[0]
        sizes = [number(word, place, "*BEAM SECTION") for word in words if word]
        if not sizes or sizes[0] <= 0 or (kind == "PIPE" and len(sizes) < 2):
            raise place.error("*BEAM SECTION: expected a radius above 0, for pipes then the wall")
        radius, bore = sizes[0], 0.0
        if kind == "PIPE":
            bore = radius - sizes[1]
            if not 0 <= bore < radius:
                raise place.error("*BEAM SECTION: expected a wall thinner than the radius")
        elif self.diameters:
            radius /= 2
        section = Section(radius, bore, block.get("MATERIAL"), block.place)
        home = self._here() if self.instance is None else self.instance
        home.sections.append((block.get("ELSET"), section))

    _beam_general_section = _beam_section
