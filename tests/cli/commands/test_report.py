"""report writes one page, or says what is wrong before it computes."""

import json
import re

import pytest

from lattice_gnn.cells.named import cell


def inside(path):
    """The document inside a page."""
    text = path.read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="report">(.*?)</script>', text)
    return json.loads(found[1])


def test_a_report_of_one_lattice_holds_the_prediction_of_the_command(
    run, answer, octet_file, weights, tmp_path
):
    page = tmp_path / "page.html"
    result = run("report", octet_file, "-o", page, "--model", weights)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == ""
    assert f"report written to {page}" in result.stderr
    document = inside(page)
    assert document["schema"] == "lattice-gnn/report/1"
    (entry,) = document["lattices"]
    alone = answer("predict", octet_file, "--model", weights)
    assert entry["prediction"] == {k: v for k, v in alone.items() if k not in ("schema", "version")}
    assert entry["beam"]["energy"]["axial"]
    assert "solid" not in entry


def test_a_report_of_several_lattices_by_solid_fem_only(run, written, tmp_path):
    lattice = written(cell("sc", radius=0.2))
    page = tmp_path / "page.html"
    options = ("--method", "solid", "--voxels-per-diameter", 4)
    assert run("report", lattice, lattice, "-o", page, *options).exit_code == 0
    entries = inside(page)["lattices"]
    assert [set(entry) for entry in entries] == [{"lattice", "info", "solid"}] * 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("-o", "page.pdf"), "choose a name that ends in .html"),
        (("-o", "nowhere/page.html"), "there is no folder"),
        (("-o", "page.html", "--voxels-per-diameter", 4), "--method solid, which was not chosen"),
        (("-o", "page.html", "--method", "beam", "--model", "x"), "--method network, which was"),
    ],
)
def test_what_cannot_be_written_or_was_not_asked_for_is_refused(
    options, said, run, octet_file, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    result = run("report", octet_file, *options)
    assert result.exit_code == 2
    assert said in result.stderr
    assert list(tmp_path.glob("*.html")) == []


def test_a_layer_has_a_report_by_beams_and_none_by_the_network(run, edited, layer, tmp_path):
    file, page = edited(lambda _: layer), tmp_path / "page.html"
    refused = run("report", file, "-o", page)
    assert refused.exit_code == 2
    assert "span" in refused.stderr
    result = run("report", file, "-o", page, "--method", "beam")
    assert result.exit_code == 0
    assert "The stiffness is singular, rank 3 of 6." in result.stderr
