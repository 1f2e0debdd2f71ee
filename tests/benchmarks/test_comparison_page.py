"""The tables of the comparison page are those of its committed rows."""

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


def names(text):
    return [line.split("`")[1] for line in text.splitlines() if "`" in line]


def test_the_page_has_the_tables_of_the_committed_rows(script, report):
    page = (ROOT / "docs" / "comparison.md").read_text()
    for name, text in script.sections(report).items():
        between = page.split(f"<!-- {name}:begin -->")[1].split(f"<!-- {name}:end -->")[0]
        assert between.strip() == text


def test_the_page_stays_short():
    assert len((ROOT / "docs" / "comparison.md").read_text().splitlines()) <= 150


def test_rows_of_the_whole_budget_are_apart_from_earlier_ones(script, report):
    tables = script.sections(report)
    assert set(names(tables["whole budget"])) == {
        model.name for model in report.models if model.name not in report.unfinished
    }
    earlier = names(tables["earlier runs"])
    assert set(earlier) <= set(report.unfinished)
    kinds = {model.name: model.kind for model in report.models}
    unfinished = {kinds[name] for name in report.unfinished if name in kinds}
    assert {kinds[name] for name in earlier} == unfinished


def test_rows_are_finished_exactly_where_their_settings_are_those_of_the_configuration(report):
    _, plans = read_comparison(ROOT / "lattice_gnn" / "configs" / "comparison.yaml")
    current = {
        model.name
        for model in report.models
        if model.settings == plans[model.name].settings(report.data.hash)
    }
    assert current == {model.name for model in report.models} - set(report.unfinished)


def test_the_figure_has_the_models_of_both_tables(script, report):
    tables = script.sections(report)
    panel = script.beam_panel(report)
    hollow = {point.name for point in panel.points if point.is_hollow}
    assert hollow == set(names(tables["earlier runs"]))
    full = {point.name for point in panel.points if not point.is_hollow}
    assert full == set(names(tables["whole budget"]))
    assert {point.name for point in script.solid_panel().points} >= {"beam", "encoder", "network"}


def test_a_row_states_its_training_and_its_errors(script, report):
    model = next(model for model in report.models if model.name == "base correlation 1")
    cells = script.row(model)
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
