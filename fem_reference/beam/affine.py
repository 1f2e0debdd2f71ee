"""Struts under affine nodal motion: the load of the problem, and an upper bound on C."""

import torch
from jaxtyping import Float
from torch import Tensor

from fem_reference.beam.elements import BeamTheory, strut_operator
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.tensors.notation import strain_basis


def affine_deformation(
    batch: LatticeBatch, B: Float[Tensor, "struts 8 12"]
) -> Float[Tensor, "struts 8 6"]:
    """Return strut deformations B (0, 0, E_k v, 0) under affine motion without rotation."""
    x, y, z = batch.strut_vectors[:, :, None].unbind(1)
    b1, b2, b3 = B[:, :, 6:9].unbind(-1)
    half = 0.5**0.5
    shears = (half * (b2 * z + b3 * y), half * (b1 * z + b3 * x), half * (b1 * y + b2 * x))
    return torch.stack([b1 * x, b2 * y, b3 * z, *shears], -1)


def affine_displacements(batch: LatticeBatch) -> Float[Tensor, "nodes 3 6"]:
    """Return displacements E_k x of the nodes in the home cell under the unit strains."""
    positions = (batch.nodes[:, None] @ batch.cells[batch.node_lattice])[:, 0]
    return torch.einsum("kab,nb->nak", strain_basis(positions), positions)


def energy_density(
    batch: LatticeBatch, D: Float[Tensor, "struts rows 6"]
) -> Float[Tensor, "lattices 6 6"]:
    """Return C = (1/V) sum of D^T D, or the part that belongs to some rows of D."""
    C = batch.sum_over_struts(D.mT @ D) / batch.volumes[:, None, None]
    return (C + C.mT) / 2


def affine_stiffness(
    lattices: LatticeBatch, *, element: BeamTheory = "euler-bernoulli"
) -> Float[Tensor, "lattices 6 6"]:
    """Return the stiffness C / E_s under affine nodal motion without rotation, Mandel.

    An upper bound on C in the Loewner order.
    """
    B = strut_operator(lattices, element=element)
    return energy_density(lattices, affine_deformation(lattices, B))
