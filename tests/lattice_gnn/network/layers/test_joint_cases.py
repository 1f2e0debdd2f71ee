"""Ranges of lattices: all of them, in order."""

import numpy as np
import pytest
import torch

from fem_reference.beam.homogenise import RankWarning
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.network.layers.joint_cases import JointCases


@pytest.mark.parametrize("pairs", [1, 20, 40, 10_000])
def test_parts_hold_every_lattice_in_order(pairs: int) -> None:
    lattices = [cell(name, radius=0.05) for name in ("sc", "octet", "bcc", "sc")]
    whole = JointCases.of(LatticeBatch.from_lattices(lattices), torch.float64)
    parts = list(whole.parts(pairs))
    assert len(parts) > 1 or pairs > 1000
    torch.testing.assert_close(torch.cat([part.root for part in parts]), whole.root)
    torch.testing.assert_close(torch.cat([part.features for part in parts], 1), whole.features)
    frames = [part.frame for part in parts]
    assert sum(map(len, frames)) == len(lattices)
    torch.testing.assert_close(torch.cat([frame.radii for frame in frames]), whole.frame.radii)


def test_a_lattice_without_pairs_of_struts_is_refused() -> None:
    single = Lattice(np.eye(3), [[0, 0, 0], [0.5, 0, 0]], [[0, 1]], [[0, 0, 0]], 0.05)
    with pytest.warns(RankWarning), pytest.raises(LatticeGnnError, match="positive eigenvalues"):
        JointCases.of(LatticeBatch.from_lattices([single]))
