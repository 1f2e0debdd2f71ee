"""The verb ``homogenise``: beams and solids in one shape, with what each solver knows."""

import inspect
import json

import numpy as np
import pytest
from typer.testing import CliRunner

import lattice_gnn as lg
from cli.main import app
from fem_reference.beam import BeamSolution, RankWarning, homogenise_beam
from fem_reference.solid import homogenise_solid

RADIUS = 0.05
SC = lg.cell("sc", radius=RADIUS).replace(material=lg.Material(200.0, 0.3))


@pytest.fixture(scope="module")
def solid():
    return lg.homogenise(lg.cell("bcc", radius=0.15), method="solid", voxels_per_diameter=4)


def test_beams_of_simple_cubic_have_the_closed_form():
    # Struts of length 1 along the axes: C11 = pi r^2, C44 = 6 I with I = pi r^4 / 4.
    found = lg.homogenise(SC)
    assert isinstance(found, lg.Homogenisation)
    assert (found.method, found.element, found.rank, found.error) == (
        "beam",
        "euler-bernoulli",
        6,
        None,
    )
    voigt = found.stiffness.voigt
    assert voigt[0, 0].item() == pytest.approx(np.pi * RADIUS**2, rel=1e-9)
    assert voigt[3, 3].item() == pytest.approx(1.5 * np.pi * RADIUS**4, rel=1e-9)
    assert found.in_units().voigt[0, 0].item() == pytest.approx(200 * np.pi * RADIUS**2, rel=1e-9)


def test_a_sequence_gives_a_list_in_order_with_the_stiffness_of_each():
    lattices = [lg.cell(name, radius=0.03) for name in ("octet", "kelvin", "bcc")]
    seen = []
    found = lg.homogenise(iter(lattices), on_progress=lambda *count: seen.append(count))
    expected = homogenise_beam(lattices)
    assert [x.lattice for x in found] == lattices
    for k, one in enumerate(found):
        assert lg.relative_frobenius(one.stiffness, expected.stiffness[k]) < 1e-12
        alone = lg.homogenise(lattices[k]).stiffness
        assert lg.relative_frobenius(one.stiffness, alone) < 1e-9
        assert one.solution.components.tolist() == [expected.components[k]]
    assert seen == [(3, 3)]


def test_fields_belong_to_each_lattice():
    lattices = [lg.cell("octet", radius=0.03), SC]
    found = lg.homogenise(lattices, fields=True, element="timoshenko")
    for one in found:
        fields = one.solution.fields
        assert len(fields.displacements) == one.lattice.num_nodes
        assert len(fields.end_forces) == one.lattice.num_struts
        C = fields.axial + fields.bending + fields.torsion
        assert lg.relative_frobenius(C[0], one.stiffness) < 1e-9
        assert one.to_dict()["energy"]["axial"][0] > 0
    assert lg.homogenise(SC).solution.fields is None


def test_a_solid_is_the_solver_s_with_its_error(solid):
    direct = homogenise_solid(solid.lattice, voxels_per_diameter=4)
    assert solid.method == "solid"
    assert lg.relative_frobenius(solid.stiffness, direct.stiffness) < 1e-9
    assert solid.error == pytest.approx(direct.error)
    assert solid.rank == 6
    assert "estimated error" in repr(solid)
    assert "solid" in solid.to_dict()
    assert lg.relative_frobenius(lg.homogenise(solid.lattice).stiffness, solid.stiffness) > 0.05


def test_a_chain_has_its_singular_stiffness_rank_and_warning():
    chain = lg.Lattice(np.eye(3), [[0, 0, 0]], [[0, 0]], [[1, 0, 0]], 0.1)
    with pytest.warns(RankWarning):
        found = lg.homogenise(chain)
    assert found.rank == 1
    assert found.warnings[0].kind == "net"
    assert found.to_dict()["moduli"] is None
    with pytest.raises(lg.LatticeGnnError, match=r"lattice 0: .*spans space"):
        lg.homogenise(chain, method="solid")


def test_one_line_and_a_page(solid):
    for found, by in ((lg.homogenise(SC), "by beam, element"), (solid, "by solid, estimated")):
        assert repr(found).startswith("Homogenisation('")
        assert by in repr(found)
        assert "\n" not in repr(found)
        assert found._repr_html_().count("<svg") == 2
    assert isinstance(lg.homogenise(SC).solution, BeamSolution)
    assert lg.homogenise(SC) == lg.homogenise(SC)


@pytest.mark.parametrize("method", ["beam", "solid"])
def test_the_document_is_the_json_of_the_command_line(method, tmp_path):
    path = tmp_path / "bcc.json"
    lattice = lg.cell("bcc", radius=0.15)
    lg.write(path, lattice)
    options = {"voxels_per_diameter": 4} if method == "solid" else {}
    flags = ["--voxels-per-diameter", "4"] if method == "solid" else []
    command = ["homogenise", str(path), "--method", method, *flags, "--json"]
    theirs = json.loads(CliRunner().invoke(app, command).stdout)
    ours = json.loads(json.dumps(lg.homogenise(lattice, method=method, **options).to_dict()))
    assert theirs["lattice"].pop("file") == str(path)
    assert ours["lattice"].pop("file") is None
    for document in (ours, theirs):
        document.get("solid", {}).pop("seconds", None)
    assert ours == theirs


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"lattices": "octet"}, "got str 'octet'"),
        ({"lattices": SC, "method": "network"}, "'network'; lattice_gnn.predict uses the network"),
        ({"lattices": SC, "voxels_per_diameter": 8}, "no.* an option of method 'beam'"),
        ({"lattices": SC, "method": "solid", "element": "timoshenko"}, "element is not an option"),
        ({"lattices": SC, "method": "solid", "fields": True}, "fields is not an option"),
    ],
)
def test_wrong_input_is_refused_in_one_sentence(arguments, sentence):
    unchecked = inspect.unwrap(lg.homogenise)
    with pytest.raises(lg.LatticeGnnError, match=sentence):
        unchecked(**arguments)
