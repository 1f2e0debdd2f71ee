"""From a drawing of one cell, with copies of boundary nodes and cut struts, to a lattice.

Formats with absolute coordinates hold a window onto a lattice: a node on a face is drawn on the
opposite face too, a strut on a face or an edge up to four times, a strut through a face as two
halves, and struts that cross may have no node where they meet.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from data.drawings.drawing import Drawing, agrees
from data.drawings.fold_report import Fold, FoldReport
from data.drawings.merging import NEAR, Contracted, Window, contract_short, tolerance_for
from data.drawings.periodic_net import (
    STRAIGHT,
    DrawnNet,
    first_net,
    split_crossings,
    straightened,
)
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.checks import MAX_INTEGER, check_cell, check_coordinates
from lattice_gnn.lattice.crossings import MAX_SPLIT
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.wording import counted

_MOST_BENT = 0.02  #: |t1 + t2| up to which noise may bend the two halves of a strut
DEFAULT_DENSITY = 0.01  #: relative density of a lattice to which its file gives no radii


@dataclass(frozen=True, slots=True)
class FoldRules:
    """Options of folding.

    Attributes:
        split: Make joints where struts cross or touch without a common node.
        join_all: Take out every node that only cuts a straight strut, not just those on faces.
        origin: A corner of the window in fractional coordinates; None: that of the drawing, if it
            spans whole cells.
        tolerance: Points closer than this are one, unit of the drawing; None: told by the struts.
    """

    split: bool = True
    join_all: bool = False
    origin: tuple[float, float, float] | None = None
    tolerance: float | None = None


def recover(
    drawing: Drawing,
    original: Lattice | None,
    cell: Float[np.ndarray, "3 3"] | None = None,
    rules: FoldRules | None = None,
) -> Fold:
    """Return the lattice that a file describes, or else fold its drawing.

    Args:
        drawing: What the file draws.
        original: What it says of itself; believed where the drawing agrees.
        cell: Cell vectors from the user; they win over those of the file.
        rules: How to fold.

    Raises:
        LatticeGnnError: The drawing does not fold.
    """
    if original is None:
        return fold(drawing, cell, rules)
    if cell is None and agrees(drawing, original):
        return Fold(original)
    told = dataclasses.replace(
        drawing,
        name=drawing.name or original.name,
        material=drawing.material if drawing.has_solids else original.material,
        units=drawing.units or original.units,
    )
    folded = fold(told, original.cell if cell is None else cell, rules)
    notes = []
    if cell is None:
        notes.append(
            "the drawing differs from the lattice that the file says it came from (another program "
            "changed it): the drawing was folded into the old cell."
        )
    if not drawing.has_solids and _has_solids(original):
        notes.append("its bores and moduli of single struts, which are not drawn, are lost.")
    report = dataclasses.replace(folded.report, notes=(*notes, *folded.report.notes))
    if cell is None:
        report = dataclasses.replace(report, cell="file")
    return Fold(folded.lattice, report)


def _has_solids(lattice: Lattice) -> bool:
    """Whether struts are hollow, or not all of the material of the lattice."""
    hollow = lattice.inner_radii is not None and bool(lattice.inner_radii.any())
    return hollow or lattice.E is not None or lattice.nu is not None


def fold(
    drawing: Drawing,
    cell: Float[np.ndarray, "3 3"] | None = None,
    rules: FoldRules | None = None,
) -> Fold:
    """Fold a drawing into a cell.

    Points that coincide modulo the cell become one node, a strut drawn several times is kept once,
    struts that cross or touch are joined there, and the halves of a strut that a face cuts become
    one where nothing else meets them.

    Args:
        drawing: Bars in space.
        cell: Cell vectors as rows; None: the box round the drawing, along the axes.
        rules: How.

    Returns:
        The lattice and what was done. Where the drawing has no radii they are equal, and set to a
        relative density of 1 %.

    Raises:
        LatticeGnnError: A bar has no length, a strut ends at a face and nothing continues it on the
            other side, or the drawing is flat and no cell is given.
    """
    rules = rules or FoldRules()
    if len(drawing.bars) == 0:
        raise LatticeGnnError("the drawing has no struts; expected at least one.")
    used, ends = np.unique(drawing.bars, return_inverse=True)
    check_coordinates(drawing.points[used])
    start = _without_short(drawing.points[used], ends.reshape(-1, 2), rules)
    sections = drawing.sections.table[start.source]
    window = _window(start, cell, rules)
    fractions, bars = _fractions(start.points, window), start.bars
    if rules.join_all:
        fractions, bars, source = straightened(fractions, bars, sections, window)
        sections = sections[source]
        window = _with_tolerance(window, fractions, bars, rules)
    net, drawn = first_net(fractions, bars, sections, window)
    notes: list[str] = []
    dropped, crossings = len(bars) - len(net.rows), 0
    if rules.split and len(net.rows) <= MAX_SPLIT:
        net, crossings, overlaps, unlike = split_crossings(net, window)
        dropped, drawn = dropped + overlaps, drawn + unlike
    elif rules.split:
        notes.append(f"with more than {MAX_SPLIT} struts, crossings were not looked for.")
    notes += _left_out(drawn, len(drawing.points) - len(used))
    lattice = _lattice(net, window.cell, drawing)
    corner = _corner(fractions, rules, window)
    _check_ends(lattice, corner, window, cell is None)
    joinable = np.ones(len(net.nodes), dtype=bool) if rules.join_all else net.cut
    folded = _joined(lattice, joinable, net.spread)
    if drawing.radii is None:
        folded = folded.with_relative_density(DEFAULT_DENSITY)
        notes.append("the file gives no radii: set to a relative density of 1 %.")
    spans = folded.connectivity().spans_space
    if cell is None and not spans:
        notes.append("the struts do not span space; if they should, give the cell vectors.")
    report = FoldReport(
        drawn_nodes=len(used),
        drawn_struts=len(drawing.bars),
        nodes=folded.num_nodes,
        struts=folded.num_struts,
        merged_nodes=len(fractions) - len(net.nodes) + crossings,
        dropped_struts=dropped,
        crossings=crossings,
        joined_halves=len(start.points) - len(fractions) + lattice.num_nodes - folded.num_nodes,
        cell="inferred" if cell is None else "given",
        exact=False,
        vectors=tuple(map(tuple, window.cell.tolist())),
        spread=net.spread,
        contracted=len(drawing.bars) - len(start.bars),
        longest_contracted=start.longest,
        dangling=_dangling(folded, fractions.min(axis=0) if corner is None else corner),
        spans_space=spans,
        notes=tuple(notes),
    )
    return Fold(folded, report)


def _left_out(several: int, alone: int) -> list[str]:
    """Return notes on struts of several sections, and on points at which no strut ends."""
    notes = []
    if several:
        notes.append(f"{counted(several, 'strut')} with several sections: the thickest was kept.")
    if alone:
        notes.append(f"points at which no strut ends were left out: {alone}.")
    return notes


def _without_short(
    points: Float[np.ndarray, "points 3"], bars: Int[np.ndarray, "bars 2"], rules: FoldRules
) -> Contracted:
    lengths = np.linalg.norm(points[bars[:, 1]] - points[bars[:, 0]], axis=1)
    return contract_short(points, bars, rules.tolerance or NEAR * _typical(lengths))


def _typical(lengths: Float[np.ndarray, " bars"]) -> float:
    return float(np.median(lengths[lengths > 0])) if (lengths > 0).any() else 0.0


def _window(start: Contracted, cell: Float[np.ndarray, "3 3"] | None, rules: FoldRules) -> Window:
    ends = start.points[start.bars]
    tolerance = rules.tolerance or tolerance_for(np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1))
    if cell is None:
        return Window(_box(start.points, tolerance), tolerance)
    try:
        check_cell(np.asarray(cell, dtype=np.float64))
    except LatticeGnnError:
        raise LatticeGnnError("cell: its three vectors do not span space.") from None
    return Window(np.array(cell, dtype=np.float64), tolerance)


def _with_tolerance(
    window: Window,
    fractions: Float[np.ndarray, "points 3"],
    bars: Int[np.ndarray, "bars 2"],
    rules: FoldRules,
) -> Window:
    """Return the window with the tolerance of the straightened bars."""
    vectors = (fractions[bars[:, 1]] - fractions[bars[:, 0]]) @ window.cell
    tolerance = rules.tolerance or tolerance_for(np.linalg.norm(vectors, axis=1))
    return Window(window.cell, tolerance)


def _fractions(
    points: Float[np.ndarray, "points 3"], window: Window
) -> Float[np.ndarray, "points 3"]:
    fractions = points @ np.linalg.inv(window.cell)
    if not np.abs(fractions).max() <= MAX_INTEGER:
        raise LatticeGnnError(
            f"nodes: expected fractional coordinates below {MAX_INTEGER}, got "
            f"{np.abs(fractions).max():g}"
        )
    return fractions


def _dangling(lattice: Lattice, corner: Float[np.ndarray, "3"]) -> tuple[tuple[float, ...], ...]:
    """Return where struts end alone, within the window."""
    alone = lattice.nodes[lattice.degrees == 1]
    inside = alone - corner - np.floor(alone - corner + 1e-9) + corner
    return tuple(tuple(row) for row in (inside @ lattice.cell).tolist())


def fold_window(
    cell: Float[np.ndarray, "3 3"],
    points: Float[np.ndarray, "points 3"],
    bars: Int[np.ndarray, "bars 2"],
    *,
    name: str = "",
) -> tuple[Lattice, str]:
    """Fold a drawing in fractional coordinates, whose cell has a corner at 0.

    As :func:`fold`, but struts that cross without a common point stay unjoined, and every node that
    only cuts a straight strut goes.

    Args:
        cell: Cell vectors as rows.
        points: Fractional coordinates.
        bars: Struts between points.
        name: Name of the lattice.

    Returns:
        The lattice with equal radii, and a sentence that says what was done.

    Raises:
        LatticeGnnError: As :func:`fold`.
    """
    radii = np.full(len(bars), 0.01 * np.abs(cell).max())
    drawing = Drawing(points @ cell, bars, radii=radii, name=name)
    rules = FoldRules(split=False, join_all=True, origin=(0.0, 0.0, 0.0))
    folded = fold(drawing, cell, rules)
    return folded.lattice, (
        f"folded from a drawing of {counted(len(points), 'node')} and "
        f"{counted(len(bars), 'strut')} to {counted(folded.lattice.num_nodes, 'node')} and "
        f"{counted(folded.lattice.num_struts, 'strut')}"
    )


def _box(points: Float[np.ndarray, "points 3"], tolerance: float) -> Float[np.ndarray, "3 3"]:
    """Return the box round a drawing; of points that noise spreads about a face, the median."""
    low, high = points.min(axis=0), points.max(axis=0)
    extent = np.array(
        [
            np.median(x[x >= b - tolerance]) - np.median(x[x <= a + tolerance])
            for x, a, b in zip(points.T, low, high, strict=True)
        ]
    )
    flat = np.flatnonzero(high - low <= 4 * tolerance)
    if len(flat):
        sizes = " ".join("H" if k in flat else f"{extent[k]:.8g}" for k in range(3))
        raise LatticeGnnError(
            f"the drawing has no extent along {'xyz'[flat[0]]}, so the cell cannot be told from "
            f'it; give the cell vectors: lattice-gnn convert FILE OUT.json --cell "{sizes}" with '
            "the height H of your cell, or ReadOptions(cell=...) in Python"
        )
    return np.diag(extent)


def _lattice(net: DrawnNet, cell: Float[np.ndarray, "3 3"], drawing: Drawing) -> Lattice:
    radii, ends, bores, E, nu = net.sections.T
    return Lattice(
        cell=cell,
        nodes=net.nodes,
        struts=net.rows[:, :2],
        shifts=net.rows[:, 2:],
        radii=radii,
        end_radii=None if np.allclose(radii, ends, rtol=1e-9, atol=0) else ends,
        inner_radii=bores * radii if bores.any() else None,
        E=None if (drawing.material.E == E).all() else E,
        nu=None if (drawing.material.nu == nu).all() else nu,
        name=drawing.name,
        material=drawing.material,
        units=drawing.units,
    )


def _joined(lattice: Lattice, allowed: Bool[np.ndarray, " nodes"], spread: float) -> Lattice:
    """Take out the allowed nodes that only cut a straight strut, as straight as noise leaves it."""
    straight = max(STRAIGHT, min(_MOST_BENT, 4 * spread / float(lattice.lengths.min())))
    return lattice.simplified(straight, only=allowed)


def _corner(
    fractions: Float[np.ndarray, "points 3"], rules: FoldRules, window: Window
) -> Float[np.ndarray, "3"] | None:
    """Return a corner of the window; None if it does not consist of whole cells."""
    if rules.origin is not None:
        return np.array(rules.origin)
    extent = np.ptp(fractions, axis=0)
    whole = np.abs(extent - np.rint(extent)) < 2 * window.near_faces()
    return fractions.min(axis=0) if whole.all() and extent.min() > 0.5 else None


def _check_ends(
    lattice: Lattice, corner: Float[np.ndarray, "3"] | None, window: Window, inferred: bool
) -> None:
    """No strut may end alone at a face of the cell."""
    if corner is None:
        return
    apart = lattice.nodes - corner
    on_face = (np.abs(apart - np.rint(apart)) < 2 * window.near_faces()).any(1)
    alone = np.flatnonzero((lattice.degrees == 1) & on_face)
    if len(alone):
        places = ", ".join(
            "(" + ", ".join(f"{x:.5g}" for x in row) + ")" for row in (lattice.nodes[alone[:4]])
        )
        more = f" and {len(alone) - 4} more" if len(alone) > 4 else ""
        remedy = "give the cell vectors" if inferred else "give the fundamental representation"
        raise LatticeGnnError(
            "the drawing does not fold into a periodic cell: struts end on a face of it, at the "
            f"fractional coordinates {places}{more}, and none continues them on the opposite face; "
            f"a strut is missing, or ends further from its image than the tolerance "
            f"{window.tolerance:.3g} (--tolerance), or the cell is another: {remedy}"
        )
