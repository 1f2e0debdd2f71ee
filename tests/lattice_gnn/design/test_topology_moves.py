"""Whole runs with topology moves: nets change, bounds stay, the numbers are the lattice's."""

import numpy as np
import pytest

from lattice_gnn.cells.named import cell
from lattice_gnn.design.elastic import E
from lattice_gnn.design.geometric import relative_density
from lattice_gnn.design.result import Verdict
from lattice_gnn.design.run import run
from lattice_gnn.design.settings import DesignSettings
from lattice_gnn.design.task import Task
from lattice_gnn.verbs.homogenise import homogenise

Z = [0.0, 0.0, 1.0]


def test_one_factor_for_all_radii_removes_the_thin_struts_within_the_bounds_of_the_first_net():
    """A simple cubic cell with thinner diagonals, which stop the factor at the smallest radius.

    Without them the factor falls further, until E = pi r^2 of the cubic struts is what is asked.
    """
    thin, least = 0.04, 1e-4
    bcc = cell("bcc", radius=thin)
    start = bcc.replace(
        struts=np.vstack([bcc.struts, [[0, 0]] * 3]),
        shifts=np.vstack([bcc.shifts, np.eye(3, dtype=int)]),
        radii=np.append(bcc.radii, [2.5 * thin] * 3),
    )
    result = run(
        Task(
            start=start,
            objective=relative_density,
            aim="minimise",
            constraints=(E(Z) >= least,),
            vary=("radius",),
            settings=DesignSettings(topology_rounds=3),
        )
    )
    assert "Topology: 8 thin struts removed." in result.notes
    found = result.lattice
    assert (found.num_nodes, found.num_struts) == (1, 3)
    assert found.radii == pytest.approx((least / np.pi) ** 0.5, rel=1e-3)
    assert found.radii.min() >= 0.1 * thin  # the smallest radius of the first net
    assert result.objective.value == pytest.approx(3 * least, rel=2e-3)
    assert result.objective.value == pytest.approx(found.relative_density, rel=1e-12)
    again = homogenise(found).stiffness
    assert result.constraints[0].value == pytest.approx(float(again.young_modulus(Z)), rel=1e-9)
    assert result.verdict is Verdict.CONFIRMED
