"""The tables of the comparison page are those of its committed rows."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from data.experiments.comparison_config import read_comparison

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script(benchmark):
    return benchmark("comparison_page")


@pytest.fixture(scope="module")
def report(benchmark):
    return benchmark("results_file").read_beam()


@pytest.fixture(scope="module")
def plans():
    return read_comparison(ROOT / "lattice_gnn" / "configs" / "comparison.yaml")[1]


def names(text):
    return [line.split("`")[1] for line in text.splitlines() if "`" in line]


def test_the_page_has_the_table_of_the_committed_rows(script, report):
    page = (ROOT / "docs" / "comparison.md").read_text("utf-8")
    begin, end = (f"<!-- {script.SECTION}:{edge} -->" for edge in ("begin", "end"))
    assert page.split(begin)[1].split(end)[0].strip() == script.models_table(report)


def test_the_page_stays_short():
    assert len((ROOT / "docs" / "comparison.md").read_text("utf-8").splitlines()) <= 150


def test_the_table_has_the_finished_models(script, report):
    unfinished = {"base", "base seed 1", "affine"}
    shorter = replace(report, unfinished=tuple(unfinished))
    for some in (report, shorter):
        whole = {model.name for model in report.models} - set(some.unfinished)
        assert set(names(script.models_table(some))) == {
            re.sub(" seed [0-9]+$", "", name) for name in whole
        }


def test_the_seeds_of_a_model_share_a_row(script, report, plans):
    base = next(model for model in report.models if model.name == "base correlation 1")
    mean = replace(base.test.directional_error, mean=0.05)
    other = replace(base, name="base correlation 1 seed 1", seed=1,
                    test=replace(base.test, directional_error=mean))  # fmt: skip
    (runs,) = script.by_seed([other, base])
    assert runs == (base, other)
    one, two = script.row((base,)), script.row(runs)
    assert two[4].startswith(f"{one[4]} / 5 (")
    assert two[:4] == one[:4]
    assert two[7:] == one[7:]
    both = replace(report, models=(*report.models, other))
    panel = script.beam_panel(both, plans | {other.name: plans[base.name]})
    assert [point.name for point in panel.points if point.name.startswith(base.name)] == [base.name]


def test_every_model_of_the_configuration_has_a_row_by_its_settings(report, plans):
    assert report.unfinished == ()
    assert {model.name for model in report.models} == set(plans)
    for model in report.models:
        assert model.settings == plans[model.name].settings(report.data.hash)


def test_the_figure_has_the_best_row_of_each_network(script, report, plans):
    panel = script.beam_panel(report, plans)
    shown = {point.name: point for point in panel.points}
    assert shown.keys() <= set(names(script.models_table(report)))
    assert {"base", "small", "cgcnn averaged square", "invariant", "ridge"} < shown.keys()
    models = {model.name: model for model in report.models}
    for kind in ("cgcnn", "nnconv", "mcgcnn"):
        means = {
            name: 100 * models[name].test.directional_error.mean
            for name in (kind, f"{kind} square", f"{kind} rotated", f"{kind} rotated square")
        }
        (name,) = means.keys() & shown.keys()
        assert shown[name].error == min(means.values())
    assert {point.name for point in script.solid_panel().points} >= {"beam", "encoder", "network"}


def test_a_row_states_its_training_and_its_errors(script, report):
    model = next(model for model in report.models if model.name == "base correlation 1")
    cells = script.row((model,))
    error = model.test.directional_error
    assert cells[0] == "`base correlation 1`"
    assert float(cells[1]) == pytest.approx(model.core_minutes, abs=0.5)
    assert float(cells[2]) == model.learning_rate
    assert int(cells[3].replace(",", "")) == model.steps
    mean, median = (float(value) for value in cells[4].rstrip(")").split(" ("))
    assert (mean, median) == pytest.approx((100 * error.mean, 100 * error.median), rel=0.05)
    assert cells[-2] == "0"


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0"), (0.0043, "0.43"), (0.156, "16"), (0.9999, "100"), (2.5, "250"), (None, "-")],
)
def test_percentages(script, share, text):
    assert script.percent(share) == text
