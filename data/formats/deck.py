"""The text of an Abaqus or CalculiX input deck, and the beams that it describes."""

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from data.reading import MAX_BARS, MAX_POINTS, Place, check_count, read_lines
from lattice_gnn.errors import LatticeGnnError

PASSPORT = "** lattice-gnn "
KNOTS = "LATTICE_GNN_KNOTS"  #: set of elements that stand for no strut
MAX_GENERATED = 200_000  #: nodes and elements that keywords make from others
CLUES = ("mark", "abaqus", "calculix", "linear", "quadratic", "doubt")
_SPACED = {
    name.replace(" ", ""): name
    for name in ("BEAM SECTION", "BEAM GENERAL SECTION", "SOLID SECTION", "BEAM SECTION OFFSET",
                 "END PART", "END INSTANCE", "MODEL CHANGE", "NODAL THICKNESS", "RIGID BODY",
                 "EMBEDDED ELEMENT", "CONNECTOR SECTION", "TRANSVERSE SHEAR",
                 "TRANSVERSE SHEAR STIFFNESS", "CYCLIC SYMMETRY MODEL")
}  # fmt: skip
"""Keywords of several words: blanks do not count in CalculiX."""
_NUMBER = re.compile(r"[-+]?\.?\d[-+.\dEeDd]*")
_KEEPS_BLANKS = ("BEAM GENERAL SECTION",)  #: whose data lines count by their number
_MAX_KEYWORD = 10_000  #: characters of a keyword with its continuation lines


@dataclass(frozen=True, slots=True)
class Block:
    """A keyword with its parameters (upper-case names, values as given) and data lines."""

    keyword: str
    parameters: dict[str, str]
    lines: list[tuple[list[str], Place]]
    place: Place

    def get(self, key: str) -> str:
        """Return a parameter in upper case, '' if it is missing."""
        return self.parameters.get(key, "").strip().upper()

    def error(self, message: str) -> LatticeGnnError:
        """Return the error that names the keyword and its line."""
        return self.place.error(f"*{self.keyword}: {message}")


@dataclass(frozen=True, slots=True)
class Section:
    """A round section as the deck gives it.

    Attributes:
        kind: "CIRC" (radius, or diameters in CalculiX), "PIPE" (outer radius, wall), "RADII"
            (outer and bore radius), "TRUSS" (as "RADII", for elements of trusses alone).
        sizes: Numbers of the first data line, unit of the deck.
        material: Name of the material.
        own: E and nu that the section itself gives.
        place: Where it stands.
    """

    kind: str
    sizes: tuple[float, ...]
    material: str
    own: tuple[float, float] | None
    place: Place


@dataclass(slots=True)
class Part:
    """Nodes, elements of struts, sets and sections of one part, or of a deck without parts.

    A set is a list of labels, ranges of labels and names of other sets, in the order of the deck.
    """

    labels: dict[int, int] = field(default_factory=dict)
    points: array = field(default_factory=lambda: array("d"))
    elements: dict[int, tuple[int, ...]] = field(default_factory=dict)
    element_places: dict[int, Place] = field(default_factory=dict)
    trusses: set[int] = field(default_factory=set)
    sets: dict[str, list[int | range | str]] = field(default_factory=dict)
    node_sets: dict[str, list[int | range | str]] = field(default_factory=dict)
    sections: list[tuple[str, Section]] = field(default_factory=list)
    generated: int = 0

    def add_node(self, label: int, position: tuple[float, float, float], place: Place) -> None:
        """Add a node; one that is there already must stand at the same position."""
        if label in self.labels:
            at = 3 * self.labels[label]
            if tuple(self.points[at : at + 3]) != position:
                raise place.error(f"*NODE: node {label} is defined twice")
            return
        self.labels[label] = len(self.labels)
        check_count(len(self.labels), MAX_POINTS, place, "nodes")
        self.points.extend(position)

    def position(self, label: int) -> tuple[float, float, float]:
        """Return the position of an existing node."""
        at = 3 * self.labels[label]
        x, y, z = self.points[at : at + 3]
        return x, y, z

    def add_element(self, label: int, nodes: tuple[int, ...], place: Place) -> None:
        """Add an element of a strut; its label must be new."""
        if label in self.elements:
            raise place.error(f"*ELEMENT: element {label} is defined twice")
        self.elements[label] = nodes
        self.element_places[label] = place
        check_count(len(self.elements), MAX_BARS, place, "elements")

    def will_generate(self, count: int, place: Place) -> None:
        """Refuse keywords that generate too many nodes or elements."""
        self.generated += count
        check_count(self.generated, MAX_GENERATED, place, "generated nodes and elements")


