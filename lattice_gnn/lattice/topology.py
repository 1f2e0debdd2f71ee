"""Topology of a periodic net: components, rank, interpenetration, chains; integers only.

A strut (i, j, shift) joins node i of the home cell to node j of the cell displaced by ``shift``.
The nodes and struts of one cell form the quotient graph; each of its cycles leads from a node to
the image of that node displaced by the sum of the shifts. A component spans as many dimensions as
these cycle shifts do; its number of separate copies is the index in Z^3 of the lattice that they
generate (Beukemann & Klee, Z. Kristallogr. 201 (1992) 37; Delgado-Friedrichs & O'Keeffe, Acta
Cryst. A59 (2003) 351).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from lattice_gnn.lattice.checks import canonical_struts

_SHAPES = {0: "a finite cluster", 1: "a chain", 2: "a layer", 3: "a net"}


@dataclass(frozen=True, slots=True, eq=False)
class Component:
    """One component of the quotient graph.

    Attributes:
        nodes: Node numbers, ascending.
        rank: Number of dimensions in which it is connected to its own images, 0 to 3.
        index: For rank 3, the number of separate interpenetrating copies, |det| of ``cycles``; 0
            for lower ranks.
        cycles: Basis of the lattice of its cycle shifts, rows in Hermite normal form.
    """

    nodes: Int[np.ndarray, " nodes"]
    rank: int
    index: int
    cycles: Int[np.ndarray, "rank 3"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Net:
    """Connectivity report of a periodic net.

    Attributes:
        components: Components of the quotient graph, ordered by their smallest node.
        offsets: Integer cell offset of each node along a spanning tree from the smallest node of
            its component: ``shifts + offsets[i] - offsets[j]`` is zero on the tree and a cycle
            shift elsewhere.
    """

    components: tuple[Component, ...]
    offsets: Int[np.ndarray, "all_nodes 3"]

    @property
    def spans_space(self) -> bool:
        """Whether some component is connected to its images in all three dimensions."""
        return any(component.rank == 3 for component in self.components)

    @property
    def is_single_net(self) -> bool:
        """Whether the net is connected in space: one component of rank 3 and index 1."""
        return len(self.components) == 1 and self.components[0].index == 1

    def __repr__(self) -> str:
        """Return one line: rank, and index where it is not 1, of every component."""
        parts = [
            f"rank {x.rank}" + (f" index {x.index}" if x.index > 1 else "") for x in self.components
        ]
        return f"Net({', '.join(parts)})"

    def describe(self) -> str:
        """Describe the net for users, one sentence per finding."""
        if self.is_single_net:
            return "The struts form one connected net that spans space."
        spanning = [component for component in self.components if component.rank == 3]
        copies = sum(component.index for component in spanning)
        findings = []
        if copies == 1:
            findings.append("One net spans space.")
        elif copies > 1:
            findings.append(
                f"{copies} separate nets interpenetrate (they share no joint); "
                "each of them carries load."
            )
        else:
            findings.append("The struts do not span space: the stiffness is singular.")
        for component in self.components:
            if component.rank < 3:
                findings.append(
                    f"{_node_list(component.nodes)} {_SHAPES[component.rank]} that is connected in "
                    f"{component.rank} of 3 dimensions."
                )
        return " ".join(findings)


def _node_list(nodes: Int[np.ndarray, " nodes"]) -> str:
    shown = ", ".join(str(node) for node in nodes[:6])
    if len(nodes) == 1:
        return f"Node {shown} forms"
    return f"Nodes {shown}{', ...' if len(nodes) > 6 else ''} ({len(nodes)} in all) form"


def analyse_net(
    num_nodes: int, struts: Int[np.ndarray, "struts 2"], shifts: Int[np.ndarray, "struts 3"]
) -> Net:
    """Find the components of a periodic net, their ranks and their interpenetration.

    Args:
        num_nodes: Number of nodes per cell.
        struts: Node numbers (i, j).
        shifts: Cell displacement of node j, in cell vectors.

    Returns:
        The report; a node without struts is a component of rank 0.
    """
    neighbours: list[list[tuple[int, tuple[int, int, int]]]] = [[] for _ in range(num_nodes)]
    for (i, j), (a, b, c) in zip(struts.tolist(), shifts.tolist(), strict=True):
        neighbours[i].append((j, (a, b, c)))
        neighbours[j].append((i, (-a, -b, -c)))
    label = [-1] * num_nodes
    offsets = [(0, 0, 0)] * num_nodes
    members: list[list[int]] = []
    for root in range(num_nodes):
        if label[root] < 0:
            members.append(_grow_tree(root, len(members), neighbours, label, offsets))
    offset_array = np.array(offsets, dtype=np.int64).reshape(num_nodes, 3)
    cycles = shifts + offset_array[struts[:, 0]] - offset_array[struts[:, 1]]
    owner = np.array(label, dtype=np.int64)[struts[:, 0]]
    components = tuple(
        _component(nodes, cycles[owner == number]) for number, nodes in enumerate(members)
    )
    return Net(components=components, offsets=offset_array)


def _grow_tree(
    root: int,
    number: int,
    neighbours: list[list[tuple[int, tuple[int, int, int]]]],
    label: list[int],
    offsets: list[tuple[int, int, int]],
) -> list[int]:
    """Label the component of ``root``, set the offsets of its nodes, and return the nodes."""
    label[root] = number
    members = [root]
    for node in members:
        x, y, z = offsets[node]
        for other, (a, b, c) in neighbours[node]:
            if label[other] < 0:
                label[other] = number
                offsets[other] = (x + a, y + b, z + c)
                members.append(other)
    return members


def _component(nodes: list[int], cycles: Int[np.ndarray, "struts 3"]) -> Component:
    basis = hermite_normal_form(cycles)
    index = int(np.prod(np.diag(basis))) if len(basis) == 3 else 0
    return Component(np.array(sorted(nodes), dtype=np.int64), len(basis), index, basis)


def hermite_normal_form(rows: Int[np.ndarray, "count 3"]) -> Int[np.ndarray, "rank 3"]:
    """Return the Hermite normal form of the lattice generated by integer rows.

    Rows are in echelon form with positive pivots, and entries above a pivot p lie in [0, p). Two
    sets of rows generate the same lattice if and only if their forms are equal. Exact: computed
    with Python integers.
    """
    work = [list(row) for row in {tuple(row) for row in rows.tolist()} if any(row)]
    basis: list[list[int]] = []
    for column in range(3):
        active = [row for row in work if row[column]]
        work = [row for row in work if not row[column]]
        while len(active) > 1:
            pivot = min(active, key=lambda row: abs(row[column]))
            reduced = [pivot]
            for row in active:
                if row is pivot:
                    continue
                factor = row[column] // pivot[column]
                rest = [x - factor * y for x, y in zip(row, pivot, strict=True)]
                if rest[column]:
                    reduced.append(rest)
                elif any(rest):
                    work.append(rest)
            active = reduced
        if active:
            pivot = active[0] if active[0][column] > 0 else [-x for x in active[0]]
            for row in basis:
                factor = row[column] // pivot[column]
                row[:] = [x - factor * y for x, y in zip(row, pivot, strict=True)]
            basis.append(pivot)
    return np.array(basis, dtype=np.int64).reshape(len(basis), 3)


@dataclass(frozen=True, slots=True, eq=False)
class Simplification:
    """Mapping from a net to the net without some nodes, whose struts are joined.

    Attributes:
        kept_nodes: Old numbers of the kept nodes, ascending; position = new number.
        struts: New struts in the new node numbers.
        shifts: Their shifts.
        sources: For each new strut its old struts, in order along it, each with whether it is
            traversed from its end j to its end i.
    """

    kept_nodes: Int[np.ndarray, " kept"]
    struts: Int[np.ndarray, "new_struts 2"]
    shifts: Int[np.ndarray, "new_struts 3"]
    sources: tuple[tuple[tuple[int, bool], ...], ...]

    @property
    def first_sources(self) -> Int[np.ndarray, " new_struts"]:
        """The old strut at the start of each new one."""
        return np.array([path[0][0] for path in self.sources], dtype=np.int64)


def simplify_topology(
    struts: Int[np.ndarray, "struts 2"],
    shifts: Int[np.ndarray, "struts 3"],
    removable: Bool[np.ndarray, " nodes"],
) -> Simplification:
    """Remove valence-2 nodes from a net by joining the two struts that end at each.

    Pure index arithmetic: the caller chooses which nodes may be removed (``removable``, each with
    exactly two strut ends), for instance because their struts are collinear and equal, and maps its
    own arrays or tensors with ``kept_nodes`` and ``sources``. A closed ring of removable nodes
    keeps its smallest node and becomes a self-image strut. If a joined strut would coincide with
    another strut, its first inner node is kept.

    Args:
        struts: Node numbers (i, j).
        shifts: Cell displacement of node j.
        removable: Which nodes may be removed.

    Returns:
        The net without them; the order of the new struts is that of their first source.
    """
    gone = removable.copy()
    while True:
        result = _join_chains(struts, shifts, gone)
        back = _nodes_to_restore(result, struts)
        if not back:
            return result
        gone[back] = False


_Path = tuple[tuple[int, bool], ...]


@dataclass(frozen=True, slots=True)
class _Chain:
    """Struts joined end to end, from node ``start`` to the image of node ``end`` at ``shift``."""

    start: int
    end: int
    shift: tuple[int, int, int]
    path: _Path

    def along_first(self) -> "_Chain":
        """Return the chain oriented along its lowest-numbered strut."""
        if not min(self.path)[1]:
            return self
        x, y, z = self.shift
        path = tuple((strut, not backward) for strut, backward in reversed(self.path))
        return _Chain(self.end, self.start, (-x, -y, -z), path)


def _join_chains(
    struts: Int[np.ndarray, "struts 2"],
    shifts: Int[np.ndarray, "struts 3"],
    gone: Bool[np.ndarray, " nodes"],
) -> Simplification:
    """Join struts along every chain of removed nodes; each closed ring keeps one node."""
    gone = gone.copy()
    ends: list[list[tuple[int, bool]]] = [[] for _ in range(len(gone))]
    for number, (i, j) in enumerate(struts.tolist()):
        ends[i].append((number, False))
        ends[j].append((number, True))
    used: set[int] = set()
    chains: list[_Chain] = []

    def follow_all(node: int) -> None:
        for strut, backward in ends[node]:
            if strut not in used:
                chain = _follow(node, (strut, backward), struts, shifts, ends, gone)
                used.update(number for number, _ in chain.path)
                chains.append(chain.along_first())

    for node in np.flatnonzero(~gone).tolist():
        follow_all(node)
    for node in np.flatnonzero(gone).tolist():
        if ends[node][0][0] not in used:
            gone[node] = False
            follow_all(node)
    return _renumbered(chains, gone)


def _follow(
    start: int,
    first: tuple[int, bool],
    struts: Int[np.ndarray, "struts 2"],
    shifts: Int[np.ndarray, "struts 3"],
    ends: list[list[tuple[int, bool]]],
    gone: Bool[np.ndarray, " nodes"],
) -> _Chain:
    """Walk from a kept node through removed nodes to the next kept node."""
    shift = np.zeros(3, dtype=np.int64)
    path = []
    strut, backward = first
    while True:
        path.append((strut, backward))
        shift = shift - shifts[strut] if backward else shift + shifts[strut]
        node = int(struts[strut, 0 if backward else 1])
        if not gone[node]:
            x, y, z = shift.tolist()
            return _Chain(start, node, (x, y, z), tuple(path))
        arrival = (strut, not backward)
        strut, backward = next(end for end in ends[node] if end != arrival)


def _renumbered(chains: list[_Chain], gone: Bool[np.ndarray, " nodes"]) -> Simplification:
    chains = sorted(chains, key=lambda chain: min(chain.path))
    kept = np.flatnonzero(~gone)
    new_number = np.full(len(gone), -1, dtype=np.int64)
    new_number[kept] = np.arange(len(kept))
    pairs = np.array([(chain.start, chain.end) for chain in chains], dtype=np.int64)
    return Simplification(
        kept_nodes=kept.astype(np.int64),
        struts=new_number[pairs.reshape(-1, 2)],
        shifts=np.array([chain.shift for chain in chains], dtype=np.int64).reshape(-1, 3),
        sources=tuple(chain.path for chain in chains),
    )


def _nodes_to_restore(result: Simplification, struts: Int[np.ndarray, "struts 2"]) -> list[int]:
    """Return the first inner nodes of joined struts that coincide with another strut."""
    rows = [tuple(row) for row in canonical_struts(result.struts, result.shifts).tolist()]
    seen: dict[tuple[int, ...], int] = {}
    for row in rows:
        seen[row] = seen.get(row, 0) + 1
    back = []
    for row, path in zip(rows, result.sources, strict=True):
        if seen[row] > 1 and len(path) > 1:
            strut, backward = path[0]
            back.append(int(struts[strut, 0 if backward else 1]))
    return back
