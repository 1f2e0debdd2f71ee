"""Base class of the results of all methods for one lattice."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from lattice_gnn.lattice.findings import Finding
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.lattice.memory import Remembering
from lattice_gnn.notebook import table
from lattice_gnn.reports.document import Document
from lattice_gnn.tensors.stiffness import Stiffness

Value = str | int | float | bool | None
"""A field of a table."""


@dataclass(frozen=True, slots=True, repr=False)
class Result(Remembering, ABC):
    """Effective stiffness of one lattice; network, beam FEM and solid FEM share this shape.

    Attributes:
        lattice: The lattice as given.
        stiffness: C / E_s, Mandel (6, 6).
    """

    lattice: Lattice
    stiffness: Stiffness

    @property
    @abstractmethod
    def method(self) -> str:
        """How the stiffness was computed: "network", "beam" or "solid"."""

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What affects this result, most important first; computed at first use and cached."""
        found: tuple[Finding, ...] = self._once("warnings", self._find_warnings)
        return found

    def in_units(self) -> Stiffness:
        """Return C in the unit of Young's modulus of the lattice's material."""
        return self.stiffness.scaled(self.lattice.material.E)

    @abstractmethod
    def report(self) -> Document:
        """Return the result as a typed document: moduli, densities, warnings, method."""

    def to_dict(self) -> dict[str, Any]:
        """Return the document as plain values: the JSON that the command line writes."""
        return self.report().to_dict()

    @abstractmethod
    def _find_warnings(self) -> tuple[Finding, ...]:
        """List what affects this result, most important first."""

    @abstractmethod
    def _facts(self) -> tuple[tuple[str, str], ...]:
        """Return what the method reports about this result, as names and values for display."""

    def columns(self) -> dict[str, Value]:
        """Return what the method reports about this result, for a table of many."""
        return {}

    def __repr__(self) -> str:
        """Return one line: lattice, stiffness, method, facts of the method."""
        facts = "".join(f", {name} {value}" for name, value in self._facts())
        name = type(self).__name__
        return f"{name}({self.lattice.name!r}, {self.stiffness}, by {self.method}{facts})"

    def _repr_html_(self) -> str:
        """Return lattice and stiffness, each with its drawing, and facts of the method, as HTML."""
        rows = [("method", self.method), *self._facts()]
        rows += [("warning", warning.text) for warning in self.warnings]
        return self.lattice._repr_html_() + self.stiffness._repr_html_() + table(rows)
