import zipfile
from pathlib import Path

import numpy as np
import pytest

from data.drawings.drawing import draw
from data.formats import read_any, read_with_report, write_any
from data.formats.options import ReadOptions
from data.formats.threemf_elements import BALLS, BEAMS, CORE
from data.formats.threemf_package import MODEL
from data.formats.threemf_write import write
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.json_file import lattice_to_dict
from lattice_gnn.testing import random_lattice, same_structure


def archive(path, body, attributes="", required="bl"):
    """A file as another program writes it: no relations, other prefixes."""
    model = (
        f'<?xml version="1.0"?><model unit="inch" xmlns="{CORE}" xmlns:bl="{BEAMS}" '
        f'xmlns:q="{BALLS}" xmlns:s="urn:slices" requiredextensions="{required}">'
        '<resources><object id="7" name="window">'
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


@pytest.mark.parametrize(
    ("required", "told"), [("bl q", ""), ("bl s", "left out: urn:slices"), ("t", "left out: t.")]
)
def test_extensions_that_are_not_read_are_said(tmp_path, required, told):
    """The specification lets no consumer pass over them; prefixes stand for their namespaces."""
    rows = f"<bl:beams>{BEAM_ROWS}</bl:beams>"
    reading = read_with_report(archive(tmp_path / "x.3mf", rows, required=required))
    said = [note for note in reading.sentences() if "requires extensions" in note]
    assert (told in said[0]) if told else not said


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
    assert "beams shorter than minlength were ignored: 1." in said
    assert "balls" in said


@pytest.mark.parametrize(
    ("mode", "ball", "told"),
    [
        ('q:ballmode="all" q:ballradius="0.9"', "", True),
        ('q:ballmode="all" q:ballradius="0.1"', "", False),
        ('q:ballmode="mixed" q:ballradius="0.9"', '<q:ball vindex="0"/>', True),
        ('q:ballmode="mixed" q:ballradius="0.9"', '<q:ball vindex="0" r="0.1"/>', False),
        ('q:ballmode="none" q:ballradius="0.9"', '<q:ball vindex="0" r="0.9"/>', False),
    ],
)
def test_balls_wider_than_struts_are_said(tmp_path, mode, ball, told):
    """Their radius is that of the lattice where they have none of their own."""
    beams = "".join(f'<bl:beam v1="0" v2="{n}"/>' for n in range(1, 9))
    body = f"<bl:beams>{beams}</bl:beams><q:balls>{ball}</q:balls>"
    sentences = read_with_report(archive(tmp_path / "x.3mf", body, mode)).sentences()
    assert any("balls at the nodes are wider" in x for x in sentences) == told


def test_units_that_the_standard_lacks_are_refused(tmp_path):
    with pytest.raises(LatticeGnnError, match=r"unit: expected one of micron, .*, got 'parsec'"):
        read_models(tmp_path, {"3D/3dmodel.model": model("").replace("millimeter", "parsec")})


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


PRODUCTION = "http://schemas.microsoft.com/3dmanufacturing/production/2015/06"
CUBIC = "".join(f'<vertex x="{x}" y="{y}" z="{z}"/>' for x, y, z in
                [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)])  # fmt: skip


def mesh(number, beams=(1, 2, 3), more=""):
    rows = "".join(f'<b:beam v1="0" v2="{n}"/>' for n in beams)
    return (
        f'<object id="{number}"><mesh><vertices>{CUBIC}</vertices><b:beamlattice radius="0.05" '
        f'minlength="0.0001" {more}><b:beams>{rows}</b:beams></b:beamlattice></mesh></object>'
    )


def model(resources, build=""):
    return (
        f'<?xml version="1.0"?><model unit="millimeter" xmlns="{CORE}" xmlns:b="{BEAMS}" '
        f'xmlns:p="{PRODUCTION}"><resources>{resources}</resources><build>{build}</build></model>'
    )


def read_models(tmp_path, models):
    with zipfile.ZipFile(tmp_path / "x.3mf", "w") as file:
        for name, text in models.items():
            file.writestr(name, text)
    return read_with_report(tmp_path / "x.3mf")


def is_cubic(reading):
    (lattice,) = reading.lattices
    assert (lattice.num_nodes, lattice.num_struts) == (1, 3)
    assert lattice.relative_density == pytest.approx(3 * np.pi * 0.05**2)
    return reading.sentences()


