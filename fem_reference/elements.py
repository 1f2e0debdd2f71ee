"""Straight beam elements with circular sections, written without local frames.

A circular section has no preferred transverse direction, so the element needs the strut's unit tangent ``t`` alone.
With end displacements u_i, u_j and rotations theta_i, theta_j, rigid end lengths a, b and flexible length
l = L - a - b, the deformations of the flexible part are

    e       = t . (u_j - u_i)                                    elongation
    phi     = t . (theta_j - theta_i)                            twist
    alpha_i = P [(1 + a/l) theta_i + (b/l) theta_j] - t x (u_j - u_i) / l     end rotations relative
    alpha_j = P [(a/l) theta_i + (1 + b/l) theta_j] - t x (u_j - u_i) / l     to the chord, P = 1 - t t^T

and the strain energy is

    W = 1/2 [k_axial e^2 + k_twist phi^2 + k_ii |alpha_i|^2 + 2 k_ij alpha_i . alpha_j + k_jj |alpha_j|^2].

The k's follow from the flexibility of the simply supported beam, in closed form for linear tapers too. For a uniform
Euler-Bernoulli beam k_ii = k_jj = 4EI/L and k_ij = 2EI/L (Przemieniecki, *Theory of Matrix Structural Analysis*, 1968,
section 5.6).
"""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.graph import LatticeBatch

BeamTheory = Literal["euler-bernoulli", "timoshenko"]


@dataclass(frozen=True, slots=True)
class StrutStiffness:
    """Stiffness of the flexible part of each strut, and where that part lies.

    Attributes:
        axial: Axial stiffness k_axial, E_s times length.
        twist: Torsional stiffness k_twist, E_s times length^3.
        bend_ii: Bending stiffness k_ii, E_s times length^3.
        bend_ij: Bending stiffness k_ij, E_s times length^3.
        bend_jj: Bending stiffness k_jj, E_s times length^3.
        tangent: Unit vector from node i to node j.
        length: Flexible length l, unit of length.
        arm_i: Rigid length a at node i, unit of length.
        arm_j: Rigid length b at node j, unit of length.
    """

    axial: Float[Tensor, " struts"]
    twist: Float[Tensor, " struts"]
    bend_ii: Float[Tensor, " struts"]
    bend_ij: Float[Tensor, " struts"]
    bend_jj: Float[Tensor, " struts"]
    tangent: Float[Tensor, "struts 3"]
    length: Float[Tensor, " struts"]
    arm_i: Float[Tensor, " struts"]
    arm_j: Float[Tensor, " struts"]


def shear_coefficient(
    nu: Float[Tensor, "*struts"], bore_ratio: Float[Tensor, "*struts"]
) -> Float[Tensor, "*struts"]:
    """Timoshenko's shear coefficient of a circular ring, 6(1 + nu)/(7 + 6 nu) for the solid circle.

    Args:
        nu: Poisson's ratio.
        bore_ratio: Inner over outer radius m, 0 for a solid section.

    Reference:
        Cowper, *The shear coefficient in Timoshenko's beam theory*, J. Appl. Mech. 33 (1966) 335, table 1.
    """
    m2 = bore_ratio**2
    return 6 * (1 + nu) * (1 + m2) ** 2 / ((7 + 6 * nu) * (1 + m2) ** 2 + (20 + 12 * nu) * m2)


