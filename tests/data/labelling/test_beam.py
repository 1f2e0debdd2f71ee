"""Labels of beam FEM: one lattice that the solver refuses does not cost the others theirs."""

import numpy as np
import pytest

from data.labelling.beam import label_beam
from data.labelling.generate import make_batch
from data.populations.population import Population
from fem_reference.beam.homogenise import homogenise_beam
from fem_reference.sparse import IllConditionedError


@pytest.fixture(scope="module")
def dataset():
    """32 bases, one copy of each at two densities."""
    return make_batch(Population(seed=11, draws=2, named=("octet", "bcc")), 0)


def test_a_lattice_that_the_solver_refuses_stays_without_label(dataset, monkeypatch):
    batch = dataset.to_batch([0, 4, 8])
    refused = batch.radii[batch.members([1])[1][0]]

    def picky(part):
        for k in range(len(part)):
            if part[k].radii[0] == refused:
                raise IllConditionedError(k)
        return homogenise_beam(part)

    monkeypatch.setattr("data.labelling.beam.homogenise_beam", picky)
    label = label_beam(batch)
    assert label.mask.tolist() == [True, False, True]
    assert np.isnan(label.stiffness[1]).all()
    assert np.isfinite(label.stiffness[[0, 2]]).all()
