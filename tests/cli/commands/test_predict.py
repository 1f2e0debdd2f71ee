"""predict: what it says agrees with the library, with the FEM and with itself."""

import json

import numpy as np
import pytest

from fem_reference.solid import homogenise_solid
from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.json_file import read_lattices, write_lattices
from lattice_gnn.lattice.lattice import Lattice, Material
from lattice_gnn.surrogate.surrogate import load_surrogate
from viz.gl import PROBE_VARIABLE, RENDERER_VARIABLE, probe_gl
from viz.render import RenderReport

KEYS = {
    "schema",
    "version",
    "lattice",
    "model",
    "domain",
    "stiffness",
    "moduli",
    "check",
    "warnings",
}


def test_json_has_the_documented_keys(answer, octet_file, weights):
    found = answer("predict", octet_file, "--model", weights, "--check")
    assert set(found) == KEYS
    assert found["schema"] == "lattice-gnn/prediction/1"
    assert found["model"]["name"] == weights
    assert found["model"]["expected_error"].keys() == {"median", "p90", "against", "basis"}
    assert found["model"]["expected_error"]["median"] == 0.25
    assert found["domain"] == {"inside": True, "notes": []}
    assert found["stiffness"].keys() == {"order", "voigt", "mandel", "voigt_times_E"}
    assert found["moduli"].keys() == {"axes", "extremes", "averages", "anisotropy", "symmetry"}


def test_the_stiffness_is_that_of_the_network(answer, octet_file, weights):
    found = answer("predict", octet_file, "--model", weights)
    (lattice,) = read_lattices(octet_file)
    C = load_surrogate(weights).predict(lattice).stiffness
    np.testing.assert_array_equal(found["stiffness"]["mandel"], C.numpy())
    weight = np.array([1.0, 1.0, 1.0, 2**0.5, 2**0.5, 2**0.5])
    voigt = C.numpy() / np.outer(weight, weight)
    np.testing.assert_allclose(found["stiffness"]["voigt"], voigt, rtol=1e-14, atol=0)


def test_moduli_of_a_cubic_tensor_follow_from_its_three_constants(answer, octet_file, weights):
    found = answer("predict", octet_file, "--model", weights)
    C = np.array(found["stiffness"]["voigt"])
    C11, C12, C44 = C[0, 0], C[0, 1], C[3, 3]
    moduli = found["moduli"]
    E100 = (C11 - C12) * (C11 + 2 * C12) / (C11 + C12)
    np.testing.assert_allclose(moduli["axes"]["E"], 3 * [E100], rtol=1e-5)
    np.testing.assert_allclose(moduli["axes"]["G"], 3 * [C44], rtol=1e-5)
    nu = moduli["axes"]["nu"]
    assert nu.keys() == {"12", "13", "21", "23", "31", "32"}
    np.testing.assert_allclose(list(nu.values()), C12 / (C11 + C12), rtol=1e-5)
    np.testing.assert_allclose(moduli["axes"]["beta"], 1 / (C11 + 2 * C12), rtol=1e-5)
    assert moduli["averages"]["K"]["hill"] == pytest.approx((C11 + 2 * C12) / 3, rel=1e-5)
    assert moduli["anisotropy"]["zener"] == pytest.approx(2 * C44 / (C11 - C12), rel=1e-4)
    assert moduli["symmetry"]["name"] == "cubic"
    largest = moduli["extremes"]["E"]["max"]
    np.testing.assert_allclose(np.abs(largest["n"]), 3**-0.5, atol=1e-3)
    assert largest["value"] > moduli["extremes"]["E"]["min"]["value"] >= 0.999 * E100