def strut_stiffness(
    batch: LatticeBatch,
    *,
    element: BeamTheory = "euler-bernoulli",
    rigid_ends: Float[Tensor, "struts 2"] | None = None,
) -> StrutStiffness:
    """The element stiffness of every strut.

    Args:
        batch: The lattices.
        element: "euler-bernoulli" or "timoshenko" (adds the shear flexibility).
        rigid_ends: Rigid lengths at node i and node j, unit of length; 0 where None.

    Raises:
        LatticeGnnError: For an unknown element, or rigid ends that leave no flexible length.

    The integrals over the flexible part with r(s) = r1 + (r2 - r1) s, s in [0, 1], are rational functions of the two end
    radii: int ds/r^2 = 1/(r1 r2), int (1-s)^2/r^4 ds = 1/(3 r1^3 r2), int s(1-s)/r^4 ds = 1/(6 r1^2 r2^2),
    int s^2/r^4 ds = 1/(3 r1 r2^3), int ds/r^4 = (r1^2 + r1 r2 + r2^2)/(3 r1^3 r2^3).
    """
    if element not in ("euler-bernoulli", "timoshenko"):
        raise LatticeGnnError(
            f"element: expected 'euler-bernoulli' or 'timoshenko', got {element!r}"
        )
    vectors = batch.strut_vectors()
    total = vectors.norm(dim=-1)
    tangent = vectors / total[:, None]
    r1, r2 = batch.radii, batch.end_radii
    if rigid_ends is None:
        arm_i = arm_j = torch.zeros_like(total)
        length = total
    else:
        arm_i, arm_j = rigid_ends.to(total).unbind(-1)
        length = total - arm_i - arm_j
        _check_rigid_ends(length, arm_i, arm_j)
        slope = (r2 - r1) / total
        r1, r2 = r1 + slope * arm_i, r2 - slope * arm_j
    bore_ratio = batch.inner_radii / batch.radii
    area = torch.pi * (1 - bore_ratio**2) * r1 * r2
    E, G = batch.E, batch.E / (2 * (1 + batch.nu))
    inertia = torch.pi / 4 * (1 - bore_ratio**4)  # I = inertia r^4, polar moment 2 I
    f_ii = length / (3 * E * inertia * r1**3 * r2)
    f_jj = length / (3 * E * inertia * r1 * r2**3)
    f_ij = -length / (6 * E * inertia * r1**2 * r2**2)
    if element == "timoshenko":
        shear = 1 / (shear_coefficient(batch.nu, bore_ratio) * G * area * length)
        f_ii, f_jj, f_ij = f_ii + shear, f_jj + shear, f_ij + shear
    determinant = f_ii * f_jj - f_ij**2
    twist = 2 * G * inertia / length * 3 * (r1 * r2) ** 3 / (r1**2 + r1 * r2 + r2**2)
    return StrutStiffness(
        axial=E * area / length,
        twist=twist,
        bend_ii=f_jj / determinant,
        bend_ij=-f_ij / determinant,
        bend_jj=f_ii / determinant,
        tangent=tangent,
        length=length,
        arm_i=arm_i,
        arm_j=arm_j,
    )


def _check_rigid_ends(length: Tensor, arm_i: Tensor, arm_j: Tensor) -> None:
    bad = (length <= 0) | (arm_i < 0) | (arm_j < 0)
    if bool(bad.any()):
        s = int(bad.nonzero()[0, 0])
        raise LatticeGnnError(
            f"rigid_ends[{s}]: expected lengths >= 0 that leave a flexible part, got {float(arm_i[s]):.4g} and "
            f"{float(arm_j[s]):.4g} on a strut of length {float(length[s] + arm_i[s] + arm_j[s]):.4g}; shorten them"
        )


@dataclass(frozen=True, slots=True)
class ElementBlocks:
    """Blocks of the element stiffness in terms of D = u_j - u_i, theta_i and theta_j.

    W = 1/2 D.A.D + 1/2 theta_i.H_ii.theta_i + theta_i.H_ij.theta_j + 1/2 theta_j.H_jj.theta_j
    + (c_i theta_i + c_j theta_j).(t x D).
    """

    A: Float[Tensor, "struts 3 3"]
    H_ii: Float[Tensor, "struts 3 3"]
    H_ij: Float[Tensor, "struts 3 3"]
    H_jj: Float[Tensor, "struts 3 3"]
    C_i: Float[Tensor, "struts 3 3"]  #: c_i [t]x, so that the moment at i is C_i D
    C_j: Float[Tensor, "struts 3 3"]


