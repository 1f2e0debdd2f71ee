"""Links between struts that overlap without a common joint, so that a frame knows of the contact.

Where the surfaces of two struts that share no joint overlap, the solid is one piece, but their axes
do not meet. A link is a short strut between their axes where they are closest; both struts get a
joint at its feet. Its radius grows smoothly from zero with the overlap, so that nothing jumps as a
contact comes or goes.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.batch_solids import solids_of
from lattice_gnn.lattice.batch_simplification import STRUT_FIELDS
from lattice_gnn.lattice.gaps import gaps_within

_CENTRED = 0.02  #: pull of the closest points to the middles of the struts: unique if parallel
_CLEAR = 0.5  #: least distance of a foot from the ends of its strut, over its radius
_SHARE = 4  #: and at most a quarter of its length
_NEGLIGIBLE = 1e-3  #: overlap, over the smaller radius, from which there is a link
_ONSET = 0.1  #: squared radius of a link, over that of the thinner strut, by which it fades in
_THROUGH = 0.25  #: distance of axes, over the smaller radius, below which links fade out
_SAME = 0.25  #: distance of feet on a strut, over its radius, within which they share a joint


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

    def select(self, chosen: Tensor) -> "_Links":
        """Some of the links."""
        return _Links(
            self.struts[:, chosen], self.shifts[chosen], self.places[:, chosen], self.radii[chosen]
        )


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


def welded(batch: LatticeBatch) -> LatticeBatch:
    """Return the batch with links between struts that overlap without a common joint.

    New nodes follow those of each lattice. Gradients are kept. Returns the batch itself if no
    struts overlap.
    """
    links = _links(batch)
    if links is None:
        return batch
    feet = _feet(batch, links)
    return _with_links(batch, links, feet)


def _links(batch: LatticeBatch) -> _Links | None:
    found = []
    for k, solids in enumerate(solids_of(batch)):
        gaps = gaps_within(solids, 0.0)
        first = int(batch.strut_offsets[k])
        if len(gaps.distance):
            found.append((gaps.strut_a + first, gaps.strut_b + first, gaps.shifts))
    if not found:
        return None
    device = batch.nodes.device
    a, b, shifts = (torch.from_numpy(np.concatenate(x)).to(device) for x in zip(*found, strict=True))
    struts = torch.stack([a, b])
    places, distance = _closest(batch, struts, shifts)
    radius = _radius_at(batch, struts, places)
    links = _Links(struts, shifts, places, _link_radius(radius, distance))
    overlap = (radius.sum(0) - distance) / radius.amin(0)
    near = distance / radius.amin(0)
    links = links.select((overlap > _NEGLIGIBLE) & (near > _THROUGH / 2))
    return links if len(links.radii) else None


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
    apart = at.diff() > _SAME * batch.radii[sorted_strut[1:]].detach()
    new = torch.cat([apart.new_ones(1), apart | (sorted_strut.diff() != 0)])
    number = torch.empty_like(strut)
    number[order] = new.cumsum(0) - 1
    count = int(new.sum())
    weight = links.radii.square().repeat(2)
    total = weight.new_zeros(count).index_add(0, number, weight)
    where = weight.new_zeros(count).index_add(0, number, weight * place) / total
    return _Feet(sorted_strut[new], where, number.view(2, -1))


def _with_links(batch: LatticeBatch, links: _Links, feet: _Feet) -> LatticeBatch:
    lattice_of_foot = batch.strut_lattice[feet.struts]
    i, j = batch.nodes[batch.struts[feet.struts]].unbind(1)
    along = j + batch.shifts[feet.struts].to(i) - i
    nodes = torch.cat([batch.nodes, i + feet.places[:, None] * along])
    owner = torch.cat([batch.node_lattice, lattice_of_foot])
    order = owner.argsort(stable=True)
    new_number = order.argsort()
    struts = _pieces(batch, feet)
    bridges = _bridges(batch, links, feet)
    parts = {name: torch.cat([struts[name], bridges[name]]) for name in STRUT_FIELDS}
    strut_owner = torch.cat([struts["owner"], bridges["owner"]])
    strut_order = strut_owner.argsort(stable=True)
    parts = {name: values[strut_order] for name, values in parts.items()}
    parts["struts"] = new_number[parts["struts"]]
    return LatticeBatch(
        cells=batch.cells,
        nodes=nodes[order],
        node_offsets=_offsets(owner, len(batch)),
        strut_offsets=_offsets(strut_owner, len(batch)),
        **parts,
    )


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
