"""Values of struts and joints that a lattice can be coloured by."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from fem_reference.beam.strut_fields import StrutFields
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.network.joint_shares import joint_matrices
from lattice_gnn.surrogate.surrogate import Surrogate

JOINT_SIZE = 1.6
"""Drawn over true size of coloured joints among plain struts, which would hide them."""


@dataclass(frozen=True, slots=True, eq=False)
class Colouring:
    """Values shown as the colours of struts or joints.

    Attributes:
        title: Symbol and unit, for the scale.
        line: What is shown, for a line of text.
        struts: One value per strut; None in plain colour, unless ``radius``.
        joints: One value per node; None in plain colour.
        radius: Whether the colour is the outer radius at every point.
    """

    title: str
    line: str
    struts: Float[np.ndarray, " struts"] | None = None
    joints: Float[np.ndarray, " nodes"] | None = None
    radius: bool = False


def by_radius(lattice: Lattice) -> Colouring:
    """Colour by outer radius."""
    unit = f", {lattice.units}" if lattice.units else ""
    return Colouring(f"radius{unit}", "colour: outer radius", radius=True)


def by_energy(fields: StrutFields) -> Colouring:
    """Colour by the share of each strut in the strain energy of the cell."""
    return Colouring(
        "energy, %", "colour: share of a strut in the strain energy", 100 * fields.energy_share
    )


def by_axial_force(lattice: Lattice, fields: StrutFields) -> Colouring:
    """Colour by axial force, tension positive."""
    unit = f", {lattice.units}²" if lattice.units else ""
    return Colouring(
        f"N/E_s{unit}", "colour: axial force N over E_s, tension positive", fields.axial_force
    )


def by_bending_share(fields: StrutFields) -> Colouring:
    """Colour by the share of bending in each strut's energy."""
    return Colouring(
        "bending, %",
        "colour: share of bending in the energy of a strut",
        100 * fields.bending_share,
    )


def of_strain(name: str, lattice: Lattice, fields: StrutFields) -> Colouring:
    """Return the colouring "energy", "axial" or "bending" under one strain.

    Raises:
        LatticeGnnError: For another name.
    """
    if name == "energy":
        return by_energy(fields)
    if name == "axial":
        return by_axial_force(lattice, fields)
    if name == "bending":
        return by_bending_share(fields)
    raise LatticeGnnError(f"colour {name!r}: expected energy, axial or bending.")


def by_joint_correction(lattice: Lattice, surrogate: Surrogate) -> Colouring:
    """Colour joints by how much their material stiffens the frame, as the joint network has it.

    The value is the mean relative stiffening of the cell over six strains of equal energy that one
    joint accounts for; to first order those of all joints add up to that of the cell.

    Args:
        lattice: A simplified lattice.
        surrogate: A joint network.

    Raises:
        LatticeGnnError: If the network has no joints.
    """
    parts = joint_matrices(surrogate.model, LatticeBatch.from_lattices([lattice])).numpy()
    return Colouring(
        "stiffening, %",
        f"joints drawn {JOINT_SIZE:g} times as large; colour: stiffening of the cell by each",
        joints=100 * np.expm1(np.trace(parts, axis1=1, axis2=2) / 6),
    )
