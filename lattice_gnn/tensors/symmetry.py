"""Symmetry classes of elasticity: the nearest tensor of each class, its frame, and the distance.

A stiffness has one of eight symmetries (Forte and Vianello 1996, J. Elasticity 43, 81-108). In a
given frame the nearest tensor of a class, in the Frobenius norm, is the average over the rotations
of its symmetry group (Gazis, Tadjbakhsh and Toupin 1963, Acta Cryst. 16, 917-922; Moakher and
Norris 2006, J. Elasticity 85, 215-263). The frame is found by search, not assumed:

- seeds: for a class with one axis, an even grid of directions; for cubic and orthotropic, an even
  grid of rotations; for all, the eigenvectors of the dilatational tensor C_ijkk, of Voigt's tensor
  C_ikjk (Cowin and Mehrabadi 1987, Q. J. Mech. Appl. Math. 40, 451-476) and of mixtures of the two.
  These eigenvectors give the frame of an exactly orthotropic tensor, but not of a cubic one, for
  which both tensors are isotropic;
- the local minima of the distance on the grid and the eigenvector frames are refined by Newton's
  method on SO(3); the distance squared is a polynomial of degree 8 in the direction cosines, so
  that an even grid resolves its basins;
- where the distance depends on an axis alone, the rotation about it is chosen afterwards: in closed
  form for tetragonal and trigonal (C16 = 0, C15 = 0), otherwise closest to the laboratory axes.

A frame holds the material axes as rows, so that ``C.rotated(frame)`` has the class's textbook form:
the main axis of hexagonal, tetragonal, trigonal and monoclinic tensors is 3; trigonal has a twofold
axis along 1. It is right-handed and, among equivalent frames, has the smallest rotation angle.
"""

from dataclasses import dataclass
from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.tensors.moduli import bulk_modulus_voigt, shear_modulus_voigt
from lattice_gnn.tensors.notation import mandel_to_cartesian, rotation_mandel
from lattice_gnn.tensors.rotation_search import (
    Expansion,
    direction_grid,
    expand_product,
    grid_minima,
    hold_axis,
    minimise,
    rotation_grid,
    stiffness_jet_matrix,
)
from lattice_gnn.tensors.rotations import (
    axis_rotations,
    cube_rotations,
    dihedral_rotations,
    frames_of_rows,
    perpendicular_pair,
    quaternion_matrix,
    rotation_matrix,
)

SYMMETRIES = {
    "isotropic": 2,
    "cubic": 3,
    "hexagonal": 5,
    "tetragonal": 6,
    "trigonal": 6,
    "orthotropic": 9,
    "monoclinic": 13,
    "triclinic": 21,
}
"""The eight classes, most symmetric first, and how many constants each has in its own frame."""

AXES = {"hexagonal": 6, "tetragonal": 4, "trigonal": 3, "monoclinic": 2}
"""Classes whose distance depends on the main axis alone, and the order of that axis.

A stiffness with an n-fold axis is transversely isotropic for n >= 6. For n = 4 and 3 some rotation
about the axis brings it to the six-constant form with perpendicular twofold axes.
"""

DIRECTIONS = 400
ROTATIONS = 600
LANES = 12
CHUNK = 64


@dataclass(frozen=True)
class Nearest:
    """The nearest tensor of a symmetry class.

    Attributes:
        mandel: Shape (..., 6, 6), in the laboratory frame, in the unit of the stiffness.
        frame: Shape (..., 3, 3), the material axes as rows.
        distance: |C - nearest|/|C| in the Frobenius norm of the Cartesian (or Mandel) components.
    """

    mandel: Float[Tensor, "*batch 6 6"]
    frame: Float[Tensor, "*batch 3 3"]
    distance: Float[Tensor, "*batch"]


