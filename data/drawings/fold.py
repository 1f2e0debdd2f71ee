"""From a drawing of one cell, with copies of boundary nodes and cut struts, to a lattice.

Formats with absolute coordinates hold a window onto a lattice: a node on a face is drawn on the
opposite face too, a strut on a face or an edge up to four times, a strut through a face as two
halves, and struts that cross may have no node where they meet.
"""

import dataclasses
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Int

from data.drawings.drawing import Drawing, agrees
from data.drawings.periodic_net import (
    STRAIGHT,
    TOLERANCE,
    DrawnNet,
    first_net,
    split_crossings,
    straightened,
)
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.checks import MAX_INTEGER
from lattice_gnn.lattice.collinear import removable_nodes
from lattice_gnn.lattice.crossings import MAX_SPLIT
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.lattice.topology import simplify_topology

DEFAULT_DENSITY = 0.01  #: relative density of a lattice to which its file gives no radii


@dataclass(frozen=True, slots=True)
class FoldReport:
    """What was done to a drawing.

    Attributes:
        drawn_nodes: Points of the drawing at which bars end.
        drawn_struts: Bars of the drawing.
        nodes: Nodes of the lattice.
        struts: Struts of the lattice.
        merged_nodes: Points that became one with another modulo the cell.
        dropped_struts: Bars that repeat another one.
        crossings: Joints made where struts met without a common node.
        joined_halves: Nodes taken out between the halves of a straight strut.
        cell: "given", "inferred" (the box round the drawing) or "file".
        exact: Whether the file described the lattice itself and the drawing agrees.
        notes: Whatever else a user should know, one sentence each.
    """

    drawn_nodes: int = 0
    drawn_struts: int = 0
    nodes: int = 0
    struts: int = 0
    merged_nodes: int = 0
    dropped_struts: int = 0
    crossings: int = 0
    joined_halves: int = 0
    cell: str = "file"
    exact: bool = True
    notes: tuple[str, ...] = ()

    def sentences(self) -> tuple[str, ...]:
        """Return what was done, one sentence each; nothing where the lattice came as it is."""
        if self.exact:
            return self.notes
        done = [
            f"folded from a drawing of {self.drawn_nodes} nodes and {self.drawn_struts} struts to "
            f"{self.nodes} nodes and {self.struts} struts, cell {self.cell}."
        ]
        counts = (
            (self.merged_nodes, "drawn nodes are images of others and were merged."),
            (self.dropped_struts, "struts were drawn more than once and are kept once."),
            (self.crossings, "joints were made where struts met without a node."),
            (self.joined_halves, "nodes that only cut a straight strut were taken out."),
        )
        done += [f"{count} {what}" for count, what in counts if count]
        return (*done, *self.notes)


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """A lattice from a file, and what was done to get it."""

    lattice: Lattice
    report: FoldReport = field(default_factory=FoldReport)


@dataclass(frozen=True, slots=True)
class FoldRules:
    """How to fold.

    Attributes:
        split: Make joints where struts cross or touch without a common node.
        join_all: Take out every node that only cuts a straight strut, not just those on faces.
        origin: A corner of the window in fractional coordinates; None: that of the drawing, if it
            spans whole cells.
    """

    split: bool = True
    join_all: bool = False
    origin: tuple[float, float, float] | None = None


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
        cell: Cell vectors from the user; they win over everything.
        rules: How to fold.

    Raises:
        LatticeGnnError: The drawing does not fold.
    """
    if original is None or cell is not None:
        return fold(drawing, cell, rules)
    if agrees(drawing, original):
        return Fold(original)
    told = dataclasses.replace(
        drawing,
        name=drawing.name or original.name,
        material=original.material,
        units=drawing.units or original.units,
    )
    folded = fold(told, original.cell, rules)
    note = (
        "the drawing differs from the lattice that the file says it came from (another program "
        "changed it): the drawing was folded into the old cell."
    )
    report = dataclasses.replace(folded.report, cell="file", notes=(note, *folded.report.notes))
    return Fold(folded.lattice, report)


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
    points = drawing.points[used]
    notes: list[str] = []
    box = _box(points) if cell is None else np.array(cell, dtype=np.float64)
    fractions = points @ _inverse(box)
    if np.abs(fractions).max() > MAX_INTEGER:
        raise LatticeGnnError(
            f"nodes: expected fractional coordinates below {MAX_INTEGER}, got "
            f"{np.abs(fractions).max():g}"
        )
    bars = ends.reshape(-1, 2)
    source = np.arange(len(bars))
    if rules.join_all:
        fractions, bars, source = straightened(fractions, bars, drawing, box)
    net, drawn = first_net(fractions, bars, drawing, source)
    cut_through = len(points) - len(fractions)
    merged = len(fractions) - len(net.nodes)
    dropped = len(bars) - len(net.rows)
    if drawn:
        notes.append(f"{drawn} struts were drawn with several sections; the thickest was kept.")
    if rules.split and len(net.rows) <= MAX_SPLIT:
        net, crossings, overlaps = split_crossings(net, box)
        dropped += overlaps
    else:
        crossings = 0
        if rules.split:
            notes.append(f"with more than {MAX_SPLIT} struts, crossings were not looked for.")
    lattice = _lattice(net, box, drawing)
    _check_ends(lattice, _corner(fractions, rules), cell is None)
    joinable = np.ones(len(net.nodes), dtype=bool) if rules.join_all else net.cut
    folded = _joined(lattice, joinable)
    if drawing.radii is None:
        folded = folded.with_relative_density(DEFAULT_DENSITY)
        notes.append("the file gives no radii: set to a relative density of 1 %.")
    if cell is None and not folded.connectivity().spans_space:
        notes.append("the struts do not span space; if they should, give the cell vectors.")
    return Fold(
        folded,
        FoldReport(
            drawn_nodes=len(points),
            drawn_struts=len(drawing.bars),
            nodes=folded.num_nodes,
            struts=folded.num_struts,
            merged_nodes=merged,
            dropped_struts=dropped,
            crossings=crossings,
            joined_halves=cut_through + lattice.num_nodes - folded.num_nodes,
            cell="inferred" if cell is None else "given",
            exact=False,
            notes=tuple(notes),
        ),
    )


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
        The lattice with radii 1, and a sentence that says what was done.

    Raises:
        LatticeGnnError: As :func:`fold`.
    """
    drawing = Drawing(points @ cell, bars, radii=np.ones(len(bars)), name=name)
    rules = FoldRules(split=False, join_all=True, origin=(0.0, 0.0, 0.0))
    folded = fold(drawing, cell, rules)
    return folded.lattice, (
        f"folded from a drawing of {len(points)} nodes and {len(bars)} struts to "
        f"{folded.lattice.num_nodes} nodes and {folded.lattice.num_struts} struts"
    )