def test_the_check_may_be_the_solid(answer, run, written, weights):
    lattice = cell("sc", radius=0.2)
    options = ("--model", weights, "--check", "solid", "--voxels-per-diameter", 4)
    found = answer("predict", written(lattice), *options)
    check = found["check"]
    assert check["method"] == "solid FEM, 4 voxels per diameter"
    reference = homogenise_solid(lattice, voxels_per_diameter=4).stiffness.numpy()
    np.testing.assert_allclose(check["stiffness"]["mandel"], reference, rtol=1e-12)
    difference = np.linalg.norm(np.array(found["stiffness"]["mandel"]) - reference)
    error = difference / np.linalg.norm(reference)
    assert check["relative_frobenius"] == pytest.approx(error, rel=1e-12)
    table = run("predict", written(lattice), *options).stdout
    assert "Network against solid FEM" in table


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--voxels-per-diameter", 8), "--voxels-per-diameter: requires --check solid"),
        (("--element", "timoshenko"), "--element: requires --check beam"),
        (("--check", "--voxels-per-diameter", 8), "is an option of --check solid"),
        (("--check", "solid", "--element", "timoshenko"), "is an option of --check beam"),
        (("--fidelity", "beam"), "--model: is an option of --fidelity solid"),
    ],
)
def test_options_of_another_check_are_refused(options, words, run, octet_file, weights):
    result = run("predict", octet_file, "--model", weights, *options)
    assert result.exit_code == 2
    assert words in result.stderr


def test_a_check_without_a_value_is_beam_fem(answer, octet_file, weights):
    found = [
        answer("predict", *arguments, "--model", weights)
        for arguments in (
            (octet_file, "--check"), ("--check", octet_file), (octet_file, "--check", "beam"),
        )
    ]  # fmt: skip
    assert found[0] == found[1] == found[2]
    assert found[0]["check"]["method"] == "beam FEM, euler-bernoulli"


def test_beams_are_answered_by_beam_fem_and_say_so(run, answer, octet_file):
    ours = answer("predict", octet_file, "--fidelity", "beam")
    assert ours == answer("homogenise", octet_file)
    result = run("predict", octet_file, "--fidelity", "beam", "--element", "timoshenko")
    assert "no network is needed" in result.stderr
    assert "model" not in result.stdout
    refused = run("predict", octet_file, "--fidelity", "beam", "--check", "solid")
    assert refused.exit_code == 2
    assert "--check: is an option of --fidelity solid" in refused.stderr


def test_the_default_shows_the_beam_answer_and_the_difference(run, answer, octet_file):
    """Beams are a tenth too soft for an octet of 5 %; its bulk modulus by them is rho / 9."""
    found = answer("predict", octet_file)
    beam = answer("predict", octet_file, "--fidelity", "beam")
    frame, alone = (x["stiffness"]["mandel"] for x in (found["frame"], beam))
    np.testing.assert_allclose(frame, alone, rtol=1e-12, atol=1e-15)
    assert found["frame"]["moduli"]["averages"]["K"]["hill"] == pytest.approx(0.05 / 9)
    text = run("predict", octet_file).stdout
    assert "Stiffness C/E_s by beam FEM alone" in text
    assert "Network against beam FEM" in text
    (row,) = [line for line in text.splitlines() if line.strip().startswith("K/E_s (Hill)")]
    ours, theirs, difference = row.split()[2:5]
    assert theirs == "0.0055556"
    assert float(difference) == pytest.approx(100 * (float(ours) / float(theirs) - 1), abs=0.01)
    checked = run("predict", octet_file, "--check").stdout
    assert checked.count("Stiffness C/E_s by beam FEM") == 1  # not a second time


def test_the_check_is_beam_fem_and_its_difference(answer, tmp_path, weights):
    path = tmp_path / "sc.json"
    lattice = cell("sc", radius=0.02)
    write_lattices(path, lattice)
    found = answer("predict", path, "--model", weights, "--check")
    C = np.array(found["check"]["stiffness"]["voigt"])
    # Struts along the axes carry E pi r^2 each and do not couple: C11 = rho/3, C12 = 0.
    assert C[0, 0] == pytest.approx(lattice.relative_density / 3, rel=1e-9)
    assert abs(C[0, 1]) < 1e-9 * C[0, 0]
    ours, theirs = (np.array(part["stiffness"]["mandel"]) for part in (found, found["check"]))
    difference = np.linalg.norm(ours - theirs) / np.linalg.norm(theirs)
    assert found["check"]["relative_frobenius"] == pytest.approx(difference, rel=1e-12)
    soft, soft_ref = (np.linalg.eigvalsh(part)[0] for part in (ours, theirs))
    expected = abs(soft - soft_ref) / soft_ref
    assert found["check"]["softest_error"] == pytest.approx(expected, rel=1e-9)


