"""What every method gives back for one lattice, in one shape."""

from dataclasses import dataclass
from typing import Any

from lattice_gnn.lattice.findings import Finding
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.lattice.memory import Remembering
from lattice_gnn.notebook import table
from lattice_gnn.reports.document import Document
from lattice_gnn.tensors.stiffness import Stiffness


@dataclass(frozen=True, slots=True, repr=False)
class Result(Remembering):
    """Effective stiffness of one lattice; network, beams and solids share this shape.

    Attributes:
        lattice: The lattice as given.
        stiffness: C / E_s, Mandel (6, 6).
    """

    lattice: Lattice
    stiffness: Stiffness

    @property
    def method(self) -> str:
        """How the stiffness was found: "network", "beam" or "solid"."""
        raise NotImplementedError

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What affects this result, the most important first; found at first use and kept."""
        found: tuple[Finding, ...] = self._once("warnings", self._find_warnings)
        return found

    def in_units(self) -> Stiffness:
        """C in the unit of Young's modulus of the lattice's material."""
        return self.stiffness.scaled(self.lattice.material.E)

    def report(self) -> Document:
        """All facts as a typed document: moduli, densities, warnings, what the method knows."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """The document as plain values: the JSON that the command line writes."""
        return self.report().to_dict()

    def _find_warnings(self) -> tuple[Finding, ...]:
        raise NotImplementedError

    def _rows(self) -> list[tuple[str, str]]:
        """Further rows of the table in notebooks."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        """A small table beside pictures of the lattice and its stiffness."""
        warnings = [("warning", warning.text) for warning in self.warnings]
        return (
            self.lattice._repr_html_()
            + self.stiffness._repr_html_()
            + table([("method", self.method), *self._rows(), *warnings])
        )
