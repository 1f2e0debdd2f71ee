"""Response fields on struts against a slow twin, written out with einsum from the definitions."""

import torch

from fem_reference.beam.affine import affine_stiffness
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.layers.positivity import AffinePrior
from lattice_gnn.network.layers.response import StrutFrames, add_strain, collect, deformation
from lattice_gnn.network.layers.struts import DirectedStruts
from lattice_gnn.tensors.notation import strain_basis
from lattice_gnn.testing import random_lattice

GEOMETRY = ("nodes", "cells", "radii", "end_radii", "inner_radii", "E", "nu")


def geometry_twin(batch):
    """Every tensor of ``StrutFrames`` that does not depend on the choice of n, by name."""
    v, owner = batch.strut_vectors, batch.strut_lattice
    L = torch.einsum("si,si->s", v, v).sqrt()
    t = torch.einsum("si,s->si", v, 1 / L)
    l0 = torch.stack([L[owner == b].mean() for b in range(len(batch))])
    r, R, m = batch.radii, batch.end_radii, batch.inner_radii / batch.radii
    square = (r * r + r * R + R * R) / 3
    solid = square * (1 - m * m) * L
    total = torch.stack([solid[owner == b].sum() for b in range(len(batch))])
    P = torch.einsum("bij,b->bij", affine_stiffness(batch), 1 / batch.relative_density)
    p, U = torch.linalg.eigh(P)
    W = torch.einsum("bik,bk,bjk->bij", U, (p + 0.01).rsqrt(), U)
    tt, one = torch.einsum("si,sj->sij", t, t), torch.eye(3, dtype=torch.float64)
    i, j = torch.tensor([(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]).T
    return {
        "length": L / l0[owner],
        "inertia": square * (1 + m * m) / (4 * L * L),
        "share": solid / total[owner],
        "modulus": batch.E,
        "nu": batch.nu,
        "along": tt[:, i, j],
        "across": (one - tt)[:, i, j],
        "strain": torch.einsum("skl,lij,sj,s->sik", W[owner], strain_basis(W), t, L / l0[owner]),
        "to_prior": torch.einsum("bik,bk,bjk->bij", U, ((p + 0.01) / p).sqrt(), U),
    }


def frames_of(batch):
    return StrutFrames(batch, DirectedStruts(batch), AffinePrior(batch), torch.float64)


def members():
    return LatticeBatch.from_lattices([random_lattice(k, sections=True) for k in (1, 4, 6)])


def test_geometry_and_its_gradients_are_those_of_the_twin(assert_same):
    batch = members()
    inputs = {name: getattr(batch, name) for name in GEOMETRY}

    def fast(values):
        frames = frames_of(batch.replace(**values))
        return {name: getattr(frames, name) for name in geometry_twin(batch)}

    assert_same(fast, lambda x: geometry_twin(batch.replace(**x)), inputs)


def test_axes_are_orthonormal_and_the_first_is_the_strut():
    batch = members()
    axes = frames_of(batch).axes
    one = torch.eye(3, dtype=torch.float64).expand(len(axes), 3, 3)
    torch.testing.assert_close(torch.einsum("sai,sbi->sab", axes, axes), one)
    torch.testing.assert_close(torch.linalg.det(axes), torch.ones(len(axes), dtype=torch.float64))
    v = batch.strut_vectors
    torch.testing.assert_close(axes[:, 0], v / v.norm(dim=1, keepdim=True))


def deformation_twin(X, struts, strain, load):
    """Stretch with macroscopic strain, mean rotation, difference of rotation; strut by strut."""
    rows = []
    for s, (i, j) in enumerate(struts.tolist()):
        (u_i, theta_i), (u_j, theta_j) = X[:, i], X[:, j]
        macro = torch.einsum("ik,c->ikc", strain[s], load)
        rows.append(torch.stack([u_j - u_i + macro, (theta_i + theta_j) / 2, theta_j - theta_i]))
    return torch.stack(rows)


def collect_twin(P, struts, nodes):
    """Forces and moments of the struts at their end nodes."""
    total = [[torch.zeros_like(P[0, 0]) for _ in range(nodes)] for _ in range(2)]
    for (force, moment, couple), (i, j) in zip(P, struts.tolist(), strict=True):
        total[0][i] = total[0][i] - force
        total[0][j] = total[0][j] + force
        total[1][i] = total[1][i] + moment / 2 - couple
        total[1][j] = total[1][j] + moment / 2 + couple
    return torch.stack([torch.stack(part) for part in total])


def test_deformation_and_its_gradients_are_those_of_the_twin(assert_same):
    batch, channels = members(), 3
    frames = frames_of(batch)
    generator = torch.Generator().manual_seed(0)
    shapes = {"X": (2, len(batch.nodes), 3, 6, channels), "load": (channels,)}
    inputs = {
        name: torch.randn(shape, dtype=torch.float64, generator=generator)
        for name, shape in shapes.items()
    }

    def fast(values):
        D = deformation(values["X"].flatten(3), frames)
        add_strain(D, frames.strain.repeat_interleave(channels, 2), values["load"].repeat(6))
        return {"D": D.view(-1, 3, 3, 6, channels)}

    def slow(values):
        return {"D": deformation_twin(values["X"], batch.struts, frames.strain, values["load"])}

    assert_same(fast, slow, inputs)


def test_collection_and_its_gradients_are_those_of_the_twin(assert_same):
    batch, frames = members(), frames_of(members())
    generator = torch.Generator().manual_seed(1)
    P = torch.randn(len(batch.radii), 3, 3, 12, dtype=torch.float64, generator=generator)
    assert_same(
        lambda x: {"F": collect(x["P"].flatten(1, 2), frames)},
        lambda x: {"F": collect_twin(x["P"], batch.struts, len(batch.nodes))},
        {"P": P},
    )
