"""Handlers of the deck keywords: one table; nothing outside it is ever called."""

from collections.abc import Callable
from pathlib import Path

from data.formats.deck import KNOTS, PASSPORT, Block, Deck, Instance, Part, Section, read_blocks
from data.formats.deck_generation import (
    check_axis,
    copy_elements,
    copy_nodes,
    fill_nodes,
    generate_elements,
    generate_nodes,
    local_frame,
    members,
    to_global,
)
from data.formats.deck_sections import beam_section, general_section, truss_section
from data.formats.dialect import decide, note_clues, note_comments
from data.reading import Place, integer, number

ENDS = {"B31": 2, "B33": 2, "B32": 3, "PIPE31": 2, "PIPE32": 3, "T3D2": 2, "T3D3": 3}
"""Nodes of the elements that stand for struts, by the beginning of their type."""
_REFUSED = {
    "INCLUDE": "names another file, which is not followed; paste it in",
    "PARAMETER": "decks with parameters are not evaluated; write numbers in their place",
    "NMAP": "moved nodes are not understood; write out their coordinates",
    "SYMMETRIC MODEL GENERATION": "generated parts are not understood; write out their elements",
    "IMPORT": "takes parts from another analysis, which is not followed; write them out",
}
_LEFT_OUT = {
    "RELEASE": "hinges at beam ends (*RELEASE) were left out: all joints are rigid",
    "IMPERFECTION": "*IMPERFECTION, which moves nodes, was left out",
    "MODEL CHANGE": "*MODEL CHANGE, which takes elements out, was left out",
    "NODAL THICKNESS": "*NODAL THICKNESS, which changes sections, was left out",
    "BEAM SECTION OFFSET": "*BEAM SECTION OFFSET was left out: the axes run through the nodes",
    "CENTROID": "*CENTROID was left out: the axes run through the nodes",
    "SHEAR CENTER": "*SHEAR CENTER was left out: the axes run through the nodes",
    "MPC": "ties by *MPC were left out",
    "TIE": "ties by *TIE were left out",
    "EMBEDDED ELEMENT": "*EMBEDDED ELEMENT was left out",
    "CYCLIC SYMMETRY MODEL": "*CYCLIC SYMMETRY MODEL was left out",
    "RIGID BODY": "*RIGID BODY was left out",
    "COUPLING": "*COUPLING was left out",
    "KINEMATIC COUPLING": "*KINEMATIC COUPLING was left out",
    "DISTRIBUTING COUPLING": "*DISTRIBUTING COUPLING was left out",
    "SPRING": "springs (*SPRING) were left out",
    "CONNECTOR SECTION": "connectors (*CONNECTOR SECTION) were left out",
    "HYPERELASTIC": "*HYPERELASTIC was left out",
    "TRANSVERSE SHEAR STIFFNESS": "*TRANSVERSE SHEAR STIFFNESS was left out",
    "TRANSVERSE SHEAR": "*TRANSVERSE SHEAR was left out",
}


def read_deck(path: Path, dialect: str | None) -> Deck:
    """Read a deck.

    Args:
        path: The file.
        dialect: "abaqus" or "calculix"; None: told by its content.

    Raises:
        LatticeGnnError: Naming file and line; or the dialect stays unclear and matters.
    """
    comments: list[str] = []
    reader = _Reader()
    for block in read_blocks(path, comments):
        reader.take(block)
    deck = reader.deck
    note_comments(deck, comments)
    marked = (line[len(PASSPORT) :] for line in comments if line.startswith(PASSPORT))
    deck.passport = "".join(marked)
    deck.dialect = decide(deck, dialect, path.name)
    return deck


class _Reader:
    """Dispatch of the blocks of a deck."""

    def __init__(self) -> None:
        self.deck = Deck()
        self.part = ""
        self.instance: Instance | None = None
        self.material = ""
        self.frame: tuple | None = None

    def take(self, block: Block) -> None:
        note_clues(self.deck, block)
        if block.keyword in _REFUSED:
            raise block.error(_REFUSED[block.keyword])
        if block.keyword in _LEFT_OUT:
            self.deck.notes[_LEFT_OUT[block.keyword]] = None
        if block.keyword in HANDLERS:
            HANDLERS[block.keyword](self, block)

    def here(self) -> Part:
        """Return the part or instance that owns nodes and elements at this line of the deck."""
        if self.instance is not None:
            return self.instance.own
        return self.deck.parts.setdefault(self.part, Part())


