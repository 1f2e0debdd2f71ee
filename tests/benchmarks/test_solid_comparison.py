"""Results on solid labels: those of the present labels and settings, and those of the pages."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def script(benchmark):
    return benchmark("solid_comparison")


@pytest.fixture(scope="module")
def ideas(benchmark):
    return benchmark("ideas")


@pytest.fixture(scope="module")
def rates(benchmark):
    return benchmark("solid_rates")


@pytest.fixture(scope="module")
def sets(script):
    return script.load()


@pytest.fixture(scope="module")
def stored(benchmark, script):
    return benchmark("solid_runs").read_results()


def section(page, name):
    text = (DOCS / page).read_text(encoding="utf-8")
    return text.split(f"<!-- {name}:begin -->")[1].split(f"<!-- {name}:end -->")[0].strip()


def test_pages_have_the_tables_of_the_stored_results(benchmark, script, ideas, sets, stored):
    curves, test = benchmark("joints_curves"), sets[2]
    assert section("comparison.md", "solid") == script.models_table(stored, test)
    assert section("comparison.md", "extrapolation") == script.extrapolation_table(stored, test)
    assert section("ideas.md", "ideas") == ideas.results_table(stored, "all", test)
    assert section("joints.md", "curve") == curves.curve_table(stored, test)
    assert section("joints.md", "far") == curves.far_table(stored, test)


def test_results_are_those_of_the_present_labels_and_settings(
    benchmark, script, ideas, rates, sets, stored
):
    runs_module, (training, _, test) = benchmark("solid_runs"), sets
    kinds = rates.probe_kinds() | ideas.kinds() | script.all_kinds(stored)
    runs = {*rates.probes_of("all"), *ideas.runs_of("all"), *script.missing_runs("all")}
    known = {run.key: run for run in runs}
    large = {name for name, row in stored.items() if "transfer" in row}
    assert set(stored) - large - {script.COST} <= set(known)
    for key in set(known) & set(stored):
        run, kind = known[key], kinds[known[key].kind]
        part = runs_module.part_of(run, training)
        assert stored[key]["made of"] == runs_module.made_of_parts(kind, part, test.labelled), key


def test_errors_on_large_cells_are_those_of_the_shipped_models(benchmark, stored):
    """If not, ``large_cells.py`` makes them again in seconds."""
    weights = benchmark("large_cells").weights()
    assert [row["weights"] for row in stored.values() if "transfer" in row] == [weights] * 2


def test_every_model_of_the_table_has_a_row_with_all_labels_and_its_cost(script, stored):
    for kind in script.NAMES:
        assert script.runs_of(kind, None)[0].key in stored
        assert stored[script.COST][kind] > 0


def test_the_recipe_of_the_joint_network_is_the_one_that_its_short_runs_choose(rates, stored):
    best = rates.RECIPES[rates.best_recipe("network", stored)]
    train = rates.probed()["network"].train
    assert best == (train.optimiser, train.learning_rate)


def test_the_recipe_with_the_smallest_error_on_the_validation_part_is_taken(rates):
    errors = {"AdamW 0.002": 3.0, "SOAP 0.003": 1.0, "SOAP 0.01": 2.0}
    stored = {rates.probe("encoder", recipe).key: {"validation": e} for recipe, e in errors.items()}
    assert rates.best_recipe("encoder", stored) == "SOAP 0.003"
    settings = rates.network_kinds(stored)["encoder"].settings["train"]
    assert (settings["optimiser"], settings["learning_rate"]) == ("soap", 3e-3)
    del stored[rates.probe("encoder", "SOAP 0.01").key]
    assert rates.best_recipe("encoder", stored) is None
    assert "encoder" not in rates.network_kinds(stored)
