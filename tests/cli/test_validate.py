import json

import pytest
from typer.testing import CliRunner

from cli.main import app
from data.formats.lat import CatalogueEntry, write_lat
from fem_reference.beam import homogenise_beam
from lattice_gnn.cells import cell

NAMES = ("bcc", "octet", "kelvin", "diamond")


@pytest.fixture
def catalogue(tmp_path):
    """Four cells at two densities with own tensors, 1 % off, of 5 digits; and one without."""
    entries = []
    for name in NAMES:
        lattice = cell(name, relative_density=0.01).replace(name=name)
        C = homogenise_beam([lattice.with_relative_density(d) for d in (0.002, 0.02)]).stiffness
        references = ((0.002, C[0].scaled(1.01)), (0.02, C[1].scaled(1.01)))
        entries.append(CatalogueEntry(lattice=lattice, references=references))
    entries.append(CatalogueEntry(lattice=cell("fcc", radius=0.02).replace(name="bare")))
    write_lat(tmp_path / "own.lat", entries, "voigt", digits=5)
    return tmp_path / "own.lat"


def run(*words):
    return CliRunner().invoke(app, ["validate", *map(str, words)])


def test_json_holds_the_documented_keys_and_the_known_difference(catalogue):
    result = run(catalogue, "--json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert report["lattices"] == 8
    assert report["stiffness"]["median"] == pytest.approx(0.01 / 1.01, abs=2e-4)
    assert report["compliance"]["p99"] == pytest.approx(0.01, abs=2e-4)
    assert report["softest"]["p99"] == pytest.approx(0.01 / 1.01, abs=2e-4)
    assert 0 < report["rounding_floor"]["median"] < 1e-3
    assert set(report["stiffness"]) == {"median", "mean", "p90", "p99", "max"}
    assert report["without_reference"] == ["bare"]
    assert {row["name"] for row in report["worst"]} == set(NAMES)


def test_table_names_the_worst_and_what_was_left_out(catalogue):
    result = run(catalogue)
    assert result.exit_code == 0
    assert "8 reference tensors" in result.stdout
    assert "left out, no tensor: bare" in result.stdout
    assert "kelvin" in result.stdout


def test_timoshenko_differs_from_euler_bernoulli(catalogue):
    soft, stiff = (
        json.loads(run(catalogue, "--json", "--element", element).stdout)["softest"]["max"]
        for element in ("timoshenko", "euler-bernoulli")
    )
    assert soft > 1.02 * stiff


def test_parity_plot_is_drawn(catalogue, tmp_path):
    result = run(catalogue, "--plot", tmp_path / "parity.png")
    assert result.exit_code == 0
    assert (tmp_path / "parity.png").stat().st_size > 20_000


def test_unreadable_catalogue_is_one_sentence_and_exit_code_2(tmp_path):
    (tmp_path / "bad.lat").write_text("Name: x\nNodal positions:\n0 0\n")
    result = run(tmp_path / "bad.lat")
    assert result.exit_code == 2
    assert "bad.lat, line 3: nodes: expected 3 numbers, got 2 words" in result.stderr


def test_catalogue_without_tensors_is_one_sentence(tmp_path):
    bare = CatalogueEntry(lattice=cell("fcc", radius=0.02).replace(name="bare"))
    write_lat(tmp_path / "bare.lat", [bare])
    result = run(tmp_path / "bare.lat")
    assert result.exit_code == 2
    assert "none of its 1 entries carries a compliance tensor" in result.stderr
