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
    return benchmark("results_file").read_solid()


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
    assert set(stored.runs) <= runs
    for run, result in stored.runs.items():
        part = runs_module.part_of(run, training)
        parts = runs_module.made_of_parts(kinds[run.name], part, test.labelled)
        assert result.made_of == parts, run
        assert len(result.errors) == len(result.softest) == len(test.labelled), run


def test_errors_on_large_cells_are_those_of_the_shipped_models(benchmark, stored):
    """If not, ``large_cells.py`` makes them again in seconds."""
    weights = benchmark("large_cells").weights()
    assert [row.weights for row in stored.transfers.values()] == [weights] * 2


def test_every_model_of_the_table_has_a_row_with_all_labels_and_its_cost(script, stored):
    for kind in script.NAMES:
        assert script.runs_of(kind, None)[0] in stored.runs
        assert stored.milliseconds[kind] > 0


def test_the_recipe_of_the_joint_network_is_the_one_that_its_short_runs_choose(rates, stored):
    best = rates.RECIPES[rates.best_recipe("network", stored)]
    train = rates.probed()["network"].train
    assert best == (train.optimiser, train.learning_rate)


def test_the_recipe_with_the_smallest_error_on_the_validation_part_is_taken(benchmark, rates):
    file = benchmark("results_file")
    errors = {"AdamW 0.002": 3.0, "SOAP 0.003": 1.0, "SOAP 0.01": 2.0}
    runs = {rates.probe("encoder", recipe): error for recipe, error in errors.items()}
    stored = file.SolidResults({run: file.Result(run, 0.2, 1, error, {}, [], [])
                                for run, error in runs.items()})  # fmt: skip
    assert rates.best_recipe("encoder", stored) == "SOAP 0.003"
    settings = rates.network_kinds(stored)["encoder"].settings["train"]
    assert (settings["optimiser"], settings["learning_rate"]) == ("soap", 3e-3)
    del stored.runs[rates.probe("encoder", "SOAP 0.01")]
    assert rates.best_recipe("encoder", stored) is None
    assert "encoder" not in rates.network_kinds(stored)