def test_both_densities_are_given(answer, octet_file, weights):
    lattice = answer("predict", octet_file, "--model", weights)["lattice"]
    assert lattice["relative_density"] == pytest.approx(0.05, rel=1e-12)
    fraction = lattice["volume_fraction"]
    # Overlaps at the joints, counted once, leave less than the sum of the struts.
    assert 0.04 < fraction["value"] < 0.05
    assert 0 < fraction["error"] < 1e-3


def test_the_material_sets_the_unit(answer, run, tmp_path, weights):
    path = tmp_path / "steel.json"
    lattice = cell("octet", relative_density=0.05)
    write_lattices(path, lattice.replace(material=Material(E=210e3)))
    found = answer("predict", path, "--model", weights, "--check")
    for stiffness in (found["stiffness"], found["check"]["stiffness"]):
        scaled, plain = np.array(stiffness["voigt_times_E"]), np.array(stiffness["voigt"])
        np.testing.assert_allclose(scaled, 210e3 * plain, rtol=1e-14)
    text = run("predict", path, "--model", weights).stdout
    assert "E_s = 210000" in text
    C11 = 210e3 * found["stiffness"]["voigt"][0][0]
    assert 1e3 < C11 < 1e4
    assert f"{C11:.1f}" in text


def test_the_table_shows_everything(run, octet_file, weights):
    result = run("predict", octet_file, "--model", weights, "--check")
    assert result.exit_code == 0
    assert result.stderr == ""
    for words in (
        weights,
        "25 % (median), 50 % (9 of 10",
        "inside",
        "relative density",
        "volume fraction",
        "Voigt, order 11 22 33 23 13 12",
        "along 1, 2, 3",
        "smallest",
        "in every direction",
        "Voigt      Reuss       Hill",
        "Zener",
        "A_U",
        "A_L",
        "cubic",
        "beam FEM, euler-bernoulli",
        "relative Frobenius",
        "directional",
        "softest",
    ):
        assert words in result.stdout
    assert "E_s = 1" not in result.stdout
    assert result.stdout == "\n".join(line.rstrip() for line in result.stdout.split("\n"))


def test_no_line_of_the_report_is_wider_than_80_columns(run, octet_file, monkeypatch, weights):
    monkeypatch.setenv("COLUMNS", "80")
    text = run("predict", octet_file, "--model", weights, "--check").stdout
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text


def test_a_lattice_beyond_the_training_set_is_warned_of_with_the_reason(
    run, answer, tmp_path, weights
):
    path = tmp_path / "dense.json"
    write_lattices(path, cell("diamond", relative_density=0.2))
    result = run("predict", path, "--model", weights)
    assert result.exit_code == 0
    (line,) = [line for line in result.stderr.splitlines() if "outside" in line]
    assert line.startswith(f"warning: {path}: outside the model's training domain")
    for reason in ("relative density is 0.2, in training at most 0.1", "net"):
        assert reason in line
    assert "OUTSIDE" in result.stdout
    domain = answer("predict", path, "--model", weights)["domain"]
    assert domain["inside"] is False
    assert "relative density is 0.2, in training at most 0.1" in domain["notes"]


def test_many_warnings_are_cut_short(run, tmp_path, weights):
    path = tmp_path / "many.json"
    write_lattices(path, [cell("diamond", relative_density=0.02)] * 13)
    lines = run("predict", path, "--model", weights).stderr.splitlines()
    assert len(lines) == 11
    assert "many.json[9]" in lines[9]
    assert "3 more" in lines[10]