@dataclass(slots=True)
class Instance:
    """A part in its place, with sections and perhaps a mesh of its own."""

    name: str
    part: str
    moves: list[list[float]] = field(default_factory=list)
    own: Part = field(default_factory=Part)


@dataclass(slots=True)
class Deck:
    """The beams of a deck.

    Attributes:
        parts: By name; "" holds what stands outside of every part.
        instances: In the order of the deck.
        materials: E and nu by name, or the sentence that says why a material cannot be used.
        elastic: The materials that have moduli.
        passport: The lattice that our own decks describe, as text.
        skipped: Types of elements that were left out.
        notes: What else was left out.
        dialect: "abaqus" or "calculix", once decided.
        clues: For each dialect, what speaks for it.
        circles: Whether a section is a circle whose number means another thing in each dialect.
    """

    parts: dict[str, Part] = field(default_factory=dict)
    instances: list[Instance] = field(default_factory=list)
    materials: dict[str, tuple[float, float] | str] = field(default_factory=dict)
    elastic: set[str] = field(default_factory=set)
    passport: str = ""
    skipped: set[str] = field(default_factory=set)
    notes: dict[str, None] = field(default_factory=dict)
    dialect: str = "abaqus"
    clues: dict[str, dict[str, None]] = field(default_factory=lambda: {key: {} for key in CLUES})
    circles: bool = False


def read_blocks(path: Path, comments: list[str]) -> Iterator[Block]:
    """Cut a deck into keywords, and collect its comments.

    Raises:
        LatticeGnnError: Naming file and line.
    """
    block: Block | None = None
    for line, place in _joined(path, comments):
        if line.startswith("*"):
            if block is not None:
                yield block
            block = _keyword(line, place)
        elif block is None:
            if line:
                raise place.error(f"expected a keyword such as *NODE, got {line[:60]!r}")
        elif line or block.keyword in _KEEPS_BLANKS:
            check_count(len(block.lines), MAX_BARS + MAX_POINTS, place, "lines of one keyword")
            words = line.split(",") if "," in line else line.split()
            block.lines.append(([word.strip() for word in words], place))
    if block is None:
        raise LatticeGnnError(f"{path.name}: not an input deck: it holds no keyword.")
    yield block


def _joined(path: Path, comments: list[str]) -> Iterator[tuple[str, Place]]:
    """Yield the lines without comments, keywords with their continuation lines in one."""
    pending = ""
    for line, place in read_lines(path):
        if line.startswith("**"):
            comments.append(line)
        elif line.startswith("*") or (pending and line):
            pending += line
            if len(pending) > _MAX_KEYWORD:
                raise place.error(f"a keyword of more than {_MAX_KEYWORD} characters")
            if not pending.endswith(","):
                yield pending, place
                pending = ""
        elif not pending:
            yield line, place
    if pending:
        yield pending.rstrip(","), place


def _keyword(line: str, place: Place) -> Block:
    name, *rest = line[1:].split(",")
    words = [part.strip() for part in rest if part.strip()]
    if any(_NUMBER.fullmatch(word) for word in words):
        raise place.error(
            f"*{name.strip()[:40]}: a comma at the end of a keyword line continues it, and the "
            "data below become parameters; remove that comma"
        )
    pairs = (word.partition("=") for word in words)
    parameters = {
        " ".join(key.upper().split()): value.strip().strip("\"'") for key, _, value in pairs
    }
    keyword = " ".join(name.upper().split())
    return Block(_SPACED.get(keyword, keyword), parameters, [], place)
