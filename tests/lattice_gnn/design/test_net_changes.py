"""Topology: what is removed, merged and added keeps the net connected and the symmetry."""

import numpy as np

from lattice_gnn.cells.named import cell
from lattice_gnn.design.elastic import E
from lattice_gnn.design.geometric import relative_density
from lattice_gnn.design.net_changes import merge_joints, new_orbits, with_struts, without_struts
from lattice_gnn.design.run import run
from lattice_gnn.design.settings import DesignSettings
from lattice_gnn.design.task import Task
from lattice_gnn.lattice.space_group import find_space_group, group_of_changed


def test_dangling_struts_go_with_those_that_held_them():
    lattice = cell("sc", radius=0.05)
    longer = lattice.replace(
        nodes=[[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0]],
        struts=[[0, 0], [0, 0], [0, 0], [0, 1], [1, 2], [2, 0]],
        shifts=[[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0], [0, 0, 0]],
        radii=0.05,
    )
    gone = np.array([False, False, False, True, False, False])
    left = without_struts(longer, gone)
    assert (left.num_nodes, left.num_struts) == (1, 3)
    assert find_space_group(left).symbol == "Pm-3m"


def test_a_removal_that_disconnects_the_net_is_not_made():
    lattice = cell("sc", radius=0.05)
    assert without_struts(lattice, np.array([True, False, False])) is None


def test_a_split_cubic_cell_merges_to_the_cubic_cell():
    sc = cell("sc", radius=0.05)
    split = sc.replace(
        nodes=[[0, 0, 0], [0.02, 0, 0]],
        struts=[[0, 1], [1, 0], [0, 0], [0, 0]],
        shifts=[[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]],
        radii=0.05,
    )
    merged = merge_joints(split, np.array([True, False, False, False]))
    assert merged.num_nodes == 1
    assert np.allclose(np.sort(merged.lengths), 1.0)
    assert find_space_group(merged).symbol == "Pm-3m"


def test_the_shortest_new_struts_of_bcc_are_the_cube_edges():
    bcc = cell("bcc", radius=0.02)
    group = find_space_group(bcc)
    first = new_orbits(bcc, group, 1.1)[0]
    fuller = with_struts(bcc, first, 0.02)
    assert np.allclose(fuller.lengths[8:], 1.0)
    assert fuller.num_struts == 8 + 6  # three edges from each of the two nodes
    assert group_of_changed(fuller, group).order == group.order


def test_a_strut_through_a_joint_is_not_added():
    sc = cell("sc", radius=0.02)
    assert with_struts(sc, [(0, 0, 2, 0, 0)], 0.02) is None


def test_topology_moves_find_the_struts_along_the_load():
    # BCC bends under axial load; struts along the cube edges carry it directly, E near rho / 3.
    task = Task(
        start=cell("bcc", relative_density=0.05),
        objective=E([1, 0, 0]),
        aim="maximise",
        constraints=(relative_density <= 0.05,),
        vary=("radii",),
        settings=DesignSettings(topology_rounds=2),
    )
    result = run(task)
    assert any("added" in note for note in result.notes)
    assert result.objective.value > 0.9 * 0.05 / 3
    assert result.objective.value > 5 * result.objective.start
    assert find_space_group(result.lattice).symbol == "Im-3m"
