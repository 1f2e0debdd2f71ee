"""The rule of ``Lattice.simplified`` for tensors of many lattices, with gradients."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from lattice_gnn.lattice.collinear import removable_nodes
from lattice_gnn.lattice.simplification import LoadBearing, load_bearing
from lattice_gnn.lattice.topology import simplify_topology

if TYPE_CHECKING:
    from lattice_gnn.lattice.batch import LatticeBatch

STRUT_FIELDS = ("struts", "shifts", "radii", "end_radii", "inner_radii", "E", "nu")


def simplify_batch(batch: "LatticeBatch") -> "LatticeBatch":
    """Return the batch without hanging struts and without nodes that merely split a strut."""
    owner = batch.strut_lattice.cpu().numpy()
    bearing = load_bearing(batch.struts.cpu().numpy(), owner, len(batch.nodes))
    return _joined(batch if bearing is None else _part(batch, bearing))


def _part(batch: "LatticeBatch", part: LoadBearing) -> "LatticeBatch":
    """Return the batch with some of its nodes and struts."""
    device = batch.nodes.device
    nodes, struts, ends = (
        torch.from_numpy(x).to(device) for x in (part.nodes, part.struts, part.ends)
    )
    picked = {name: getattr(batch, name)[struts] for name in STRUT_FIELDS}
    return replace(
        batch,
        nodes=batch.nodes[nodes],
        node_offsets=_offsets(batch.node_lattice[nodes], len(batch)),
        strut_offsets=_offsets(batch.strut_lattice[struts], len(batch)),
        **{**picked, "struts": ends},
    )


def _joined(batch: "LatticeBatch") -> "LatticeBatch":
    """Merge the collinear struts that meet at valence-2 nodes; the batch itself if none do."""
    removable = _removable(batch)
    if not removable.any():
        return batch
    new = simplify_topology(batch.struts.cpu().numpy(), batch.shifts.cpu().numpy(), removable)
    device = batch.nodes.device
    sizes = torch.tensor([len(path) for path in new.sources], device=device)
    parts = torch.tensor([s for path in new.sources for s, _ in path], device=device)
    whole = torch.arange(len(sizes), device=device).repeat_interleave(sizes)

    def mean(values: Tensor) -> Tensor:
        return values.new_zeros(len(sizes)).index_add(0, whole, values[parts]) / sizes

    kept = torch.from_numpy(new.kept_nodes).to(device)
    firsts = torch.from_numpy(new.first_sources).to(device)
    return replace(
        batch,
        nodes=batch.nodes[kept],
        struts=torch.from_numpy(new.struts).to(device),
        shifts=torch.from_numpy(new.shifts).to(device),
        node_offsets=_offsets(batch.node_lattice[kept], len(batch)),
        strut_offsets=_offsets(batch.strut_lattice[firsts], len(batch)),
        **{name: mean(getattr(batch, name)) for name in STRUT_FIELDS[2:]},
    )


def _removable(batch: "LatticeBatch") -> Bool[np.ndarray, " nodes"]:
    """Find valence-2 nodes between collinear struts of equal section."""
    vectors = batch.strut_vectors.detach().cpu().numpy()
    sections = torch.stack([batch.radii, batch.end_radii, batch.inner_radii, batch.E, batch.nu], -1)
    return removable_nodes(
        batch.struts.cpu().numpy(), vectors, sections.detach().cpu().numpy(), len(batch.nodes)
    )


def _offsets(owner: Int[Tensor, " members"], count: int) -> Int[Tensor, " groups_plus_1"]:
    """Return the offsets of members that are sorted by their group."""
    sizes = torch.bincount(owner, minlength=count)
    return torch.cat([sizes.new_zeros(1), sizes.cumsum(0)])