@dataclass(frozen=True)
class Classification:
    """The most symmetric class within a tolerance, for each tensor of a batch.

    Attributes:
        names: One name per tensor, batch dimensions flattened.
        frame: Shape (..., 3, 3), the material axes as rows.
        distance: Relative distance to that class.
    """

    names: tuple[str, ...]
    frame: Float[Tensor, "*batch 3 3"]
    distance: Float[Tensor, "*batch"]

    @property
    def name(self) -> str:
        """The class of a single tensor."""
        if len(self.names) != 1:
            raise LatticeGnnError(
                f"{len(self.names)} tensors were classified: read names, not name"
            )
        return self.names[0]


def nearest(
    mandel: Float[Tensor, "*#batch 6 6"],
    symmetry: str,
    frame: Float[Tensor, "*#batch 3 3"] | None = None,
) -> Nearest:
    """Find the nearest tensor of a symmetry class in the best frame, or in the frame given.

    The stiffness is symmetrised first. The derivative of the distance with respect to the stiffness
    is exact; that of the nearest tensor is at fixed frame. At distance zero the derivative of the
    distance is taken as zero.

    Raises:
        LatticeGnnError: For an unknown class or values that are not finite.
    """
    if symmetry not in SYMMETRIES:
        raise LatticeGnnError(f"unknown symmetry {symmetry!r}: use one of {', '.join(SYMMETRIES)}")
    if not bool(torch.isfinite(mandel).all()):
        raise LatticeGnnError("the stiffness holds NaN or infinity: check where it comes from")
    mandel = 0.5 * (mandel + mandel.mT)
    if frame is None:
        frame = find_frame(mandel, symmetry)
    Q = rotation_mandel(frame)
    average = _average(Q @ mandel @ Q.mT, symmetry)
    projected = Q.mT @ average @ Q
    missing = torch.linalg.vector_norm(mandel - projected, dim=(-2, -1))
    size = torch.linalg.vector_norm(mandel, dim=(-2, -1))
    distance = missing / torch.where(size > 0, size, 1.0)
    return Nearest(projected, frame.expand(*projected.shape[:-2], 3, 3), distance)


def classify(mandel: Float[Tensor, "*batch 6 6"], tolerance: float = 0.01) -> Classification:
    """Name the most symmetric class whose relative distance is within the tolerance.

    Most symmetric means fewest constants; of tetragonal and trigonal (six each) the nearer.
    """
    if not tolerance >= 0.0:
        raise LatticeGnnError(f"the tolerance must be zero or positive but is {tolerance}")
    batch, flat = mandel.shape[:-2], mandel.detach().reshape(-1, 6, 6)
    names = ["triclinic"] * len(flat)
    frame = torch.eye(3, dtype=flat.dtype, device=flat.device).repeat(len(flat), 1, 1)
    distance = flat.new_zeros(len(flat))
    best_distance = flat.new_full((len(flat),), torch.inf)
    constants = torch.full((len(flat),), SYMMETRIES["triclinic"], device=flat.device)
    for symmetry, count in SYMMETRIES.items():
        left = torch.nonzero(constants >= count)[:, 0]
        if symmetry == "triclinic" or not len(left):
            break
        found = nearest(flat[left], symmetry)
        take = (found.distance <= tolerance) & (found.distance < best_distance[left])
        chosen = left[take]
        for number in chosen.tolist():
            names[number] = symmetry
        frame[chosen], distance[chosen] = found.frame[take], found.distance[take]
        best_distance[chosen], constants[chosen] = found.distance[take], count
    return Classification(tuple(names), frame.reshape(*batch, 3, 3), distance.reshape(batch))


def find_frame(mandel: Float[Tensor, "*batch 6 6"], symmetry: str) -> Float[Tensor, "*batch 3 3"]:
    """Find the frame with the smallest distance to a class; see the module docstring."""
    batch, flat = mandel.shape[:-2], mandel.detach().reshape(-1, 6, 6)
    if symmetry in ("isotropic", "triclinic") or not len(flat):
        return torch.eye(3, dtype=flat.dtype, device=flat.device).repeat(*batch, 1, 1)
    frames = torch.cat([_search(piece, symmetry) for piece in flat.split(CHUNK)])
    return frames.reshape(*batch, 3, 3)


