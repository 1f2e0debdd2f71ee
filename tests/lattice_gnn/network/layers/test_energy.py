"""The energy readout against a slow twin, written out with einsum from the docstrings."""

import torch

from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.layers.energy import EnergyReadout
from lattice_gnn.network.layers.positivity import AffinePrior
from lattice_gnn.network.layers.response import StrutFrames
from lattice_gnn.network.layers.struts import DirectedStruts
from lattice_gnn.testing import random_lattice

CHANNELS, FEATURES, SCALARS, HIDDEN, EXTRA = 3, 4, 5, 8, 2
GEOMETRY = ("nodes", "cells", "radii", "E", "nu")


def readout_twin(readout, state, batch, frames):
    """M = log(sum over struts of w D^T D) + sum over struts of g D'^T D'.

    Shear and bending are vectors across the strut here, so that no frame is chosen.
    """
    X, scalars, features = state
    i, j = batch.struts.T
    t = frames.axes[:, 0]
    across = torch.eye(3, dtype=torch.float64) - torch.einsum("si,sj->sij", t, t)
    u = torch.einsum("qnikc,qcf->qnfik", X.view(2, -1, 3, 6, CHANNELS), readout.mix)
    stretch = u[0, j] - u[0, i] + torch.einsum("f,sik->sfik", readout.load, frames.strain)
    stretch = torch.einsum("sfik,s->sfik", stretch, 1 / frames.length)
    turned = (u[1, i] + u[1, j]) / 2
    lever = torch.linalg.cross(t[:, None, :, None].expand_as(turned), turned, dim=2)
    bend = u[1, j] - u[1, i]
    D = {
        "stretch": torch.einsum("si,sfik->sfk", t, stretch)[:, :, None],
        "shear": torch.einsum("sij,sfjk->sfik", across, stretch + lever),
        "twist": torch.einsum("si,sfik->sfk", t, bend)[:, :, None],
        "bending": torch.einsum("sij,sfjk->sfik", across, bend),
    }
    i_AL2, nu = frames.inertia, frames.nu
    beam = [torch.ones_like(nu), 12 * i_AL2, i_AL2 / (1 + nu), i_AL2]
    a, b = scalars[i], scalars[j]
    pairs = torch.cat([features, a + b, a * b], 1)
    w, g = readout.factors(pairs).exp(), readout.weights(pairs).view(-1, 4, EXTRA)
    total, signed = 0.0, 0.0
    for part, (stiffness, d) in enumerate(zip(beam, D.values(), strict=True)):
        weight = frames.share * frames.modulus * stiffness * w[:, part]
        total = total + torch.einsum("s,sik,sil->skl", weight, d[:, 0], d[:, 0])
        weight = frames.share[:, None] * g[:, part]
        signed = signed + torch.einsum("sf,sfik,sfil->skl", weight, d[:, 1:], d[:, 1:])
    matrices = []
    for lattice, T in enumerate(frames.to_prior):
        own = batch.strut_lattice == lattice
        energy = torch.einsum("ik,kl,lj->ij", T, total[own].sum(0), T)
        e, U = torch.linalg.eigh(energy + 1e-6 * torch.eye(6, dtype=torch.float64))
        matrices.append(torch.einsum("ik,k,jk->ij", U, e.log(), U) + signed[own].sum(0))
    return torch.stack(matrices)


def test_the_readout_and_its_gradients_are_those_of_the_twin(assert_same):
    """Of the geometry, the response, the features and every weight."""
    torch.manual_seed(4)
    batch = LatticeBatch.from_lattices([random_lattice(k, sections=True) for k in (1, 4)])
    readout = EnergyReadout(CHANNELS, FEATURES, SCALARS, HIDDEN, EXTRA).double()
    with torch.no_grad():  # weights that matter; they start at zero
        for weight in (*readout.weights.parameters(), *readout.factors.parameters()):
            weight.normal_(std=0.3)
    nodes, struts = len(batch.nodes), len(batch.radii)
    inputs = {name: getattr(batch, name) for name in GEOMETRY}
    inputs |= {
        "X": torch.randn(2, nodes, 3, 6 * CHANNELS, dtype=torch.float64),
        "scalars": torch.randn(nodes, SCALARS, dtype=torch.float64),
        "features": torch.randn(struts, FEATURES, dtype=torch.float64),
    }

    def run(function, x):
        changed = batch.replace(**{name: x[name] for name in GEOMETRY})
        frames = StrutFrames(changed, DirectedStruts(changed), AffinePrior(changed), torch.float64)
        return {"M": function(readout, (x["X"], x["scalars"], x["features"]), changed, frames)}

    def fast(readout, state, batch, frames):
        return readout(*state, frames, batch)

    assert_same(lambda x: run(fast, x), lambda x: run(readout_twin, x), inputs, readout)
