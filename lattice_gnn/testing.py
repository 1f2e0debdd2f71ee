"""Test utilities, public: example lattices, random transformations, named tolerances."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int

from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.checks import canonical_struts
from lattice_gnn.lattice.lattice import Lattice

if TYPE_CHECKING:
    from torch import Tensor

ROUNDING = 1e-12
"""Relative error of float64 geometry: densities, lengths, round trips."""
BEAM_INVARIANCE = 1e-9
"""Relative error of beam stiffness under a change without physical meaning."""
CENTRAL_DIFFERENCE = 1e-6
"""Relative error of a derivative by central differences in float64."""


def random_rotation(seed: int, *, improper: bool = False) -> Float[np.ndarray, "3 3"]:
    """Return a uniformly random rotation, times -1 if ``improper``."""
    # Imported here: the lattices of this module are useful without torch.
    from lattice_gnn.tensors.rotations import random_rotations

    R: Float[np.ndarray, "3 3"] = random_rotations(1, seed)[0].numpy()
    return -R if improper else R


def random_unimodular(seed: int, *, determinant: int = 1) -> Int[np.ndarray, "3 3"]:
    """Return a random small integer matrix of determinant 1 or -1 that is not a permutation."""
    generator = np.random.default_rng(seed)
    lower = np.tril(generator.integers(-1, 2, size=(3, 3)), -1) + np.eye(3, dtype=np.int64)
    upper = np.triu(generator.integers(-1, 2, size=(3, 3)), 1) + np.eye(3, dtype=np.int64)
    lower[1, 0], upper[0, 2] = 1, -1
    U = (lower @ upper)[generator.permutation(3)]
    sign = round(float(np.linalg.det(U))) * determinant
    return U * np.array([[sign], [1], [1]])


def random_lattice(seed: int, *, num_nodes: int | None = None, sections: bool = False) -> Lattice:
    """Return a small lattice without symmetry: one connected net that spans space.

    Its cell is skewed and sometimes left-handed, some coordinates lie outside [0, 1), one node is
    joined to its own image, some pair of nodes by several images, and all radii differ.

    Args:
        seed: Random seed.
        num_nodes: Number of nodes; 1 to 5 at random by default.
        sections: Also draw tapers, bores, and a Young's modulus and Poisson ratio per strut.
    """
    generator = np.random.default_rng(seed)
    count = int(generator.integers(1, 6)) if num_nodes is None else num_nodes
    vectors = _random_cell(generator)
    nodes = _random_nodes(generator, count, vectors)
    struts = _random_struts(generator, nodes, random_unimodular(seed))
    rows = np.array(struts, dtype=np.int64)
    homes = generator.integers(-1, 2, size=(count, 3))
    i, j = rows[:, 0], rows[:, 1]
    radii = generator.uniform(0.02, 0.06, size=len(rows))
    lattice = Lattice(
        cell=vectors,
        nodes=nodes + homes,
        struts=rows[:, :2],
        shifts=rows[:, 2:] + homes[i] - homes[j],
        radii=radii,
        name=f"random-{seed}",
    )
    if not sections:
        return lattice
    return lattice.replace(
        end_radii=radii * generator.uniform(0.6, 1.5, size=len(rows)),
        inner_radii=radii
        * generator.uniform(0.2, 0.8, size=len(rows))
        * (generator.random(len(rows)) < 0.5),
        E=generator.uniform(0.5, 2.0, size=len(rows)),
        nu=generator.uniform(0.0, 0.4, size=len(rows)),
    )


def _random_cell(generator: np.random.Generator) -> Float[np.ndarray, "3 3"]:
    while True:
        vectors = np.eye(3) + generator.normal(scale=0.3, size=(3, 3))
        vectors *= generator.choice((-1.0, 1.0))
        if abs(np.linalg.det(vectors)) > 0.5 * np.prod(np.linalg.norm(vectors, axis=1)):
            return vectors


def _random_nodes(
    generator: np.random.Generator, count: int, vectors: Float[np.ndarray, "3 3"]
) -> Float[np.ndarray, "nodes 3"]:
    """Draw fractional coordinates at least 0.2 apart, periodic images included."""
    nodes = [generator.random(3)]
    while len(nodes) < count:
        node = generator.random(3)
        apart = np.array(nodes) - node
        apart -= np.round(apart)
        if np.linalg.norm(apart @ vectors, axis=1).min() > 0.2:
            nodes.append(node)
    return np.array(nodes)


def _random_struts(
    generator: np.random.Generator,
    nodes: Float[np.ndarray, "nodes 3"],
    cycles: Int[np.ndarray, "3 3"],
) -> list[tuple[int, ...]]:
    """Join the nodes by a tree, three struts whose cycles generate Z^3, and a few more."""
    count = len(nodes)
    offsets = np.zeros((count, 3), dtype=np.int64)
    struts: dict[tuple[int, ...], tuple[int, ...]] = {}

    def add(i: int, j: int, shift: Int[np.ndarray, "3"]) -> None:
        row = np.array([[i, j, *shift]], dtype=np.int64)
        key = tuple(canonical_struts(row[:, :2], row[:, 2:])[0].tolist())
        if i != j or shift.any():
            struts.setdefault(key, (i, j, *shift.tolist()))

    for j in range(1, count):
        i = int(generator.integers(j))
        shift = np.round(nodes[i] - nodes[j]).astype(np.int64)
        offsets[j] = offsets[i] + shift
        add(i, j, shift)
    for number, cycle in enumerate(cycles):
        i, j = (0, 0) if number == 0 else generator.integers(count, size=2).tolist()
        add(i, j, cycle - offsets[i] + offsets[j])
    for _ in range(count):
        i, j = generator.integers(count, size=2).tolist()
        shift = np.round(nodes[i] - nodes[j]).astype(np.int64)
        add(i, j, shift + generator.integers(0, 2, size=3))
        add(i, j, shift - generator.integers(0, 2, size=3))
    return list(struts.values())


def example_lattices() -> tuple[Lattice, ...]:
    """Return example lattices: named, perturbed, strained, skewed, tapered, hollow."""
    shear = np.array([[1.0, 0.2, 0.0], [0.0, 0.9, 0.1], [0.0, 0.0, 1.1]])
    return (
        cell("sc", radius=0.05),
        cell("bcc", radius=0.05),
        cell("octet", relative_density=0.05),
        cell("kelvin", relative_density=0.05).perturbed(0.03, seed=1),
        cell("diamond", relative_density=0.02).strained(shear),
        cell("isotruss", radius=0.02),
        cell("gyroid", radius=0.03),
        cell("hexagonal-honeycomb", radius=0.04),
        random_lattice(0),
        random_lattice(1, sections=True),
        random_lattice(2, num_nodes=4),
    )


def same_structure(
    a: Lattice, b: Lattice, *, any_translation: bool = False, tolerance: float = 1e-9
) -> bool:
    """Return whether two lattices are one structure, however its nodes and cell are written.

    Node order and homes, strut order and direction, and the choice of the (equally large) cell may
    differ; positions, radii, tapers, bores and moduli of the struts may not.

    Args:
        a: One lattice.
        b: The other.
        any_translation: Whether one may be translated relative to the other.
        tolerance: Absolute in fractional coordinates; relative for sections.
    """
    M = a.cell @ np.linalg.inv(b.cell)
    change = np.round(M).astype(np.int64)
    if np.abs(M - change).max() > tolerance or abs(round(float(np.linalg.det(change)))) != 1:
        return False
    if (a.num_nodes, a.num_struts) != (b.num_nodes, b.num_struts):
        return False
    points = a.positions @ np.linalg.inv(b.cell)
    moves = b.nodes - points[0] if any_translation else np.zeros((1, 3))
    return any(_coincide(a, b, points + move, change, tolerance) for move in moves)


def _coincide(
    a: Lattice,
    b: Lattice,
    points: Float[np.ndarray, "nodes 3"],
    change: Int[np.ndarray, "3 3"],
    tolerance: float,
) -> bool:
    """Return whether a, with its nodes at these fractional coordinates of b's cell, equals b."""
    apart = points[:, None] - b.nodes
    match = np.abs(apart - np.round(apart)).max(axis=2) <= tolerance
    partner = match.argmax(axis=1)
    if not match.any(axis=1).all() or len(set(partner.tolist())) < len(partner):
        return False
    homes = np.round(points - b.nodes[partner]).astype(np.int64)
    i, j = a.struts.T
    rows_a, sections_a = _sorted_struts(
        a, partner[a.struts], a.shifts @ change + homes[j] - homes[i]
    )
    rows_b, sections_b = _sorted_struts(b, b.struts, b.shifts)
    same_rows = np.array_equal(rows_a, rows_b)
    return same_rows and np.allclose(sections_a, sections_b, rtol=tolerance, atol=tolerance)