def _search(mandel: Tensor, symmetry: str) -> Tensor:
    """Find the best frames (B, 3, 3): seeds from grid and eigenvectors, Newton, azimuth."""
    residual = _residual_projector(symmetry).to(mandel.device)
    size = mandel.square().sum((-2, -1)).clamp_min(torch.finfo(torch.float64).tiny)
    unit = mandel / size.sqrt()[:, None, None]
    single_axis = symmetry in AXES
    if single_axis:
        grid = direction_grid(DIRECTIONS)
        points = _frames_about(grid.points)
    else:
        grid = rotation_grid(ROTATIONS)
        points = quaternion_matrix(grid.points)
    grid, points = type(grid)(*(part.to(mandel.device) for part in grid)), points.to(mandel.device)
    values = _distances(unit, points[None], residual)
    seeds = points[grid_minima(values, grid, LANES)]
    guesses = _eigenvector_frames(unit)
    frames = torch.cat([seeds, guesses], dim=1)
    jets = (stiffness_jet_matrix().to(mandel.device).unflatten(1, (10, 36)) @ residual).flatten(1)
    axis = mandel.new_tensor([0.0, 0.0, 1.0])

    def objective(at: Tensor, problem: Tensor) -> Expansion:
        Q = rotation_mandel(at)
        turned = (Q @ unit[problem] @ Q.mT).flatten(1)
        r = (turned @ jets).unflatten(1, (10, 36))
        expansion = expand_product(r, r)
        return hold_axis(expansion, axis) if single_axis else expansion

    frames, values = minimise(objective, frames)
    best = frames[torch.arange(len(frames), device=frames.device), values.argmin(-1)]
    if single_axis:
        best = _settle_azimuth(unit, best, symmetry)
    return _least_turn(best, symmetry)


def _distances(unit: Tensor, frames: Tensor, residual: Tensor) -> Tensor:
    """Return the squared distance of each tensor in all frames: (B, frames)."""
    Q = rotation_mandel(frames)
    turned = Q @ unit[:, None] @ Q.mT
    return (turned.flatten(-2) @ residual).square().sum(-1)


def _frames_about(axis: Tensor) -> Tensor:
    """Return right-handed frames whose third row is the axis."""
    return torch.stack([*perpendicular_pair(axis), axis], dim=-2)


def _eigenvector_frames(mandel: Tensor) -> Tensor:
    """Return frames (B, 12, 3, 3) of eigenvectors of C_ijkk, C_ikjk and mixtures of the two."""
    C = mandel_to_cartesian(mandel)
    dilatational, voigt = torch.einsum("bijkk->bij", C), torch.einsum("bikjk->bij", C)
    mixtures = [dilatational, voigt, dilatational + voigt, dilatational - 2.0 * voigt]
    return frames_of_rows(torch.linalg.eigh(torch.stack(mixtures, dim=1))[1].mT)


def _settle_azimuth(mandel: Tensor, frame: Tensor, symmetry: str) -> Tensor:
    """Rotate about axis 3: so that C16 = 0 (tetragonal), C15 = 0 (trigonal), or least."""
    frame = frame * torch.where(frame[:, 2, 2] < 0.0, -1.0, 1.0)[:, None, None]
    # The sign may have made the frame left-handed; flipping the first row corrects this.
    frame = torch.cat([frame[:, :1] * torch.linalg.det(frame)[:, None, None], frame[:, 1:]], dim=1)
    if symmetry in ("tetragonal", "trigonal"):
        fold = AXES[symmetry]
        wave, partner = _azimuth_waves(symmetry)
        Q = rotation_mandel(frame)
        turned = (Q @ mandel @ Q.mT).flatten(1)
        phase = torch.atan2(turned @ partner.to(turned), turned @ wave.to(turned))
        angle = -phase / fold
    else:
        # The rotation about axis 3 with the largest trace, hence the smallest angle.
        angle = torch.atan2(frame[:, 0, 1] - frame[:, 1, 0], frame[:, 0, 0] + frame[:, 1, 1])
    vector = torch.zeros_like(frame[:, 0])
    vector[:, 2] = angle
    return rotation_matrix(vector) @ frame


