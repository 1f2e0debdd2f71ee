"""Reading and writing lattices as JSON files.

One lattice, schema ``lattice-gnn/lattice/1``::

    {
        "schema": "lattice-gnn/lattice/1",
        "name": "bcc",
        "units": "mm",
        "cell": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        "nodes": [[0, 0, 0], [0.5, 0.5, 0.5]],
        "struts": [{"i": 0, "j": 1, "shift": [0, 0, 0], "radius": 0.05}],
        "material": {"E": 1.0, "nu": 0.3},
    }

A strut may add ``end_radius``, ``inner_radius``, ``E`` and ``nu``. Instead of a radius
in every strut a file may give one ``radius`` for all, a list ``radii``, or a ``relative_density``.
Many lattices, schema ``lattice-gnn/lattices/1``::

    {"schema": "lattice-gnn/lattices/1", "lattices": [{...}, {...}]}
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Never

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import reading, seekable, write_whole
from lattice_gnn.lattice.checks import MAX_INTEGER, finite_number
from lattice_gnn.lattice.lattice import Lattice, Material

SCHEMA = "lattice-gnn/lattice/1"
SCHEMA_MANY = "lattice-gnn/lattices/1"

_REQUIRED = ("schema", "cell", "nodes", "struts")
_OPTIONAL = ("name", "units", "material", "radius", "radii", "relative_density")
_STRUT_REQUIRED = ("i", "j", "shift")
_STRUT_OPTIONAL = ("radius", "end_radius", "inner_radius", "E", "nu")


def read_lattices(path: str | os.PathLike[str]) -> list[Lattice]:
    """Read the lattices of one JSON file.

    Raises:
        LatticeGnnError: If anything is missing, unknown or invalid; names file and place.
    """
    path = Path(path)
    data = _load(path)
    where = path.name
    if not isinstance(data, dict):
        raise LatticeGnnError(f"{where}: expected a JSON object, got {_kind(data)}.")
    if data.get("schema") != SCHEMA_MANY:
        return [lattice_from_dict(data, where)]
    _check_keys(data, ("schema", "lattices"), (), where)
    entries = data["lattices"]
    if not isinstance(entries, list) or not entries:
        raise LatticeGnnError(f"{where}: lattices: expected a list of at least one lattice.")
    return [
        lattice_from_dict(entry, f"{where}: lattices[{number}]")
        for number, entry in enumerate(entries)
    ]


def _load(path: Path) -> Any:
    """Parse strict JSON: no NaN, no duplicate keys."""
    try:
        with seekable(path) as real, reading(path):
            content = real.read_bytes()
            text = content.decode(json.detect_encoding(content))
    except UnicodeDecodeError:
        raise LatticeGnnError(f"{path.name}: not JSON: not UTF-8 text.") from None
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=unique_keys)
    except json.JSONDecodeError as error:
        raise LatticeGnnError(
            f"{path.name}: not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from None
    except LatticeGnnError as error:
        raise LatticeGnnError(f"{path.name}: {error}") from None
    except (ValueError, RecursionError):
        raise LatticeGnnError(
            f"{path.name}: a number has thousands of digits, or brackets are nested too deeply."
        ) from None


def _refuse_constant(name: str) -> Never:
    raise LatticeGnnError(f"{name} is not valid JSON; expected a finite number.")


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of these pairs, for ``object_pairs_hook`` of ``json.loads``.

    Raises:
        LatticeGnnError: A key occurs twice.
    """
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise LatticeGnnError(f"the key {key!r} occurs twice in one object.")
        found[key] = value
    return found


