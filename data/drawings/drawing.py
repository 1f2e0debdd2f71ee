"""A lattice as other programs draw it: points and bars in space, images of nodes included.

Such a drawing has lost which points are images of which. Our own files therefore carry the lattice
itself as well, as JSON, where their format has a place for it; whether the drawing still says the
same is checked on reading, because another program may have changed it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from data.reading import parse_json
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.json_file import lattice_from_dict, lattice_to_dict
from lattice_gnn.lattice.lattice import Lattice, Material
from lattice_gnn.lattice.sections import Sections, sections_of

_SOLID = Material()
_AGREE = 1e-5  #: of the size of the drawing, and of radii: what single precision may lose


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """Struts in absolute coordinates.

    Attributes:
        points: Positions.
        bars: Point numbers (i, j).
        radii: Outer radius at point i; None if the file gives none.
        end_radii: Outer radius at point j; None: constant.
        inner_radii: Bore radius at point i, 0 for solid bars; None: all solid.
        E: Young's modulus of each bar; None: that of the material.
        nu: Poisson ratio of each bar; None: that of the material.
        name: Label.
        material: The solid.
        units: Label of the unit of length.
        has_solids: Whether it says what bars are made of, and which are hollow.
    """

    points: Float[np.ndarray, "points 3"]
    bars: Int[np.ndarray, "bars 2"]
    radii: Float[np.ndarray, " bars"] | None = None
    end_radii: Float[np.ndarray, " bars"] | None = None
    inner_radii: Float[np.ndarray, " bars"] | None = None
    E: Float[np.ndarray, " bars"] | None = None
    nu: Float[np.ndarray, " bars"] | None = None
    name: str = ""
    material: Material = _SOLID
    units: str = ""
    has_solids: bool = False

    @property
    def sections(self) -> Sections:
        """Sections and moduli of the bars, with what is None filled in; radii suit the size."""
        if self.radii is None:
            size = float(np.ptp(self.points, axis=0).max())
            return replace(self, radii=np.full(len(self.bars), 0.01 * size)).sections
        return sections_of(self, len(self.bars))


def draw(lattice: Lattice) -> Drawing:
    """Return the home nodes, then the images that struts end at; and one bar per strut.

    Nodes are drawn in those cells in which a spanning tree connects them, so that at every home
    node some strut ends.
    """
    nodes, cells, ends = _placed(lattice)
    return Drawing(
        points=(lattice.nodes[nodes] + cells) @ lattice.cell,
        bars=np.column_stack([lattice.struts[:, 0], ends]),
        radii=lattice.radii,
        end_radii=lattice.end_radii,
        inner_radii=lattice.inner_radii,
        E=lattice.E,
        nu=lattice.nu,
        name=lattice.name,
        material=lattice.material,
        units=lattice.units,
    )


def images(lattice: Lattice) -> tuple[Int[np.ndarray, " points"], Int[np.ndarray, "points 3"]]:
    """Return the node of every point of :func:`draw`, and the cell it lies in from home."""
    nodes, cells, _ = _placed(lattice)
    return nodes, cells - cells[nodes]


def _placed(
    lattice: Lattice,
) -> tuple[Int[np.ndarray, " points"], Int[np.ndarray, "points 3"], Int[np.ndarray, " struts"]]:
    """Return node and cell of every point, and the point at which each strut ends."""
    homes = lattice.connectivity().offsets
    i, j = lattice.struts.T
    shifts = lattice.shifts + homes[i] - homes[j]
    points = {(n, 0, 0, 0): n for n in range(lattice.num_nodes)}
    ends = [
        points.setdefault((n, *shift), len(points))
        for n, shift in zip(j.tolist(), shifts.tolist(), strict=True)
    ]
    keys = np.array(list(points), dtype=np.int64)
    return keys[:, 0], keys[:, 1:] + homes[keys[:, 0]], np.array(ends, dtype=np.int64)


def subdivided(drawing: Drawing, count: int) -> Drawing:
    """Return the drawing with every bar cut into ``count`` equal pieces of constant section.

    The pieces of one bar follow one another; the inner points stand after all others. A piece of a
    tapered bar has the radius that preserves the volume of the bar's part, its bore the same ratio.
    """
    bars, total = drawing.bars, len(drawing.points)
    if count == 1 and drawing.end_radii is None:
        return drawing
    at = np.arange(1, count) / count
    start, end = drawing.points[bars[:, 0]], drawing.points[bars[:, 1]]
    inner = start[:, None] + at[:, None] * (end - start)[:, None]
    numbers = total + np.arange(len(bars) * (count - 1)).reshape(len(bars), count - 1)
    chain = np.concatenate([bars[:, :1], numbers, bars[:, 1:]], axis=1)
    radii, bores = drawing.radii, drawing.inner_radii
    if radii is not None:
        ends = drawing.sections.end_radii
        knots = radii[:, None] + np.arange(count + 1) / count * (ends - radii)[:, None]
        a, b = knots[:, :-1], knots[:, 1:]
        pieces = np.sqrt((a * a + a * b + b * b) / 3)
        if drawing.end_radii is None:
            pieces = np.repeat(radii[:, None], count, axis=1)
        bores = None if bores is None else (bores / radii)[:, None] * pieces
        radii = pieces.ravel()
    return Drawing(
        points=np.concatenate([drawing.points, inner.reshape(-1, 3)]),
        bars=np.stack([chain[:, :-1], chain[:, 1:]], axis=2).reshape(-1, 2),
        radii=radii,
        inner_radii=None if bores is None else bores.ravel(),
        E=None if drawing.E is None else np.repeat(drawing.E, count),
        nu=None if drawing.nu is None else np.repeat(drawing.nu, count),
        name=drawing.name,
        material=drawing.material,
        units=drawing.units,
    )


def union(drawings: Sequence[Drawing]) -> Drawing:
    """Join the bars of several drawings, all with radii, into one drawing."""
    offsets = np.cumsum([0, *(len(x.points) for x in drawings)])

    def column(name: str, default: str) -> Float[np.ndarray, " bars"]:
        parts = []
        for x in drawings:
            value = getattr(x, name)
            fill = getattr(x.material, default) if default else 0.0
            parts.append(np.full(len(x.bars), fill) if value is None else value)
        return np.concatenate(parts)

    sections = [x.sections for x in drawings]
    return Drawing(
        points=np.concatenate([x.points for x in drawings]),
        bars=np.concatenate([x.bars + n for x, n in zip(drawings, offsets, strict=False)]),
        radii=column("radii", ""),
        end_radii=None
        if all(x.end_radii is None for x in drawings)
        else np.concatenate([x.end_radii for x in sections]),
        inner_radii=column("inner_radii", ""),
        E=column("E", "E"),
        nu=column("nu", "nu"),
        material=drawings[0].material,
        has_solids=all(x.has_solids for x in drawings),
    )


def passport_text(lattice: Lattice) -> str:
    """Return the lattice as JSON in one line, ASCII without blanks, ``--`` and ``?>``."""
    text = json.dumps(lattice_to_dict(lattice), separators=(",", ":"))
    for character in "<> ":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.replace("--", "-\\u002d")


def read_passport(text: str, where: str) -> Lattice:
    """Read what :func:`passport_text` wrote.

    Raises:
        LatticeGnnError: It is damaged.
    """
    try:
        return lattice_from_dict(parse_json(text, where), where)
    except LatticeGnnError as error:
        raise LatticeGnnError(
            f"{str(error).rstrip('.')}; remove the damaged description of the lattice."
        ) from None


def agrees(drawing: Drawing, lattice: Lattice) -> bool:
    """Whether a drawing is that of the lattice, each strut perhaps cut into equal pieces."""
    count, rest = divmod(len(drawing.bars), lattice.num_struts)
    if rest or count < 1:
        return False
    expected = draw(lattice)
    if count > 1 or drawing.end_radii is None:
        expected = subdivided(expected, count)
    if expected.points.shape != drawing.points.shape:
        return False
    if not np.array_equal(expected.bars, drawing.bars):
        return False
    size = float(np.ptp(expected.points, axis=0).max())
    if np.abs(expected.points - drawing.points).max() > _AGREE * size:
        return False
    if drawing.radii is None or expected.radii is None:
        return True
    own, other = drawing.sections, expected.sections
    if drawing.has_solids:
        solids = np.column_stack([own.bores, own.E, own.nu])
        if not np.allclose(
            solids, np.column_stack([other.bores, other.E, other.nu]), 10 * _AGREE, _AGREE * 1e-3
        ):
            return False
    pairs = ((drawing.radii, expected.radii), (own.end_radii, other.end_radii))
    # A quadratic element has one section along two pieces.
    group = 2 if count % 2 == 0 else 1
    return all(
        np.allclose(_mean_square(x, group), _mean_square(y, group), rtol=10 * _AGREE, atol=0)
        for x, y in pairs
    )


def _mean_square(radii: Float[np.ndarray, " bars"] | None, group: int) -> np.ndarray:
    """Mean r^2 of each group of bars that follow one another."""
    return (np.asarray(radii) ** 2).reshape(-1, group).mean(axis=1)
