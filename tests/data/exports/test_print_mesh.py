"""Unions for printing are closed and have the volume of the lattice."""

import importlib.util
import struct

import numpy as np
import pytest

from data.exports import print_mesh
from data.exports.print_mesh import (
    enclosed_volume,
    is_watertight,
    printed_union,
    single_precision,
    write_print_mesh,
)
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.lattice import Material
from lattice_gnn.testing import random_lattice

pytest.importorskip("manifold3d")

TETRAHEDRON = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]])


def read_stl(path):
    """Read a binary STL file by its definition: corners of triangles."""
    content = path.read_bytes()
    (count,) = struct.unpack("<I", content[80:84])
    assert len(content) == 84 + 50 * count
    rows = np.frombuffer(content[84:], dtype=[("f", "<f4", 12), ("a", "<u2")])
    return rows["f"].reshape(count, 4, 3)


@pytest.mark.parametrize("name", ["octet", "bcc", "kelvin", "hexagonal-honeycomb"])
def test_the_union_of_one_cell_has_the_volume_fraction_of_the_lattice(name):
    lattice = cell(name, relative_density=0.2)
    corners, triangles = printed_union(lattice, clipped=True)
    assert is_watertight(triangles)
    expected = lattice.volume_fraction(samples=200_000)
    fraction = enclosed_volume(corners, triangles) / lattice.volume
    assert fraction == pytest.approx(expected.value, rel=0.01)


def test_volume_of_tapered_and_hollow_struts():
    lattice = cell("sc", radius=0.1)
    tapered = lattice.replace(end_radii=np.full(3, 0.15))
    hollow = tapered.replace(inner_radii=np.full(3, 0.06))
    for variant in (tapered, hollow):
        corners, triangles = printed_union(variant, clipped=True)
        expected = variant.volume_fraction(samples=200_000).value * variant.volume
        assert enclosed_volume(corners, triangles) == pytest.approx(expected, rel=0.01)
        assert is_watertight(triangles)


def test_a_block_holds_its_cells_and_whole_struts_at_its_faces():
    lattice = cell("sc", radius=0.1)
    (one, _), (several, _) = (printed_union(lattice, tiles) for tiles in ((1, 1, 1), (3, 2, 1)))
    np.testing.assert_allclose(one.min(axis=0), -0.1, atol=2e-3)
    np.testing.assert_allclose(several.max(axis=0), [3.1, 2.1, 1.1], atol=2e-3)


def test_stl_read_back_is_closed_and_of_the_volume_reported(tmp_path):
    path = tmp_path / "a.stl"
    volume, count = write_print_mesh(path, random_lattice(3))
    rows = read_stl(path)
    assert len(rows) == count
    corners, member = np.unique(rows[:, 1:].reshape(-1, 3), axis=0, return_inverse=True)
    triangles = member.reshape(-1, 3)
    assert is_watertight(triangles)
    assert enclosed_volume(corners.astype(float), triangles) == pytest.approx(volume, rel=1e-6)
    a, b, c = (rows[:, k].astype(float) for k in (1, 2, 3))
    normals = np.cross(b - a, c - a)
    size = np.linalg.norm(normals, axis=1)
    large = size > 1e-3 * size.max()
    cosine = (normals * rows[:, 0]).sum(axis=1)[large] / size[large]
    assert cosine.min() > 0.99


def test_3mf_is_a_closed_oriented_mesh_for_the_reference_implementation(tmp_path):
    lib3mf = pytest.importorskip("lib3mf")
    path = tmp_path / "a.3mf"
    lattice = cell("octet", relative_density=0.2).replace(units="cm", material=Material(2.0, 0.3))
    volume, count = write_print_mesh(path, lattice, (2, 1, 1))
    model = lib3mf.get_wrapper().CreateModel()
    reader = model.QueryReader("3mf")
    reader.SetStrictModeActive(True)
    reader.ReadFromFile(str(path))
    assert reader.GetWarningCount() == 0
    assert model.GetUnit() == lib3mf.ModelUnit.CentiMeter
    objects = model.GetMeshObjects()
    assert objects.MoveNext()
    mesh = objects.GetCurrentMeshObject()
    assert mesh.IsManifoldAndOriented()
    assert mesh.GetTriangleCount() == count
    points = np.array([list(x.Coordinates) for x in mesh.GetVertices()])
    triangles = np.array([list(x.Indices) for x in mesh.GetTriangleIndices()])
    assert enclosed_volume(points, triangles) == pytest.approx(volume, rel=1e-5)
    assert points.min() >= 0


def test_open_and_inverted_surfaces_are_found():
    assert is_watertight(TETRAHEDRON)
    assert not is_watertight(TETRAHEDRON[:3])
    turned = TETRAHEDRON.copy()
    turned[0] = turned[0, ::-1]
    assert not is_watertight(turned)
    with pytest.raises(LatticeGnnError, match="not a closed surface"):
        single_precision(np.eye(4, 3), TETRAHEDRON[:3])


def test_without_the_package_one_sentence_says_what_to_install(tmp_path, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        print_mesh, "find_spec", lambda name: None if name == "manifold3d" else real(name)
    )
    with pytest.raises(LatticeGnnError, match=r"install lattice-gnn\[print\]"):
        write_print_mesh(tmp_path / "a.stl", random_lattice(3))
    assert list(tmp_path.iterdir()) == []


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(LatticeGnnError, match=r"ends in .stl or .3mf"):
        write_print_mesh(tmp_path / "a.obj", random_lattice(3))
