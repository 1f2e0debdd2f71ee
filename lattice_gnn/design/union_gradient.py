"""The volume fraction of the union of struts and joints, with gradients."""

import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.exposed_surface import ExposedSurface, exposed_surface
from lattice_gnn.lattice.solids import Solids
from lattice_gnn.lattice.union import volume_fraction


def differentiable_volume_fraction(batch: LatticeBatch) -> Float[Tensor, " lattices"]:
    """Return the volume fraction of each lattice, with gradients to nodes, cells and radii.

    The value is sampled (`lattice_gnn.lattice.union.volume_fraction`). The gradient of the volume
    is the integral of the normal velocity over the exposed surface (Hadamard's formula), by
    quadrature at points that move with the struts.
    """
    found = []
    for b in range(len(batch)):
        one = batch[b]
        solids = shape_of(one)
        value = volume_fraction(solids).value * one.volumes[0].detach()
        if torch.is_grad_enabled():
            moving = _volume_swept(one, exposed_surface(solids))
            value = value + moving - moving.detach()
        found.append(value / one.volumes[0])
    return torch.stack(found)


def _volume_swept(lattice: LatticeBatch, surface: ExposedSurface) -> Tensor:
    """Return a function of nodes, cell and radii whose gradient is that of the volume."""

    def real(values: object) -> Tensor:
        return torch.as_tensor(values, dtype=lattice.nodes.dtype)

    positions = lattice.nodes @ lattice.cells[0]
    strut, place = torch.as_tensor(surface.strut), real(surface.place)
    axis = positions[lattice.struts[strut, 0]] + place[:, None] * lattice.strut_vectors[strut]
    radius = torch.lerp(lattice.radii[strut], lattice.end_radii[strut], place)
    sides = axis + radius[:, None] * real(surface.strut_direction)
    node = torch.as_tensor(surface.node)
    ends = torch.stack([lattice.radii, lattice.end_radii], dim=1).flatten()
    largest = ends.new_zeros(len(positions))
    largest = largest.scatter_reduce(0, lattice.struts.flatten(), ends, "amax")
    balls = positions[node] + largest[node, None] * real(surface.ball_direction)
    return (sides * real(surface.strut_areas)).sum() + (balls * real(surface.ball_areas)).sum()


def shape_of(lattice: LatticeBatch) -> Solids:
    """Return the shape of a batch of one lattice."""
    arrays = {
        name: getattr(lattice, name).detach().cpu().numpy()
        for name in ("nodes", "struts", "shifts", "radii", "end_radii", "inner_radii")
    }
    bores = arrays.pop("inner_radii") / arrays["radii"]
    return Solids(cell=lattice.cells[0].detach().cpu().numpy(), bore_ratios=bores, **arrays)
