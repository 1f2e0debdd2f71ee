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

    The value is sampled (`lattice_gnn.lattice.union.volume_fraction`). In coordinates that move
    with the cell the volume changes by the integral of the normal velocity over the exposed surface
    (Hadamard's formula), by quadrature at points that move with the struts, to about 1 %.
    """
    found = []
    for b in range(len(batch)):
        one = batch[b]
        solids = shape_of(one)
        value = torch.as_tensor(volume_fraction(solids).value, dtype=batch.nodes.dtype)
        if torch.is_grad_enabled():
            swept = _swept_volume(one, exposed_surface(solids)) / one.volumes[0].detach()
            value = value + swept - swept.detach()
        found.append(value)
    return torch.stack(found)


def _swept_volume(lattice: LatticeBatch, surface: ExposedSurface) -> Tensor:
    """Return a function whose gradient is that of the volume, in coordinates of the cell."""

    def real(values: object) -> Tensor:
        return torch.as_tensor(values, dtype=lattice.nodes.dtype)

    cell = lattice.cells[0]
    strut, place = torch.as_tensor(surface.strut), real(surface.place)
    i, j = lattice.struts[strut].T
    nodes = lattice.nodes
    along = nodes[j] - nodes[i] + lattice.shifts[strut]
    radius = torch.lerp(lattice.radii[strut], lattice.end_radii[strut], place)
    node = torch.as_tensor(surface.node)
    ends = torch.stack([lattice.radii, lattice.end_radii], dim=1).flatten()
    largest = ends.new_zeros(len(nodes))
    largest = largest.scatter_reduce(0, lattice.struts.flatten(), ends, "amax")
    axes = torch.cat([nodes[i] + place[:, None] * along, nodes[node]])
    across = torch.cat(
        [
            radius[:, None] * real(surface.strut_direction),
            largest[node, None] * real(surface.ball_direction),
        ]
    )
    areas = torch.cat([real(surface.strut_areas), real(surface.ball_areas)])
    points = axes @ cell.detach() + torch.linalg.solve(cell.mT, across.mT).mT @ cell.detach()
    return (points * areas).sum()


def shape_of(lattice: LatticeBatch) -> Solids:
    """Return the shape of a batch of one lattice."""
    arrays = {
        name: getattr(lattice, name).detach().cpu().numpy()
        for name in ("nodes", "struts", "shifts", "radii", "end_radii", "inner_radii")
    }
    bores = arrays.pop("inner_radii") / arrays["radii"]
    return Solids(cell=lattice.cells[0].detach().cpu().numpy(), bore_ratios=bores, **arrays)