def _least_turn(frame: Tensor, symmetry: str) -> Tensor:
    """Choose, among equivalent frames, the one with the smallest rotation angle."""
    choices = _equivalent_frames(symmetry).to(frame.device)
    candidates = choices @ frame[:, None]
    traces = candidates.diagonal(dim1=-2, dim2=-1).sum(-1)
    best = traces.round(decimals=9).argmax(-1)
    return candidates[torch.arange(len(frame), device=frame.device), best]


def symmetry_group(symmetry: str) -> Float[Tensor, "order 3 3"]:
    """Return the rotations whose average projects onto a class in its own frame.

    Inversion leaves even-rank tensors unchanged and is omitted. Isotropic (no finite group) and
    triclinic are not supported.
    """
    if symmetry == "cubic":
        return cube_rotations()
    if symmetry == "monoclinic":
        return axis_rotations(2, 2)
    return dihedral_rotations(
        {"orthotropic": 2, "trigonal": 3, "tetragonal": 4, "hexagonal": 6}[symmetry]
    )


@cache
def _equivalent_frames(symmetry: str) -> Tensor:
    """Return the rotations that preserve a class's textbook form, up to the sign of C14."""
    if symmetry in ("cubic", "orthotropic"):
        return cube_rotations()
    if symmetry in ("tetragonal", "trigonal"):
        return dihedral_rotations(2 * AXES[symmetry])
    return torch.eye(3, dtype=torch.float64)[None]


@cache
def _projector(symmetry: str) -> Float[Tensor, "36 36"]:
    """Return the projector of flattened Mandel matrices onto the class in its own frame."""
    return _group_projector(symmetry_group(symmetry))


def _group_projector(rotations: Tensor) -> Tensor:
    Q = rotation_mandel(rotations)
    return torch.einsum("gij,gkl->ikjl", Q, Q).reshape(36, 36) / len(Q)


@cache
def _residual_projector(symmetry: str) -> Float[Tensor, "36 36"]:
    """Return the complement of the projector; for single-axis classes, of the axis alone."""
    group = axis_rotations(AXES[symmetry], 2) if symmetry in AXES else symmetry_group(symmetry)
    return torch.eye(36, dtype=torch.float64) - _group_projector(group)


@cache
def _azimuth_waves(symmetry: str) -> tuple[Tensor, Tensor]:
    """Return the part of the textbook form of azimuthal order n, and its quadrature."""
    span = _projector(symmetry) - _projector("hexagonal")
    # Antisymmetric 6x6 matrices have such a part too, but a stiffness is symmetric.
    span = span + span.unflatten(0, (6, 6)).transpose(0, 1).flatten(0, 1)
    wave = torch.linalg.eigh(0.5 * (span + span.T))[1][:, -1]
    turn = stiffness_jet_matrix().unflatten(1, (10, 36))[:, 3]
    return wave, (wave @ turn) / AXES[symmetry]


def _average(mandel: Tensor, symmetry: str) -> Tensor:
    """Average tensors over the symmetry group of a class in its own frame."""
    if symmetry == "triclinic":
        return mandel
    if symmetry == "isotropic":
        K, G = bulk_modulus_voigt(mandel), shear_modulus_voigt(mandel)
        spherical = mandel.new_zeros(6, 6)
        spherical[:3, :3] = 1.0
        identity = torch.eye(6, dtype=mandel.dtype, device=mandel.device)
        deviatoric = 2.0 * G[..., None, None] * (identity - spherical / 3.0)
        return K[..., None, None] * spherical + deviatoric
    projector = _projector(symmetry).to(mandel.device)
    return (mandel.flatten(-2) @ projector).unflatten(-1, (6, 6))
