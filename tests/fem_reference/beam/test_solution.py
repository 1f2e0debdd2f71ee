"""Beam solutions show themselves in one line."""

import pytest

from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.cells.named import cell

pytestmark = pytest.mark.usefixtures("path")


def test_a_solution_is_one_line():
    # Simple cubic of radius r: E along the struts is pi r^2 / a^2 = 0.00785 for r = 0.05.
    one = homogenise_beam(cell("sc", radius=0.05), fields=True)
    assert repr(one).startswith("BeamSolution(Stiffness(C11=0.007854, ")
    assert repr(one).endswith("rank 6, with fields)")
    assert repr(one.fields).startswith(
        "BeamFields(1 lattice(s), 1 nodes, 3 struts, condition up to "
    )
    several = homogenise_beam([cell("sc", radius=0.05), cell("bcc", radius=0.05)])
    assert repr(several).endswith("rank 6 to 6)")
    assert "\n" not in repr(one) + repr(several) + repr(one.fields)
