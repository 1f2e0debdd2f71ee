"""Links between struts that overlap without a common joint, so that the frame knows of the contact.

Where the surfaces of two struts that share no joint overlap, the solid is one piece, but the axes
do not meet. A link is a short strut between both axes where they are closest; both struts get a
joint at its feet. Its radius grows smoothly from zero with the overlap, so that nothing jumps as a
contact comes or goes. See ``docs/joints.md``.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.batch_simplification import STRUT_FIELDS
from lattice_gnn.network.layers.overlaps import overlapping
from lattice_gnn.network.layers.straight import straight_connection

_CENTRED = 0.02  #: pull of the closest points to the middles of the struts: unique if parallel
_CLEAR = 0.5  #: least distance of a foot from the ends of its strut, over its radius ...
_SHARE = 4  #: ... which is at most this part of the length
_NEGLIGIBLE = 2e-3  #: radius of a link, over that of the thinner strut, from which it exists
_ONSET = 0.1  #: squared radius of a link, over that of the thinner strut, by which it fades in
_THROUGH = 0.25  #: distance of axes, over the smaller radius, below which links fade out
_MOST = 8  #: links per strut; a net with more is no lattice any more and gets none
_SAME = 0.25  #: distance of feet on a strut, over its radius, within which they share a joint


@dataclass(frozen=True)
class Weld:
    """Lattices with links.

    Attributes:
        batch: The lattices; new nodes and links follow the others of each lattice.
        nodes: Number, in ``batch``, of every node of the lattices without links.
        feet: Number, in ``batch``, of every joint made on a strut.
        ends: Nodes at both ends of that strut, as numbered without links.
        places: Where on it the joint is, 0 to 1.
        linked: Whether a lattice has links.
    """

    batch: LatticeBatch
    nodes: Int[Tensor, " nodes"]
    feet: Int[Tensor, " feet"]
    ends: Int[Tensor, "feet 2"]
    places: Float[Tensor, " feet"]
    linked: Bool[Tensor, " lattices"]


@dataclass(frozen=True)
class _Links:
    """Overlapping pairs of struts.

    Attributes:
        struts: The two struts.
        shifts: Cell of the second strut relative to the first.
        places: Where the feet are along both, 0 to 1.
        radii: Radius of each link.
    """

    struts: Int[Tensor, "2 links"]
    shifts: Int[Tensor, "links 3"]
    places: Float[Tensor, "2 links"]
    radii: Float[Tensor, " links"]


@dataclass(frozen=True)
class _Feet:
    """Joints made on struts, sorted by strut and place.

    Attributes:
        struts: The strut of each.
        places: Its place on it.
        number: The joint of either foot of every link.
    """

    struts: Int[Tensor, " feet"]
    places: Float[Tensor, " feet"]
    number: Int[Tensor, "2 links"]


def weld(batch: LatticeBatch) -> Weld | None:
    """Link struts that overlap without a common joint; None if none do. Gradients are kept."""
    links = _links(batch)
    return None if links is None else _with_links(batch, links, _feet(batch, links))


def _links(batch: LatticeBatch) -> _Links | None:
    rows = torch.from_numpy(overlapping(batch)).to(batch.nodes.device)
    if not len(rows):
        return None
    rows = rows[torch.from_numpy(np.lexsort(rows.cpu().numpy().T[::-1])).to(rows.device)]
    struts, shifts = rows[:, :2].T, rows[:, 2:]
    places, distance = _closest(batch, struts, shifts)
    radius = _radius_at(batch, struts, places)
    radii = _link_radius(radius, distance) * (1 - straight_connection(batch, struts, shifts))
    exists = radii > _NEGLIGIBLE * radius.amin(0)
    owner = batch.strut_lattice[struts[0]]
    count = torch.bincount(owner[exists], minlength=len(batch))
    chosen = (exists & (count <= _MOST * batch.strut_offsets.diff())[owner]).nonzero()[:, 0]
    if not len(chosen):
        return None
    return _Links(struts[:, chosen], shifts[chosen], places[:, chosen], radii[chosen])


def _radius_at(batch: LatticeBatch, struts: Tensor, places: Tensor) -> Tensor:
    return batch.radii[struts] + places * (batch.end_radii - batch.radii)[struts]


def _link_radius(radius: Float[Tensor, "2 links"], distance: Float[Tensor, " links"]) -> Tensor:
    """Half the width of the lens in which two circles overlap, fading in and out smoothly."""
    thin = radius.amin(0)
    depth = ((radius.sum(0) - distance) / (2 * thin)).clamp(0, 1)
    square = 2 * depth - depth.square()  # exact for equal radii
    square = square.square() / (square + _ONSET) * (1 + _ONSET)
    return thin * square.clamp(min=1e-12).sqrt() * _step(distance / thin / _THROUGH * 2 - 1)


def _step(x: Tensor) -> Tensor:
    x = x.clamp(0, 1)
    return x.square() * (3 - 2 * x)


def _closest(
    batch: LatticeBatch, struts: Int[Tensor, "2 links"], shifts: Int[Tensor, "links 3"]
) -> tuple[Float[Tensor, "2 links"], Float[Tensor, " links"]]:
    """Return the places of the feet and their distance.

    They minimise |x_b - x_a|^2 + 0.02 ((s - 1/2)^2 L_a^2 + (t - 1/2)^2 L_b^2), away from the ends.
    """
    cells = batch.cells[batch.strut_lattice[struts[0]]]
    starts = batch.nodes[batch.struts[struts, 0]]
    starts = torch.stack([starts[0], starts[1] + shifts.to(starts)])
    starts = (starts[..., None, :] @ cells)[..., 0, :]
    p, q = batch.strut_vectors[struts]
    length = batch.lengths[struts]
    radius = (batch.radii + batch.end_radii)[struts] / 2
    least = _CLEAR * radius / (length + _SHARE * _CLEAR * radius)
    middle = (starts[1] + q / 2) - (starts[0] + p / 2)
    x = _box_minimum(middle, p, q, 0.5 - least)  # from the middles
    apart = middle + x[1][:, None] * q - x[0][:, None] * p
    return x + 0.5, apart.norm(dim=-1)


def _box_minimum(
    middle: Float[Tensor, "links 3"],
    p: Float[Tensor, "links 3"],
    q: Float[Tensor, "links 3"],
    half: Float[Tensor, "2 links"],
) -> Float[Tensor, "2 links"]:
    """Minimise |middle + y q - x p|^2 + 0.02 (x^2 p^2 + y^2 q^2) over |x|, |y| <= half."""
    pp, qq, pq = (p * p).sum(-1), (q * q).sum(-1), (p * q).sum(-1)
    u, v = (p * middle).sum(-1), (q * middle).sum(-1)
    a, b = (1 + _CENTRED) * pp, (1 + _CENTRED) * qq
    determinant = a * b - pq.square()
    inside = torch.stack([(u * b - v * pq) / determinant, (u * pq - v * a) / determinant])
    candidates = [inside]
    for end in (-1.0, 1.0):
        x, y = end * half
        candidates.append(torch.stack([x, ((pq * x - v) / b).clamp(-half[1], half[1])]))
        candidates.append(torch.stack([((u + pq * y) / a).clamp(-half[0], half[0]), y]))
    places = torch.stack(candidates)  # candidate, strut, link
    x, y = places.unbind(1)
    energy = a * x.square() + b * y.square() - 2 * pq * x * y - 2 * u * x + 2 * v * y
    outside = (inside.abs() > half).any(0)
    energy = torch.cat([torch.where(outside, torch.inf, energy[0])[None], energy[1:]])
    best = energy.argmin(0)
    return places.gather(0, best.expand(1, 2, -1))[0]


def _feet(batch: LatticeBatch, links: _Links) -> _Feet:
    """Joints on the struts; feet that are close to one another share one."""
    strut, place = links.struts.flatten(), links.places.flatten()
    by_place = place.detach().argsort(stable=True)
    order = by_place[strut[by_place].argsort(stable=True)]
    sorted_strut, at = strut[order], (place * batch.lengths[strut])[order].detach()
    radius = (batch.radii + batch.end_radii)[sorted_strut[1:]].detach() / 2
    apart = at.diff() > _SAME * radius
    new = torch.cat([apart.new_ones(1), apart | (sorted_strut.diff() != 0)])
    number = torch.empty_like(strut)
    number[order] = new.cumsum(0) - 1
    count = int(new.sum())
    weight = links.radii.square().repeat(2)
    total = weight.new_zeros(count).index_add(0, number, weight)
    where = weight.new_zeros(count).index_add(0, number, weight * place) / total
    return _Feet(sorted_strut[new], where, number.view(2, -1))


def _with_links(batch: LatticeBatch, links: _Links, feet: _Feet) -> Weld:
    ends = batch.struts[feet.struts]
    i, j = batch.nodes[ends].unbind(1)
    along = j + batch.shifts[feet.struts].to(i) - i
    nodes = torch.cat([batch.nodes, i + feet.places[:, None] * along])
    owner = torch.cat([batch.node_lattice, batch.strut_lattice[feet.struts]])
    order = owner.argsort(stable=True)
    number = order.argsort()
    pieces, bridges = _pieces(batch, feet), _bridges(batch, links, feet)
    strut_owner = torch.cat([pieces.pop("owner"), bridges.pop("owner")])
    strut_order = strut_owner.argsort(stable=True)
    parts = {name: torch.cat([pieces[name], bridges[name]])[strut_order] for name in STRUT_FIELDS}
    parts["struts"] = number[parts["struts"]]
    old = len(batch.nodes)
    welded = LatticeBatch(
        cells=batch.cells,
        nodes=nodes[order],
        node_offsets=_offsets(owner, len(batch)),
        strut_offsets=_offsets(strut_owner, len(batch)),
        **parts,
    )
    linked = batch.strut_offsets.diff() != welded.strut_offsets.diff()
    return Weld(welded, number[:old], number[old:], ends, feet.places, linked)


def _pieces(batch: LatticeBatch, feet: _Feet) -> dict[str, Tensor]:
    """The struts, cut at the feet."""
    count, device = len(batch.radii), batch.nodes.device
    cuts = torch.bincount(feet.struts, minlength=count)
    source = torch.arange(count, device=device).repeat_interleave(cuts + 1)
    stop = (cuts + 1).cumsum(0)
    last = torch.zeros_like(source, dtype=torch.bool)
    last[stop - 1] = True
    first = torch.zeros_like(last)
    first[stop - cuts - 1] = True
    start_node, end_node = batch.struts[source].unbind(1)
    start_place = feet.places.new_zeros(len(source))
    end_place = torch.ones_like(start_place)
    number = len(batch.nodes) + torch.arange(len(feet.struts), device=device)
    start_node = start_node.masked_scatter(~first, number)
    end_node = end_node.masked_scatter(~last, number)
    start_place = start_place.masked_scatter(~first, feet.places)
    end_place = end_place.masked_scatter(~last, feet.places)
    radii = _radius_at(batch, source, start_place)
    return {
        "struts": torch.stack([start_node, end_node], 1),
        "shifts": torch.where(last[:, None], batch.shifts[source], 0),
        "radii": radii,
        "end_radii": _radius_at(batch, source, end_place),
        "inner_radii": batch.inner_radii[source] / batch.radii[source] * radii,
        "E": batch.E[source],
        "nu": batch.nu[source],
        "owner": batch.strut_lattice[source],
    }


def _bridges(batch: LatticeBatch, links: _Links, feet: _Feet) -> dict[str, Tensor]:
    """The links as struts."""
    return {
        "struts": len(batch.nodes) + feet.number.T,
        "shifts": links.shifts,
        "radii": links.radii,
        "end_radii": links.radii,
        "inner_radii": torch.zeros_like(links.radii),
        "E": batch.E[links.struts].prod(0).sqrt(),
        "nu": batch.nu[links.struts].mean(0),
        "owner": batch.strut_lattice[links.struts[0]],
    }


def _offsets(owner: Int[Tensor, " members"], count: int) -> Int[Tensor, " lattices_plus_1"]:
    sizes = torch.bincount(owner, minlength=count)
    return torch.cat([sizes.new_zeros(1), sizes.cumsum(0)])