def element_blocks(k: StrutStiffness) -> ElementBlocks:
    """Blocks of the 12x12 element stiffness in global axes, from the energy in the module docstring."""
    t = k.tangent
    axis = t[:, :, None] * t[:, None, :]
    across = torch.eye(3, dtype=t.dtype, device=t.device) - axis
    cross = _cross_matrix(t)
    a, b = k.arm_i / k.length, k.arm_j / k.length
    row_i = k.bend_ii + k.bend_ij  # moments at the two ends under equal end rotations
    row_j = k.bend_jj + k.bend_ij
    chord = row_i + row_j
    h_ii = k.bend_ii + 2 * a * row_i + a**2 * chord
    h_jj = k.bend_jj + 2 * b * row_j + b**2 * chord
    h_ij = k.bend_ij + a * row_j + b * row_i + a * b * chord
    c_i = -(row_i + a * chord) / k.length
    c_j = -(row_j + b * chord) / k.length

    def times(scalar: Tensor, matrix: Tensor) -> Tensor:
        return scalar[:, None, None] * matrix

    twist = times(k.twist, axis)
    return ElementBlocks(
        A=times(k.axial, axis) + times(chord / k.length**2, across),
        H_ii=twist + times(h_ii, across),
        H_ij=times(h_ij, across) - twist,
        H_jj=twist + times(h_jj, across),
        C_i=times(c_i, cross),
        C_j=times(c_j, cross),
    )


def element_matrix(blocks: ElementBlocks) -> Float[Tensor, "struts 12 12"]:
    """The 12x12 element stiffness, degrees of freedom u_i, theta_i, u_j, theta_j in global axes."""
    A, Ci, Cj = blocks.A, blocks.C_i, blocks.C_j
    rows = [
        torch.cat([A, -Ci.mT, -A, -Cj.mT], -1),
        torch.cat([-Ci, blocks.H_ii, Ci, blocks.H_ij], -1),
        torch.cat([-A, Ci.mT, A, Cj.mT], -1),
        torch.cat([-Cj, blocks.H_ij.mT, Cj, blocks.H_jj], -1),
    ]
    return torch.cat(rows, -2)


def _cross_matrix(t: Float[Tensor, "struts 3"]) -> Float[Tensor, "struts 3 3"]:
    """[t]x with [t]x v = t x v."""
    x, y, z = t.unbind(-1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(-1, 3, 3)


@dataclass(frozen=True, slots=True)
class StrutDeformation:
    """Deformations of the flexible parts under each load case (module docstring)."""

    elongation: Float[Tensor, "struts cases"]
    twist: Float[Tensor, "struts cases"]
    bend_i: Float[Tensor, "struts 3 cases"]
    bend_j: Float[Tensor, "struts 3 cases"]


def strut_deformation(
    k: StrutStiffness,
    relative: Float[Tensor, "struts 3 cases"],
    theta_i: Float[Tensor, "struts 3 cases"],
    theta_j: Float[Tensor, "struts 3 cases"],
) -> StrutDeformation:
    """Elongation, twist and end rotations from D = u_j - u_i and the end rotations."""
    t = k.tangent[:, :, None]
    a, b, l = (x[:, None, None] for x in (k.arm_i, k.arm_j, k.length))

    def across(vectors: Tensor) -> Tensor:
        return vectors - t * (t * vectors).sum(1, keepdim=True)

    chord = torch.linalg.cross(t.expand_as(relative), relative, dim=1) / l
    ti, tj = across(theta_i), across(theta_j)
    lever = (a * ti + b * tj) / l - chord
    return StrutDeformation(
        elongation=(t * relative).sum(1),
        twist=(t * (theta_j - theta_i)).sum(1),
        bend_i=ti + lever,
        bend_j=tj + lever,
    )
