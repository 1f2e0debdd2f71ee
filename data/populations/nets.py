"""Crystal-like nets from symmetry: special points of random space groups, joined by shells.

One to three points on symmetry elements of a random space group are replicated by its operations.
Each is joined to its nearest neighbours, whole distance shells at a time, so that every operation
of the group maps struts to struts. Struts that cross get a joint. Nets that are not sound are
rejected and drawn again.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from data.populations.space_groups import (
    SpaceGroup,
    orbit,
    random_cell,
    space_groups,
    special_point,
)
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.angles import sharpest_joint
from lattice_gnn.lattice.checks import is_forward
from lattice_gnn.lattice.contacts import image_pairs
from lattice_gnn.lattice.crossings import closest_struts, split_crossings
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.lattice.topology import analyse_net

_SHELL = 1e-4  #: relative difference of distances within one shell
_RADIUS = 1e-3  #: of the struts of a net, cell edge 1; the density is set later


@dataclass(frozen=True, slots=True)
class NetSampling:
    """How crystal-like nets are drawn.

    Attributes:
        systems: Crystal systems and their shares among the *attempted* nets; the shares among the
            accepted ones differ, as some systems fail more often.
        sites: Smallest and largest number of inequivalent points.
        nodes: Smallest and largest number of nodes per cell.
        struts: Smallest and largest number of struts per cell.
        connectivity: Smallest and largest mean number of struts per node.
        aspect: Largest ratio of two cell edges.
        neighbours: Minimum number of neighbours that a site is joined to, drawn between these two;
            its last shell is taken whole, and other sites may join it to more.
        smallest_angle: Minimum angle between two struts at a joint, degrees.
        sharpest_joint: The smallest angle of a net is at most this, degrees; 180 admits all nets.
        largest_joint: Some joint has at least this many struts.
        closest_nodes: Minimum distance of two nodes, over the mean strut length.
        closest_struts: Minimum distance of the axes of struts without common joint, likewise.
        tries: Number of attempts before giving up.
    """

    systems: tuple[tuple[str, float], ...] = (
        ("monoclinic", 0.06),
        ("orthorhombic", 0.66),
        ("tetragonal", 0.19),
        ("trigonal", 0.03),
        ("hexagonal", 0.03),
        ("cubic", 0.03),
    )
    sites: tuple[int, int] = (1, 3)
    nodes: tuple[int, int] = (3, 40)
    struts: tuple[int, int] = (7, 72)
    connectivity: tuple[float, float] = (3.3, 12.0)
    aspect: float = 4.0
    neighbours: tuple[int, int] = (1, 5)
    smallest_angle: float = 15.0
    sharpest_joint: float = 180.0
    largest_joint: int = 3
    closest_nodes: float = 0.2
    closest_struts: float = 0.05
    tries: int = 5000


Graph = tuple[
    Float[np.ndarray, "nodes 3"], Int[np.ndarray, "struts 2"], Int[np.ndarray, "struts 3"]
]


def sample_net(sampling: NetSampling, seed: int, index: int) -> Lattice:
    """Draw net number ``index``; it depends only on the sampling, the seed and the index.

    Returns:
        A lattice of equal, thin struts, cell edge 1, named after its crystal system, its mean
        connectivity, seed and index, such as ``ort_Z04.7_0_123``.

    Raises:
        LatticeGnnError: If no sound net is found in ``sampling.tries`` tries.
    """
    rng = np.random.default_rng([seed, index])
    names = [name for name, _ in sampling.systems]
    shares = np.array([share for _, share in sampling.systems])
    for _ in range(sampling.tries):
        system = names[int(rng.choice(len(names), p=shares / shares.sum()))]
        groups = space_groups(system)
        group = groups[int(rng.integers(len(groups)))]
        cell = random_cell(system, sampling.aspect, rng)
        graph = _try_net(cell, group, sampling, rng)
        if graph is not None:
            nodes, struts, shifts = graph
            connectivity = 2 * len(struts) / len(nodes)
            name = f"{system[: 4 if system == 'trigonal' else 3]}_Z{connectivity:04.1f}"
            return Lattice(
                cell,
                nodes,
                struts,
                shifts,
                np.full(len(struts), _RADIUS),
                name=f"{name}_{seed}_{index}",
            ).wrapped()
    raise LatticeGnnError(
        f"nets: no sound net with seed {seed} and number {index} in {sampling.tries} tries; "
        "widen the ranges of nodes, struts and connectivity"
    )


def _try_net(
    cell: Float[np.ndarray, "3 3"],
    group: SpaceGroup,
    sampling: NetSampling,
    rng: np.random.Generator,
) -> Graph | None:
    sites = _draw_sites(group, sampling, rng)
    if sites is None:
        return None
    nodes, site = sites
    joined = _join_shells(cell, nodes, site, sampling, rng)
    if joined is None:
        return None
    graph = split_crossings(cell, nodes, *joined)
    return graph if is_sound(cell, graph, sampling) else None


def _draw_sites(
    group: SpaceGroup, sampling: NetSampling, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "nodes 3"], Int[np.ndarray, " nodes"]] | None:
    """Draw the positions of all nodes and their sites; None if there are too many."""
    low, high = sampling.sites
    orbits: list[np.ndarray] = []
    free = sampling.nodes[1]
    for _ in range(int(rng.integers(low, high + 1))):
        points = orbit(special_point(group, int(rng.integers(1, 5)), rng), group)
        free -= len(points)
        if free < 0:
            return None
        orbits.append(points)
    site = np.repeat(np.arange(len(orbits)), [len(points) for points in orbits])
    return np.concatenate(orbits), site


def _join_shells(
    cell: Float[np.ndarray, "3 3"],
    nodes: Float[np.ndarray, "nodes 3"],
    site: Int[np.ndarray, " nodes"],
    sampling: NetSampling,
    rng: np.random.Generator,
) -> tuple[Int[np.ndarray, "struts 2"], Int[np.ndarray, "struts 3"]] | None:
    """Join every node to its nearest shells; each site has its own number of neighbours."""
    spacing = (abs(np.linalg.det(cell)) / len(nodes)) ** (1 / 3)
    reach = np.full(len(nodes), spacing)
    a, b, shifts = image_pairs(cell, nodes @ cell, reach, 0.0)
    lengths = np.linalg.norm((nodes[b] + shifts - nodes[a]) @ cell, axis=1)
    if len(a) == 0 or lengths.min() < sampling.closest_nodes * spacing:
        return None
    cutoffs = np.zeros(int(site[-1]) + 1)
    for number in range(len(cutoffs)):
        wanted = int(rng.integers(sampling.neighbours[0], sampling.neighbours[1] + 1))
        around = np.sort(lengths[a == np.argmax(site == number)])
        if len(around) < wanted:
            return None
        cutoffs[number] = around[wanted - 1] * (1 + _SHELL)
    keep = (lengths <= np.maximum(cutoffs[site[a]], cutoffs[site[b]])) & is_forward(a, b, shifts)
    count = np.count_nonzero(keep)
    if not len(nodes) * sampling.connectivity[0] / 3 <= count <= 1.5 * sampling.struts[1]:
        return None
    return np.column_stack([a[keep], b[keep]]), shifts[keep]


def is_sound(cell: Float[np.ndarray, "3 3"], graph: Graph, sampling: NetSampling) -> bool:
    """Return whether a net obeys the rules: sizes, degrees, angles, distances, one spanning net."""
    nodes, struts, shifts = graph
    degrees = np.bincount(struts.ravel(), minlength=len(nodes))
    mean = 2 * len(struts) / len(nodes)
    sizes = ((len(nodes), sampling.nodes), (len(struts), sampling.struts))
    if not all(low <= size <= high for size, (low, high) in sizes):
        return False
    if not sampling.connectivity[0] <= mean <= sampling.connectivity[1] or degrees.min() < 3:
        return False
    if degrees.max() < sampling.largest_joint:
        return False
    vectors = (nodes[struts[:, 1]] + shifts - nodes[struts[:, 0]]) @ cell
    lengths = np.linalg.norm(vectors, axis=1)
    if not sampling.smallest_angle <= smallest_angle(struts, vectors) <= sampling.sharpest_joint:
        return False
    if not analyse_net(len(nodes), struts, shifts).is_single_net:
        return False
    apart = sampling.closest_nodes * float(lengths.mean())
    # Slightly less, so that a distance of exactly the limit passes.
    reach = np.full(len(nodes), apart / 2 * (1 - 1e-9))
    if len(image_pairs(cell, nodes @ cell, reach, 0.0)[0]):
        return False
    limit = sampling.closest_struts
    return closest_struts(cell, nodes, struts, shifts, 2 * limit) >= limit


def smallest_angle(
    struts: Int[np.ndarray, "struts 2"], vectors: Float[np.ndarray, "struts 3"]
) -> float:
    """Return the smallest angle between two struts at a joint, degrees."""
    return sharpest_joint(struts, vectors)[0]
