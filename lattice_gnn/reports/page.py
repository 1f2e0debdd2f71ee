"""The document inside a report page: lattices with all their results, and where they come from."""

from dataclasses import dataclass
from typing import Any, ClassVar

from lattice_gnn.reports.document import Document
from lattice_gnn.reports.homogenisation import HomogenisationReport
from lattice_gnn.reports.lattice import LatticeReport
from lattice_gnn.reports.prediction import PredictionReport


@dataclass(frozen=True, slots=True)
class Provenance:
    """By what a page was computed.

    Attributes:
        created: Date and time (UTC, ISO 8601).
        python: Version of Python.
        platform: Operating system and processor.
        packages: Versions of the packages that the numbers depend on.
        seconds: Time that the computation took.
    """

    created: str
    python: str
    platform: str
    packages: dict[str, str]
    seconds: float


@dataclass(frozen=True, slots=True)
class PageLattice:
    """One lattice of a page, with its results by every requested method.

    Attributes:
        lattice: The lattice itself, as a file of schema ``lattice-gnn/lattice/1``.
        info: Its geometry, net and findings.
        prediction: Result of the network, if requested.
        beam: Result of beam FEM, if requested.
        solid: Result of solid FEM, if requested.
    """

    lattice: dict[str, Any]
    info: LatticeReport
    prediction: PredictionReport | None = None
    beam: HomogenisationReport | None = None
    solid: HomogenisationReport | None = None

    @property
    def results(self) -> "dict[str, PredictionReport | HomogenisationReport]":
        """The results that are present, by the title of their method."""
        found = {"network": self.prediction, "solid FEM": self.solid, "beam FEM": self.beam}
        return {title: result for title, result in found.items() if result is not None}


@dataclass(frozen=True, slots=True)
class PageReport(Document):
    """Everything that a report page shows.

    Attributes:
        provenance: By what it was computed.
        lattices: The lattices with their results.
    """

    SCHEMA: ClassVar[str] = "report/1"

    provenance: Provenance
    lattices: tuple[PageLattice, ...]
