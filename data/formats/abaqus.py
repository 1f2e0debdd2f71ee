"""Abaqus and CalculiX input decks of beams, ``.inp``: reading.

Understood: ``*PART``, ``*INSTANCE`` (with its placement, dependent or with a mesh of its own) and
``*ASSEMBLY``, or none of them; ``*NODE``, ``*ELEMENT`` of the types B31, B32, B33, PIPE31, PIPE32
with their variants and trusses T3D2, T3D3; ``*NGEN``, ``*NFILL``, ``*NCOPY``, ``*ELGEN``,
``*ELCOPY``, ``*SYSTEM``; ``*ELSET``; round sections, in the part or in the instance; ``*MATERIAL``
with isotropic ``*ELASTIC``. Keywords that would change the lattice and are not understood are
refused or reported; every other keyword is skipped. Elements along one straight strut become one
strut. Instances of one part that bring sections of their own (the published decks hold one for each
relative density) are several lattices; all other instances together are one.

:mod:`data.formats.abaqus_write` writes decks.
"""

import dataclasses
import itertools
from collections import Counter
from pathlib import Path

import numpy as np
from jaxtyping import Float

from data.drawings.drawing import Drawing, read_passport, union
from data.drawings.fold_report import Fold
from data.formats.deck import Deck, Instance, Part, Section
from data.formats.deck_generation import turned
from data.formats.deck_keywords import read_deck
from data.formats.deck_sections import radii_of
from data.formats.deck_sets import SectionSets
from data.formats.options import ReadOptions, fold_file, several_solids
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.lattice import Material

_LIKE_TRUSSES = "truss elements were read as round struts of equal area with rigid joints"


def read(path: Path, options: ReadOptions) -> list[Fold]:
    """Read a deck and fold its beams into their cell.

    Raises:
        LatticeGnnError: Naming file and line.
    """
    deck = read_deck(path, options.dialect)
    where = path.name
    original = read_passport(deck.passport, where) if deck.passport else None
    model = deck.parts.get("", Part())
    instances = [x for x in deck.instances if _mesh(deck, x).elements]
    if model.elements:
        instances.append(Instance("", ""))
    if not instances:
        others = f" (elements of type {', '.join(sorted(deck.skipped))})" if deck.skipped else ""
        unplaced = [name for name, part in deck.parts.items() if name and part.elements]
        if unplaced and not deck.instances:  # parts that no assembly places
            instances = [Instance(name, name) for name in unplaced]
            deck.notes["no instance places the parts: they were taken as they are drawn"] = None
        else:
            raise LatticeGnnError(f"{where}: holds no beam elements B31, B32 or B33{others}.")
    drawings = [_drawing(deck, instance) for instance in instances]
    if len(drawings) > 1 and not _are_variants(instances):
        drawings = [union(drawings)]
    folds = [fold_file(where, x, original, options, join_all=True) for x in drawings]
    left_out, notes = _left_out(deck), _notes(deck, instances)
    return [
        _noted(fold, deck.dialect, left_out if fold.report.exact else [*left_out, *notes])
        for fold in folds
    ]


def _noted(fold: Fold, dialect: str, notes: list[str]) -> Fold:
    told = [*fold.report.notes, *notes]
    if not fold.report.exact and (fold.lattice.E is not None or fold.lattice.nu is not None):
        told.append(several_solids(fold.lattice.material))
    return Fold(fold.lattice, dataclasses.replace(fold.report, kind=dialect, notes=tuple(told)))


def _left_out(deck: Deck) -> list[str]:
    """Return what of the deck was left out."""
    notes = [f"{note}." for note in deck.notes]
    if deck.skipped:
        notes.append(f"elements of type {', '.join(sorted(deck.skipped))} were skipped.")
    return notes


def _notes(deck: Deck, instances: list[Instance]) -> list[str]:
    """Return how a deck that does not describe its lattice was understood."""
    notes = []
    if any(_mesh(deck, x).trusses for x in instances):
        notes.append(_LIKE_TRUSSES)
    if deck.circles and deck.dialect == "calculix":
        notes.append("read as a deck of CalculiX: circles are given by their diameters")
    return [f"{note}." for note in notes]


def _mesh(deck: Deck, instance: Instance) -> Part:
    """Return nodes and elements of an instance: its own, or those of its part."""
    if instance.own.elements:
        return instance.own
    return deck.parts.get(instance.part, Part())


def _are_variants(instances: list[Instance]) -> bool:
    """Whether the instances are lattices of their own, which differ in more than their place."""
    own = Counter(x.part for x in instances if x.own.sections and not x.own.elements)
    return bool(own) and max(own.values()) > 1


def _drawing(deck: Deck, instance: Instance) -> Drawing:
    """Return the beams of one instance."""
    part = _mesh(deck, instance)
    sets = SectionSets(deck, part, instance)
    sections = sets.assign()
    if sets.repeated:
        deck.notes["elements with several sections: the last was taken"] = None
    nodes = part if part.labels else deck.parts.get("", Part())
    labels = nodes.labels
    bars: list[tuple[int, int]] = []
    chosen: list[Section] = []
    for label, ends in part.elements.items():
        place = part.element_places[label]
        missing = [node for node in ends if node not in labels]
        if missing:
            raise place.error(f"element {label} ends at node {missing[0]}, which is not defined")
        if len(set(ends)) < len(ends):
            raise place.error(f"element {label} ends where it begins; remove it")
        if label not in sections:
            kind, size = ("SOLID", "area") if label in part.trusses else ("BEAM", "radius")
            raise place.error(f"element {label} has no *{kind} SECTION; give its {size} there")
        for pair in itertools.pairwise(labels[node] for node in ends):
            bars.append(pair)
            chosen.append(sections[label])
    used, inverse = np.unique(np.array(bars), return_inverse=True)
    points = np.array(nodes.points).reshape(-1, 3)[used]
    known: dict[int, tuple[float, float, float, float]] = {}
    rows = []
    for section in chosen:
        if id(section) not in known:
            radii = radii_of(section, diameters=deck.dialect == "calculix")
            known[id(section)] = (*radii, *_moduli(deck, section))
        rows.append(known[id(section)])
    radii, bores, E, nu = np.array(rows).T
    return Drawing(
        points=_placed(points, instance),
        bars=inverse.reshape(-1, 2).astype(np.int64),
        radii=radii,
        inner_radii=bores if bores.any() else None,
        E=None if np.ptp(E) == 0 else E,
        nu=None if np.ptp(nu) == 0 else nu,
        name=instance.name.lower(),
        material=Material(float(E[0]), float(nu[0])),
        has_solids=True,
    )


def _moduli(deck: Deck, section: Section) -> tuple[float, float]:
    if section.own is not None:
        return section.own
    found = deck.materials.get(section.material)
    if isinstance(found, str):
        raise LatticeGnnError(found)
    if found is not None:
        return found
    if section.material or deck.materials:
        raise section.place.error(f"there is no material {section.material[:60]!r}")
    deck.notes["the deck gives no material: E = 1 and nu = 0.3 were taken"] = None
    return Material().E, Material().nu


def _placed(
    points: Float[np.ndarray, "points 3"], instance: Instance
) -> Float[np.ndarray, "points 3"]:
    """Move and turn the points of a part as its instance says."""
    if instance.moves:
        points = points + instance.moves[0]
    if len(instance.moves) > 1 and instance.moves[1][6] != 0:
        points = turned(points, instance.moves[1])
    return points
