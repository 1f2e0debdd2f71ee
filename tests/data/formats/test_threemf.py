import zipfile
from pathlib import Path

import numpy as np
import pytest

from data.drawings.drawing import draw
from data.formats import read_any, read_with_report, write_any
from data.formats.options import ReadOptions
from data.formats.threemf import BALLS, BEAMS, CORE
from data.formats.threemf_package import MODEL
from data.formats.threemf_write import write
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.json_file import lattice_to_dict
from lattice_gnn.testing import random_lattice, same_structure


def archive(path, body, attributes=""):
    """A file as another program writes it: no relations, other prefixes."""
    model = (
        f'<?xml version="1.0"?><model unit="inch" xmlns="{CORE}" xmlns:bl="{BEAMS}" '
        f'xmlns:q="{BALLS}" requiredextensions="bl"><resources><object id="7" name="window">'
        "<mesh><vertices>"
        + "".join(
            f'<vertex x="{2 * x}" y="{2 * y}" z="{2 * z}"/>'
            for x, y, z in [(0.5, 0.5, 0.5), *np.ndindex(2, 2, 2)]
        )
        + f'</vertices><bl:beamlattice radius="0.1" minlength="0.01" {attributes}>'
        f"{body}</bl:beamlattice></mesh></object></resources><build/></model>"
    )
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(MODEL, model)
    return path


BEAM_ROWS = "".join(f'<bl:beam v1="0" v2="{n}"/>' for n in range(3, 9))


def test_defaults_of_radii_caps_balls_and_sets(tmp_path):
    """r2 is r1 where missing, r1 the radius of the lattice; the rest does not matter."""
    body = (
        '<bl:beams><bl:beam v1="0" v2="1" r1="0.2" cap1="butt"/>'
        f'<bl:beam v1="2" v2="0" r1="0.3" r2="0.4" cap2="hemisphere"/>{BEAM_ROWS}'
        '<bl:beam v1="0" v2="0"/></bl:beams>'
        '<q:balls><q:ball vindex="0" r="0.9"/></q:balls>'
        '<bl:beamsets><bl:beamset name="a"><bl:ref index="0"/></bl:beamset></bl:beamsets>'
    )
    path = archive(tmp_path / "x.3mf", body, 'cap="hemisphere" q:ballmode="mixed"')
    reading = read_with_report(path)
    (lattice,) = reading.lattices
    assert (lattice.name, lattice.units) == ("window", "in")
    assert (lattice.num_nodes, lattice.num_struts) == (2, 8)
    assert sorted(zip(lattice.radii, lattice.end_radii, strict=True))[:7] == [(0.1, 0.1)] * 6 + [
        (0.2, 0.2)
    ]
    pairs = zip(lattice.radii, lattice.end_radii, strict=True)
    assert [0.3, 0.4] in [sorted(pair) for pair in pairs]
    said = " ".join(reading.sentences())
    assert "1 beams shorter than minlength were ignored" in said
    assert "balls" in said


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('<bl:beams><bl:beam v1="0" v2="99"/></bl:beams>', "beam ends at vertex 99"),
        ('<bl:beams><bl:beam v1="0"/></bl:beams>', "'v2' is missing"),
        ('<bl:beams><bl:beam v1="0" v2="1" r1="-1"/></bl:beams>', "radius above 0"),
        ('<bl:beams><bl:beam v1="0" v2="1" r1="thick"/></bl:beams>', "expected a number"),
        ("<bl:beams/>", "holds no struts"),
    ],
)
def test_wrong_lattices_are_named(tmp_path, body, words):
    path = archive(tmp_path / "x.3mf", body)
    with pytest.raises(LatticeGnnError, match=words):
        read_any(path)


def test_the_same_lattice_gives_the_same_bytes(tmp_path):
    for name in ("a.3mf", "b.3mf"):
        write_any(tmp_path / name, [cell("octet", radius=0.02)])
    assert (tmp_path / "a.3mf").read_bytes() == (tmp_path / "b.3mf").read_bytes()


def strict(path):
    """Read a file with the reference implementation, strictly; return model, wrapper, warnings."""
    lib3mf = pytest.importorskip("lib3mf")
    wrapper = lib3mf.get_wrapper()
    model = wrapper.CreateModel()
    reader = model.QueryReader("3mf")
    reader.SetStrictModeActive(True)
    reader.ReadFromFile(str(path))
    return model, [reader.GetWarning(k) for k in range(reader.GetWarningCount())]


def objects(model):
    found = model.GetMeshObjects()
    while found.MoveNext():
        yield found.GetCurrentMeshObject()


@pytest.mark.parametrize("balls", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_the_reference_implementation_reads_our_files(tmp_path, seed, balls):
    lattice = random_lattice(seed, sections=True).replace(name='a <b> & "c"', units="mm")
    octet = cell("octet", radius=0.02).replace(units="mm")
    write(tmp_path / "x.3mf", [lattice, octet], balls=balls)
    model, warnings = strict(tmp_path / "x.3mf")
    assert warnings == []
    first, second = objects(model)
    assert first.GetName() == lattice.name
    beams = first.BeamLattice().GetBeams()
    assert [beam.Radii[0] for beam in beams] == pytest.approx(list(lattice.radii))
    assert [beam.Radii[1] for beam in beams] == pytest.approx(list(lattice.end_radii))
    assert second.BeamLattice().GetBeamCount() == 24
    points = np.array([vertex.Coordinates for vertex in first.GetVertices()])
    assert np.allclose(points, draw(lattice).points, atol=1e-6)
    used = {n for beam in beams for n in beam.Indices}
    assert first.BeamLattice().GetBallCount() == (len(used) if balls else 0)


def test_files_that_the_reference_implementation_wrote_come_back_exactly(tmp_path):
    lattices = [random_lattice(k, sections=True).replace(units="cm") for k in range(3)]
    write_any(tmp_path / "x.3mf", lattices)
    model, _ = strict(tmp_path / "x.3mf")
    model.QueryWriter("3mf").WriteToFile(str(tmp_path / "y.3mf"))
    reading = read_with_report(tmp_path / "y.3mf")
    assert [x.exact for x in reading.reports] == [True] * 3
    assert [lattice_to_dict(x) for x in reading.lattices] == [lattice_to_dict(x) for x in lattices]
    options = ReadOptions(cell=lattices[1].cell, split=False)
    plain = [x.replace(inner_radii=None, E=None, nu=None) for x in lattices]
    folded = read_with_report(Path(tmp_path / "y.3mf"), options=options).lattices[1]
    assert same_structure(folded, plain[1], tolerance=2e-6)