def _part(reader: _Reader, block: Block) -> None:
    reader.part, reader.frame = block.get("NAME"), None
    reader.here()


def _end_part(reader: _Reader, block: Block) -> None:
    reader.part, reader.frame = "", None


def _instance(reader: _Reader, block: Block) -> None:
    moves = []
    for words, place in block.lines:
        moves.append([number(w, place, "placement") if w else 0.0 for w in words])
    if moves and len(moves[0]) < 3:
        moves[0] += [0.0] * (3 - len(moves[0]))
    if any(len(move) != size for move, size in zip(moves, (3, 7), strict=False)):
        raise block.error("expected a translation of 3 numbers, then 7")
    if len(moves) > 1:
        check_axis(moves[1], block)
    if "LIBRARY" in block.parameters:
        raise block.error("takes its mesh from another file, which is not followed")
    reader.instance = Instance(block.get("NAME"), block.get("PART"), moves[:2])
    reader.deck.instances.append(reader.instance)
    reader.frame = None


def _end_instance(reader: _Reader, block: Block) -> None:
    ended = reader.instance
    if ended is not None and not ended.own.labels and ended.part not in reader.deck.parts:
        raise block.place.error(
            f"*INSTANCE {ended.name[:40]}: there is no part {ended.part[:40]!r} above; define it, "
            "or remove the instance"
        )
    reader.instance = None
    reader.frame = None


def _refuse_other_file(block: Block) -> None:
    for name in ("INPUT", "FILE"):
        if name in block.parameters:
            raise block.error(f"{name}= names another file, which is not followed; paste it in")


def _node(reader: _Reader, block: Block) -> None:
    _refuse_other_file(block)
    part = reader.here()
    system = block.get("SYSTEM")
    if system not in ("", "R", "C", "S"):
        raise block.error(f"SYSTEM: expected R, C or S, got {system[:20]!r}")
    labels = []
    for words, place in block.lines:
        label = integer(words[0], place, "*NODE")
        values = [number(word, place, "*NODE") if word else 0.0 for word in words[1:4]]
        x, y, z = (*values, 0.0, 0.0, 0.0)[:3]
        part.add_node(label, to_global((x, y, z), system, reader.frame), place)
        labels.append(label)
    if block.get("NSET"):
        part.node_sets.setdefault(block.get("NSET"), []).extend(labels)


def _system(reader: _Reader, block: Block) -> None:
    reader.frame = local_frame(block)


def _element(reader: _Reader, block: Block) -> None:
    _refuse_other_file(block)
    if "OFFSET" in block.parameters:
        raise block.error("OFFSET= is not understood; write out the numbers of the nodes")
    if block.get("ELSET") == KNOTS:
        return
    part, kind = reader.here(), block.get("TYPE")
    ends = next((count for name, count in ENDS.items() if kind.startswith(name)), None)
    if ends is None:
        reader.deck.skipped.add(kind[:20])
        if block.get("ELSET"):
            part.sets.setdefault(block.get("ELSET"), [])
        return
    labels: list[int | range | str] = []
    for words, place in block.lines:
        numbers = [integer(word, place, "*ELEMENT") for word in words if word]
        if len(numbers) < ends + 1:
            raise place.error(f"*ELEMENT, TYPE={kind[:20]}: expected a label and {ends} nodes")
        part.add_element(numbers[0], tuple(numbers[1 : ends + 1]), place)
        labels.append(numbers[0])
        if kind.startswith("T3D"):
            part.trusses.add(numbers[0])
    if block.get("ELSET"):
        part.sets.setdefault(block.get("ELSET"), []).extend(labels)


def _set_members(block: Block) -> list[int | range | str]:
    found: list[int | range | str] = []
    for words, place in block.lines:
        if "GENERATE" in block.parameters:
            values = [integer(w, place, f"*{block.keyword}") for w in words if w]
            if len(values) < 2:
                raise place.error(f"*{block.keyword}, GENERATE: expected first and last label")
            low, high, step = (*values, 1)[:3]
            if high < low or step < 1:
                raise place.error(
                    f"*{block.keyword}, GENERATE: expected first and last label in ascending "
                    f"order, and a step above 0, got {', '.join(words)[:60]}"
                )
            found.append(range(low, high + 1, step))
        else:
            found += [_member(word, place) for word in words if word]
    return found