def test_a_left_handed_cell_is_fine(answer, tmp_path, weights):
    lattice = cell("octet", relative_density=0.05)
    path = tmp_path / "mirror.json"
    write_lattices(path, lattice.rotated(-np.eye(3)))
    assert np.linalg.det(read_lattices(path)[0].cell) < 0
    mirrored = answer("predict", path, "--model", weights)
    write_lattices(path, lattice)
    plain = answer("predict", path, "--model", weights)
    C, C_ref = (np.array(part["stiffness"]["mandel"]) for part in (mirrored, plain))
    assert np.abs(C - C_ref).max() < 1e-5 * np.abs(C_ref).max()
    assert mirrored["warnings"] == []


def test_predict_needs_no_fem(answer, octet_file, weights, monkeypatch):
    def refuse(*arguments, **keywords):
        raise AssertionError("the FEM was called")

    monkeypatch.setattr("fem_reference.beam.homogenise.homogenise_beam", refuse)
    found = answer("predict", octet_file, "--model", weights)
    assert found["stiffness"]["voigt"][0][0] > 0
    assert "check" not in found


def test_the_same_input_gives_the_same_json(run, octet_file, weights, tmp_path):
    arguments = ("predict", octet_file, "--model", weights, "--check", "--json")
    first, second = run(*arguments), run(*arguments, "--output", tmp_path / "out.json")
    assert first.stdout == second.stdout
    assert (tmp_path / "out.json").read_text() == first.stdout
    assert json.loads(first.stdout)["lattice"]["file"] == str(octet_file)
    assert list(tmp_path.glob(".*")) == []


def test_output_without_json_writes_the_file_and_prints_the_table(
    run, octet_file, weights, tmp_path
):
    result = run("predict", octet_file, "--model", weights, "--output", tmp_path / "out.json")
    assert "Anisotropy" in result.stdout
    assert json.loads((tmp_path / "out.json").read_text())["schema"] == "lattice-gnn/prediction/1"
    assert str(tmp_path / "out.json") in result.stderr


def test_touching_struts_are_warned_of(run, tmp_path, weights):
    path = tmp_path / "crossed.json"
    write_lattices(path, _crossed())
    result = run("predict", path, "--model", weights)
    assert result.exit_code == 0
    assert "share no joint touch" in result.stderr


def _crossed() -> Lattice:
    """Two separate simple cubic nets whose struts run into each other."""
    shifts = np.vstack([np.eye(3), np.eye(3)])
    nodes, struts = [[0, 0, 0], [0.05, 0.05, 0.05]], [[0, 0]] * 3 + [[1, 1]] * 3
    return Lattice(np.eye(3), nodes, struts, shifts, 0.05)


@pytest.fixture
def fresh_probe():
    """Forget whether PyVista can draw, before and after."""
    probe_gl.cache_clear()
    yield
    probe_gl.cache_clear()


def test_the_picture_names_the_network(run, octet_file, weights, tmp_path, monkeypatch):
    drawn = []

    def keep(picture, path, size):
        drawn.append(picture)
        return RenderReport("matplotlib", path, "")

    monkeypatch.setattr("viz.render.draw_picture", keep)
    result = run("predict", octet_file, "--model", weights, "--picture", tmp_path / "a.png")
    assert result.exit_code == 0, result.stderr
    assert drawn[0].views[1].line.startswith("by network ")


def test_where_pyvista_dies_matplotlib_draws_and_the_output_says_so(
    run, octet_file, weights, tmp_path, monkeypatch, fresh_probe
):
    monkeypatch.delenv(RENDERER_VARIABLE, raising=False)
    monkeypatch.setenv(PROBE_VARIABLE, "crash")
    picture = tmp_path / "octet.png"
    arguments = ("predict", octet_file, "--model", weights, "--json", "--picture", picture)
    result = run(*arguments)
    assert result.exit_code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert str(picture) in result.stderr
    assert "matplotlib" in result.stderr
    assert json.loads(result.stdout)["lattice"]["name"] == "octet"