def _sorted_struts(
    lattice: Lattice, struts: Int[np.ndarray, "struts 2"], shifts: Int[np.ndarray, "struts 3"]
) -> tuple[Int[np.ndarray, "struts 5"], Float[np.ndarray, "struts 5"]]:
    rows = canonical_struts(struts, shifts)
    turned: Bool[np.ndarray, " struts"] = (rows != np.column_stack([struts, shifts])).any(axis=1)
    table = lattice.sections.table
    table[turned, :2] = table[turned, 1::-1]
    order = np.lexsort(rows.T)
    return rows[order], table[order]


SAME_STRUCTURE: Mapping[str, Callable[[Lattice], Lattice]] = {
    "translation": lambda x: x.translated(np.array([0.3, -0.7, 0.1])),
    "node order": lambda x: x.reordered(np.random.default_rng(1).permutation(x.num_nodes)),
    "strut direction": lambda x: x.reversed_struts(np.arange(x.num_struts) % 2 == 0),
    "cell vectors": lambda x: x.with_cell_vectors(random_unimodular(2)),
    "left-handed cell": lambda x: x.with_cell_vectors(random_unimodular(3, determinant=-1)),
    "tiling": lambda x: x.supercell((1, 2, 2)),
    "uniform scale": lambda x: x.scaled(7.3),
    "inversion": lambda x: x.rotated(-np.eye(3)),
}
"""Changes of a lattice's description (or size) that leave its stiffness unchanged."""


