"""Quantities of the geometry: density, radii, lengths, angles, gaps, overhang, displacements.

Lengths are in the unit of the lattice, angles in degrees. All but `volume_fraction` cost far less
than a stiffness.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.design.directions import direction_name, vector
from lattice_gnn.design.quantities import Quantity
from lattice_gnn.design.state import DesignState
from lattice_gnn.design.strut_rules import density
from lattice_gnn.design.union_gradient import differentiable_volume_fraction, shape_of
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.gaps import smallest_gaps
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.network.layers.joint_pairs import JointPairs
from lattice_gnn.tensors.arrays import ArrayLike

GAPS = 12
"""Number of smallest gaps that `clearance` follows."""


relative_density = Quantity(
    "relative_density",
    lambda state: state.batch.relative_density,
    needs_stiffness=False,
    strut_rule=density,
)
"""Sum of strut volumes over cell volume; overlap at the joints counts twice."""

volume_fraction = Quantity(
    "volume_fraction",
    lambda state: differentiable_volume_fraction(state.batch),
    needs_stiffness=False,
)
"""Volume of the union of struts and joints over cell volume, by sampling with a fixed seed (to
about 0.1 %)."""

cell_volume = Quantity("cell_volume", lambda state: state.batch.volumes, needs_stiffness=False)
"""Volume of the periodic cell."""


def _radii(state: DesignState) -> Tensor:
    batch = state.batch
    if torch.equal(batch.radii, batch.end_radii):
        return state.per_strut(batch.radii)
    return state.per_strut(torch.stack([batch.radii, batch.end_radii], dim=-1)).flatten(1)


radius = Quantity("radius", _radii, needs_stiffness=False, size=None)
"""Outer radius of every strut, at both ends where it is tapered."""

strut_length = Quantity(
    "strut_length",
    lambda state: state.per_strut(state.batch.lengths),
    needs_stiffness=False,
    size=None,
)
"""Length of every strut between node centres."""

radius_to_length = Quantity(
    "radius_to_length",
    lambda state: state.per_strut(
        torch.maximum(state.batch.radii, state.batch.end_radii) / state.batch.lengths
    ),
    needs_stiffness=False,
    size=None,
)
"""Larger radius over length of every strut; beam theory holds up to about 0.1."""


def _joint_angles(state: DesignState) -> Tensor:
    pairs = JointPairs.of(state.batch)
    a, b = pairs.direction[pairs.ends]
    sine = torch.linalg.vector_norm(torch.linalg.cross(a, b), dim=-1)
    angle = torch.rad2deg(torch.atan2(sine, (a * b).sum(-1)))
    return angle.unflatten(0, (len(state.batch), -1))


joint_angle = Quantity("joint_angle", _joint_angles, needs_stiffness=False, size=None)
"""Angle between any two struts that meet at a joint, in degrees."""


clearance = Quantity(
    "clearance", lambda state: clearances(state.batch, GAPS), needs_stiffness=False, size=None
)
"""Gap between the surfaces of two struts that share no joint, all periodic images included: the 12
smallest of each lattice; negative where struts overlap."""


def overhang(build_direction: ArrayLike) -> Quantity:
    """Inclination of every strut to the build plate, in degrees: 90 upright, 0 lying.

    Args:
        build_direction: Normal of the build plate.
    """
    up = vector(build_direction)

    def function(state: DesignState) -> Tensor:
        vectors = state.batch.strut_vectors
        upright = (vectors @ up).abs()
        lying = torch.linalg.vector_norm(torch.linalg.cross(vectors, up.expand_as(vectors)), dim=-1)
        return state.per_strut(torch.rad2deg(torch.atan2(upright, lying)))

    name = f"overhang[{direction_name(build_direction)}]"
    return Quantity(name, function, needs_stiffness=False, size=None)


def node_displacement(start: Lattice) -> Quantity:
    """Distance of every node from its place in a starting lattice, its mean position held.

    Both are compared in the cell vectors of the design, so that a strain of the whole cell is no
    displacement.
    """
    reference = torch.tensor(start.nodes, dtype=torch.float64)

    def function(state: DesignState) -> Tensor:
        nodes = state.batch.nodes.unflatten(0, (len(state.batch), -1))
        if nodes.shape[1:] != reference.shape:
            raise LatticeGnnError(
                f"node_displacement: the design has {nodes.shape[1]} nodes but its start had "
                f"{len(reference)}; omit this constraint where topology moves are allowed"
            )
        moved = nodes - reference
        moved = (moved - moved.mean(1, keepdim=True)) @ state.batch.cells
        # The root is smooth at zero displacement.
        return (moved.square().sum(-1) + 1e-24).sqrt()

    return Quantity("node_displacement", function, needs_stiffness=False, size=None)


def clearances(batch: LatticeBatch, count: int) -> Float[Tensor, "lattices gaps"]:
    """Return the smallest gaps between struts that share no joint, in ascending order.

    Gradients hold the places of the closest points on the two struts fixed, which is exact
    (envelope theorem); where two axes cross, the gradient of their distance is zero.

    Args:
        batch: Lattices.
        count: Number of gaps of each lattice.
    """
    vectors = batch.strut_vectors
    found = []
    for number in range(len(batch)):
        gaps = smallest_gaps(shape_of(batch[number]), count)
        first = batch.strut_offsets[number]
        a, b, shifts, s, t = (
            torch.as_tensor(values[:count])
            for values in (gaps.strut_a, gaps.strut_b, gaps.shifts, gaps.s, gaps.t)
        )
        a, b = a + first, b + first
        apart = batch.nodes[batch.struts[b, 0]] - batch.nodes[batch.struts[a, 0]] + shifts
        between = apart @ batch.cells[number] + t[:, None] * vectors[b] - s[:, None] * vectors[a]
        gap = torch.linalg.vector_norm(between, dim=-1)
        for strut, place in ((a, s), (b, t)):
            gap = gap - torch.lerp(batch.radii[strut], batch.end_radii[strut], place)
        found.append(gap)
    return torch.stack(found)