def lattice_from_dict(data: Any, where: str = "lattice") -> Lattice:
    """Build a lattice from a parsed JSON object.

    Args:
        data: The object.
        where: Start of every error message, such as the file name.

    Raises:
        LatticeGnnError: If the object is invalid; names the place.
    """
    if not isinstance(data, dict):
        raise LatticeGnnError(f"{where}: expected a JSON object, got {_kind(data)}.")
    if "schema" in data and data["schema"] != SCHEMA:
        raise LatticeGnnError(
            f"{where}: schema: expected {SCHEMA!r}, got {_show(data['schema'])}; "
            "this version supports no other."
        )
    _check_keys(data, _REQUIRED, _OPTIONAL, where)
    struts = data["struts"]
    if not isinstance(struts, list) or not struts:
        raise LatticeGnnError(f"{where}: struts: expected a list of at least one strut.")
    for number, strut in enumerate(struts):
        _check_strut(strut, f"{where}: struts[{number}]")
    cell = _triples(data["cell"], f"{where}: cell")
    if len(cell) != 3:
        raise LatticeGnnError(f"{where}: cell: expected 3 vectors, got {len(cell)}.")
    radii, density = _radii(data, struts, where)
    if density is not None:  # scaled below; any radii that fit the cell do
        radii = [0.01 * max(abs(x) for row in cell for x in row) or 1.0] * len(struts)
    try:
        fields: dict[str, Any] = {
            "cell": cell,
            "nodes": _triples(data["nodes"], f"{where}: nodes"),
            "struts": [(strut["i"], strut["j"]) for strut in struts],
            "shifts": [strut["shift"] for strut in struts],
            "radii": radii,
            "end_radii": _per_strut(struts, "end_radius", radii),
            "inner_radii": _per_strut(struts, "inner_radius", [0.0] * len(struts)),
            "name": _label(data, "name", where),
            "units": _label(data, "units", where),
            **_materials(data, struts, where),
        }
        lattice = Lattice(**fields)
        return lattice if density is None else lattice.with_relative_density(density)
    except LatticeGnnError as error:
        text = str(error)
        raise LatticeGnnError(text if text.startswith(where) else f"{where}: {text}") from None


def _check_keys(
    data: Mapping[str, Any], required: Sequence[str], optional: Sequence[str], where: str
) -> None:
    known = (*required, *optional)
    for key in data:
        if key not in known:
            raise LatticeGnnError(f"{where}: unknown key {key!r}; known: {', '.join(known)}.")
    for key in required:
        if key not in data:
            raise LatticeGnnError(f"{where}: the key {key!r} is missing.")


def _check_strut(strut: Any, where: str) -> None:
    """Check the keys, integers and finite numbers of one strut."""
    if not isinstance(strut, dict):
        raise LatticeGnnError(
            f"{where}: expected an object with i, j and shift, got {_kind(strut)}."
        )
    _check_keys(strut, _STRUT_REQUIRED, _STRUT_OPTIONAL, where)
    for key in ("i", "j"):
        if not _is_integer(strut[key]):
            raise LatticeGnnError(
                f"{where}.{key}: expected a node number, got {_show(strut[key])}."
            )
    shift = strut["shift"]
    if not (isinstance(shift, list) and len(shift) == 3 and all(map(_is_integer, shift))):
        raise LatticeGnnError(f"{where}.shift: expected 3 integers, got {_show(shift)}.")
    for key in _STRUT_OPTIONAL:
        if key in strut:
            finite_number(strut[key], f"{where}.{key}")


