"""One step of relaxation against a slow twin, written out with einsum from the docstrings."""

import torch
from torch.nn.functional import layer_norm, softplus

from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.layers.positivity import AffinePrior
from lattice_gnn.network.layers.relaxation import Problem, RelaxationStep, State
from lattice_gnn.network.layers.response import StrutFrames
from lattice_gnn.network.layers.struts import DirectedStruts
from lattice_gnn.testing import random_lattice

CHANNELS, FEATURES, SCALARS, HIDDEN, DEGREE = 3, 4, 5, 8, 6.0


def step_twin(step, state, features, batch, frames):
    """X <- X W + gate . H^-1 collect(K (deformation(X) + macroscopic strain)) V, then bounded."""
    i, j = batch.struts.T
    one, t = torch.eye(3, dtype=torch.float64), frames.axes[:, 0]
    along = torch.einsum("si,sj->sij", t, t)
    across = one - along
    turn = torch.linalg.cross(t[:, None], one[None], dim=2).mT  # turn @ v = t x v
    a, b = state.scalars[i], state.scalars[j]
    law = step.law(torch.cat([features, a + b, a * b], 1))
    k, w = law[:, :8, None, None].unbind(1), softplus(law[:, 8:]).view(-1, 2, 2) / step.degree
    X = state.X.view(2, len(batch.nodes), 3, 6, CHANNELS)
    macro = torch.einsum("sik,c->sikc", frames.strain, step.load)
    D = [X[0, j] - X[0, i] + macro, (X[1, i] + X[1, j]) / 2, X[1, j] - X[1, i]]
    K = {
        (0, 0): k[0] * along + k[1] * across, (0, 1): k[2] * turn,
        (1, 0): k[3] * turn, (1, 1): k[4] * along + k[5] * across,
        (2, 2): k[6] * along + k[7] * across,
    }  # fmt: skip
    P = [torch.zeros_like(D[0]) for _ in D]
    for (row, column), block in K.items():
        P[row] = P[row] + torch.einsum("sij,sjkc->sikc", block, D[column])
    at_i, at_j = torch.stack([-P[0], P[1] / 2 - P[2]]), torch.stack([P[0], P[1] / 2 + P[2]])
    F = torch.zeros_like(X).index_add(1, i, at_i).index_add(1, j, at_j)
    h = torch.einsum("sqw,wsij->qsij", w, torch.stack([along, across]))
    H = 0.01 * one.expand(2, len(batch.nodes), 3, 3)
    H = H.index_add(1, i, h).index_add(1, j, h)
    F = torch.einsum("qnij,qnjkc->qnikc", torch.linalg.inv(H), F) / step.degree**0.5
    sizes = torch.cat([*F.square().mean((2, 3)), *state.size], 1)
    update = step.update(torch.cat([state.scalars, torch.log1p(sizes)], 1))
    gate = update[:, SCALARS:].view(-1, 2, CHANNELS)
    X = torch.einsum("qnikc,qcd->qnikd", X, step.keep) + torch.einsum(
        "nqc,qnikc,qcd->qnikd", 1 + gate, F, step.change
    )
    for lattice in range(len(batch)):
        own = batch.node_lattice == lattice
        mean = X[:, own].square().mean((1, 2, 3))
        X = torch.where(own[:, None, None, None], X / (1 + mean).sqrt()[:, None, None, None], X)
    size = X.square().mean((2, 3))
    scalars = layer_norm(state.scalars + update[:, :SCALARS], (SCALARS,))
    return {"X": X.flatten(3), "size": size, "scalars": scalars}


def test_a_step_and_its_gradients_are_those_of_the_twin(assert_same):
    """Of the geometry, the state, the features and every weight."""
    torch.manual_seed(3)
    batch = LatticeBatch.from_lattices([random_lattice(k, sections=True) for k in (1, 4)])
    step = RelaxationStep(CHANNELS, FEATURES, SCALARS, HIDDEN, DEGREE).double()
    nodes = len(batch.nodes)
    inputs = {name: getattr(batch, name) for name in ("nodes", "cells", "radii", "E")}
    inputs |= {
        "X": torch.randn(2, nodes, 3, 6 * CHANNELS, dtype=torch.float64),
        "size": torch.rand(2, nodes, CHANNELS, dtype=torch.float64),
        "scalars": torch.randn(nodes, SCALARS, dtype=torch.float64),
        "features": torch.randn(len(batch.radii), FEATURES, dtype=torch.float64),
    }

    def run(function, x):
        changed = batch.replace(**{name: x[name] for name in ("nodes", "cells", "radii", "E")})
        frames = StrutFrames(changed, DirectedStruts(changed), AffinePrior(changed), torch.float64)
        state = State(x["X"], x["size"], x["scalars"])
        return function(step, state, x["features"], changed, frames)

    def fast(step, state, features, batch, frames):
        new = step(state, Problem(batch, features, frames, CHANNELS))
        return {"X": new.X, "size": new.size, "scalars": new.scalars}

    assert_same(lambda x: run(fast, x), lambda x: run(step_twin, x), inputs, step)
