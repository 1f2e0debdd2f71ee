"""Fast classification of many stiffnesses: cheap bounds first, the full search where they fail.

The search of `lattice_gnn.tensors.symmetry` takes milliseconds per tensor and class. Two cheap
bounds on the distance to a class settle most cases with the same result:

- from below: the degree-2 parts of a stiffness, two deviators, are averaged over the symmetry group
  separately. The cubic average of a deviator is zero, a deviator with a threefold axis has two
  equal eigenvalues, and two orthotropic ones commute; the deviation from this bounds the distance;
- from above: the distance in a trial frame, the laboratory axes or the eigenvectors of C_ijkk and
  C_ikjk, is at least that in the best frame.

Reference:
    Backus, Rev. Geophys. 8 (1970) 633, for the harmonic decomposition.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from lattice_gnn.tensors.notation import mandel_to_cartesian
from lattice_gnn.tensors.rotations import frames_of_rows
from lattice_gnn.tensors.symmetry import AXES, SYMMETRIES, nearest

_UNIAXIAL = tuple(name for name, fold in AXES.items() if fold > 2)


def symmetry_names(
    mandel: Float[Tensor, "lattices 6 6"], tolerance: float = 0.01
) -> tuple[str, ...]:
    """Name the most symmetric class whose relative distance is within the tolerance.

    Like `lattice_gnn.tensors.symmetry.classify`, except that a tensor within the tolerance of both
    tetragonal and trigonal is named tetragonal.
    """
    C = 0.5 * (mandel + mandel.mT).detach().double()
    names = ["triclinic"] * len(C)
    open_ = torch.ones(len(C), dtype=torch.bool)
    frames = _tried_frames(C)
    for symmetry in SYMMETRIES:
        if symmetry == "triclinic":
            break
        left = torch.nonzero(open_ & (_least_distance(C, symmetry) <= tolerance))[:, 0]
        inside = _is_within(C[left], frames[left], symmetry, tolerance)
        for number in left[inside].tolist():
            names[number] = symmetry
        open_[left[inside]] = False
    return tuple(names)


def _is_within(
    C: Float[Tensor, "lattices 6 6"],
    frames: Float[Tensor, "lattices frames 3 3"],
    symmetry: str,
    tolerance: float,
) -> Bool[Tensor, " lattices"]:
    """Return whether the distance to a class is within the tolerance, by trial or by search."""
    if len(C) == 0 or symmetry == "isotropic":
        return nearest(C, symmetry).distance <= tolerance
    inside = (nearest(C[:, None], symmetry, frames).distance <= tolerance).any(1)
    unsettled = torch.nonzero(~inside)[:, 0]
    if len(unsettled):
        inside[unsettled] = nearest(C[unsettled], symmetry).distance <= tolerance
    return inside


def _deviators(
    C: Float[Tensor, "lattices 6 6"],
) -> tuple[Float[Tensor, "lattices 3 3"], Float[Tensor, "lattices 3 3"]]:
    """Return two deviators a, b with |a|^2 + |b|^2 = |degree-2 part of C|^2.

    That part is spanned by s(x) = d_ij x_kl + x_ij d_kl and u(x) = d_ik x_jl + d_il x_jk + d_jk
    x_il + d_jl x_ik, with |s|^2 = 6 |x|^2, |u|^2 = 20 |x|^2 and s(x) : u(x) = 8 |x|^2.
    """
    full = mandel_to_cartesian(C)
    identity = torch.eye(3, dtype=C.dtype)

    def deviator(A: Tensor) -> Tensor:
        return A - A.diagonal(dim1=1, dim2=2).mean(1)[:, None, None] * identity

    dilatational = deviator(torch.einsum("bijkk->bij", full))
    voigt = deviator(torch.einsum("bikjk->bij", full))
    a = 2 * dilatational / 6**0.5
    b = (4 * voigt - 8 / 3 * dilatational) / (28 / 3) ** 0.5
    return a, b


def _least_distance(C: Float[Tensor, "lattices 6 6"], symmetry: str) -> Float[Tensor, " lattices"]:
    """Return a lower bound on the relative distance to a class, valid in every frame.

    Orthotropic: with E_a and E_b the off-diagonal parts of a and b in the material axes, [a, b] =
    [a, E_b] + [E_a, b - E_b], whose norm is at most sqrt 2 (|a| |E_b| + |b| |E_a|) (Boettcher and
    Wenzel, Linear Algebra Appl. 403 (2005) 216).
    """
    size = C.flatten(1).norm(dim=1)
    total = torch.zeros_like(size)
    a, b = _deviators(C)
    if symmetry == "orthotropic":
        both = a.square().sum((1, 2)) + b.square().sum((1, 2))
        commutator = (a @ b - b @ a).square().sum((1, 2))
        return (commutator / (2 * both).clamp_min(1e-300)).sqrt() / size
    for part in (a, b):
        if symmetry == "cubic":
            total += part.square().sum((1, 2))
        elif symmetry in _UNIAXIAL:
            gaps = torch.linalg.eigvalsh(part).diff(dim=1)
            total += gaps.amin(1).square() / 2
    return total.sqrt() / size


def _tried_frames(C: Float[Tensor, "lattices 6 6"]) -> Float[Tensor, "lattices frames 3 3"]:
    """Return the laboratory axes and the eigenvectors of C_ijkk and C_ikjk as frames."""
    a, b = _deviators(C)
    rows = torch.linalg.eigh(torch.stack([a, b, a + b], dim=1))[1].mT
    rows = torch.cat([torch.eye(3, dtype=C.dtype).expand(len(C), 1, 3, 3), rows], dim=1)
    return frames_of_rows(rows)