def _member(word: str, place: Place) -> int | str:
    return integer(word, place, "member of a set") if word.lstrip("+-").isdigit() else word.upper()


def _elset(reader: _Reader, block: Block) -> None:
    part, name = reader.here(), block.get("ELSET")
    found = _set_members(block)
    if block.get("INSTANCE"):  # of the assembly: a set of that instance alone
        qualified = f"{block.get('INSTANCE')}.{name}"
        part.sets.setdefault(qualified, []).extend(found)
        found = [qualified]
    part.sets.setdefault(name, []).extend(found)


def _nset(reader: _Reader, block: Block) -> None:
    part = reader.here()
    found = _set_members(block)
    if block.get("ELSET"):
        labels = members(part.sets, block.get("ELSET"), block.place)
        found += [n for label in labels for n in part.elements.get(label, ())]
    part.node_sets.setdefault(block.get("NSET"), []).extend(found)


def _material(reader: _Reader, block: Block) -> None:
    reader.material = block.get("NAME")
    reason = f"the material {reader.material[:60]!r} has no *ELASTIC: E, nu"
    reader.deck.materials.setdefault(reader.material, reason)


def _elastic(reader: _Reader, block: Block) -> None:
    """Read an isotropic solid; another matters only if a strut is made of it."""
    found: tuple[float, float] | str
    if block.get("TYPE") not in ("", "ISO", "ISOTROPIC") or not block.lines:
        found = "*ELASTIC: expected an isotropic solid: E, nu"
    else:
        words, place = block.lines[0]
        values = [number(w, place, "*ELASTIC") if w else 0.0 for w in words[:2]]
        E, nu = (*values, 0.0, 0.0)[:2]
        found = (E, nu)
        if E <= 0 or not -1 < nu < 0.5:
            found = f"*ELASTIC: expected E > 0 and -1 < nu < 0.5, got {E:g}, {nu:g}"
        if len(block.lines) > 1:
            reader.deck.notes["of moduli at several temperatures the first were taken"] = None
    if isinstance(found, str):
        found = str(block.place.error(found))
    name, known = reader.material, reader.deck.materials
    if name in reader.deck.elastic and known[name] != found:
        found = str(block.error(f"the material {name[:60]!r} has other moduli above; keep one"))
    reader.deck.elastic.add(name)
    known[name] = found


def _section(read: Callable[[Block], Section]) -> Callable[[_Reader, Block], None]:
    def handle(reader: _Reader, block: Block) -> None:
        if block.get("ELSET") == KNOTS:
            return
        section = read(block)
        reader.deck.circles |= section.kind == "CIRC"
        for name in {"OFFSET1", "OFFSET2", "NODAL THICKNESS"} & block.parameters.keys():
            reader.deck.notes[f"{name} of *{block.keyword} was left out"] = None
        reader.here().sections.append((block.get("ELSET"), section))

    return handle


def _generation(make: Callable[[Block, Part], None]) -> Callable[[_Reader, Block], None]:
    return lambda reader, block: make(block, reader.here())


def _solid_section(reader: _Reader, block: Block) -> None:
    """Read the area of trusses; sections of solid elements do not matter to a lattice."""
    section = truss_section(block)
    if section is not None:
        reader.here().sections.append((block.get("ELSET"), section))


HANDLERS: dict[str, Callable[[_Reader, Block], None]] = {
    "PART": _part,
    "END PART": _end_part,
    "INSTANCE": _instance,
    "END INSTANCE": _end_instance,
    "NODE": _node,
    "SYSTEM": _system,
    "NGEN": _generation(generate_nodes),
    "NFILL": _generation(fill_nodes),
    "NCOPY": _generation(copy_nodes),
    "ELEMENT": _element,
    "ELGEN": _generation(generate_elements),
    "ELCOPY": _generation(copy_elements),
    "ELSET": _elset,
    "NSET": _nset,
    "MATERIAL": _material,
    "ELASTIC": _elastic,
    "BEAM SECTION": _section(beam_section),
    "BEAM GENERAL SECTION": _section(general_section),
    "SOLID SECTION": _solid_section,
}
"""The keywords that matter to a lattice; all others are skipped."""
