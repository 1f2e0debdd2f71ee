import json

import pytest
from typer.testing import CliRunner

from cli.main import app
from data.experiments.reference_set import Selection, read_reference_set
from data.formats.lat import CatalogueEntry, write_lat
from fem_reference.beam.homogenise import homogenise_beam
from fem_reference.solid.homogenise import homogenise_solid
from lattice_gnn.cells.named import cell

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
    result = run(catalogue, "--picture", tmp_path / "parity.png")
    assert result.exit_code == 0
    assert (tmp_path / "parity.png").stat().st_size > 20_000


def test_a_picture_of_another_kind_is_refused_before_anything_is_computed(catalogue, tmp_path):
    result = run(catalogue, "--picture", tmp_path / "parity.txt")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "figures are written as .png, .pdf, .svg" in result.stderr


def test_the_default_network_goes_by_its_name(catalogue):
    report = json.loads(run(catalogue, "--method", "network", "--limit", 1, "--json").stdout)
    assert report["model"] == "joints"


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


SOLID = ("--method", "solid", "--voxels-per-diameter", "4")


@pytest.fixture(scope="module")
def solid_catalogue(tmp_path_factory):
    """Thick cells with own solid tensors, 1 % off; and one so thin that no grid resolves it."""
    entries = []
    for name, densities in (("sc", (0.2, 0.35)), ("bcc", (0.3,))):
        lattice = cell(name, relative_density=0.1).replace(name=name)
        found = [
            homogenise_solid(lattice.with_relative_density(d), voxels_per_diameter=4)
            for d in densities
        ]
        references = [(d, x.stiffness.scaled(1.01)) for d, x in zip(densities, found, strict=True)]
        if name == "sc":
            references.insert(0, (1e-9, references[0][1]))
        entries.append(CatalogueEntry(lattice=lattice, references=tuple(references)))
    path = tmp_path_factory.mktemp("solid") / "solid.lat"
    write_lat(path, entries)
    return path


def test_the_solid_reference_is_compared_and_what_it_refuses_is_left_out(solid_catalogue):
    result = run(solid_catalogue, *SOLID, "--json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert (report["method"], report["voxels_per_diameter"], report["element"]) == (
        "solid",
        4,
        None,
    )
    assert report["lattices"] == 3
    for key in ("stiffness", "softest"):
        assert report[key]["median"] == pytest.approx(0.01 / 1.01, rel=1e-6)
        assert report[key]["max"] == pytest.approx(0.01 / 1.01, rel=1e-6)
    (refused,) = report["refused"]
    assert refused.startswith("sc at 1e-09: ")
    assert "GB of memory" in refused
    assert result.stderr == f"warning: left out: {refused}\n"
    assert 0.01 < report["grid_error"]["median"] < report["grid_softest_error"]["median"] < 1
    assert report["seconds"] > 0
    text = run(solid_catalogue, *SOLID).stdout
    assert "3 reference tensors, solids of 4 voxels per diameter" in text
    assert "tensors of beam FEM" in text
    assert "estimated error of the solid" in text


def test_beams_are_softer_than_the_solid_by_more_than_its_error(tmp_path):
    """The model error of beams, with the solid against their tensors."""
    lattice = cell("sc", radius=0.2).replace(name="sc")
    density = lattice.relative_density
    beam = homogenise_beam([lattice]).stiffness[0]
    entry = CatalogueEntry(lattice=lattice, references=((density, beam),))
    write_lat(tmp_path / "beam.lat", [entry])
    report = json.loads(run(tmp_path / "beam.lat", *SOLID, "--json").stdout)
    solid = homogenise_solid(lattice, voxels_per_diameter=4).stiffness
    expected = float((solid.mandel - beam.mandel).norm() / beam.mandel.norm())
    assert report["stiffness"]["median"] == pytest.approx(expected, rel=1e-6)
    assert expected > 1.5 * report["grid_error"]["median"]
    assert report["rounding_floor"]["max"] < 1e-12  # all digits were written


def test_densities_are_picked_by_entry(catalogue):
    """The lowest, the highest, all; worst names every row of so few."""
    for options, expected in (
        (("--lowest", "1"), {0.002}),
        (("--highest", "1"), {0.02}),
        ((), {0.002, 0.02}),
    ):
        report = json.loads(run(catalogue, *options, "--json").stdout)
        densities = [row["relative_density"] for row in report["worst"]]
        assert len(densities) == report["lattices"] == 4 * len(expected)
        assert {round(density, 9) for density in densities} == expected


def test_a_limit_draws_the_lattices_that_evaluate_draws(catalogue):
    report = json.loads(run(catalogue, "--limit", "3", "--seed", "5", "--json").stdout)
    assert report["selection"] == {"lowest": None, "highest": None, "limit": 3, "seed": 5}
    assert report["lattices"] == 3
    drawn = read_reference_set(catalogue, Selection(limit=3, seed=5))
    assert sorted(row["name"] for row in report["worst"]) == sorted(drawn.names)
    densities = sorted(row["relative_density"] for row in report["worst"])
    batch = drawn.labelled.batch
    expected = sorted(float(lattice.relative_density) for lattice in batch.to_lattices())
    assert densities == pytest.approx(expected)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--limit", "0"), ["limit", "got 0"]),
        (("--highest", "-1"), ["highest", "got -1"]),
        (("--method", "solid", "--element", "timoshenko"), ["--element", "--method beam"]),
        (("--voxels-per-diameter", "8"), ["--voxels-per-diameter", "--method solid"]),
        (("--method", "solid", "--voxels-per-diameter", "3"), ["all 8", "bcc at 0.002", "least 4"]),
        (("--picture", "missing/parity.png"), ["missing/parity.png", "cannot be written"]),
    ],
)
def test_options_that_do_not_fit_are_one_sentence(options, words, catalogue):
    result = run(catalogue, *options)
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert all(word in line for word in words)
