"""A prediction: its documents, warnings, units and representations."""

import json

import pytest
from typer.testing import CliRunner

import lattice_gnn as lg
from cli.main import app
from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.lattice import Material
from lattice_gnn.surrogate.surrogate import load_surrogate


@pytest.fixture(scope="module")
def prediction():
    lattice = cell("octet", relative_density=0.05).replace(material=Material(70.0, 0.3), units="mm")
    return load_surrogate().predict(lattice)


def test_units_are_those_of_the_material(prediction):
    ratio = prediction.in_units().mandel / prediction.stiffness.mandel
    assert ratio[:3, :3].flatten().tolist() == pytest.approx([70.0] * 9)
    assert prediction.method == "network"


def test_one_line_says_how_far_it_can_be_trusted(prediction):
    text = repr(prediction)
    assert text.startswith("Prediction('octet', Stiffness(C11=")
    assert f"{100 * prediction.expected_error.median:.2g} % (median)" in text
    assert "training domain inside" in text
    assert "\n" not in text


def test_equal_lattices_give_equal_predictions(prediction):
    again = load_surrogate().predict(prediction.lattice)
    assert again == prediction
    assert hash(again) == hash(prediction)
    assert load_surrogate().predict(prediction.lattice.replace(name="other")) != prediction


def test_a_lattice_outside_the_training_domain_is_warned_of():
    thin = load_surrogate("relaxation").predict(cell("kelvin", relative_density=1e-5))
    assert thin.warnings[0].kind == "domain"
    assert str(thin.warnings[0]).startswith("outside the model's training domain: relative density")
    assert "training domain outside" in repr(thin)
    assert thin.expected_error is None


def test_warnings_are_those_of_the_lattice():
    lattice = cell("octet", relative_density=0.3)
    thick = load_surrogate("relaxation").predict(lattice)
    assert "slenderness" in [warning.kind for warning in thick.warnings]
    corrected = load_surrogate("joints").predict(lattice)  # which knows what thick struts do
    assert "slenderness" not in [warning.kind for warning in corrected.warnings]
    assert thick.warnings is thick.warnings  # found once


def test_the_document_is_the_json_of_the_command_line(prediction, tmp_path):
    path = tmp_path / "octet.json"
    lg.write(path, prediction.lattice)
    result = CliRunner().invoke(app, ["predict", str(path), "--json"])
    theirs = json.loads(result.stdout)
    ours = json.loads(json.dumps(prediction.to_dict()))
    assert theirs["lattice"].pop("file") == str(path)
    assert ours["lattice"].pop("file") is None
    assert ours == theirs


def test_the_page_of_a_notebook_shows_lattice_stiffness_and_trust(prediction):
    html = prediction._repr_html_()
    assert html.count("<svg") == 2
    for text in ("octet", "Stiffness, Voigt", "network", "expected error"):
        assert text in html
