"""Round sections of decks: circles, pipes, general sections that are round, areas of trusses."""

import math

from data.formats.deck import Block, Section
from data.reading import number
from lattice_gnn.errors import LatticeGnnError

_ROUND = 1e-3  #: how far the constants of a general section may be from those of a round one


def _sizes(block: Block, line: int) -> list[float]:
    """Return the numbers of a data line; those left out are 0."""
    if len(block.lines) <= line:
        return []
    words, place = block.lines[line]
    while words and not words[-1]:
        words = words[:-1]
    return [number(word, place, f"*{block.keyword}") if word else 0.0 for word in words]


def beam_section(block: Block) -> Section:
    """Read ``*BEAM SECTION``.

    Raises:
        LatticeGnnError: It is not round, or its sizes make no sense.
    """
    kind = _kind(block)
    if kind not in ("CIRC", "PIPE"):
        raise block.error(
            f"expected SECTION=CIRC or PIPE, got {kind[:40] or 'none'}; only round struts are "
            "known here"
        )
    return _round_section(block, kind, None)


def _kind(block: Block) -> str:
    """Return the kind of a section; a pipe with a thick wall is a pipe."""
    if "TAPER" in block.parameters:
        raise block.error("TAPER is not understood; cut the strut into pieces of constant section")
    kind = " ".join(block.get("SECTION").split())
    return "PIPE" if kind == "THICK PIPE" else kind


def _round_section(block: Block, kind: str, own: tuple[float, float] | None) -> Section:
    sizes = _sizes(block, 0)
    place = block.lines[0][1] if block.lines else block.place
    if not sizes or sizes[0] <= 0 or (kind == "PIPE" and len(sizes) < 2):
        raise place.error(f"*{block.keyword}: expected a radius above 0, for pipes then the wall")
    if kind == "PIPE" and not 0 < sizes[1] <= sizes[0]:
        raise place.error(f"*{block.keyword}: expected a wall thinner than the radius")
    if kind == "CIRC" and len(sizes) > 1 and abs(sizes[1] - sizes[0]) > 1e-6 * sizes[0]:
        raise place.error(
            f"*{block.keyword}: a circle with two diameters, {sizes[0]:g} and {sizes[1]:g}, is an "
            "ellipse; only round struts are known here"
        )
    return Section(kind, tuple(sizes[:2]), block.get("MATERIAL"), own, block.place)


def general_section(block: Block) -> Section:
    """Read ``*BEAM GENERAL SECTION``: its third data line gives E and G.

    Raises:
        LatticeGnnError: It is not round, or its sizes or moduli make no sense.
    """
    kind = _kind(block) or "GENERAL"
    if kind not in ("CIRC", "PIPE", "GENERAL"):
        raise block.error(
            f"expected a round section, got SECTION={kind[:40]}; only round struts are known here"
        )
    own = _moduli(block)
    if kind == "GENERAL":
        return Section("RADII", _radii(block), block.get("MATERIAL"), own, block.place)
    section = _round_section(block, kind, own)
    if kind == "CIRC":  # of Abaqus alone: a radius
        return Section("RADII", (section.sizes[0], 0.0), section.material, own, block.place)
    return section


def _moduli(block: Block) -> tuple[float, float] | None:
    """Return E and nu = E/2G - 1 of the third data line, None where there is none."""
    filled = [k for k, (words, _) in enumerate(block.lines) if any(words)]
    third = 2
    if filled == [0, 1] and len(_sizes(block, 1)) == 2:
        third = 1  # a program has left out the second line, a direction of three numbers
    values = _sizes(block, third)
    if not values:
        if block.get("MATERIAL"):
            return None
        raise block.error("expected a third data line with E and G")
    place = block.lines[third][1]
    if len(values) < 2 or values[0] <= 0 or values[1] <= 0:
        raise place.error(f"*{block.keyword}: expected E > 0 and G > 0")
    E, nu = values[0], values[0] / (2 * values[1]) - 1
    if not -1 < nu < 0.5:
        raise place.error(
            f"*{block.keyword}: E = {E:g} and G = {values[1]:g} give the Poisson ratio {nu:.4g}; "
            "expected one between -1 and 0.5"
        )
    return E, nu


def _radii(block: Block) -> tuple[float, float]:
    """Return outer and bore radius of A, I11, I12, I22, J if they are those of a round tube.

    A = pi (R^2 - r^2), I = pi/4 (R^4 - r^4) = A/4 (R^2 + r^2), J = 2 I.
    """
    values = (_sizes(block, 0) + [0.0] * 5)[:5]
    A, I1, I12, I2, J = values
    round_enough = (
        A > 0
        and I1 > 0
        and abs(I2 - I1) <= _ROUND * I1
        and abs(I12) <= _ROUND * I1
        and abs(J - 2 * I1) <= 2 * _ROUND * I1
        and 4 * math.pi * I1 >= A * A * (1 - _ROUND)
    )
    if not round_enough:
        raise block.error(
            "A, I11, I12, I22, J are not those of a round section; only round struts are known here"
        )
    total, wall = 4 * I1 / A, A / math.pi
    bore = math.sqrt(max(0.0, (total - wall) / 2))
    outer = math.sqrt((total + wall) / 2)
    return (outer, bore) if bore > _ROUND * outer else (math.sqrt(wall), 0.0)


def truss_section(block: Block) -> Section | None:
    """Read ``*SOLID SECTION`` with an area; None where there is no number above 0."""
    try:
        sizes = _sizes(block, 0)
    except LatticeGnnError:
        return None  # of solids: whatever stands there
    if not sizes or sizes[0] <= 0:
        return None
    radius = math.sqrt(sizes[0] / math.pi)
    return Section("TRUSS", (radius, 0.0), block.get("MATERIAL"), None, block.place)


def radii_of(section: Section, *, diameters: bool) -> tuple[float, float]:
    """Return outer radius and bore radius.

    Args:
        section: The section.
        diameters: Whether circles give diameters, as in CalculiX.
    """
    if section.kind in ("RADII", "TRUSS"):
        return section.sizes[0], section.sizes[1]
    if section.kind == "PIPE":
        return section.sizes[0], max(0.0, section.sizes[0] - section.sizes[1])
    return (section.sizes[0] / 2 if diameters else section.sizes[0]), 0.0
