"""Lookup of named unit cells by name or alias: ``cell("octet", relative_density=0.1)``.

Each cell is also a function of its own, such as :func:`octet`, whose docstring defines it: node
positions, connectivity, coordination, source. The edge of the cube is a = 1.
"""

import difflib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from lattice_gnn.cells.columns import (
    hexagonal_honeycomb,
    re_entrant,
    re_entrant_honeycomb,
    square_honeycomb,
    triangular_honeycomb,
)
from lattice_gnn.cells.cubic import (
    bcc,
    bccz,
    diamond,
    fcc,
    fccz,
    fluorite,
    gyroid,
    isotruss,
    octet,
    simple_cubic,
)
from lattice_gnn.cells.polyhedra import (
    cuboctahedron,
    kelvin,
    rhombicuboctahedron,
    truncated_cube,
    truncated_cuboctahedron,
    weaire_phelan,
)
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.lattice import Lattice

__all__ = [
    "CELLS",
    "CellInfo",
    "bcc",
    "bccz",
    "cell",
    "cell_info",
    "cell_names",
    "cuboctahedron",
    "diamond",
    "fcc",
    "fccz",
    "fluorite",
    "gyroid",
    "hexagonal_honeycomb",
    "isotruss",
    "kelvin",
    "octet",
    "re_entrant",
    "re_entrant_honeycomb",
    "rhombicuboctahedron",
    "simple_cubic",
    "square_honeycomb",
    "triangular_honeycomb",
    "truncated_cube",
    "truncated_cuboctahedron",
    "weaire_phelan",
]

_COMMON = ("radius", "relative_density", "nu")


@dataclass(frozen=True, slots=True)
class CellInfo:
    """One named cell.

    Attributes:
        name: Canonical name.
        aliases: Other names; case, spaces, hyphens and underscores are ignored.
        build: Function that builds it.
    """

    name: str
    aliases: tuple[str, ...]
    build: Callable[..., Lattice]

    @property
    def summary(self) -> str:
        """First line of the definition."""
        return self.definition.partition("\n")[0]

    @property
    def definition(self) -> str:
        """Docstring of ``build``: node positions, connectivity, coordination, source."""
        return inspect.getdoc(self.build) or ""

    @property
    def parameters(self) -> dict[str, float | None]:
        """Names and defaults of the parameters beyond radius, relative density and nu."""
        return {
            name: parameter.default
            for name, parameter in inspect.signature(self.build).parameters.items()
            if name not in _COMMON
        }


_ALL = (
    CellInfo("sc", ("simple cubic", "cubic", "cubic primitive", "pcu"), simple_cubic),
    CellInfo("bcc", ("body-centred cubic", "body-centered cubic", "bcu"), bcc),
    CellInfo("bccz", ("body-centred cubic with z struts",), bccz),
    CellInfo("fcc", ("face-centred cubic", "face-centered cubic"), fcc),
    CellInfo("fccz", ("face-centred cubic with z struts",), fccz),
    CellInfo("octet", ("octet truss", "fcu"), octet),
    CellInfo("diamond", ("dia",), diamond),
    CellInfo("fluorite", ("rhombic dodecahedron", "flu"), fluorite),
    CellInfo("isotruss", (), isotruss),
    CellInfo("gyroid", ("gyroid net", "srs", "laves graph"), gyroid),
    CellInfo(
        "kelvin", ("kelvin cell", "truncated octahedron", "tetrakaidecahedron", "sod"), kelvin
    ),
    CellInfo("weaire-phelan", ("a15 foam", "mep"), weaire_phelan),
    CellInfo("truncated-cube", ("cab",), truncated_cube),
    CellInfo("cuboctahedron", ("octahedron", "reo"), cuboctahedron),
    CellInfo("rhombicuboctahedron", ("rhombic cuboctahedron",), rhombicuboctahedron),
    CellInfo("truncated-cuboctahedron", ("great rhombicuboctahedron",), truncated_cuboctahedron),
    CellInfo("re-entrant", ("auxetic", "re-entrant 3d"), re_entrant),
    CellInfo("hexagonal-honeycomb", ("honeycomb",), hexagonal_honeycomb),
    CellInfo("triangular-honeycomb", (), triangular_honeycomb),
    CellInfo("square-honeycomb", (), square_honeycomb),
    CellInfo("re-entrant-honeycomb", ("auxetic honeycomb",), re_entrant_honeycomb),
)

CELLS = MappingProxyType({info.name: info for info in _ALL})
"""All named cells by their canonical names."""


def _key(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


_BY_KEY = {_key(name): info for info in _ALL for name in (info.name, *info.aliases)}


def cell_names() -> tuple[str, ...]:
    """Return the canonical names of all cells."""
    return tuple(CELLS)


def cell_info(name: str) -> CellInfo:
    """Return the entry of a cell by name or alias.

    Raises:
        LatticeGnnError: If the name is unknown; the message suggests similar names.
    """
    if not isinstance(name, str):
        raise LatticeGnnError(f"cell: expected the name of a cell, got {type(name).__name__}.")
    info = _BY_KEY.get(_key(name))
    if info is not None:
        return info
    names = [known for entry in _ALL for known in (entry.name, *entry.aliases)]
    close = difflib.get_close_matches(name.casefold(), names, n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(CELLS)}."
    raise LatticeGnnError(f"cell {name!r} is unknown; {hint}")


def cell(
    name: str,
    *,
    radius: float | None = None,
    relative_density: float | None = None,
    nu: float = 0.3,
    **parameters: Any,
) -> Lattice:
    """Build a named cell with edge a = 1 and E = 1.

    Args:
        name: Name or alias, see :func:`cell_names`.
        radius: Strut radius over a.
        relative_density: Sum of pi r^2 L over the cell volume, instead of ``radius``.
        nu: Poisson's ratio of the solid.
        parameters: Further parameters of the cell, such as ``angle`` of re-entrant cells.

    Raises:
        LatticeGnnError: If the name or a parameter is unknown, or unless exactly one of radius and
            relative density is given.
    """
    info = cell_info(name)
    unknown = sorted(set(parameters) - set(info.parameters))
    if unknown:
        known = ", ".join(info.parameters) or "none"
        raise LatticeGnnError(
            f"cell {info.name!r} has no parameter {unknown[0]!r}; its own parameters: {known}."
        )
    return info.build(radius=radius, relative_density=relative_density, nu=nu, **parameters)
