"""The parts of the joints add up to the correction of the cell."""

import pytest
import torch

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.joint_shares import joint_matrices
from lattice_gnn.network.layers.joint_cases import JointCases
from lattice_gnn.surrogate.surrogate import load_surrogate
from lattice_gnn.testing import random_lattice


@pytest.mark.parametrize("name", ["joints", "joints-linear"])
def test_parts_of_the_joints_add_up_to_the_change_of_log_det(name):
    model = load_surrogate(name, dtype=torch.float64).model
    batch = LatticeBatch.from_lattices([random_lattice(k).simplified() for k in (1, 2)])
    parts = joint_matrices(model, batch)
    trace = parts.diagonal(dim1=1, dim2=2).sum(1)
    summed = trace.new_zeros(2).index_add(0, batch.node_lattice, trace)
    answer = model.answer(batch)
    change = torch.logdet(answer.stiffness) - 2 * torch.logdet(JointCases.of(batch).root)
    torch.testing.assert_close(summed, change, rtol=1e-6, atol=1e-9)


def test_equal_joints_have_equal_parts():
    from lattice_gnn.cells.named import cell

    model = load_surrogate("joints", dtype=torch.float64).model
    octet = LatticeBatch.from_lattices([cell("octet", radius=0.05)])
    trace = joint_matrices(model, octet).diagonal(dim1=1, dim2=2).sum(1)
    torch.testing.assert_close(trace, trace[:1].expand(4), rtol=1e-6, atol=0)


def test_a_network_without_joints_is_refused():
    model = load_surrogate("relaxation").model
    with pytest.raises(LatticeGnnError, match="use the model joints"):
        joint_matrices(model, LatticeBatch.from_lattices([random_lattice(1).simplified()]))
