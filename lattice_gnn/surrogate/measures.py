"""Quantities of lattices that are compared with their ranges in a training set.

None depends on the choice of cell, so supercells give the same values.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.batch_solids import solids_of
from lattice_gnn.lattice.gaps import close_nodes, gaps_within
from lattice_gnn.lattice.solids import Solids
from lattice_gnn.lattice.topology import analyse_net
from lattice_gnn.network.layers.joint_pairs import JointPairs

FAR = 4.0
"""Gap between struts, over the smallest radius, beyond which gaps are not looked for."""
APART = 2.0
"""Distance of nodes over their radius from which they count as apart."""
GAP = "gap between struts without a common joint over the smallest radius"
NODES = "distance between nodes over their radius"

Limits = tuple[Float[Tensor, " lattices"], Float[Tensor, " lattices"]]


def measures(batch: LatticeBatch) -> dict[str, Limits]:
    """Return the smallest and largest value of every quantity in each (simplified) lattice."""
    count, owner = len(batch), batch.strut_lattice
    struts = batch.strut_offsets.diff()
    lengths = batch.lengths
    thick, thin = torch.maximum(batch.radii, batch.end_radii), batch.radii.minimum(batch.end_radii)
    degrees = torch.bincount(batch.struts.flatten(), minlength=len(batch.nodes)).double()

    def mean(values: Tensor) -> Tensor:
        return (values.new_zeros(count).index_add(0, owner, values) / struts)[owner]

    def limits(low: Tensor, high: Tensor | None = None, group: Tensor = owner) -> Limits:
        start = low.new_empty(count)
        return (
            start.scatter_reduce(0, group, low, "amin", include_self=False),
            start.scatter_reduce(
                0, group, low if high is None else high, "amax", include_self=False
            ),
        )

    mean_radius = mean((batch.radii + batch.end_radii) / 2)
    mean_degree = 2.0 * struts / batch.node_offsets.diff()
    density, solids = batch.relative_density, solids_of(batch)
    return {
        "relative density": (density, density),
        "radius/length": limits(thin / lengths, thick / lengths),
        "length/mean length": limits(lengths / mean(lengths)),
        "radius/mean radius": limits(thin / mean_radius, thick / mean_radius),
        "taper end radius/start radius": limits(thick / thin),
        "bore/outer radius": limits(batch.inner_radii / batch.radii),
        "strut E/E_s": limits(batch.E),
        "Poisson's ratio": limits(batch.nu),
        "struts at a node": limits(degrees, group=batch.node_lattice),
        "mean struts at a node": (mean_degree, mean_degree),
        **_joint_measures(batch),
        **_net_measures(solids),
        **_distances(solids),
    }


def gap_to_radius(batch: LatticeBatch) -> Float[Tensor, " lattices"]:
    """Return the smallest gap between struts without a common joint, over the smallest radius.

    At most ``FAR``; NaN where the struts are too many or too long to look for gaps.
    """
    return _distances(solids_of(batch))[GAP][0]


def _joint_measures(batch: LatticeBatch) -> dict[str, Limits]:
    """Return the smallest angle (degrees) and largest radius ratio of strut pairs at joints."""
    pairs = JointPairs.of(batch)
    owner = torch.repeat_interleave(torch.arange(len(batch)), pairs.offsets.diff())
    a, b = pairs.radius[pairs.ends]
    ratio = torch.maximum(a / b, b / a)
    start = batch.cells.new_ones(len(batch))
    cosine = (-start).scatter_reduce(0, owner, pairs.cosine, "amax").clamp(max=1)
    angle = torch.rad2deg(torch.acos(cosine))
    largest = start.scatter_reduce(0, owner, ratio, "amax")
    return {
        "smallest angle at a joint (degrees)": (angle, angle),
        "ratio of radii at a joint": (largest, largest),
    }


def _net_measures(lattices: Sequence[Solids]) -> dict[str, Limits]:
    """Return how many nets span space, and how much of the struts belongs to none of them."""
    nets, other = [], []
    for solids in lattices:
        components = analyse_net(len(solids.nodes), solids.struts, solids.shifts).components
        nets.append(sum(component.index for component in components))
        lengths = np.linalg.norm(solids.vectors, axis=1)
        rank = np.zeros(len(solids.nodes), dtype=np.int64)
        for component in components:
            rank[component.nodes] = component.rank
        other.append(float(lengths[rank[solids.struts[:, 0]] < 3].sum() / lengths.sum()))
    count, share = (torch.tensor(x, dtype=torch.float64) for x in (nets, other))
    return {
        "number of nets that span space": (count, count),
        "share of strut length in parts that do not span space": (share, share),
    }


def _distances(lattices: Sequence[Solids]) -> dict[str, Limits]:
    """Return the smallest gap between struts, at most ``FAR``, and the closest nodes."""
    gaps, nodes = [], []
    for solids in lattices:
        gap, apart = _smallest_distances(solids)
        gaps.append(gap)
        nodes.append(apart)
    gap_limits, node_limits = (torch.tensor(x, dtype=torch.float64) for x in (gaps, nodes))
    return {GAP: (gap_limits, gap_limits), NODES: (node_limits, node_limits)}


def _smallest_distances(solids: Solids) -> tuple[float, float]:
    """Return the two distances of one lattice; NaN if its struts are too many or too long."""
    smallest = float(np.minimum(solids.radii, solids.end_radii).min())
    try:
        gaps = gaps_within(solids, FAR * smallest).distance
        pair = close_nodes(solids)
    except LatticeGnnError:
        return float("nan"), float("nan")
    gap = float(gaps[0]) / smallest if len(gaps) else FAR
    return gap, APART if pair is None else min(pair.ratio, APART)
