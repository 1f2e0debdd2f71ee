"""info: what is in a file, and what to beware of."""

import json

import numpy as np
import pytest

from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.json_file import write_lattices


def test_info_warns_on_the_terminal_and_in_the_json(run, answer, edited, layer):
    path = edited(lambda _: layer)
    (warning,) = answer("info", path)["warnings"]
    assert warning["kind"] == "net"
    assert "do not span space" in warning["text"]
    assert warning["text"] in " ".join(run("info", path).stdout.split())


def test_info_has_nothing_against_a_slender_octet(run, answer, octet_file):
    found = answer("info", octet_file)
    assert found["warnings"] == []
    geometry = found["geometry"]
    np.testing.assert_allclose(geometry["cell_angles"], 90)
    np.testing.assert_allclose(geometry["strut_lengths"], 0.5**0.5)
    assert geometry["coordination"] == {"12": 4}
    # The closest struts without a joint are opposite edges of the octahedra and tetrahedra.
    radius = geometry["radii"][0]
    assert geometry["clearance"] == pytest.approx(0.5 - 2 * radius, rel=1e-9)
    assert found["net"]["spans_space"] is True
    assert found["net"]["components"] == [{"nodes": [0, 1, 2, 3], "rank": 3, "index": 1}]
    result = run("info", octet_file)
    assert result.stderr == ""
    assert "Warnings" not in result.stdout


def test_info_of_many_is_a_list(answer, octet_file):
    write_lattices(octet_file.parent / "bcc.json", cell("bcc", radius=0.05))
    names = [entry["lattice"]["name"] for entry in answer("info", octet_file.parent)["infos"]]
    assert names == ["bcc", "octet"]


def test_info_writes_its_json(run, octet_file, tmp_path):
    run("info", octet_file, "-o", tmp_path / "out.json")
    assert json.loads((tmp_path / "out.json").read_text())["schema"] == "lattice-gnn/info/1"
