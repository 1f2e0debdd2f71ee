"""Models of the comparison on solid labels: end zones, condensation, their training."""

import math
from dataclasses import replace

import pytest
import torch

from fem_reference.beam.homogenise import homogenise_beam
from fem_reference.loading import pinned
from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.training.labelled import LabelledLattices


@pytest.fixture(scope="module")
def models(benchmark):
    return benchmark("solid_models")


@pytest.fixture(scope="module")
def training(benchmark):
    return benchmark("solid_training")


@pytest.fixture(scope="module")
def batch():
    return LatticeBatch.from_lattices([cell("octet", radius=0.03), cell("bcc", radius=0.06)])


def test_end_zones_have_the_length_of_the_overlap_of_two_cylinders(models, batch):
    """Octet: struts meet at 60 degrees at least, bcc: at arccos(1/3)."""
    zones = models.end_zones(batch)
    octet = 0.03 / math.tan(math.radians(60) / 2)
    bcc = 0.06 / math.tan(math.acos(1 / 3) / 2)
    assert zones[:24].numpy() == pytest.approx(octet)
    assert zones[24:].numpy() == pytest.approx(bcc)


def test_a_strut_that_only_goes_on_has_no_end_zone(models):
    straight = LatticeBatch.from_lattices([cell("sc", radius=0.05)])
    assert models.end_zones(straight).numpy() == pytest.approx(0.05)  # its neighbours at 90 degrees


def test_cutting_struts_in_three_changes_nothing_without_thickening(models, batch, monkeypatch):
    monkeypatch.setattr(models, "THICKER", 1.0)
    C, parts = (homogenise_beam(x).stiffness.mandel for x in (batch, models.with_thick_ends(batch)))
    assert float((C - parts).abs().max()) < 1e-12 * float(C.abs().max())


def test_thick_end_zones_lie_between_the_frame_and_rigid_ones(models, batch):
    def stiffness(model):
        return torch.linalg.eigvalsh(model.stiffness(batch))

    thin, thick, rigid = map(
        stiffness, (models.Frame(), models.ThickEnds(), models.Frame(models.end_zones))
    )
    assert bool((thin < thick).all())
    assert bool((thick < rigid).all())


def test_a_fitted_multiple_is_found_again(models, batch):
    C = models.Frame(lambda b: 0.3 * models.radii(b)).stiffness(batch)
    labelled = LabelledLattices(batch, C)
    found, _ = models.frames()["rigid ends"].fit(models.Run("rigid ends"), labelled, labelled)
    assert float((found.stiffness(batch) - C).norm() / C.norm()) < 1e-3


def test_condensation_starts_as_a_frame_with_rigid_ends(models, batch):
    torch.manual_seed(0)
    model = models.Condensation(models.CondensationConfig(), Normaliser.fit(batch))
    last = model.answer_of_end[-1]
    with torch.no_grad():
        last.weight.zero_()
    rigid = models.Frame(lambda b: math.log1p(math.exp(-0.8)) * models.radii(b))
    C = rigid.stiffness(batch)
    with torch.no_grad():
        found = model.stiffness(batch)
    assert float((found - C).norm() / C.norm()) < 1e-6


@pytest.mark.parametrize("name", ["condensation", "encoder", "relaxation"])
def test_training_lowers_the_error_on_its_labels(models, training, batch, name):
    C = models.Frame(lambda b: 0.5 * models.radii(b)).stiffness(batch)
    labelled = LabelledLattices(batch, C)
    build = models.networks()[name].build
    budget = training.Budget(steps=40, config=replace(training.TRAIN, warmup=0.0, average=0.5))
    with pinned(1):  # compiles nothing
        trained, steps = training.fit_network(build, budget, models.Run(name), labelled, labelled)
    before = homogenise_beam(batch).stiffness.mandel
    with torch.no_grad():
        after = trained.stiffness(batch)
    assert steps == 40
    assert float((after - C).norm()) < 0.5 * float((before - C).norm())
