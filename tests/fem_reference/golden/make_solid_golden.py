"""Make ``solid.json``: stiffnesses of solid cells from gmsh meshes and scikit-fem.

For development only. Nothing here is shared with the solid reference: the union of cylinders and
balls is a CAD boolean (OpenCASCADE), clipped by the box, meshed with curved second-order tetrahedra
whose nodes agree on opposite faces, and solved by a direct solver on two meshes, which are
extrapolated linearly in the element size. gmsh (GPL) is imported neither by the package nor by its
tests. From the repository root, in an environment of its own::

    pip install gmsh==4.15.2 scikit-fem==12.0.2 meshio pypardiso jaxtyping scipy
    PYTHONPATH=. python tests/fem_reference/golden/make_solid_golden.py [NAME ...]

Meshers fail silently. A mesh counts only where every face on one side of the box has its image on
the other, every node there has its partner, and the meshed volume is that of the sampled union.
Otherwise the cell is moved by another fraction of a period and tried again.
"""

import itertools
import json
import sys
import tempfile
import time
from pathlib import Path

import gmsh
import numpy as np
import scipy.sparse as sp
import skfem
from pypardiso import PyPardisoSolver
from scipy.spatial import cKDTree

from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.json_file import lattice_to_dict
from lattice_gnn.lattice.lattice import Lattice

NU = 0.3
SIZES = (0.6, 0.36)  #: element size over the smallest radius
TARGET = Path(__file__).with_name("solid.json")
MOVES = [(0.17, 0.23, 0.31), (0.05, 0.41, 0.13), (0.37, 0.11, 0.26), (0.29, 0.07, 0.43)]
_PAIRS = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))


def cells() -> dict[str, Lattice]:
    """Box-shaped cells: six named ones, and one whose sides and radii differ."""
    made = {
        "bcc": cell("bcc", radius=0.08),
        "sc": cell("sc", relative_density=0.15),
        "fcc": cell("fcc", relative_density=0.15),
        "diamond": cell("diamond", relative_density=0.15),
        "kelvin": cell("kelvin", relative_density=0.15),
        "octet": cell("octet", relative_density=0.2),
    }
    box = cell("sc", radius=0.1).strained(np.diag([1.0, 0.8, 1.25]))
    made["unequal"] = box.with_radii(np.array([0.1, 0.16, 0.13]))
    return made


def build(lattice: Lattice, move: tuple[float, float, float], size: float, path: str) -> dict:
    """Mesh one cell; returns its checks."""
    box = lattice.cell.diagonal()
    moved = lattice.translated(np.array(move)).wrapped()
    starts = moved.nodes[moved.struts[:, 0]] @ moved.cell
    balls: dict[tuple, float] = {}
    gmsh.clear()
    gmsh.option.setNumber("General.Terminal", 0)
    occ = gmsh.model.occ
    tags = []
    for shift in itertools.product((-1, 0, 1), repeat=3):
        for start, vector, radius in zip(starts, moved.strut_vectors, moved.radii, strict=True):
            a = start + np.array(shift) * box
            b = a + vector
            if (np.maximum(a, b) < -radius).any() or (np.minimum(a, b) > box + radius).any():
                continue
            tags.append((3, occ.addCylinder(*a, *vector, radius)))
            for end in (a, b):
                key = tuple(np.round(end, 9))
                balls[key] = max(radius, balls.get(key, 0.0))
    tags += [(3, occ.addSphere(*centre, radius)) for centre, radius in balls.items()]
    union, _ = occ.fuse(tags[:1], tags[1:])
    clipped, _ = occ.intersect(union, [(3, occ.addBox(0, 0, 0, *box))])
    occ.synchronize()
    matched = [match_faces(axis, box) for axis in range(3)]
    volume = sum(occ.getMass(*part) for part in clipped)
    length = size * float(lattice.radii.min())
    gmsh.option.setNumber("Mesh.MeshSizeMin", length / 3)
    gmsh.option.setNumber("Mesh.MeshSizeMax", length)
    gmsh.model.mesh.generate(3)
    gmsh.model.mesh.setOrder(2)
    gmsh.write(path)
    return {"matched_faces": matched, "cad_volume_fraction": volume / lattice.volume}


def match_faces(axis: int, box: np.ndarray) -> int:
    """Tie the faces on one side of the box to those on the other; all must have a partner."""
    occ, near = gmsh.model.occ, 1e-6
    sides: tuple[list, list] = ([], [])
    for dim, tag in gmsh.model.getEntities(2):
        bounds = gmsh.model.getBoundingBox(dim, tag)
        for side, at in enumerate((0.0, box[axis])):
            if abs(bounds[axis] - at) < near and abs(bounds[axis + 3] - at) < near:
                sides[side].append(
                    (tag, np.array(occ.getCenterOfMass(2, tag)), occ.getMass(2, tag))
                )
    if len(sides[0]) != len(sides[1]) or not sides[0]:
        raise RuntimeError(f"axis {axis}: {len(sides[0])} faces against {len(sides[1])}")
    shift = np.eye(3)[axis] * box[axis]
    transform = np.eye(4)
    transform[axis, 3] = box[axis]
    for tag, centre, area in sides[0]:
        partner = [
            other
            for other, c, s in sides[1]
            if np.abs(c - centre - shift).max() < 1e-5 and abs(s - area) < 1e-5 * area + 1e-9
        ]
        if len(partner) != 1:
            raise RuntimeError(f"axis {axis}: a face has {len(partner)} images")
        gmsh.model.mesh.setPeriodic(2, partner, [tag], transform.ravel().tolist())
    return len(sides[0])