def _box(points: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, "3 3"]:
    extent = np.ptp(points, axis=0)
    flat = np.flatnonzero(extent <= 1e-6 * extent.max())
    if len(flat):
        raise LatticeGnnError(
            f"the drawing has no extent along {'xyz'[flat[0]]}, so the cell cannot be told from "
            "it; give the cell vectors."
        )
    return np.diag(extent)


def _inverse(cell: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "3 3"]:
    try:
        return np.linalg.inv(cell)
    except np.linalg.LinAlgError:
        raise LatticeGnnError("cell: its three vectors do not span space.") from None


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


def _joined(lattice: Lattice, allowed: Bool[np.ndarray, " nodes"]) -> Lattice:
    """Take out the allowed nodes that only cut a straight strut."""
    if allowed.all():
        return lattice.simplified(STRAIGHT)
    fields = ("radii", "end_radii", "inner_radii", "E", "nu")
    values = {name: getattr(lattice, name) for name in fields}
    present = [lattice.radii if values[n] is None else values[n] for n in fields[:2]]
    present += [values[n] for n in fields[2:] if values[n] is not None]
    sections = np.stack(present, axis=1)
    vectors = lattice.strut_vectors
    go = removable_nodes(lattice.struts, vectors, sections, lattice.num_nodes, STRAIGHT) & allowed
    if not go.any():
        return lattice
    new = simplify_topology(lattice.struts, lattice.shifts, go)
    source = np.array([path[0][0] for path in new.sources])
    kept = {name: None if x is None else x[source] for name, x in values.items()}
    return lattice.replace(
        nodes=lattice.nodes[new.kept_nodes], struts=new.struts, shifts=new.shifts, **kept
    )


def _corner(
    fractions: Float[np.ndarray, "points 3"], rules: FoldRules
) -> Float[np.ndarray, "3"] | None:
    """Return a corner of the window; None if it does not consist of whole cells."""
    if rules.origin is not None:
        return np.array(rules.origin)
    extent = np.ptp(fractions, axis=0)
    whole = np.abs(extent - np.rint(extent)) < TOLERANCE
    return fractions.min(axis=0) if whole.all() and extent.min() > 0.5 else None


def _check_ends(lattice: Lattice, corner: Float[np.ndarray, "3"] | None, inferred: bool) -> None:
    """No strut may end alone at a face of the cell."""
    if corner is None:
        return
    apart = lattice.nodes - corner
    on_face = (np.abs(apart - np.rint(apart)) < TOLERANCE).any(1)
    alone = np.flatnonzero((lattice.degrees == 1) & on_face)
    if len(alone):
        place = ", ".join(f"{x:.5g}" for x in lattice.nodes[alone[0]])
        remedy = "give the cell vectors" if inferred else "give the fundamental representation"
        raise LatticeGnnError(
            f"the drawing does not fold into a periodic cell: a strut ends at ({place}) on a face "
            f"and none continues it on the opposite face; {remedy}"
        )
