"""Independent codes on the same periodic cells: fedoo and PyNite, if installed.

Both are oracles, not dependencies: ``pip install fedoo==1.1.0 PyNiteFEA`` in addition. The input of
each code is prepared before the clock starts.
"""

import contextlib
import importlib
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np

from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.tensors.stiffness import Stiffness

_FEDOO_ORDER = [0, 1, 2, 5, 4, 3]  # fedoo: xx yy zz xy xz yz; ours: 11 22 33 23 13 12


@dataclass(frozen=True, slots=True)
class Drawing:
    """A periodic cell as a frame in space.

    Attributes:
        lattice: The cell.
        points: Cartesian end points.
        struts: Point numbers, one pair per strut or piece of a strut.
        nodes: The lattice node of which each point is an image; -1 for cut points.
        shifts: Cell of each point.
    """

    lattice: Lattice
    points: np.ndarray
    struts: np.ndarray
    nodes: np.ndarray
    shifts: np.ndarray


@dataclass(frozen=True, slots=True)
class Oracle:
    """Another code: name and version, preparation of a cell, and homogenisation."""

    name: str
    note: str
    prepare: Callable[[Lattice], Drawing]
    solve: Callable[[Drawing], Stiffness]


def available() -> tuple[list[Oracle], list[str]]:
    """Return the oracles that can be imported, and a sentence about each that cannot."""
    found, missing = [], []
    for package, make in (("fedoo", _fedoo), ("Pynite", _pynite)):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found.append(make(importlib.import_module(package)))
        except ImportError as error:
            missing.append(f"{package} is skipped: it cannot be imported ({error})")
    return found, missing


def is_comparable(lattice: Lattice) -> bool:
    """Return whether all oracles accept the cell: axis-aligned box, one net, equal solid struts."""
    box = np.abs(lattice.cell - np.diag(lattice.cell.diagonal())).max() == 0
    plain = (lattice.end_radii, lattice.inner_radii, lattice.E, lattice.nu) == (None,) * 4
    return bool(
        box
        and plain
        and np.ptp(lattice.radii) < 1e-12 * lattice.radii[0]
        and lattice.connectivity().is_single_net
    )


def draw_images(lattice: Lattice) -> Drawing:
    """Draw whole struts, from home nodes to images of nodes."""
    keys = {(n, 0, 0, 0): n for n in range(lattice.num_nodes)}
    struts = []
    for (i, j), shift in zip(lattice.struts.tolist(), lattice.shifts.tolist(), strict=True):
        struts.append((i, keys.setdefault((j, *shift), len(keys))))
    table = np.array(list(keys))
    nodes, shifts = table[:, 0], table[:, 1:]
    points = (lattice.nodes[nodes] + shifts) @ lattice.cell
    return Drawing(lattice, points, np.array(struts), nodes, shifts)


def draw_box(lattice: Lattice) -> Drawing:
    """Draw the cell as a box: struts cut at the faces, all images of every point on a face."""
    rng = np.random.default_rng(0)
    moves = rng.random((20, 3))
    fractions = (lattice.nodes[None] + moves[:, None]) % 1
    clear = np.minimum(fractions, 1 - fractions).min((1, 2))
    lattice = lattice.translated(moves[clear.argmax()]).wrapped()
    keys: dict[tuple[float, ...], int] = {}
    exact: list[tuple[float, ...]] = []

    def point(x: np.ndarray) -> int:
        x = np.where(np.abs(x - np.rint(x)) < 1e-9, np.rint(x), x)
        for image in product(*([0.0, 1.0] if c in (0.0, 1.0) else [c] for c in x)):
            if keys.setdefault(tuple(np.round(image, 9)), len(exact)) == len(exact):
                exact.append(image)
        return keys[tuple(np.round(x, 9))]

    struts = []
    for (i, j), shift in zip(lattice.struts, lattice.shifts, strict=True):
        start, end = lattice.nodes[i], lattice.nodes[j] + shift
        cuts = {0.0, 1.0}
        for a, b in zip(start, end, strict=True):
            crossed = np.arange(np.ceil(min(a, b)), np.floor(max(a, b)) + 1)
            cuts |= {float((k - a) / (b - a)) for k in crossed if a != b}
        along = [t for t in sorted(cuts) if 0 <= t <= 1]
        pairs = [(s, t) for s, t in pairwise(along) if t - s > 1e-9]
        for s, t in pairs:
            p, q = start + s * (end - start), start + t * (end - start)
            cell = np.floor((p + q) / 2)
            struts.append((point(p - cell), point(q - cell)))
    points = np.array(exact) @ lattice.cell
    unknown = np.full(len(points), -1)
    return Drawing(lattice, points, np.array(struts), unknown, np.zeros((len(points), 3), int))


