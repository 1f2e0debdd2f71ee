"""Changes of a net: struts removed, joints merged, struts added; pure functions of a lattice."""

import numpy as np
from jaxtyping import Bool, Int

from lattice_gnn.lattice.contacts import image_pairs
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.lattice.space_group import SpaceGroup

Key = tuple[int, ...]


def without_struts(lattice: Lattice, gone: Bool[np.ndarray, " struts"]) -> Lattice | None:
    """Return the lattice without some struts and what then carries no load, or None.

    Struts that dangle after the removal go too. None if the rest does not span space as one net.
    """
    kept = ~gone
    while True:
        degrees = np.bincount(lattice.struts[kept].ravel(), minlength=lattice.num_nodes)
        dangling = kept & (degrees[lattice.struts] == 1).any(1)
        if not dangling.any():
            break
        kept = kept & ~dangling
    if not kept.any():
        return None
    return _connected(_selected(lattice, kept, degrees > 0))


def _selected(
    lattice: Lattice, struts: Bool[np.ndarray, " struts"], nodes: Bool[np.ndarray, " nodes"]
) -> Lattice:
    number = np.cumsum(nodes) - 1
    fields = {
        name: None if value is None else value[struts]
        for name, value in (
            (name, getattr(lattice, name)) for name in ("end_radii", "inner_radii", "E", "nu")
        )
    }
    return lattice.replace(
        nodes=lattice.nodes[nodes],
        struts=number[lattice.struts[struts]],
        shifts=lattice.shifts[struts],
        radii=lattice.radii[struts],
        **fields,
    )


def _connected(lattice: Lattice) -> Lattice | None:
    return lattice if lattice.connectivity().is_single_net else None


def merge_joints(lattice: Lattice, short: Bool[np.ndarray, " struts"]) -> Lattice | None:
    """Return the lattice with the joints at both ends of some struts merged at their centre.

    Of several struts that become the same one the thickest is kept. None if the struts join a joint
    to its own image, or if the rest does not span space as one net.
    """
    if lattice.end_radii is not None or lattice.inner_radii is not None:
        return None
    cluster, offset = _clusters(lattice, short)
    if cluster is None:
        return None
    count = int(cluster.max()) + 1
    size = np.bincount(cluster, minlength=count)
    nodes = np.zeros((count, 3))
    np.add.at(nodes, cluster, lattice.nodes + offset)
    i, j = lattice.struts.T
    shifts = lattice.shifts + offset[i] - offset[j]
    order = np.argsort(-lattice.radii, kind="stable")
    kept: dict[tuple[int, ...], int] = {}
    for s in order[~short[order]].tolist():
        a, b, t = int(cluster[i[s]]), int(cluster[j[s]]), shifts[s]
        if a == b and not t.any():
            continue
        key = min((a, b, *t.tolist()), (b, a, *(-t).tolist()))
        kept.setdefault(key, s)
    chosen = np.array(sorted(kept.values()), dtype=np.int64)
    if not len(chosen):
        return None
    several = {
        name: None if value is None else value[chosen]
        for name, value in (("E", lattice.E), ("nu", lattice.nu))
    }
    return _connected(
        lattice.replace(
            nodes=nodes / size[:, None],
            struts=cluster[lattice.struts[chosen]],
            shifts=shifts[chosen],
            radii=lattice.radii[chosen],
            **several,
        )
    )


def _clusters(
    lattice: Lattice, short: Bool[np.ndarray, " struts"]
) -> tuple[Int[np.ndarray, " nodes"] | None, Int[np.ndarray, "nodes 3"]]:
    """Number the joints that merge, with the cell in which each member lies beside the first."""
    cluster = np.full(lattice.num_nodes, -1)
    offset = np.zeros((lattice.num_nodes, 3), dtype=np.int64)
    links: list[list[tuple[int, np.ndarray]]] = [[] for _ in range(lattice.num_nodes)]
    for s in np.flatnonzero(short):
        i, j = lattice.struts[s]
        links[i].append((int(j), lattice.shifts[s]))
        links[j].append((int(i), -lattice.shifts[s]))
    count = 0
    for root in range(lattice.num_nodes):
        if cluster[root] >= 0:
            continue
        cluster[root] = count
        members = [root]
        for node in members:
            for other, shift in links[node]:
                place = offset[node] + shift
                if cluster[other] < 0:
                    cluster[other], offset[other] = count, place
                    members.append(other)
                elif (offset[other] != place).any():
                    return None, offset
        count += 1
    return cluster, offset


def with_struts(lattice: Lattice, pairs: list[Key], radius: float) -> Lattice | None:
    """Return the lattice with further plain struts (i, j, shift); None if they touch others."""
    rows = np.array(pairs, dtype=np.int64)
    many = len(rows)
    extra = {
        "end_radii": np.full(many, radius),
        "inner_radii": np.zeros(many),
        "E": np.full(many, lattice.material.E),
        "nu": np.full(many, lattice.material.nu),
    }
    fuller = lattice.replace(
        struts=np.vstack([lattice.struts, rows[:, :2]]),
        shifts=np.vstack([lattice.shifts, rows[:, 2:]]),
        radii=np.append(lattice.radii, np.full(many, radius)),
        **{
            name: None
            if getattr(lattice, name) is None
            else np.append(getattr(lattice, name), values)
            for name, values in extra.items()
        },
    )
    touching = lattice.clearance().touching
    return fuller if fuller.clearance().touching <= touching else None


def new_orbits(lattice: Lattice, group: SpaceGroup, reach: float) -> list[list[Key]]:
    """List the orbits of struts up to a length that the lattice does not have, shortest first."""
    positions = lattice.positions
    a, b, shifts = image_pairs(lattice.cell, positions, np.full(len(positions), 0.5 * reach), 0.0)
    vectors = positions[b] + shifts @ lattice.cell - positions[a]
    order = np.argsort(np.linalg.norm(vectors, axis=1).round(9), kind="stable")
    present = {_canonical(key) for key in _keys(lattice.struts, lattice.shifts)}
    offsets = _node_offsets(lattice, group)
    found: list[list[Key]] = []
    for key in _keys(np.stack([a, b], axis=1)[order], shifts[order]):
        if _canonical(key) in present:
            continue
        orbit = sorted({_canonical(image) for image in _images(key, group, offsets)})
        present.update(orbit)
        found.append(orbit)
    return found


def _keys(struts: Int[np.ndarray, "struts 2"], shifts: Int[np.ndarray, "struts 3"]) -> list[Key]:
    return [tuple(row) for row in np.column_stack([struts, shifts]).tolist()]


def _canonical(key: Key) -> Key:
    i, j, *shift = key
    return min(key, (j, i, *(-t for t in shift)))


def _node_offsets(lattice: Lattice, group: SpaceGroup) -> Int[np.ndarray, "operations nodes 3"]:
    """Return the cell in which the image of each node lies."""
    moved = np.einsum("gij,nj->gni", group.rotations, lattice.nodes) + group.translations[:, None]
    return np.rint(moved - lattice.nodes[group.node_images]).astype(np.int64)


def _images(
    key: Key, group: SpaceGroup, offsets: Int[np.ndarray, "operations nodes 3"]
) -> list[Key]:
    i, j, *shift = key
    shifts = group.rotations @ np.array(shift) + offsets[:, j] - offsets[:, i]
    nodes = group.node_images[:, [i, j]]
    return _keys(nodes, shifts)
