"""Straight beam elements with circular sections, formulated without local frames.

A circular section has no preferred transverse direction, so the element needs the strut's unit
tangent ``t`` only. With end displacements u_i, u_j and rotations theta_i, theta_j, rigid end
lengths a, b and flexible length l = L - a - b, the deformations of the flexible part are

    e       = t . (u_j - u_i)                                    elongation
    phi     = t . (theta_j - theta_i)                            twist
    alpha_i = P [(1 + a/l) theta_i + (b/l) theta_j] - t x (u_j - u_i) / l     end rotations relative
    alpha_j = P [(a/l) theta_i + (1 + b/l) theta_j] - t x (u_j - u_i) / l     to the chord, P = 1 -
    t t^T

(Przemieniecki, *Theory of Matrix Structural Analysis*, 1968, chapters 5-6). With the flexibilities
f_ii, f_ij, f_jj of the simply supported beam (end rotations under end moments) the strain energy is
a sum of squares,

    2 W = k_axial e^2 + k_twist phi^2 + f_jj/det |alpha_i - (f_ij/f_jj) alpha_j|^2 + 1/f_jj
    |alpha_j|^2,

det = f_ii f_jj - f_ij^2, so the element is its *square root* B, 2 W = |B (u_i, theta_i, u_j,
theta_j)|^2, and its stiffness matrix B^T B is positive semi-definite by construction.
"""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch

BeamTheory = Literal["euler-bernoulli", "timoshenko"]

AXIAL, TORSION, BENDING = slice(0, 1), slice(1, 2), slice(2, 8)  #: rows of B


def shear_coefficient(
    nu: Float[Tensor, "*struts"], bore_ratio: Float[Tensor, "*struts"]
) -> Float[Tensor, "*struts"]:
    """Return Timoshenko's shear coefficient of a ring; 6(1 + nu)/(7 + 6 nu) for a solid circle.

    Args:
        nu: Poisson's ratio.
        bore_ratio: Inner over outer radius m, 0 for a solid section.

    Reference:
        Cowper, *The shear coefficient in Timoshenko's beam theory*, J. Appl. Mech. 33 (1966) 335,
        table 1.
    """
    m2 = bore_ratio**2
    return 6 * (1 + nu) * (1 + m2) ** 2 / ((7 + 6 * nu) * (1 + m2) ** 2 + (20 + 12 * nu) * m2)


def strut_coefficients(
    batch: LatticeBatch,
    *,
    element: BeamTheory = "euler-bernoulli",
    rigid_ends: Float[Tensor, "struts 2"] | None = None,
) -> tuple[Float[Tensor, "struts 3"], Float[Tensor, "struts 8"]]:
    """Return the vector v and eight stiffness coefficients of every strut.

    The coefficients a, g, c1, c2, c3, e1, e2, e3 multiply the deformations whose squares add up to
    twice the energy, with d = u_j - u_i:

        a t.d,    g t.(theta_j - theta_i),
        P (c1 theta_i + c2 theta_j) - c3 t x d,    P (e1 theta_i + e2 theta_j) - e3 t x d.

    Args:
        batch: The lattices.
        element: "euler-bernoulli" or "timoshenko" (adds the shear flexibility).
        rigid_ends: Rigid lengths at node i and node j, unit of length; 0 where None.

    Raises:
        LatticeGnnError: For an unknown element, or rigid ends without flexible length in between.
    """
    vectors = batch.strut_vectors
    length = total = vectors.norm(dim=-1)
    r1, r2 = batch.radii, batch.end_radii
    if rigid_ends is not None:
        check_rigid_ends(total, rigid_ends)
        arm_i, arm_j = rigid_ends.to(vectors).unbind(-1)
        length = total - arm_i - arm_j
        slope = (r2 - r1) / total
        r1, r2 = r1 + slope * arm_i, r2 - slope * arm_j
    axial, twist, f_jj, carry, lean, own = _flexibilities(batch, element, length, (r1, r2))
    root_i, root_j = own.rsqrt(), f_jj.rsqrt()
    rows = [axial.rsqrt(), twist.rsqrt(), root_i, -root_i * carry, root_i * lean / length]
    rows += [torch.zeros_like(root_j), root_j, root_j / length]
    if rigid_ends is not None:
        i, j = arm_i / length, arm_j / length
        rows[2:4] = root_i * (1 + i * lean), root_i * (j * lean - carry)
        rows[5:7] = root_j * i, root_j * (1 + j)
    return vectors, torch.stack(rows, -1)


