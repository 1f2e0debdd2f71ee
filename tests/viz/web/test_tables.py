"""Numbers of a page: warnings once, shares of energy, agreement."""

import re

import pytest

from lattice_gnn.cells.named import cell
from lattice_gnn.tensors.metrics import relative_frobenius
from lattice_gnn.verbs.homogenise import homogenise
from lattice_gnn.verbs.predict import predict
from viz.web.results import Methods, page_lattice
from viz.web.tables import lattice_sections, warning_texts


@pytest.fixture(scope="module")
def thick():
    return cell("kelvin", radius=0.06)


@pytest.fixture(scope="module")
def entry(thick):
    return page_lattice(thick, Methods())


def rows_of(html, caption):
    """Rows of the table with this caption: names and values."""
    start = html.index(f"<caption>{caption}")
    body = html[start : html.index("</table>", start)]
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', body)
    return {name: re.findall(r"<td>(.*?)</td>", cells) for name, cells in rows}


def test_a_warning_names_the_methods_that_it_concerns(entry):
    (text,) = warning_texts(entry.results)
    assert text.startswith("beam FEM: ")
    assert "too thick for beam theory" in text


def test_the_agreement_is_the_relative_difference_of_the_tensors(entry, thick):
    error = relative_frobenius(homogenise(thick).stiffness, predict(thick).stiffness)
    ((shown,), *_) = rows_of(lattice_sections(entry), "Difference from network").values()
    assert float(shown.removesuffix(" %")) == pytest.approx(100 * float(error), rel=0.05)


def test_the_shares_of_the_energy_add_up(entry):
    rows = rows_of(lattice_sections(entry), "Share of the strain energy")
    assert list(rows) == ["11", "22", "33", "23", "13", "12"]
    for values in rows.values():
        total = sum(float(value.removesuffix(" %")) for value in values)
        assert total == pytest.approx(100, abs=2)


def test_a_lattice_outside_the_training_domain_is_told_honestly():
    strange = cell("octet", relative_density=0.9)
    entry = page_lattice(strange, Methods())
    assert not entry.prediction.domain.inside
    assert "OUTSIDE the training domain" in lattice_sections(entry)
    assert any("Outside the model's training domain" in x for x in warning_texts(entry.results))
