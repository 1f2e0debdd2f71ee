"""Abaqus input decks of beams, ``.inp``: reading; :mod:`data.formats.abaqus_write` writes them.

Understood: ``*PART``, ``*INSTANCE`` (with its placement) and ``*ASSEMBLY``, or none of them;
``*NODE``; ``*ELEMENT`` of the types B31, B32 and B33 with their variants; ``*ELSET``; ``*BEAM
SECTION`` CIRC (radius) and PIPE (outer radius, wall), in the part or in the instance; ``*MATERIAL``
with isotropic ``*ELASTIC``. Everything else is skipped. Elements along one straight strut become
one strut. Several instances of one part (the published decks hold one for each relative density)
are several lattices; instances of several parts are one lattice.
"""

import dataclasses
import itertools
from collections import Counter
from pathlib import Path

import numpy as np
from jaxtyping import Float

from data.drawings.drawing import Drawing, read_passport
from data.drawings.fold import Fold, FoldReport
from data.formats.deck import Deck, Instance, Part, Section, read_deck
from data.formats.options import ReadOptions, fold_file
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.lattice import Material


def read(path: Path, options: ReadOptions) -> list[Fold]:
    """Read a deck and fold its beams into their cell.

    Raises:
        LatticeGnnError: Naming file and line.
    """
    return read_dialect(path, options, diameters=False)


def read_dialect(path: Path, options: ReadOptions, *, diameters: bool) -> list[Fold]:
    """Read a deck of Abaqus, or of CalculiX, where circular sections give diameters."""
    deck = read_deck(path, diameters)
    where = path.name
    original = read_passport(deck.passport, where) if deck.passport else None
    instances = [x for x in deck.instances if x.part in deck.parts and deck.parts[x.part].elements]
    if deck.parts.get("", Part()).elements:
        instances.append(Instance("", ""))
    if not instances:
        others = f" (elements of type {', '.join(sorted(deck.skipped))})" if deck.skipped else ""
        raise LatticeGnnError(f"{where}: holds no beam elements B31, B32 or B33{others}.")
    drawings = [_drawing(deck, instance, where) for instance in instances]
    if len(drawings) > 1 and max(Counter(x.part for x in instances).values()) == 1:
        drawings = [_union(drawings)]
    folds = [fold_file(where, x, original, options, join_all=True) for x in drawings]
    if deck.skipped:
        note = f"elements of type {', '.join(sorted(deck.skipped))} were skipped."
        folds = [Fold(f.lattice, _with_note(f, note)) for f in folds]
    return folds


def _with_note(fold: Fold, note: str) -> FoldReport:
    return dataclasses.replace(fold.report, notes=(*fold.report.notes, note))


def _drawing(deck: Deck, instance: Instance, where: str) -> Drawing:
    """Return the beams of one instance."""
    part = deck.parts[instance.part]
    sections = _sections(deck, part, instance)
    bars, chosen = [], []
    for label, ends in part.elements.items():
        place = part.element_places[label]
        missing = [node for node in ends if node not in part.labels]
        if missing:
            raise place.error(f"element {label} ends at node {missing[0]}, which is not defined")
        if label not in sections:
            raise place.error(f"element {label} has no *BEAM SECTION; give its radius there")
        numbers = [part.labels[node] for node in ends]
        for pair in itertools.pairwise(numbers):
            bars.append(pair)
            chosen.append(sections[label])
    used, inverse = np.unique(np.array(bars), return_inverse=True)
    points = np.array(part.points).reshape(-1, 3)[used]
    moduli = np.array([_moduli(deck, section) for section in chosen])
    bores = np.array([section.bore for section in chosen])
    same = (moduli == moduli[0]).all(axis=0)
    return Drawing(
        points=_placed(points, instance),
        bars=inverse.reshape(-1, 2).astype(np.int64),
        radii=np.array([section.radius for section in chosen]),
        inner_radii=bores if bores.any() else None,
        E=None if same[0] else moduli[:, 0].copy(),
        nu=None if same[1] else moduli[:, 1].copy(),
        name=instance.name.lower(),
        material=Material(*moduli[0].tolist()),
    )


def _sections(deck: Deck, part: Part, instance: Instance) -> dict[int, Section]:
    """Return the section of every element; those of the instance win, later ones too."""
    found: dict[int, Section] = {}
    model = deck.parts.get("", Part()).sections if instance.part else []
    for name, section in (*model, *part.sections, *instance.sections):
        if name not in part.sets:
            if (name, section) in model:
                continue
            raise section.place.error(f"*BEAM SECTION: there is no element set {name!r}")
        found.update(dict.fromkeys(part.sets[name], section))
    return found


def _moduli(deck: Deck, section: Section) -> tuple[float, float]:
    if section.material in deck.materials:
        return deck.materials[section.material]
    if section.material or deck.materials:
        raise section.place.error(f"*BEAM SECTION: there is no material {section.material!r}")
    return Material().E, Material().nu


def _placed(
    points: Float[np.ndarray, "points 3"], instance: Instance
) -> Float[np.ndarray, "points 3"]:
    """Move and turn the points of a part as its instance says (Rodrigues' formula)."""
    if instance.moves:
        points = points + instance.moves[0]
    if len(instance.moves) > 1:
        start, end, angle = instance.moves[1][:3], instance.moves[1][3:6], instance.moves[1][6]
        axis = np.subtract(end, start)
        axis = axis / np.linalg.norm(axis)
        rest = points - start
        turn = np.radians(angle)
        along = np.outer(rest @ axis, axis)
        across = np.cos(turn) * (rest - along) + np.sin(turn) * np.cross(axis, rest)
        points = start + along + across
    return points


def _union(drawings: list[Drawing]) -> Drawing:
    """Put the beams of several parts together."""
    offsets = np.cumsum([0, *(len(x.points) for x in drawings)])

    def column(name: str, default: str) -> Float[np.ndarray, " bars"]:
        parts = []
        for x in drawings:
            value = getattr(x, name)
            fill = getattr(x.material, default) if default else 0.0
            parts.append(np.full(len(x.bars), fill) if value is None else value)
        return np.concatenate(parts)

    return Drawing(
        points=np.concatenate([x.points for x in drawings]),
        bars=np.concatenate([x.bars + n for x, n in zip(drawings, offsets, strict=False)]),
        radii=column("radii", ""),
        inner_radii=column("inner_radii", ""),
        E=column("E", "E"),
        nu=column("nu", "nu"),
        material=drawings[0].material,
    )
