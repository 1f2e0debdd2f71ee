"""The mesh of a solid's fields, read back by meshio: mechanics that only right numbers satisfy."""

import meshio
import numpy as np
import pytest

from data.exports.solid_fields import write_fields
from fem_reference.solid.homogenise import homogenise_solid
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.contacts import reduction
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.tensors.notation import COMPONENTS

HALF = 0.5**0.5
XX, YY, ZZ, XY, YZ, XZ = range(6)


def unit_strain(case):
    """eps : eps = 1."""
    i, j = (int(digit) - 1 for digit in case)
    strain = np.zeros((3, 3))
    strain[i, j] = strain[j, i] = 1.0 if i == j else HALF
    return strain


def tensor(components):
    """3 x 3 from xx yy zz xy yz xz."""
    rows = [[XX, XY, XZ], [XY, YY, YZ], [XZ, YZ, ZZ]]
    return np.moveaxis(components.T[rows], -1, 0)


@pytest.fixture(scope="module")
def lattice():
    """No symmetry: three different struts along the vectors of a skewed cell."""
    cell = np.array([[1.0, 0.1, 0.0], [-0.3, 0.9, 0.2], [0.2, 0.4, 1.3]])
    return Lattice(cell, [[0, 0, 0]], [[0, 0]] * 3, np.eye(3, dtype=int), [0.21, 0.25, 0.29])


@pytest.fixture(scope="module")
def solution(lattice):
    return homogenise_solid(lattice, voxels_per_diameter=4, tolerance=1e-20)


@pytest.fixture(scope="module")
def mesh(solution, tmp_path_factory):
    path = tmp_path_factory.mktemp("fields") / "fields.vtu"
    write_fields(path, solution.fields)
    return meshio.read(path)


def cells_of(mesh, name):
    (values,) = mesh.cell_data[name]
    return values


def edges_of(mesh):
    """Edge vectors of the voxels, from corner 0 to 1, 3 and 4 of VTK, as rows."""
    (block,) = mesh.cells
    assert block.type == "hexahedron"
    corners = mesh.points[block.data]
    return np.stack([corners[:, k] - corners[:, 0] for k in (1, 3, 4)], axis=1)


def test_the_voxels_weigh_as_much_as_the_solid(mesh, solution, lattice):
    volumes = np.linalg.det(edges_of(mesh))
    weights = cells_of(mesh, "volume_fraction")
    fraction = (weights * volumes).sum() / abs(np.linalg.det(lattice.cell))
    assert fraction == pytest.approx(solution.volume_fraction, rel=1e-12)
    assert 0 < weights.min() < weights.max() == 1


@pytest.mark.parametrize("case", COMPONENTS)
def test_the_mean_stress_is_the_stiffness_times_the_strain(case, mesh, solution, lattice):
    """Over the whole cell, void included: exact once the equations are solved."""
    volumes = cells_of(mesh, "volume_fraction") * np.linalg.det(edges_of(mesh))
    stress = tensor(cells_of(mesh, f"stress_{case}"))
    mean = np.einsum("v,vij->ij", volumes, stress) / abs(np.linalg.det(lattice.cell))
    C = solution.fine.stiffness.cartesian.numpy()
    expected = np.einsum("ijkl,kl->ij", C, unit_strain(case))
    np.testing.assert_allclose(mean, expected, rtol=0, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize("case", COMPONENTS)
def test_opposite_faces_move_apart_by_the_strain(case, mesh, lattice):
    cell = reduction(lattice.cell) @ lattice.cell
    fractions = np.round(mesh.points @ np.linalg.inv(cell), 9)
    place = {tuple(point): k for k, point in enumerate(fractions)}
    for axis in range(3):
        near = np.flatnonzero(fractions[:, axis] == 0)
        beyond = [place.get(tuple(point + np.eye(3)[axis])) for point in fractions[near]]
        pairs = [(a, b) for a, b in zip(near, beyond, strict=True) if b is not None]
        assert len(pairs) > 20
        low, high = np.array(pairs).T
        u = mesh.point_data[f"displacement_{case}"]
        expected = np.broadcast_to(unit_strain(case) @ cell[axis], (len(pairs), 3))
        np.testing.assert_allclose(u[high] - u[low], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("case", COMPONENTS)
def test_stress_follows_from_the_displacement_by_hooke(case, mesh, lattice):
    """The mean gradient in a voxel by differences of opposite faces; E = 1."""
    (block,) = mesh.cells
    u = mesh.point_data[f"displacement_{case}"][block.data]
    faces = (
        ([1, 2, 6, 5], [0, 3, 7, 4]),
        ([3, 2, 6, 7], [0, 1, 5, 4]),
        ([4, 5, 6, 7], [0, 1, 2, 3]),
    )
    steps = np.stack([u[:, far].mean(1) - u[:, near].mean(1) for far, near in faces], axis=1)
    gradient = np.linalg.solve(edges_of(mesh), steps)
    strain = (gradient + gradient.transpose(0, 2, 1)) / 2
    nu = lattice.material.nu
    bulk = nu / (1 - 2 * nu) * np.trace(strain, axis1=1, axis2=2)[:, None, None] * np.eye(3)
    expected = (strain + bulk) / (1 + nu)
    stress = tensor(cells_of(mesh, f"stress_{case}"))
    np.testing.assert_allclose(stress, expected, rtol=0, atol=1e-10 * np.abs(stress).max())


@pytest.mark.parametrize("case", COMPONENTS)
def test_von_mises_is_that_of_the_stress(case, mesh):
    s = cells_of(mesh, f"stress_{case}").T
    normal = (s[XX] - s[YY]) ** 2 + (s[YY] - s[ZZ]) ** 2 + (s[ZZ] - s[XX]) ** 2
    expected = np.sqrt(normal / 2 + 3 * (s[XY] ** 2 + s[YZ] ** 2 + s[XZ] ** 2))
    np.testing.assert_allclose(cells_of(mesh, f"von_mises_{case}"), expected, rtol=1e-9)


def test_a_place_that_cannot_be_written_is_named(solution, tmp_path):
    with pytest.raises(LatticeGnnError, match=r"missing.*cannot be written"):
        write_fields(tmp_path / "missing" / "fields.vtu", solution.fields)
    assert list(tmp_path.iterdir()) == []
