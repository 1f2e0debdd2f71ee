"""A readable report of what folding did to a drawing."""

from dataclasses import dataclass, field

from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.wording import counted


@dataclass(frozen=True, slots=True)
class FoldReport:
    """What folding did to a drawing.

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
        vectors: The cell vectors; () where nothing was folded.
        spread: Largest distance of drawn nodes that were merged.
        contracted: Struts so short that their two ends became one node.
        longest_contracted: Length of the longest of these.
        dangling: Where struts end alone.
        spans_space: Whether the struts connect the cell with its images in three dimensions.
        kind: The format, where it is told only by the whole file; "" otherwise.
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
    vectors: tuple[tuple[float, ...], ...] = ()
    spread: float = 0.0
    contracted: int = 0
    longest_contracted: float = 0.0
    dangling: tuple[tuple[float, ...], ...] = ()
    spans_space: bool = True
    kind: str = ""
    notes: tuple[str, ...] = ()

    def sentences(self) -> tuple[str, ...]:
        """Return what was done, one sentence each; nothing where the lattice came as it is."""
        if self.exact:
            return self.notes
        done = [
            f"folded from a drawing of {counted(self.drawn_nodes, 'node')} and "
            f"{counted(self.drawn_struts, 'strut')} to {counted(self.nodes, 'node')} and "
            f"{counted(self.struts, 'strut')}, cell {self.cell}: {self._vectors()}."
        ]
        apart = ""
        if self.spread > 1e-9 * max(map(max, self.vectors or ((0.0,),))):
            apart = f" (largest distance {self.spread:.2g})"
        longest = f"the longest is {self.longest_contracted:.3g} long"
        counts = (
            (self.merged_nodes, "drawn node{s} {images} and {was_were} merged"
             f"{apart}."),
            (self.dropped_struts, "strut{s} {was_were} drawn more than once and {is_are} kept "
             "once."),
            (self.contracted, "strut{s} so short that {it_they} only {stands_stand} for a joint "
             f"became one node ({longest})."),
            (self.crossings, "joint{s} {was_were} made where struts met without a node."),
            (self.joined_halves, "node{s} that only cut a straight strut {was_were} taken out."),
        )  # fmt: skip
        done += [f"{count} {_counted(count, what)}" for count, what in counts if count]
        if self.dangling:
            done.append(f"{self.dangling_text()}; nothing continues them.")
        return (*done, *self.notes)

    def _vectors(self) -> str:
        """Return the cell for people: its edge lengths where it is a box along the axes."""
        rows = self.vectors
        if all(x == 0 for i, row in enumerate(rows) for j, x in enumerate(row) if i != j):
            return " x ".join(f"{rows[k][k]:.6g}" for k in range(len(rows)))
        return ", ".join("(" + " ".join(f"{x:.6g}" for x in row) + ")" for row in rows)

    def dangling_text(self) -> str:
        """Return where struts end alone."""
        places = [f"({', '.join(f'{x:.5g}' for x in place)})" for place in self.dangling[:4]]
        more = len(self.dangling) - len(places)
        rest = f" and {more} more" if more else ""
        count = _counted(len(self.dangling), "end{s} of struts {stands_stand} alone")
        return f"{len(self.dangling)} {count}, at {', '.join(places)}{rest}"

    def why_not_spanning(self) -> str:
        """Return the likely cause why a folded drawing does not span space."""
        if self.dangling:
            return (
                f"{self.dangling_text()}: a strut is missing, or points that should be one lie "
                "further apart than the tolerance (--tolerance gives another)"
            )
        return (
            f"the cell is the box round the drawing, {self._vectors()}; if the lattice has "
            "another, give it with --cell"
        )


def _counted(count: int, text: str) -> str:
    """Return a sentence with its words in the singular or the plural."""
    one = count == 1
    return text.format(
        s="" if one else "s",
        is_are="is" if one else "are",
        was_were="was" if one else "were",
        images="is an image of another" if one else "are images of others",
        it_they="it" if one else "they",
        stands_stand="stands" if one else "stand",
    )


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """A lattice from a file, and what was done to get it."""

    lattice: Lattice
    report: FoldReport = field(default_factory=FoldReport)