def _is_integer(value: Any) -> bool:
    """Return whether ``value`` is an integer of acceptable size (1.0 included, bool not)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= MAX_INTEGER and value == int(value)


def _triples(value: Any, where: str) -> list[list[float]]:
    """Check a list of rows of three finite numbers."""
    if not isinstance(value, list) or not value:
        raise LatticeGnnError(f"{where}: expected a list of rows of 3 numbers, got {_kind(value)}.")
    rows = []
    for number, row in enumerate(value):
        if not isinstance(row, list) or len(row) != 3:
            raise LatticeGnnError(f"{where}[{number}]: expected 3 numbers, got {_show(row)}.")
        places = enumerate(row)
        rows.append([finite_number(x, f"{where}[{number}][{place}]") for place, x in places])
    return rows


def _radii(
    data: Mapping[str, Any], struts: Sequence[Mapping[str, Any]], where: str
) -> tuple[list[float], float | None]:
    """Return the radii, and the relative density to scale them to if the object gives one."""
    given = [key for key in ("radius", "radii", "relative_density") if key in data]
    if any("radius" in strut for strut in struts):
        given.append("radius in struts")
    if len(given) != 1:
        raise LatticeGnnError(
            f"{where}: expected one of radius, radii, relative_density, or a radius in every "
            f"strut; got {' and '.join(given) or 'none'}."
        )
    if given[0] == "relative_density":
        _refuse_other_radii(struts, where)
        density = finite_number(data["relative_density"], f"{where}: relative_density")
        return [1.0] * len(struts), density
    if given[0] == "radius":
        return [finite_number(data["radius"], f"{where}: radius")] * len(struts), None
    if given[0] == "radii":
        radii = data["radii"]
        if not isinstance(radii, list) or len(radii) != len(struts):
            raise LatticeGnnError(
                f"{where}: radii: expected a list of {len(struts)} numbers, one per strut, "
                f"got {_kind(radii)}."
            )
        return [finite_number(r, f"{where}: radii[{n}]") for n, r in enumerate(radii)], None
    for number, strut in enumerate(struts):
        if "radius" not in strut:
            raise LatticeGnnError(
                f"{where}: struts[{number}]: the key 'radius' is missing; other struts have it."
            )
    return [float(strut["radius"]) for strut in struts], None


def _refuse_other_radii(struts: Sequence[Mapping[str, Any]], where: str) -> None:
    for number, strut in enumerate(struts):
        for key in ("end_radius", "inner_radius"):
            if key in strut:
                raise LatticeGnnError(
                    f"{where}: struts[{number}].{key}: not allowed together with relative_density, "
                    "which sets every radius; give radii instead."
                )


def _per_strut(
    struts: Sequence[Mapping[str, Any]], key: str, default: Sequence[float]
) -> list[float] | None:
    """Return one value per strut, ``default`` if it gives none; None if no strut gives one."""
    if not any(key in strut for strut in struts):
        return None
    return [float(strut.get(key, other)) for strut, other in zip(struts, default, strict=True)]


def _materials(
    data: Mapping[str, Any], struts: Sequence[Mapping[str, Any]], where: str
) -> dict[str, Any]:
    material = data.get("material", {})
    if not isinstance(material, dict):
        raise LatticeGnnError(f"{where}: material: expected an object, got {_kind(material)}.")
    _check_keys(material, (), ("E", "nu"), f"{where}: material")
    solid = Material(**material)
    return {
        "material": solid,
        "E": _per_strut(struts, "E", [solid.E] * len(struts)),
        "nu": _per_strut(struts, "nu", [solid.nu] * len(struts)),
    }


def _label(data: Mapping[str, Any], key: str, where: str) -> str:
    value = data.get(key, "")
    if not isinstance(value, str):
        raise LatticeGnnError(f"{where}: {key}: expected a string, got {_kind(value)}.")
    return value


def _kind(value: Any) -> str:
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return "an object" if isinstance(value, dict) else _show(value)


def _show(value: Any) -> str:
    """Return a value as JSON, truncated."""
    try:
        text = json.dumps(value)
    except ValueError:
        text = "a number of thousands of digits"
    return text if len(text) <= 60 else f"{text[:57]}..."


def lattice_to_dict(lattice: Lattice) -> dict[str, Any]:
    """Return the JSON object of a lattice; reading it back is exact, bit for bit."""
    columns = {
        "radius": lattice.radii,
        "end_radius": lattice.end_radii,
        "inner_radius": lattice.inner_radii,
        "E": lattice.E,
        "nu": lattice.nu,
    }
    values = {key: column.tolist() for key, column in columns.items() if column is not None}
    ends, shifts = lattice.struts.tolist(), lattice.shifts.tolist()
    struts = [
        {"i": i, "j": j, "shift": shift, **{key: column[s] for key, column in values.items()}}
        for s, ((i, j), shift) in enumerate(zip(ends, shifts, strict=True))
    ]
    return {
        "schema": SCHEMA,
        "name": lattice.name,
        "units": lattice.units,
        "cell": lattice.cell.tolist(),
        "nodes": lattice.nodes.tolist(),
        "struts": struts,
        "material": {"E": lattice.material.E, "nu": lattice.material.nu},
    }


def write_lattices(path: str | os.PathLike[str], lattices: Lattice | Sequence[Lattice]) -> None:
    """Write one or many lattices to a JSON file atomically.

    Raises:
        LatticeGnnError: If there are no lattices or the file cannot be written; an existing file is
            left unchanged.
    """
    several = [lattices] if isinstance(lattices, Lattice) else list(lattices)
    if not several:
        raise LatticeGnnError(f"{path}: no lattice to write; expected at least one.")
    texts = [_text(lattice_to_dict(lattice)) for lattice in several]
    if len(texts) == 1:
        write_whole(path, texts[0] + "\n")
    else:
        body = ",\n".join(texts)
        write_whole(path, f'{{"schema": "{SCHEMA_MANY}", "lattices": [\n{body}\n]}}\n')


def _text(data: Mapping[str, Any]) -> str:
    """Return JSON with one node or strut per line."""
    lines = []
    for key, value in data.items():
        if key in ("nodes", "struts"):
            rows = ",\n  ".join(json.dumps(row) for row in value)
            lines.append(f'"{key}": [\n  {rows}]')
        else:
            lines.append(f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}")
    return "{" + ",\n ".join(lines) + "}"