def solid() -> np.ndarray:
    """Mandel stiffness of the solid, E = 1."""
    G, lame = 0.5 / (1 + NU), NU / ((1 + NU) * (1 - 2 * NU))
    D = np.diag([2 * G] * 6)
    D[:3, :3] += lame
    return D


def homogenise(path: str, lattice: Lattice) -> tuple[np.ndarray, dict]:
    """Periodic stiffness of a mesh, Mandel, and its checks."""
    mesh = skfem.MeshTet2.load(path)
    basis = skfem.Basis(mesh, skfem.ElementVector(skfem.ElementTetP2()), intorder=4)
    G, lame = 0.5 / (1 + NU), NU / ((1 + NU) * (1 - 2 * NU))

    def stress(e: np.ndarray) -> np.ndarray:
        return 2 * G * e + lame * np.einsum("ii...,kl->kl...", e, np.eye(3))

    @skfem.BilinearForm
    def stiffness(u, v, w):
        e, f = (0.5 * (x.grad + x.grad.transpose(1, 0, 2, 3)) for x in (u, v))
        return (stress(e) * f).sum(axis=(0, 1))

    K = stiffness.assemble(basis).tocsr()
    loads = []
    for i, j in _PAIRS:
        unit = np.zeros((3, 3))
        unit[i, j] = unit[j, i] = 1.0 if i == j else 0.5**0.5
        S = stress(unit)

        @skfem.LinearForm
        def load(v, w, S=S):
            return np.einsum("ij,ij...->...", S, v.grad)

        loads.append(load.assemble(basis))
    f = np.array(loads).T
    T, partners = periodic(basis, lattice.cell.diagonal())
    A, b = (T.T @ K @ T).tocsr(), T.T @ f
    free = np.arange(3, A.shape[0])
    upper = sp.triu(A[free][:, free], format="csr")
    solver = PyPardisoSolver(mtype=2)
    solver.factorize(upper)
    u = np.zeros_like(b)
    u[free] = solver.solve(upper, b[free])
    solver.free_memory(everything=True)
    volume = skfem.Functional(lambda w: np.ones(w.x.shape[1:])).assemble(basis)
    C = (volume * solid() - b.T @ u) / lattice.volume
    checks = {
        "tetrahedra": int(mesh.nelements),
        "nodes": int(basis.N // 3),
        "matched_nodes": partners,
        "mesh_volume_fraction": float(volume / lattice.volume),
    }
    return (C + C.T) / 2, checks


def periodic(basis: skfem.Basis, box: np.ndarray) -> tuple[sp.csr_matrix, list[int]]:
    """Map from independent to all degrees of freedom; all nodes on far faces need a partner."""
    nodes = basis.doflocs[:, ::3].T
    master = np.arange(len(nodes))
    counts = []
    for axis in range(3):
        low = np.flatnonzero(np.abs(nodes[:, axis]) < 1e-7)
        high = np.flatnonzero(np.abs(nodes[:, axis] - box[axis]) < 1e-7)
        shift = np.eye(3)[axis] * box[axis]
        distance, found = cKDTree(nodes[low]).query(nodes[high] - shift)
        if len(low) != len(high) or distance.max() > 1e-6 * box.max():
            raise RuntimeError(f"axis {axis}: {len(low)} nodes against {len(high)} do not match")
        master[high] = master[low[found]]
        counts.append(len(low))
    while (master != master[master]).any():
        master = master[master]
    kept, number = np.unique(master, return_inverse=True)
    columns = (3 * number[:, None] + np.arange(3)).ravel()
    rows = np.arange(3 * len(nodes))
    shape = (len(rows), 3 * len(kept))
    return sp.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape), counts


def golden(name: str, lattice: Lattice) -> dict:
    """Both meshes of one cell and what follows from them."""
    fraction = lattice.volume_fraction(samples=400_000).value
    path = str(Path(tempfile.gettempdir()) / f"solid-golden-{name}.msh")
    for move in MOVES:
        try:
            found = []
            for size in SIZES:
                began = time.process_time()
                checks = build(lattice, move, size, path)
                C, more = homogenise(path, lattice)
                checks |= more
                for key in ("cad_volume_fraction", "mesh_volume_fraction"):
                    if abs(checks[key] / fraction - 1) > 0.01:
                        raise RuntimeError(f"{key} {checks[key]:.5f}, sampled {fraction:.5f}")
                found.append((C, checks))
                report(name, size, checks, f"{time.process_time() - began:.0f} s")
            break
        except Exception as error:  # gmsh raises plain exceptions of all kinds
            report(name, move, "failed:", error)
    else:
        raise RuntimeError(f"{name}: no mesh could be made")
    (coarse, _), (fine, checks) = found
    ratio = SIZES[0] / SIZES[1]
    C = fine + (fine - coarse) / (ratio - 1)
    return {
        "lattice": lattice_to_dict(lattice),
        "nu": NU,
        "stiffness": C.tolist(),
        "finer_mesh": fine.tolist(),
        "coarser_mesh": coarse.tolist(),
        "sampled_volume_fraction": fraction,
        "checks": checks,
    }


def report(*words: object) -> None:
    """Write one line to the terminal."""
    sys.stderr.write(" ".join(str(word) for word in words) + "\n")


def main() -> None:
    """Make the named cells, or all, and keep what is stored of the others."""
    gmsh.initialize()
    stored = json.loads(TARGET.read_text()) if TARGET.exists() else {}
    for name, lattice in cells().items():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        stored[name] = golden(name, lattice)
        TARGET.write_text(json.dumps(stored, indent=1) + "\n")
    gmsh.finalize()


if __name__ == "__main__":
    main()
