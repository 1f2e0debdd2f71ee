"""nTop lattice graphs, ``.ltcx``: XML with nodes and beams.

::

    <graph id="0" name="" units="mm" type="rnd">
      <nodegroup><node id="0" x="-0.5" y="-0.5" z="-0.5"/> ...</nodegroup>
      <beamgroup><beam id="0" n1="0" n2="4"/> ...</beamgroup>
    </graph>

Beams may carry ``r1`` and ``r2``, the radii at their ends, or nodes ``r``; files of unit cells
mostly have none. Radii and diameters are understood under other names too. Faces and other elements
are skipped, which is said.
Our own files add the lattice itself in a processing instruction, which other programs skip.

Source: the specification of github.com/nTopology/LTCX and the unit cells of
github.com/unitcellhub/unitcellengine.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

from data.drawings.builder import DrawingBuilder
from data.drawings.drawing import draw, passport_text, read_passport
from data.drawings.fold_report import Fold
from data.formats import columns
from data.formats.options import ReadOptions, fold_file, only_one
from data.reading import (
    Place,
    XmlHandler,
    attribute,
    in_chunks,
    number,
    parse_xml,
    read_bytes,
)
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import write_whole
from lattice_gnn.lattice.lattice import Lattice

TARGET = "lattice-gnn"
_GROUPS = ("nodegroup", "beamgroup", "facegroup")


class _Graph:
    """The graph of one file, while it is read."""

    def __init__(self) -> None:
        self.builder = DrawingBuilder()
        self.name = ""
        self.units = ""
        self.passport = ""
        self.is_graph = False
        self.at_nodes: list[float] = []
        self.unknown: dict[str, None] = {}
        self.skipped: Counter[str] = Counter()
        self.notes: dict[str, None] = {}

    def start(self, tag: str, attributes: dict[str, str], place: Place) -> None:
        tag = tag.rpartition(" ")[2]
        if not self.is_graph:
            if tag != "graph":
                raise place.error(f"not an nTop lattice: expected <graph>, got <{tag}>")
            self.is_graph = True
            self.name = attributes.get("name", "")
            self.units = attributes.get("units", "")
            self._skip(attributes, ("id", "name", "units", "type"))
        elif tag == "node":
            x, y, z = (
                number(attribute(attributes, k, tag, place), place, f"node {k}") for k in "xyz"
            )
            self.builder.add_point(attribute(attributes, "id", tag, place), (x, y, z), place)
            sizes = self._sizes(attributes, ("id", "x", "y", "z"), columns.OF_NODES, place)
            self.at_nodes.append(sizes.get("radius", float("nan")))
        elif tag == "beam":
            ends = tuple(attribute(attributes, key, tag, place) for key in ("n1", "n2"))
            sizes = self._sizes(attributes, ("id", "n1", "n2"), columns.OF_ENDS, place)
            radii = [sizes[key] for key in ("radius", "end_radius") if key in sizes]
            self.builder.add_bar((ends[0], ends[1]), place, *radii)
        elif tag == "graph":
            raise place.error("a second <graph>: expected one; write a file for each")
        elif tag in _GROUPS:
            self._skip(attributes, ("id",))
        else:
            self.skipped[tag] += 1

    def _skip(self, attributes: Iterable[str], known: Sequence[str]) -> None:
        """Note the attributes that are not read; those of namespaces only concern XML."""
        self.unknown.update(dict.fromkeys(x for x in attributes if x not in known and " " not in x))

    def _sizes(
        self, attributes: dict[str, str], known: Sequence[str], keys: Sequence[str], place: Place
    ) -> dict[str, float]:
        """Return the radii among attributes, and note which of these are not understood."""
        names = [name for name in attributes if name not in known]
        try:
            found = columns.sizes_among(names, self.units, keys)
        except LatticeGnnError as error:
            raise place.error(str(error)) from None
        self.unknown.update(dict.fromkeys(name for name in names if name not in found.names))
        self.notes.update(dict.fromkeys(found.notes))
        return {
            key: factor * number(attributes[name], place, name)
            for key, (name, factor) in found.columns.items()
        }

    def instruction(self, target: str, text: str) -> None:
        if target == TARGET:
            self.passport = text


def read(path: Path, options: ReadOptions) -> list[Fold]:
    """Read an nTop lattice and fold it into its cell.

    Raises:
        LatticeGnnError: Naming file and line.
    """
    graph = _Graph()
    handler = XmlHandler(start=graph.start, instruction=graph.instruction)
    parse_xml(in_chunks(read_bytes(path)), path.name, handler)
    if not graph.is_graph:
        raise LatticeGnnError(f"{path.name}: not an nTop lattice: there is no <graph>.")
    drawing = graph.builder.drawing(path.name, name=graph.name, units=graph.units)
    notes = [*graph.notes, *columns.skipped_note(graph.unknown)]
    if graph.skipped:
        several = ", ".join(f"{count} {tag[:30]}" for tag, count in sorted(graph.skipped.items()))
        notes.append(f"elements that are not known here were skipped: {several[:200]}.")
    drawing, more = columns.with_node_radii(drawing, graph.at_nodes, path.name)
    original = read_passport(graph.passport, path.name) if graph.passport else None
    return [fold_file(path.name, drawing, original, options, notes=[*notes, *more])]


def write(path: Path, lattices: Sequence[Lattice]) -> None:
    """Write one lattice, with the images of nodes that its struts end at.

    Raises:
        LatticeGnnError: There are several, or the file cannot be written.
    """
    lattice = only_one(path, lattices, "nTop")
    drawing = draw(lattice)
    ends = lattice.sections.end_radii
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    lines.append(
        f'<graph id="0" name={quoteattr(lattice.name)} units={quoteattr(lattice.units)} type="rnd">'
    )
    lines += [f"  <?{TARGET} {passport_text(lattice)}?>", "  <nodegroup>"]
    for label, (x, y, z) in enumerate(drawing.points.tolist()):
        lines.append(f'    <node id="{label}" x="{x!r}" y="{y!r}" z="{z!r}"/>')
    lines += ["  </nodegroup>", "  <beamgroup>"]
    rows = zip(drawing.bars.tolist(), lattice.radii.tolist(), ends.tolist(), strict=True)
    for label, ((i, j), r1, r2) in enumerate(rows):
        lines.append(f'    <beam id="{label}" n1="{i}" n2="{j}" r1="{r1!r}" r2="{r2!r}"/>')
    lines += ["  </beamgroup>", "</graph>", ""]
    write_whole(path, "\n".join(lines))
