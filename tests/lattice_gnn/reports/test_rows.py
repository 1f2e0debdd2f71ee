"""Rows of many results: every value is that of the result itself."""

import csv
import io
import sys

import numpy as np
import pandas as pd
import pytest

import lattice_gnn as lg
from lattice_gnn.reports.rows import COMPONENTS, SEARCHED, Results, rows_as_csv


@pytest.fixture(scope="module")
def beams():
    cells = [lg.cell(name, relative_density=0.05) for name in ("octet", "bcc", "re-entrant")]
    return lg.homogenise([x.perturbed(0.02, seed=3) for x in cells])


def test_every_value_is_that_of_the_result(beams):
    for row, result in zip(beams.rows(full=True), beams, strict=True):
        C = result.stiffness
        assert row["name"] == result.lattice.name
        assert row["relative_density"] == result.lattice.relative_density
        order = ["11", "22", "33", "23", "13", "12"]
        for name in COMPONENTS:
            i, j = (order.index(part) for part in name.split("_")[1:])
            assert row[name] == C.voigt[i, j].item()
        assert row["E_2"] == pytest.approx(C.young_modulus([0.0, 1.0, 0.0]).item())
        assert row["G_13"] == pytest.approx(C.shear_modulus([1.0, 0, 0], [0, 0, 1.0]).item())
        assert row["K"] == pytest.approx(C.bulk_modulus().item())
        assert row["nu"] == pytest.approx(C.poisson_ratio().item())
        assert row["E_max"] == pytest.approx(C.extrema("E").max.item())
        assert row["nu_min"] == pytest.approx(C.extrema("nu").min.item())
        assert row["symmetry"] == C.classify().name
        assert (row["method"], row["rank"], row["estimated_error"]) == ("beam", 6, None)


def test_a_list_of_results_is_displayed_as_a_table(beams):
    title, heads, *lines = repr(beams).splitlines()
    assert title == ("3 results, moduli over E_s, method beam, element euler-bernoulli, rank 6")
    assert heads.split() == ["density", "E_1", "E_2", "E_3", "K", "G"]
    for line, row in zip(lines, beams.rows(), strict=True):
        name, *values = line.split()
        assert name == row["name"]
        columns = ("relative_density", "E_1", "E_2", "E_3", "K", "G")
        assert [float(x) for x in values] == pytest.approx([row[x] for x in columns], rel=1e-3)
    assert len({len(line) for line in (heads, *lines)}) == 1  # aligned
    html = beams._repr_html_()
    assert html.count("<tr>") == 4
    assert "octet" in html
    assert beams == list(beams)
    assert repr(Results()) == "[]"


def test_a_long_list_is_displayed_in_part(beams):
    many = Results([*beams] * 10)
    assert repr(many).splitlines()[-1] == "... and 10 more"
    assert len(repr(many).splitlines()) == 2 + 20 + 1
    assert "... and 10 more" in many._repr_html_()


@pytest.mark.filterwarnings("ignore::fem_reference.beam.homogenise.RankWarning")
def test_what_differs_between_results_has_a_column():
    layer = lg.Lattice(np.eye(3), [[0.5] * 3], [[0, 0]] * 2, [[1, 0, 0], [0, 1, 0]], 0.05)
    found = lg.homogenise([layer, lg.cell("octet", relative_density=0.05)])
    _, heads, singular, regular = repr(found).splitlines()
    assert heads.split()[-1] == "rank"
    assert singular.split()[-6:] == ["-"] * 5 + [str(found[0].rank)]
    assert regular.split()[-1] == "6"


def test_searches_are_made_on_demand(beams):
    assert all(not set(SEARCHED) & set(row) for row in beams.rows())
    assert all(set(SEARCHED) <= set(row) for row in beams.rows(full=True))


@pytest.mark.filterwarnings("ignore::fem_reference.beam.homogenise.RankWarning")
def test_a_singular_stiffness_has_components_and_no_moduli():
    layer = lg.Lattice(np.eye(3), [[0.5] * 3], [[0, 0]] * 2, [[1, 0, 0], [0, 1, 0]], 0.05)
    octet = lg.cell("octet", relative_density=0.05)
    singular, regular = lg.homogenise([layer, octet]).rows(full=True)
    assert singular["C_11_11"] == pytest.approx(np.pi * 0.05**2)
    assert singular["E_1"] is singular["E_max"] is singular["symmetry"] is None
    assert regular["symmetry"] == "cubic"


def test_a_data_frame_has_one_row_per_result(beams):
    frame = beams.to_dataframe()
    assert isinstance(frame, pd.DataFrame)
    assert list(frame["name"]) == ["octet", "bcc", "re-entrant"]
    assert frame["C_11_11"].dtype == np.float64
    assert len(beams[1:].to_dataframe()) == 2
    assert beams[0].lattice.name == "octet"


def test_without_pandas_the_message_says_what_to_install(beams, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(lg.LatticeGnnError, match="pip install pandas"):
        beams.to_dataframe()


def test_predictions_report_model_error_and_domain():
    rows = lg.predict([lg.cell("octet", relative_density=x) for x in (0.05, 0.9)]).rows()
    assert [row["in_domain"] for row in rows] == [True, False]
    assert 0 < rows[0]["expected_error"] < rows[0]["expected_error_p90"] < 0.1
    assert rows[0]["expected_error_from"] == "solid FEM"
    assert rows[1]["expected_error"] is None
    assert "relative density" in rows[1]["domain_notes"]


def test_no_results_give_no_rows():
    assert Results().rows() == []
    assert lg.predict([]).rows() == []


def test_csv_keeps_every_digit_and_quotes_names():
    rows = [{"name": 'a, "b"', "x": 0.1 + 0.2, "none": None}, {"name": "c", "x": 1, "late": 2}]
    read = list(csv.DictReader(io.StringIO(rows_as_csv(rows))))
    assert read[0]["name"] == 'a, "b"'
    assert float(read[0]["x"]) == 0.1 + 0.2
    assert [row["late"] for row in read] == ["", "2"]
    assert read[0]["none"] == ""
