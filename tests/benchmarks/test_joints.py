"""The benchmark of the joint models, on errors that are known."""

import numpy as np
import pytest
import torch

from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.layers import joint_pairs


@pytest.fixture(scope="module")
def joints(benchmark):
    return benchmark("joints")


@pytest.fixture
def known(joints):
    """Ten lattices; the network is 1 % too stiff, the beams 10 % too soft, bounds are 2 %."""
    reference = torch.eye(6, dtype=torch.float64).repeat(10, 1, 1)
    facts = {
        "density": np.linspace(0.01, 0.3, 10),
        "contact": np.arange(10) == 9,
        "overlap": np.arange(10) == 9,
        "angle": np.full(10, 60.0),
        "valence": np.full(10, 8.0),
        "ratio": np.where(np.arange(10) < 2, 3.0, 1.0),
        "nu": np.full(10, 0.3),
        "unequal E": np.zeros(10, dtype=bool),
        "voxels": np.full(10, 12.0),
        "slenderness": np.full(10, 0.1),
        "nodes": np.arange(10),
        "space group": np.full(10, 221),
        "noise": np.full(10, 0.002),
    }
    answers = {"network": 1.01 * reference, "beam": 0.9 * reference}
    return joints.Test(reference, answers, np.tile([0.005, 0.02], (10, 1)), facts)


def rows(text, title):
    return [line for line in text.splitlines() if line.startswith(f"| {title} |")]


def test_errors_soft_modes_and_coverage_are_those_put_in(joints, known):
    error, soft, bound = rows(joints.accuracy_tables(known), "all")
    assert error == "| all | 10 | 10.00 / 10.00 / 10.00 | 1.00 / 1.00 / 1.00 | 0.20 |"
    assert soft == "| all | 10 | 0.900; 10.0 / 10.0 | 1.010; 1.0 / 1.0 |"
    assert bound.startswith("| all | 10 | 0 % | 100 % | 2.00 | 2.00 |")


def test_gain_is_the_ratio_of_both_errors(joints, known):
    known.answers["linear"] = 0.98 * known.reference
    *_, gain, _ = rows(joints.accuracy_tables(known), "all")
    assert gain == "| all | 10 | 2.00 | 2.00 | 2.00 |"


def test_classes_hold_the_lattices_they_name(joints, known):
    classes = joints.classes(known.facts)
    assert classes["struts touch or nearly"].nonzero()[0].tolist() == [9]
    assert classes["struts overlap without a joint"].nonzero()[0].tolist() == [9]
    assert classes["radius ratio above 2"].sum() == 2
    assert classes["more than 8 nodes"].nonzero()[0].tolist() == [9]
    assert classes["trigonal, hexagonal, cubic"].all()
    assert classes["equal struts, nu 0.3, no contact"].sum() == 7
    assert not classes["labels on 20 voxels"].any()


def test_a_lattice_of_two_files_counts_once_with_the_first(joints):
    (fine, first), (coarse, second) = joints.finest(("fine_test", "test"))
    assert len(first) == fine.labels["solid"].mask.sum()
    assert len(first) + len(second) == len(coarse)


@pytest.fixture(scope="module")
def cost(benchmark):
    return benchmark("joints_cost")


@pytest.fixture(scope="module")
def tradeoff(benchmark):
    return benchmark("joints_tradeoff")


def test_a_star_of_fifteen_struts_has_a_joint_of_thirty_ends(cost):
    lattice = cost.star(15)
    pairs = joint_pairs.JointPairs.of(LatticeBatch.from_lattices([lattice]))
    assert pairs.node.tolist() == [0] * 30
    assert pairs.ends.shape == (2, 435)


def test_small_cells_are_as_large_as_the_tables_say(cost):
    cells = cost.small_cells(70)
    assert np.mean([x.num_nodes for x in cells]) == pytest.approx(7, abs=0.5)
    assert np.mean([x.num_struts for x in cells]) == pytest.approx(20, abs=1)


def test_tradeoff_takes_the_smallest_grids_without_contact(tradeoff):
    batch, lattices, C = tradeoff.cheapest(3)
    assert len(lattices) == len(batch) == len(C) == 3
    voxels = [x.volume / (2 * x.radii.min() / 20) ** 3 for x in lattices]
    assert voxels == sorted(voxels)
    beams = homogenise_beam(batch).stiffness.mandel
    assert bool((torch.linalg.eigvalsh(C - beams)[:, -1] > 0).all())  # labels are of these lattices


def test_tradeoff_counts_what_is_refused(tradeoff):
    points = [
        tradeoff.Point("joint network", 2e-4, np.array([0.01, 0.02, 0.03])),
        tradeoff.Point("solid, 4", 0.1, np.array([0.02, np.nan, 0.04])),
    ]
    text = tradeoff.tradeoff_table(points)
    assert "| joint network | 0.2 | 2.00 | 3.00 | 0 |" in text
    assert "| solid, 4 | 100 | 3.00 | 4.00 | 1 |" in text


def test_tradeoff_is_drawn(tradeoff, tmp_path):
    errors = np.array([0.01, 0.02, 0.03])
    names = ("beam", "joint network", "solid, 8")
    points = [tradeoff.Point(name, 10.0**k, errors) for k, name in enumerate(names)]
    tradeoff.draw_tradeoff(points, tmp_path / "tradeoff.png")
    assert (tmp_path / "tradeoff.png").stat().st_size > 5_000


def test_labels_state_more_than_their_error(joints):
    """The error of a label is that of its finest grid, before extrapolation."""
    assert 0.03 < joints.noise_of_stated_error() < 0.5
