"""Input decks of beams for Abaqus and CalculiX: one periodic cell under six load cases.

Every image of a node is tied to the node by ``*EQUATION``: equal rotations, displacements that
differ by the macroscopic strain times the vector between the two. The strain lives on two reference
nodes, whose degrees of freedom 1, 2, 3 are e11, e22, e33 and g12, g13, g23 (g = 2 e, the order of
Abaqus). One node of every component of the net is held against translation.

Abaqus: six linear steps with one strain of 1 each; the reaction forces of the reference nodes over
the cell volume are the columns of C. CalculiX prints no such reactions: six steps with one stress
of 1 each (forces of one cell volume); the displacements of the reference nodes are the columns of
the compliance.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from data.drawings.drawing import Drawing, draw, images, passport_text, subdivided
from data.formats.deck import KNOTS, PASSPORT
from data.formats.options import only_one
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import write_whole
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.lattice.sections import cross_axes

TAPER_ELEMENTS = 8  #: constant elements that stand for a tapered strut
CASES = ("11", "22", "33", "12", "13", "23")
_WIDTH = 100


@dataclass(frozen=True, slots=True)
class DeckOptions:
    """What kind of deck.

    Attributes:
        dialect: Whose.
        element: Of Abaqus: B33 (Euler-Bernoulli, exact with one element a strut) or B31
            (Timoshenko); CalculiX gets B32R.
        elements: Elements along a strut; more where struts taper.
    """

    dialect: Literal["abaqus", "calculix"] = "abaqus"
    element: Literal["B31", "B33"] = "B33"
    elements: int = 1


def write(path: Path, lattices: Sequence[Lattice]) -> None:
    """Write one lattice for Abaqus, as a periodic cell under six unit macroscopic strains.

    Raises:
        LatticeGnnError: There are several, or the file cannot be written.
    """
    write_deck(path, only_one(path, lattices, "Abaqus"), DeckOptions())


def write_deck(path: Path, lattice: Lattice, options: DeckOptions) -> None:
    """Write a deck that is ready to run.

    Raises:
        LatticeGnnError: The file cannot be written, or CalculiX is to have hollow struts.
    """
    if options.dialect == "calculix":
        if lattice.inner_radii is not None and lattice.inner_radii.any():
            raise LatticeGnnError(
                f"{path}: hollow struts are not written for CalculiX; write an Abaqus deck, or "
                "give solid struts of the same stiffness."
            )
        options = replace(options, elements=2 * options.elements)
    count = options.elements
    if lattice.end_radii is not None:
        count = max(count, TAPER_ELEMENTS)
    drawing = subdivided(draw(lattice), count)
    lines = [*_head(lattice, options), *_nodes(drawing), *_elements(drawing, lattice, options)]
    if options.dialect == "calculix":
        lines += _knots(lattice, drawing)
    lines += [*_materials(drawing), *_equations(lattice, len(drawing.points)), *_pins(lattice)]
    lines += _steps(lattice, len(drawing.points), options)
    write_whole(path, "\n".join([*lines, ""]))


def _head(lattice: Lattice, options: DeckOptions) -> list[str]:
    text = passport_text(lattice)
    plain = "".join(x if x.isascii() and x.isprintable() else "?" for x in lattice.name)
    chunks = [PASSPORT + text[k : k + _WIDTH] for k in range(0, len(text), _WIDTH)]
    loads = "strains; RF of nodes REF over the cell volume: columns of the stiffness"
    if options.dialect == "calculix":
        loads = "stresses; U of nodes REF: columns of the compliance"
    return [
        "*HEADING",
        f"Periodic cell of the lattice {plain or 'without name'}"[:80],
        f"** dialect: {options.dialect}",
        f"** cell volume: {lattice.volume!r}",
        f"** six load cases {' '.join(CASES)}, unit {loads}",
        *chunks,
    ]


def _number(value: float) -> str:
    return f"{value:.12G}"


def _nodes(drawing: Drawing) -> list[str]:
    """Points, then the two reference nodes beside the lattice."""
    beside = drawing.points.min(axis=0) - 0.1 * np.ptp(drawing.points, axis=0).max()
    points = np.concatenate([drawing.points, [beside, 1.1 * beside]])
    rows = enumerate(points.tolist(), 1)
    total = len(points)
    return [
        "*NODE, NSET=ALLNODES",
        *(f"{n}, {_number(x)}, {_number(y)}, {_number(z)}" for n, (x, y, z) in rows),
        "*NSET, NSET=REF",
        f"{total - 1}, {total}",
    ]


def _elements(drawing: Drawing, lattice: Lattice, options: DeckOptions) -> list[str]:
    """One set and one section for each strut, or for each element of a tapered one."""
    pieces = len(drawing.bars) // lattice.num_struts
    step = 2 if options.dialect == "calculix" else 1
    kind = "B32R" if options.dialect == "calculix" else options.element
    tapered = lattice.end_radii is not None
    lines: list[str] = []
    sections: list[str] = []
    label = 0
    normals, _ = cross_axes(lattice.strut_vectors)
    solids = [f"SOLID_{number}" for number in _solid_numbers(drawing)]
    for strut in range(lattice.num_struts):
        normal = normals[strut]
        for piece in range(0, pieces, step):
            bar = strut * pieces + piece
            name = f"STRUT_{strut}_{piece}" if tapered else f"STRUT_{strut}"
            if tapered or piece == 0:
                lines.append(f"*ELEMENT, TYPE={kind}, ELSET={name}")
                sections += _section(drawing, bar, step, (name, solids[bar]))
                sections.append(", ".join(_number(x) for x in normal))
            label += 1
            chain = [drawing.bars[bar, 0], *drawing.bars[bar : bar + step, 1]]
            lines.append(", ".join(str(int(n)) for n in (label, *(x + 1 for x in chain))))
    return lines + sections


def _knots(lattice: Lattice, drawing: Drawing) -> list[str]:
    """A free stub at every end of a strut, which carries no load.

    CalculiX gives a beam node rotations only where beams meet at an angle (it drops equations for
    the rotations of all others without a word), and a node cut off by the cell has one beam.
    """
    plain = draw(lattice)
    first: dict[int, int] = {}
    for strut, ends in enumerate(plain.bars.tolist()):
        for point in ends:
            first.setdefault(point, strut)
    node, label = len(drawing.points) + 2, len(drawing.bars) // 2
    points, elements = ["*NODE"], [f"*ELEMENT, TYPE=B32R, ELSET={KNOTS}"]
    normals, _ = cross_axes(lattice.strut_vectors)
    for point, strut in sorted(first.items()):
        step = 2 * lattice.radii[strut] * normals[strut]
        for k in (1, 2):
            x, y, z = (plain.points[point] + k * step).tolist()
            points.append(f"{node + k}, {_number(x)}, {_number(y)}, {_number(z)}")
        elements.append(f"{label + 1}, {point + 1}, {node + 1}, {node + 2}")
        node, label = node + 2, label + 1
    size = _number(2 * float(lattice.radii.min()))
    sections = [f"*BEAM SECTION, ELSET={KNOTS}, MATERIAL=SOLID_0, SECTION=CIRC", f"{size}, {size}"]
    return [*points, *elements, *sections]


def _section(drawing: Drawing, bar: int, step: int, names: tuple[str, str]) -> list[str]:
    """One section; ``names`` are those of the set and of the solid."""
    name, material = names
    radii = np.asarray(drawing.radii)
    radius = float(np.sqrt(np.mean(radii[bar : bar + step] ** 2)))
    bore = 0.0 if drawing.inner_radii is None else float(drawing.inner_radii[bar])
    kind = "PIPE" if bore else "CIRC"
    head = f"*BEAM SECTION, ELSET={name}, MATERIAL={material}, SECTION={kind}"
    if bore:
        return [head, f"{_number(radius)}, {_number(radius - bore)}"]
    sizes = f"{_number(2 * radius)}, {_number(2 * radius)}" if step == 2 else _number(radius)
    return [head, sizes]


def _solids(drawing: Drawing) -> np.ndarray:
    """E and nu of every bar."""
    sections = drawing.sections
    return np.column_stack([sections.E, sections.nu])


def _solid_numbers(drawing: Drawing) -> np.ndarray:
    return np.unique(_solids(drawing), axis=0, return_inverse=True)[1].reshape(-1)


def _materials(drawing: Drawing) -> list[str]:
    lines = []
    for number, (E, nu) in enumerate(np.unique(_solids(drawing), axis=0).tolist()):
        lines += [f"*MATERIAL, NAME=SOLID_{number}", "*ELASTIC", f"{_number(E)}, {_number(nu)}"]
    return lines


def _equations(lattice: Lattice, num_points: int) -> list[str]:
    """Tie every image to its node: u' - u = e X, equal rotations."""
    nodes, shifts = images(lattice)
    normal, shear = num_points + 1, num_points + 2
    lines = []
    for point in range(lattice.num_nodes, len(nodes)):
        image, node = point + 1, int(nodes[point]) + 1
        x, y, z = (shifts[point] @ lattice.cell).tolist()
        strains = (
            ((normal, 1, x), (shear, 1, y / 2), (shear, 2, z / 2)),
            ((shear, 1, x / 2), (normal, 2, y), (shear, 3, z / 2)),
            ((shear, 2, x / 2), (shear, 3, y / 2), (normal, 3, z)),
        )
        for dof in range(1, 7):
            terms = [(image, dof, 1.0), (node, dof, -1.0)]
            if dof <= 3:
                terms += [(ref, k, -value) for ref, k, value in strains[dof - 1] if value]
            lines += ["*EQUATION", str(len(terms))]
            texts = [f"{n}, {k}, {_number(value)}" for n, k, value in terms]
            lines += [", ".join(texts[k : k + 4]) for k in range(0, len(texts), 4)]
    return lines


def _pins(lattice: Lattice) -> list[str]:
    held = [int(component.nodes[0]) + 1 for component in lattice.connectivity().components]
    return ["*BOUNDARY", *(f"{node}, 1, 3" for node in held)]


def _steps(lattice: Lattice, num_points: int, options: DeckOptions) -> list[str]:
    refs = [(num_points + 1 + k // 3, k % 3 + 1) for k in range(6)]
    lines = []
    for case, name in enumerate(CASES):
        if options.dialect == "calculix":
            node, dof = refs[case]
            load = ["*CLOAD, OP=NEW", f"{node}, {dof}, {_number(lattice.volume)}"]
            lines += ["*STEP", "*STATIC", *load, "*NODE PRINT, NSET=REF", "U", "*END STEP"]
            continue
        values = (f"{node}, {dof}, {dof}, {int(k == case)}." for k, (node, dof) in enumerate(refs))
        lines += [f"*STEP, NAME=CASE_{name}, PERTURBATION", "*STATIC"]
        lines += ["*BOUNDARY, OP=NEW", *_pins(lattice)[1:], *values]
        lines += ["*NODE PRINT, NSET=REF, SUMMARY=NO", "U, RF", "*END STEP"]
    return lines