def strut_operator(
    batch: LatticeBatch,
    *,
    element: BeamTheory = "euler-bernoulli",
    rigid_ends: Float[Tensor, "struts 2"] | None = None,
) -> Float[Tensor, "struts 8 12"]:
    """Return the square root B of every strut's stiffness K = B^T B, global axes, unit E_s.

    Arguments and errors are those of ``strut_coefficients``.

    Returns:
        Rows ``AXIAL``, ``TORSION`` and ``BENDING`` (module docstring); columns u_i, theta_i, u_j,
        theta_j.
    """
    vectors, coefficients = strut_coefficients(batch, element=element, rigid_ends=rigid_ends)
    t = vectors / vectors.norm(dim=-1, keepdim=True)
    a, g, c1, c2, c3, e1, e2, e3 = coefficients[:, :, None].unbind(1)
    chord = _cross_matrix(t)
    across = torch.eye(3, dtype=t.dtype, device=t.device) - t[:, :, None] * t[:, None, :]
    zero = torch.zeros_like(t)
    rows = [
        torch.cat([-a * t, zero, a * t, zero], -1)[:, None],
        torch.cat([zero, -g * t, zero, g * t], -1)[:, None],
    ]
    for at_i, at_j, at_chord in ((c1, c2, c3), (e1, e2, e3)):
        turned = at_chord[:, :, None] * chord
        rows.append(
            torch.cat([turned, at_i[:, :, None] * across, -turned, at_j[:, :, None] * across], -1)
        )
    return torch.cat(rows, 1)


def _flexibilities(
    batch: LatticeBatch, element: BeamTheory, length: Tensor, radii: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Return axial, torsional and bending flexibilities of struts tapered from r1 to r2.

    With r(s) = r1 + (r2 - r1) s: int ds/r^2 = 1/(r1 r2), int ds/r^4 = (r1^2 + r1 r2 + r2^2)/(3 r1^3
    r2^3), int (1-s)^2/r^4 ds = 1/(3 r1^3 r2), int s(1-s)/r^4 ds = 1/(6 r1^2 r2^2), int s^2/r^4 ds =
    1/(3 r1 r2^3).

    Returns:
        Axial; torsional; f_jj; f_ij / f_jj; 1 - f_ij / f_jj; (f_ii f_jj - f_ij^2) / f_jj. The last
        two are written as sums of positive terms: the shear flexibility of a short strut would
        cancel in the difference, and squares would overflow float32 for struts measured in metres.
    """
    if element not in ("euler-bernoulli", "timoshenko"):
        raise LatticeGnnError(
            f"element: expected 'euler-bernoulli' or 'timoshenko', got {element!r}"
        )
    r1, r2 = radii
    E, G = batch.E, batch.E / (2 * (1 + batch.nu))
    bore_ratio = batch.inner_radii / batch.radii
    square = r1 * r2
    area = torch.pi * (1 - bore_ratio**2) * square
    inertia = torch.pi / 4 * (1 - bore_ratio**4)  # I = inertia r^4, polar moment 2 I
    ratio = r2 / r1
    taper = ratio + 1 + 1 / ratio
    bend = length / (6 * E * inertia * square**2)
    shear = torch.zeros_like(bend)
    if element == "timoshenko":
        shear = 1 / (shear_coefficient(batch.nu, bore_ratio) * G * area * length)
    f_jj = 2 * bend / ratio + shear
    own = bend / f_jj * (3 * bend + 2 * shear * taper)
    twist = length * taper / (6 * G * inertia * square**2)
    lean = bend * (1 + 2 / ratio) / f_jj
    return length / (E * area), twist, f_jj, (shear - bend) / f_jj, lean, own


def check_rigid_ends(
    total: Float[Tensor, " struts"], rigid_ends: Float[Tensor, "struts 2"]
) -> None:
    """Check that rigid ends leave a flexible length of every strut.

    Raises:
        LatticeGnnError: If not; names the strut.
    """
    arm_i, arm_j = rigid_ends.to(total).unbind(-1)
    length = total - arm_i - arm_j
    bad = ~((length > 0) & (arm_i >= 0) & (arm_j >= 0))  # also true for NaN
    if bool(bad.any()):
        s = int(bad.nonzero()[0, 0])
        raise LatticeGnnError(
            f"rigid_ends[{s}]: expected lengths >= 0 that leave a flexible part, got "
            f"{float(arm_i[s]):.4g} and {float(arm_j[s]):.4g} on a strut of length "
            f"{float(length[s] + arm_i[s] + arm_j[s]):.4g}; shorten them"
        )


def _cross_matrix(t: Float[Tensor, "struts 3"]) -> Float[Tensor, "struts 3 3"]:
    """Return [t]x with [t]x v = t x v."""
    x, y, z = t.unbind(-1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(-1, 3, 3)