def assert_equivariant(
    stiffness: "Callable[[Sequence[Lattice]], Tensor]",
    lattices: Sequence[Lattice],
    *,
    tolerance: float = BEAM_INVARIANCE,
) -> None:
    """Assert that a stiffness is equivariant and ignores what has no physical meaning.

    Args:
        stiffness: Function from lattices to Mandel matrices (lattices, 6, 6).
        lattices: Lattices to test it on.
        tolerance: Largest difference, relative in the Frobenius norm.

    Raises:
        AssertionError: Names the change, the lattice and the difference.
    """
    # Imported here: the lattices of this module are useful without torch.
    import torch

    from lattice_gnn.tensors.notation import rotation_mandel

    C = stiffness(lattices)
    expected = dict.fromkeys(SAME_STRUCTURE, C)
    changed = {name: [change(x) for x in lattices] for name, change in SAME_STRUCTURE.items()}
    for name, improper in (("rotation", False), ("rotation and reflection", True)):
        Q = random_rotation(5, improper=improper)
        R = rotation_mandel(torch.from_numpy(Q)).to(C)
        expected[name] = R @ C @ R.mT
        changed[name] = [x.rotated(Q) for x in lattices]
    for name, members in changed.items():
        difference = (stiffness(members) - expected[name]).flatten(1).norm(dim=1)
        relative = difference / C.flatten(1).norm(dim=1)
        worst = int(relative.argmax())
        if not float(relative[worst]) <= tolerance:
            raise AssertionError(
                f"{name}: the stiffness of {lattices[worst]} changes by "
                f"{float(relative[worst]):.2e} (relative Frobenius), "
                f"expected at most {tolerance:.0e}"
            )


def assert_gradient(
    function: "Callable[[Tensor], Tensor]",
    x: "Tensor",
    direction: "Tensor",
    *,
    absolute: float = CENTRAL_DIFFERENCE,
) -> None:
    """Assert that the derivative of a scalar function along a direction is that of differences.

    The central differences are of fourth order, with a step of 1e-5.

    Args:
        function: Function from tensors like ``x``, float64, to a scalar.
        x: Where the derivative is tested.
        direction: Direction, of the shape of ``x``.
        absolute: Largest difference, where that of ``CENTRAL_DIFFERENCE`` times the value is less.

    Raises:
        AssertionError: With both values.
    """
    import torch

    at = x.detach().clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(function(at), at)
    h = 1e-5
    with torch.no_grad():
        values = [float(function(x + k * h * direction)) for k in (-2, -1, 1, 2)]
    difference = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * h)
    derivative = float((gradient * direction).sum())
    allowed = max(CENTRAL_DIFFERENCE * abs(difference), absolute)
    if not abs(derivative - difference) <= allowed:
        raise AssertionError(
            f"the derivative is {derivative:.10g}, by differences {difference:.10g}, expected "
            f"within {allowed:.1e}"
        )
