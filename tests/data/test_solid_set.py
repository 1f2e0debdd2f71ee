"""The solid labels that come with the project: sound, and what a new computation gives."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from data.datasets.check import check_dataset
from data.datasets.file import read_dataset
from data.labelling.beam import BEAM
from data.labelling.solid import SOLID, SolidLabelling, label_solid
from data.populations.population import Population

FOLDER = Path(__file__).parents[2] / "data" / "solid_set"
BYTES = 20e6
VOXELS = {"train": 8, "test": 12}
LABELS = {"train": 3000, "test": 200}  #: at least
BASES = {"train": 1000, "test": 50}


@pytest.fixture(scope="module", params=["train", "test"])
def part(request):
    return request.param, read_dataset(FOLDER / f"{request.param}.h5")


def test_the_labels_are_many_and_small(part):
    name, dataset = part
    labelled = dataset.labels[SOLID].mask
    assert labelled.sum() >= LABELS[name]
    assert len(np.unique(dataset.base[labelled])) >= BASES[name]
    assert (FOLDER / f"{name}.h5").stat().st_size < BYTES / 2


def labellings(dataset):
    """How the solid labels were made: each shard, and what the shards had left out."""
    return [entry for entry in dataset.provenance if entry["generator"] == "data.solid_label"]


@pytest.mark.parametrize("name", ["equal", "unequal"])
def test_recipes_are_populations(name):
    values = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    population = Population.from_dict(values)
    assert population.density_range == (0.02, 0.3)


def test_sound_and_labelled(part):
    name, dataset = part
    assert check_dataset(dataset, spots=5).problems == ()
    label = dataset.labels[SOLID]
    assert label.mask.all()
    assert dataset.labels[BEAM].mask.all()
    runs = labellings(dataset)
    assert {run["voxels_per_diameter"] for run in runs} == {VOXELS[name]}
    assert runs[-1]["refused"] == {}
    assert (label.details["voxels_per_diameter"] >= VOXELS[name]).all()
    assert np.median(label.details["error"]) < 0.03


def test_no_bulk_modulus_is_above_its_bound(part):
    """The bound of Hashin and Shtrikman; ``check_dataset`` holds the labels to that of Voigt."""
    _, dataset = part
    label = dataset.labels[SOLID]
    chosen = np.flatnonzero(label.mask)
    nu = dataset.poisson[chosen]
    bulk = 1 / (3 * (1 - 2 * nu))
    hydrostatic = np.array([1.0, 1, 1, 0, 0, 0]) / np.sqrt(3)
    C = dataset.stiffness(SOLID, chosen)
    found = np.einsum("i,lij,j->l", hydrostatic, C, hydrostatic) / 3
    fraction = label.details["volume_fraction"][chosen]
    shear = 1 / (2 * (1 + nu))
    upper = fraction * bulk / (1 + (1 - fraction) * 3 * bulk / (4 * shear))  # Hashin-Shtrikman
    assert (found <= upper).all()


def test_slender_lattices_are_near_beams_and_stiffer(part):
    """Beams leave out the material of the joints, a few per cent where struts are slender."""
    _, dataset = part
    label = dataset.labels[SOLID]
    batch = dataset.to_batch()
    slender = np.maximum.reduceat((batch.radii / batch.lengths).numpy(), dataset.strut_offsets[:-1])
    chosen = np.flatnonzero(label.mask & (slender < 0.08) & (label.details["touching"] == 0))
    assert len(chosen) > 5
    C, beam = dataset.stiffness(SOLID, chosen), dataset.stiffness(BEAM, chosen)
    apart = np.linalg.norm(C - beam, axis=(1, 2)) / np.linalg.norm(C, axis=(1, 2))
    assert np.median(apart) < 0.08
    ratio = np.linalg.eigvalsh(C)[:, 0] / np.linalg.eigvalsh(beam)[:, 0]
    assert np.mean(ratio > 1) > 0.98
    assert (ratio > 1 - label.details["softest_error"][chosen]).all()  # as far as labels can tell


def test_a_new_computation_gives_the_label(part):
    _, dataset = part
    label = dataset.labels[SOLID]
    cheapest = int(np.nanargmin(label.details["nodes"]))
    settings = {
        name: labellings(dataset)[0][name]
        for name in ("voxels_per_diameter", "tolerance", "memory_limit")
    }
    again, refused = label_solid(dataset.lattices([cheapest]), SolidLabelling(**settings))
    assert refused == {}
    stored = label.stiffness[cheapest]
    admitted = settings["tolerance"]
    assert np.linalg.norm(again.stiffness[0] - stored) < admitted * np.linalg.norm(stored)
    for name, column in again.details.items():
        assert column[0] == pytest.approx(label.details[name][cheapest], rel=0.01, nan_ok=True)


def test_no_net_of_the_test_part_is_in_the_training_part():
    train, test = (set(read_dataset(FOLDER / f"{name}.h5").bases.nets) for name in VOXELS)
    assert train
    assert test
    assert not train & test


def test_every_named_cell_is_in_one_of_the_parts():
    """But the square honeycomb, which with struts along its depth is the simple cubic cell."""
    named = set(yaml.safe_load((FOLDER / "equal.yaml").read_text())["named"])
    found = set()
    for name in VOXELS:
        dataset = read_dataset(FOLDER / f"{name}.h5")
        found |= {dataset.name(k) for k in np.flatnonzero(dataset.labels[SOLID].mask).tolist()}
    assert named - found == {"square-honeycomb"}