def test_objects_in_model_parts_of_their_own(tmp_path):
    part = '<component objectid="2" p:path="/3D/Objects/cell.model"/>'
    build = '<item objectid="1"/>'
    start = model(f'<object id="1"><components>{part}</components></object>', build)
    is_cubic(read_models(tmp_path, {MODEL: start, "3D/Objects/cell.model": model(mesh(2))}))
    item = '<item objectid="2" p:path="/3D/Objects/cell.model"/>'
    is_cubic(
        read_models(tmp_path, {MODEL: model("", item), "3D/Objects/cell.model": model(mesh(2))})
    )
    with pytest.raises(LatticeGnnError, match="lacks the model part"):
        read_models(tmp_path, {MODEL: start})


@pytest.mark.parametrize(
    ("transform", "word"),
    [
        ("1 0 0 0 1 0 0 0 2 0 0 0", "stretched"),
        ("1 0 0 0.5 1 0 0 0 1 0 0 0", "stretched"),
        ("0 1 0 -1 0 0 0 0 1 0 0 0", "turned"),
        ("-1 0 0 0 1 0 0 0 1 0 0 0", "mirrored"),
        ("2 0 0 0 2 0 0 0 2 5 5 5", "scaled by 2"),
        ("1 0 0 0 1 0 0 0 1 7 8 9", ""),
    ],
)
@pytest.mark.parametrize("nested", [False, True])
def test_how_the_build_places_an_object_is_said(tmp_path, transform, word, nested):
    build = f'<item objectid="1" transform="{transform}"/>'
    resources = mesh(1)
    if nested:
        part = f'<component objectid="1" transform="{transform}"/>'
        resources += f'<object id="2"><components>{part}</components></object>'
        build = '<item objectid="2"/>'
    sentences = " ".join(is_cubic(read_models(tmp_path, {MODEL: model(resources, build)})))
    assert ("not applied" in sentences) == bool(word)
    assert word in sentences


@pytest.mark.parametrize("mode", ["inside", "outside"])
def test_clipping_is_said(tmp_path, mode):
    resources = mesh(1, more=f'clippingmode="{mode}" clippingmesh="9"')
    sentences = is_cubic(read_models(tmp_path, {MODEL: model(resources, '<item objectid="1"/>')}))
    assert any(f"clippingmode {mode}" in x for x in sentences)
    sentences = is_cubic(read_models(tmp_path, {MODEL: model(mesh(1, more='clippingmode="none"'))}))
    assert not any("clip" in x for x in sentences)


def test_components_of_one_object_are_one_lattice(tmp_path):
    """One strut, placed along x, y and z."""
    places = ("1 0 0 0 1 0 0 0 1", "0 1 0 -1 0 0 0 0 1", "0 0 1 0 1 0 -1 0 0")
    parts = "".join(f'<component objectid="1" transform="{x} 0 0 0"/>' for x in places)
    resources = mesh(1, beams=(1,)) + f'<object id="2"><components>{parts}</components></object>'
    is_cubic(read_models(tmp_path, {MODEL: model(resources, '<item objectid="2"/>')}))
    # Without a build every object that is no component is read.
    is_cubic(read_models(tmp_path, {MODEL: model(resources)}))


def test_circles_of_components_end(tmp_path):
    part = '<components><component objectid="{}"/><component objectid="{}"/></components>'
    resources = mesh(1) + f'<object id="2">{part.format(3, 1)}</object>'
    resources += f'<object id="3">{part.format(2, 1)}</object>'
    with pytest.raises(LatticeGnnError, match="nested deeper"):
        read_models(tmp_path, {MODEL: model(resources, '<item objectid="2"/>')})
    chain = mesh(1)
    for k in range(2, 16):
        chain += f'<object id="{k}">{part.format(k - 1, k - 1)}</object>'
    with pytest.raises(LatticeGnnError, match="more than 1000 components"):
        read_models(tmp_path, {MODEL: model(chain, '<item objectid="15"/>')})


@pytest.mark.parametrize("name", ["setattr", "init", "start", "class", "parts"])
def test_elements_never_reach_the_reader_itself(tmp_path, name):
    resources = f"<{name} a='1'/><b:{name}/>" + mesh(1)
    is_cubic(read_models(tmp_path, {MODEL: model(resources)}))
