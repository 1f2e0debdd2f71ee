"""glTF files hold the geometry and the colours of the picture."""

import json
import struct

import numpy as np
import pytest

from lattice_gnn.errors import LatticeGnnError
from viz.colouring import by_radius
from viz.gltf import gltf_bytes, write_gltf
from viz.lattice_view import lattice_view
from viz.mesh import joint_surface, strut_surface
from viz.picture import Picture
from viz.render import overview
from viz.stiffness_view import stiffness_view


def parse(content):
    """Read the chunks of a binary glTF by their definition."""
    magic, version, total = struct.unpack("<4sII", content[:12])
    assert (magic, version, total) == (b"glTF", 2, len(content))
    length, kind = struct.unpack("<I4s", content[12:20])
    assert kind == b"JSON"
    document = json.loads(content[20 : 20 + length])
    start = 20 + length
    size, kind = struct.unpack("<I4s", content[start : start + 8])
    assert kind == b"BIN\0"
    return document, content[start + 8 : start + 8 + size]


def array(document, binary, number):
    accessor = document["accessors"][number]
    view = document["bufferViews"][accessor["bufferView"]]
    part = binary[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]
    values = np.frombuffer(part, "<f4" if accessor["componentType"] == 5126 else "<u4")
    return values.reshape(accessor["count"], -1)


def test_geometry_is_that_of_the_picture_with_y_up(octet, cubic_stiffness):
    picture = overview(octet, cubic_stiffness)
    document, binary = parse(gltf_bytes(picture))
    assert [node["name"] for node in document["nodes"]] == [view.title for view in picture.views]
    struts = document["meshes"][0]["primitives"][0]
    points = array(document, binary, struts["attributes"]["POSITION"])
    own = strut_surface(picture.views[0].parts[0].body, 16)
    np.testing.assert_allclose(points[:, [0, 2, 1]] * [1, -1, 1], own.points, atol=1e-6)
    faces = array(document, binary, struts["indices"]).reshape(-1, 3)
    np.testing.assert_array_equal(faces, own.faces)
    normals = array(document, binary, struts["attributes"]["NORMAL"])
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-5)
    apart = np.subtract(document["nodes"][1]["translation"], document["nodes"][0]["translation"])
    assert np.linalg.norm(apart) > 2


def test_colours_follow_the_values_and_the_range_is_kept(simple_cubic):
    tapered = simple_cubic.replace(end_radii=np.full(3, 0.3))
    view = lattice_view(tapered, colouring=by_radius(tapered))
    document, binary = parse(gltf_bytes(Picture("", (view,), 1)))
    assert document["nodes"][0]["extras"]["range"] == pytest.approx([0.1, 0.3])
    struts = document["meshes"][0]["primitives"][0]
    colours = array(document, binary, struts["attributes"]["COLOR_0"])
    own = strut_surface(view.parts[0].body, 16, view.parts[0].values)
    thin, thick = own.values < 0.11, own.values > 0.29
    viridis = np.array([[0.267, 0.005, 0.329], [0.993, 0.906, 0.144]])  # its ends, sRGB
    linear = np.where(viridis <= 0.04045, viridis / 12.92, ((viridis + 0.055) / 1.055) ** 2.4)
    np.testing.assert_allclose(colours[thin].mean(axis=0), linear[0], atol=0.01)
    np.testing.assert_allclose(colours[thick].mean(axis=0), linear[1], atol=0.01)


def test_vtk_reads_the_file_back(octet, cubic_stiffness, tmp_path):
    pv = pytest.importorskip("pyvista")
    picture = Picture("", (lattice_view(octet), stiffness_view(cubic_stiffness)), 2)
    path = write_gltf(picture, str(tmp_path / "a.glb"))
    whole = pv.read(path).combine().extract_surface(algorithm="dataset_surface")
    tubes = picture.views[0].parts[0].body
    triangles = len(strut_surface(tubes, 16).faces) + len(joint_surface(tubes, 2).faces)
    triangles += len(picture.views[1].parts[0].body.faces)
    assert whole.n_cells == triangles


def test_another_suffix_is_refused(octet, tmp_path):
    with pytest.raises(LatticeGnnError, match=r"ending in \.glb"):
        write_gltf(Picture("", (lattice_view(octet),), 1), tmp_path / "a.gltf")
