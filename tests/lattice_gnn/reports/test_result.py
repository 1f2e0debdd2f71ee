"""What all methods share: units, warnings found once, one line, a page."""

from dataclasses import dataclass

import pytest

from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.findings import Finding
from lattice_gnn.lattice.lattice import Material
from lattice_gnn.reports.lattice import lattice_report
from lattice_gnn.reports.result import Result
from lattice_gnn.tensors.stiffness import Stiffness

CALLS = []


@dataclass(frozen=True, slots=True, repr=False)
class Guess(Result):
    """A method of its own."""

    @property
    def method(self):
        return "guess"

    def report(self):
        return lattice_report(self.lattice)

    def _find_warnings(self):
        CALLS.append(self)
        return (Finding("guess", "a < b"),)

    def _facts(self):
        return (("trust", "none"),)


@pytest.fixture
def guess():
    lattice = cell("bcc", radius=0.05).replace(material=Material(E=200.0))
    return Guess(lattice, Stiffness.isotropic(0.01, 0.2))


def test_units_are_those_of_the_material(guess):
    assert guess.in_units().young_modulus([1.0, 0.0, 0.0]).item() == pytest.approx(2.0)


def test_warnings_are_found_once(guess):
    CALLS.clear()
    assert guess.warnings == guess.warnings == (Finding("guess", "a < b"),)
    assert [guess] == CALLS


def test_one_line_document_and_page(guess):
    assert repr(guess).startswith("Guess('bcc', Stiffness(C11=")
    assert repr(guess).endswith(", by guess, trust none)")
    assert guess.to_dict() == guess.report().to_dict()
    html = guess._repr_html_()
    assert html.count("<svg") == 2
    assert "a &lt; b" in html


def test_a_method_must_say_everything():
    with pytest.raises(TypeError, match="abstract"):
        Result(cell("bcc", radius=0.05), Stiffness.isotropic())