def _fedoo(fd: object) -> Oracle:
    from importlib.metadata import version

    import fedoo

    def solve(drawing: Drawing) -> Stiffness:
        # "pin", fedoo's default, would clamp rotations; "mean" holds the mean displacement only.
        fedoo.Problem.get_all().clear()
        fedoo.ModelingSpace("3D")
        mesh = fedoo.Mesh(drawing.points, drawing.struts, "lin2")
        material = fedoo.constitutivelaw.ElasticIsotrop(1.0, drawing.lattice.material.nu)
        section = fedoo.constitutivelaw.BeamCircular(material, float(drawing.lattice.radii[0]), k=0)
        form = fedoo.weakform.BeamEquilibrium(section)
        assembly = fedoo.Assembly.create(form, mesh, "bernoullibeam")
        C = fedoo.homogen.get_homogenized_stiffness(assembly, rigid_body_constraint="mean")
        return Stiffness.from_voigt(np.asarray(C)[np.ix_(_FEDOO_ORDER, _FEDOO_ORDER)])

    note = "periodic constraints and solve by fedoo, on the cell cut at the faces of its box"
    return Oracle(f"fedoo {version('fedoo')}", note, draw_box, _quietly(solve))


def _pynite(package: object) -> Oracle:
    from importlib.metadata import version

    from Pynite import Analysis, FEModel3D

    def solve(drawing: Drawing) -> Stiffness:
        lattice = drawing.lattice
        model = FEModel3D()
        nu, r = lattice.material.nu, float(lattice.radii[0])
        model.add_material("solid", 1.0, 1 / (2 * (1 + nu)), nu, 0.0)
        inertia = np.pi * r**4 / 4
        model.add_section("rod", np.pi * r**2, inertia, inertia, 2 * inertia)
        for n, x in enumerate(drawing.points):
            model.add_node(f"N{n}", *map(float, x))
        for s, (i, j) in enumerate(drawing.struts):
            model.add_member(f"M{s}", f"N{i}", f"N{j}", "solid", "rod")
        Analysis._prepare_model(model)
        K = model.Ke("Combo 1", check_stability=False, sparse=True).toarray()
        return _condensed(K, drawing)

    note = "elements and assembly by PyNite, periodic condensation by six lines of numpy"
    return Oracle(f"PyNite {version('PyNiteFEA')}", note, draw_images, _quietly(solve))


def _condensed(K: np.ndarray, drawing: Drawing) -> Stiffness:
    """Condense the stiffness on the macroscopic strain E, with u_image = u_home + E shift."""
    lattice, half = drawing.lattice, np.sqrt(0.5)
    T = np.zeros((len(drawing.points), 6, 6 * lattice.num_nodes + 6))
    for n, (node, offset) in enumerate(
        zip(drawing.nodes, drawing.shifts @ lattice.cell, strict=True)
    ):
        T[n, :, 6 * node : 6 * node + 6] = np.eye(6)
        x, y, z = offset
        T[n, 0, -6:] = [x, 0, 0, 0, half * z, half * y]
        T[n, 1, -6:] = [0, y, 0, half * z, 0, half * x]
        T[n, 2, -6:] = [0, 0, z, half * y, half * x, 0]
    P = T.reshape(-1, T.shape[2])
    K = (P.T @ K @ P)[3:, 3:]  # the first node's displacement is held
    inside, strain = K[:-6, :-6], K[:-6, -6:]
    C = K[-6:, -6:] - strain.T @ np.linalg.solve(inside, strain)
    return Stiffness((C + C.T) / (2 * lattice.volume))


def _quietly(solve: Callable[[Drawing], Stiffness]) -> Callable[[Drawing], Stiffness]:
    """Suppress the output and warnings of the oracle."""

    def quiet(drawing: Drawing) -> Stiffness:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            return solve(drawing)

    return quiet
