"""Documents of named cells."""

from dataclasses import dataclass
from typing import ClassVar

from lattice_gnn.cells.named import CellInfo
from lattice_gnn.reports.document import Document

_RADIUS = 0.01


@dataclass(frozen=True, slots=True)
class CellReport(Document):
    """A named cell.

    Attributes:
        name: Name of the cell.
        aliases: Other names.
        nodes: Nodes per cell.
        struts: Struts per cell.
        parameters: Parameters with their default values; null for no default.
        summary: Short description.
        definition: Full definition: node positions, connectivity, source.
    """

    SCHEMA: ClassVar[str] = "cell/1"

    name: str
    aliases: tuple[str, ...]
    nodes: int
    struts: int
    parameters: dict[str, float | None]
    summary: str
    definition: str


@dataclass(frozen=True, slots=True)
class CellReports(Document):
    """The named cells.

    Attributes:
        cells: One entry per cell.
    """

    SCHEMA: ClassVar[str] = "cells/1"

    cells: tuple[CellReport, ...]


def cell_report(info: CellInfo) -> CellReport:
    """Describe a named cell."""
    lattice = info.build(radius=_RADIUS)
    return CellReport(
        name=info.name,
        aliases=tuple(info.aliases),
        nodes=lattice.num_nodes,
        struts=lattice.num_struts,
        parameters=dict(info.parameters),
        summary=info.summary,
        definition=info.definition,
    )
