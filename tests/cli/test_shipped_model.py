"""The model inside the package, as a user meets it first."""

from pathlib import Path

import pytest

SAMPLES = Path(__file__).parents[2] / "data" / "samples"


@pytest.mark.parametrize("name", ["octet", "bcc", "kelvin", "diamond", "asymmetric"])
def test_the_samples_lie_inside_the_domain_and_near_the_fem(name, answer):
    found = answer("predict", SAMPLES / f"{name}.json", "--model", "relaxation", "--check")
    assert found["model"]["name"] == "relaxation"
    assert found["domain"] == {"inside": True, "notes": []}
    expected = found["model"]["expected_error"]
    assert 0 < expected["median"] < expected["p90"] < 0.5
    assert found["check"]["relative_frobenius"] < 3 * expected["p90"]


@pytest.mark.parametrize("name", ["octet", "bcc", "kelvin", "diamond"])
def test_the_default_is_near_the_solid_reference_where_the_frame_is_not(name, answer):
    solid = ("--check", "solid", "--voxels-per-diameter", "6")
    found = answer("predict", SAMPLES / f"{name}.json", *solid)
    assert found["model"]["name"] == "joints"
    assert found["domain"]["inside"]
    error, bound = found["check"]["relative_frobenius"], found["model"]["expected_error"]["p90"]
    assert error < bound + 0.005  # and what 6 voxels per diameter are off
    assert found["frame"]["relative_frobenius"] > 5 * error


def test_the_report_names_the_model_and_its_error(run):
    result = run("predict", SAMPLES / "octet.json")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert "model             joints" in result.stdout
    assert "held-out labels" in result.stdout
