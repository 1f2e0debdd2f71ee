"""Files that were stored by earlier versions still load, and mean what they meant."""

from pathlib import Path

import numpy as np
import pytest

from data.datasets.file import read_dataset
from data.experiments.comparison_config import read_comparison
from data.experiments.recipe import read_recipe
from data.formats import read_any
from data.labelling.generate import population_plan
from data.labelling.solid import SOLID_GENERATOR
from data.populations.population import Population, make_base
from lattice_gnn.files import read_yaml
from lattice_gnn.network.checkpoint import load_model, resolve_model
from lattice_gnn.network.registry import read_model_config
from lattice_gnn.surrogate.surrogate import load_surrogate

ROOT = Path(__file__).parents[2]
SOLID_SET = ROOT / "data" / "solid_set"
CONFIGS = ROOT / "lattice_gnn" / "configs"


def test_shipped_weights_load_with_their_header():
    model, header = load_model(resolve_model("relaxation"))
    assert read_model_config(header["config"]) == model.config
    assert {"config", "domain", "normaliser", "training"} <= set(header)
    octet = read_any(ROOT / "data" / "samples" / "octet.json")[0]
    prediction = load_surrogate("relaxation").predict(octet)
    assert prediction.domain_notes == ()
    assert prediction.expected_error.median > 0
    C11 = float(prediction.stiffness.mandel[0, 0]) / octet.relative_density
    assert pytest.approx(1 / 6, rel=0.1) == C11  # stretch of an octet truss, Deshpande et al. 2001


@pytest.mark.parametrize("path", sorted(SOLID_SET.glob("*.h5")), ids=lambda path: path.name)
def test_label_sets_load_and_name_their_generators(path):
    dataset = read_dataset(path)
    designed = path.name == "designed.h5"  # by a network, on random nets
    assert "solid" in dataset.labels
    assert ("beam" in dataset.labels) is not designed
    made = {entry["generator"] for entry in dataset.provenance} - {"benchmarks.label_gaps"}
    assert made == {"benchmarks.designed" if designed else "data.population", SOLID_GENERATOR}
    assert population_plan(Population())["generator"] == "data.population"


@pytest.mark.parametrize(("seed", "count"), [(6, 4), (7, 4)])
def test_stored_lattices_are_made_again_bit_for_bit(seed, count):
    """From the settings in the file and the number in their name."""
    dataset = read_dataset(SOLID_SET / "train.h5")
    settings = next(entry for entry in dataset.provenance if entry["seed"] == seed)
    known = {"generator", "bases_a_batch", "code_version"}
    population = Population.from_dict({k: v for k, v in settings.items() if k not in known})
    names = dataset.bases.names.tolist()
    mine = [k for k, name in enumerate(names) if f"_{seed}_".encode() in name]
    for base in mine[:: len(mine) // count]:
        again = make_base(population, int(names[base].decode().rsplit("_", 1)[1]))
        stored = dataset.lattices(np.flatnonzero(dataset.base == base))
        for lattice, copy in zip(stored, again.copies, strict=True):
            for name in ("cell", "nodes", "struts", "shifts", "radii"):
                assert np.array_equal(getattr(lattice, name), getattr(copy, name)), name


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.name)
def test_shipped_recipes_are_understood(path):
    if path.name == "comparison.yaml":
        config, plans = read_comparison(path)
        assert set(plans) == set(config.models)
    else:
        assert read_recipe(path).train.seed == 0


@pytest.mark.parametrize("path", sorted(SOLID_SET.rglob("*.yaml")), ids=lambda path: path.name)
def test_populations_of_the_label_sets_are_understood(path):
    assert Population.from_dict(read_yaml(path)).count > 0


@pytest.mark.parametrize(
    "path", sorted((ROOT / "data" / "samples").glob("*.json")), ids=lambda path: path.name
)
def test_samples_are_read(path):
    (lattice,) = read_any(path)
    assert lattice.connectivity().spans_space
