"""Labels of beam FEM."""

import numpy as np

from data.datasets.dataset import Label
from fem_reference.beam.homogenise import homogenise_beam
from fem_reference.loading import pinned
from fem_reference.sparse import IllConditionedError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.tensors.notation import UPPER

BEAM = "beam"
BEAM_METHOD = "periodic beam FEM, Euler-Bernoulli, joints are points"
BEAM_ERROR = 1e-9
"""Admissible relative error of the softest eigenvalue in the beam solver; it does not include the
model error of beam theory."""


def label_beam(batch: LatticeBatch) -> Label:
    """Label lattices by beam FEM; lattices that the solver refuses get no label."""
    mask = np.ones(len(batch), dtype=bool)
    while mask.any():
        try:
            with pinned(len(batch)):
                C = homogenise_beam(batch.select(np.flatnonzero(mask))).stiffness.mandel.numpy()
            break
        except IllConditionedError as error:
            mask[np.flatnonzero(mask)[error.lattice]] = False
    stiffness = np.full((len(batch), 21), np.nan)
    if mask.any():
        stiffness[mask] = C[:, UPPER[0], UPPER[1]]
    return Label(stiffness, mask, BEAM_METHOD, BEAM_ERROR)
