"""3MF files with the Beam Lattice extension, ``.3mf``: reading.

A mesh object with a ``<beamlattice>`` holds beams between vertices, each a frustum with radii r1
and r2 (defaults: r2 = r1, r1 = radius of the lattice), caps, balls at vertices and sets of beams.
Every object that the build places is one lattice, as drawn, where it holds one such mesh: how the
build turns, scales or stretches it is reported, not applied. An object of several such components
is one lattice, with its components in their places. Objects may lie in model parts of their own
(production extension). Clipping is not applied, and balls wider than the struts are not kept, both
with a note, nor are triangles, second places of an object, and extensions that the file requires
and that are not read. Beams shorter than ``minlength`` are ignored, as the specification demands.

:mod:`data.formats.threemf_elements` reads the elements of a model.
:mod:`data.formats.threemf_write` writes them, with the lattice itself in namespaced metadata.
"""

import dataclasses
import zipfile
from pathlib import Path

import numpy as np

from data.drawings.drawing import Drawing, read_passport, union
from data.drawings.fold_report import Fold
from data.formats.options import ReadOptions, fold_file
from data.formats.threemf_elements import UNITS, Key, Model, Object, Placed, Transform
from data.formats.threemf_package import member, model_name, open_package
from data.reading import XmlHandler, parse_xml
from lattice_gnn.errors import LatticeGnnError

_MAX_PARTS = 200
_MAX_PLACED = 1000  #: components of one object
_MAX_DEPTH = 16


def read(path: Path, options: ReadOptions) -> list[Fold]:
    """Read the beam lattices of a file, one for each object that is built, and fold them.

    Raises:
        LatticeGnnError: Naming file and line of the model.
    """
    where = path.name
    with open_package(path) as archive:
        model = _read_model(archive, where)
    order = [key for key, home in model.objects.items() if home.has_beams]
    built = [(key, places, _meshes(model, key, where)) for key, places in _built(model)]
    folds = [
        _fold(model, key, (meshes, places, order), where, options)
        for key, places, meshes in built
        if any(model.objects[x.key].has_beams for x in meshes)
    ]
    if not folds:
        raise LatticeGnnError(
            f"{where}: holds no beam lattice; surfaces alone cannot be read as struts."
        )
    surfaces = len(built) - len(folds)
    notes = [f"objects without beams were left out: {surfaces}."] if surfaces else []
    return [_noted(fold, notes) for fold in folds]


def _noted(fold: Fold, notes: list[str]) -> Fold:
    report = dataclasses.replace(fold.report, notes=(*fold.report.notes, *notes))
    return Fold(fold.lattice, report)


def _read_model(archive: zipfile.ZipFile, where: str) -> Model:
    """Read the model and the parts that it names."""
    model = Model()
    declare = model.prefixes.__setitem__
    handler = XmlHandler(model.start, model.end, model.text, namespace=declare)
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


def _built(model: Model) -> list[tuple[Key, list[Transform]]]:
    """Return the objects that are built, each once, with its places; all if there is no build."""
    if not model.build:
        inside = {c.key for x in model.objects.values() for c in x.components}
        return [(key, []) for key in model.objects if key not in inside]
    found: dict[Key, list[Transform]] = {}
    for item in model.build:
        found.setdefault(item.key, []).append(item.transform)
    return list(found.items())


def _meshes(model: Model, key: Key, where: str) -> list[Placed]:
    """Return the meshes that an object consists of, each in its place."""
    found, visits = [], 0
    waiting = [(Placed(key, _IDENTITY), 0)]
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
        if home.has_beams or home.triangles:
            found.append(placed)
        if visits + len(waiting) + len(home.components) > _MAX_PLACED:
            raise LatticeGnnError(f"{where}: more than {_MAX_PLACED} components in one object.")
        for component in reversed(home.components):
            inside = component.transform @ placed.transform[:3]
            inside[3] += placed.transform[3]
            waiting.append((Placed(component.key, inside), depth + 1))
    return found


_IDENTITY: Transform = np.vstack([np.eye(3), np.zeros(3)])

_Built = tuple[list[Placed], list[Transform], list[Key]]
"""Meshes of an object, where the build places it, and the order of all with beams in the file."""


def _fold(model: Model, key: Key, built: _Built, where: str, options: ReadOptions) -> Fold:
    placed, transforms, order = built
    meshes = [x for x in placed if model.objects[x.key].has_beams]
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
    label = homes[0].label or f"lattice{order.index(meshes[0].key) + 1}"
    text = model.passports.get(label) if one else None
    original = read_passport(text, where) if text else None
    triangles = sum(model.objects[x.key].triangles for x in placed)
    notes = [*_placing(places), *_left_out(homes, drawing), *_extensions(model)]
    if triangles:
        notes.append(f"triangles of surfaces were left out: {triangles}.")
    if len(transforms) > 1:
        notes.append(f"the file places the object {len(transforms)} times; it was read once.")
    return _noted(fold_file(where, drawing, original, options), notes)


def _in_place(home: Object, transform: Transform, where: str) -> Drawing:
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


def _left_out(homes: list[Object], drawing: Drawing) -> list[str]:
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


def _extensions(model: Model) -> list[str]:
    """Say what a reader may not pass over in silence, by the core specification."""
    several = ", ".join(space[:80] for space in list(model.unread)[:5])
    text = f"the file requires extensions that are not read and were left out: {several}."
    return [text] if several else []
