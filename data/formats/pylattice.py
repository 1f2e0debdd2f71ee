"""Unit cells of pyLattice, JSON (read only).

``{"name": ..., "beams": [[x1, y1, z1, x2, y2, z2], ...]}`` in a unit cube. Coordinates may be names
and expressions of the file's own ``parameters``. Other keys are skipped, which is said of all but
the description.
A ``radius`` or ``diameter`` of all beams is understood; the files of pyLattice have none.

Source: the geometries of github.com/Tcadart/pyLattice.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from data.drawings.drawing import Drawing
from data.drawings.fold_report import Fold
from data.formats import columns
from data.formats.expressions import evaluate, parameters
from data.formats.options import ReadOptions, fold_file
from data.reading import MAX_BARS, parse_json, read_text
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.checks import finite_number

_KEYS = ("name", "description", "beams", "parameters")


def read(path: Path, options: ReadOptions) -> list[Fold]:
    """Read a unit cell and fold it.

    Raises:
        LatticeGnnError: Naming file and place.
    """
    where = path.name
    data = parse_json(read_text(path), where)
    if not isinstance(data, dict) or not isinstance(data.get("beams"), list):
        raise LatticeGnnError(f"{where}: expected an object with a list 'beams'.")
    beams = data["beams"]
    if not 0 < len(beams) <= MAX_BARS:
        raise LatticeGnnError(f"{where}: beams: expected 1 to {MAX_BARS} beams, got {len(beams)}.")
    given = data.get("parameters", {})
    if not isinstance(given, dict):
        raise LatticeGnnError(f"{where}: parameters: expected an object of names with values.")
    names = parameters(given, f"{where}: parameters")
    rows = [_beam(beam, names, f"{where}: beams[{n}]") for n, beam in enumerate(beams)]
    points, inverse = np.unique(np.array(rows).reshape(-1, 3), axis=0, return_inverse=True)
    name = data.get("name", "")
    drawing = Drawing(
        points,
        inverse.reshape(-1, 2).astype(np.int64),
        radii=_radii(data, len(beams), where),
        name=name if isinstance(name, str) else "",
    )
    known = {*_KEYS, *_size_column(data, where)}
    skipped = [repr(key[:30]) for key in data if key not in known]
    text = f"keys that are not known here were skipped: {', '.join(skipped[:6])}."
    return [fold_file(where, drawing, None, options, notes=[text] if skipped else [])]


def _size_column(data: Mapping[str, Any], where: str) -> dict[str, float]:
    """Return the key of the radius, with the factor that makes a radius of a diameter."""
    try:
        found = columns.size_columns(name for name in data if name not in _KEYS)
    except LatticeGnnError as error:
        raise LatticeGnnError(f"{where}: {error}.") from None
    if any(role != "radius" for role in found):
        name = next(iter(found.values()))[0]
        raise LatticeGnnError(f"{where}: {name[:40]!r}: expected one radius of all beams, at most.")
    return dict(found.values())


def _radii(data: Mapping[str, Any], count: int, where: str) -> Float[np.ndarray, " beams"] | None:
    """Return the one radius of all beams that the file gives under any name, None if it has none.

    Raises:
        LatticeGnnError: It is no number above 0, or it is one of several radii.
    """
    found = _size_column(data, where)
    if not found:
        return None
    ((name, factor),) = found.items()
    radius = factor * finite_number(data[name], f"{where}: {name[:40]}")
    if radius <= 0:
        raise LatticeGnnError(f"{where}: {name[:40]}: expected a number above 0, got {radius:g}.")
    return np.full(count, radius)


def _beam(beam: Any, names: Mapping[str, float], where: str) -> list[float]:
    if not isinstance(beam, list) or len(beam) != 6:
        raise LatticeGnnError(f"{where}: expected the six numbers x1, y1, z1, x2, y2, z2.")
    found = [
        evaluate(value, names, f"{where}[{k}]")
        if isinstance(value, str)
        else finite_number(value, f"{where}[{k}]")
        for k, value in enumerate(beam)
    ]
    if found[:3] == found[3:]:
        raise LatticeGnnError(f"{where}: its two ends are one point; remove it.")
    return found
