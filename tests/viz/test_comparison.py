"""The pictures of a comparison show every model, curve and density range."""

from dataclasses import replace

import matplotlib.image
import numpy as np
import pytest
from matplotlib.figure import Figure

from lattice_gnn.reports.comparison import (
    ComparedErrors,
    ComparedModel,
    ComparisonData,
    ComparisonReport,
    CurvePoint,
    DensityRow,
    Machine,
    PartCounts,
    RotationError,
)
from lattice_gnn.reports.dataset import MedianAndP90
from lattice_gnn.reports.errors import Summary
from lattice_gnn.reports.evaluation import TensorError
from viz import comparison
from viz.comparison import draw_comparison


def summary(value, median=None):
    return Summary(median=median, mean=value, p90=value, p99=value, max=value)


def model(name, kind, error, ms):
    rows = tuple(
        DensityRow(limits, 1, MedianAndP90(median=f, p90=2 * f))
        for limits, f in (
            ((0.0, 0.003), 0.075),
            ((0.003, 0.01), 0.05),
            ((0.3, None), 0.025),
        )
    )
    test = ComparedErrors(
        count=3,
        directional_error=summary(error, error),
        component_error=summary(error),
        relative_frobenius=TensorError(error, error, error, error, error, 0.5, 1.0),
        log_euclidean=summary(error),
        softest_error=summary(error),
        negative_eigenvalue_share=0.0,
        rotation_error=RotationError(0.0, 0.0),
        by_density=rows,
    )
    return ComparedModel(name, kind, 1, 10, 10, 1.0, 0, 1e-3, (), "", test, {}, ms, None)


def report(models, **curves):
    counts = PartCounts(1, 1, 1)
    return ComparisonReport(
        data=ComparisonData("0", "beam FEM", counts, counts, 0.5),
        budget_minutes=1.0,
        machine=Machine("a processor", 2, "2.0"),
        models=tuple(models),
        curves=curves,
        ablation=(),
        unfinished=(),
        failed={},
    )


def points(*labels):
    frobenius = TensorError(0.1, 0.1, 0.1, 0.1, 0.1, 0.5, 1.0)
    return tuple(CurvePoint(n, 10, "", summary(1 / n), frobenius) for n in labels)


@pytest.fixture
def figures(monkeypatch):
    """The figures that are saved."""
    kept = []
    save = Figure.savefig

    def keep(figure, *arguments, **options):
        kept.append(figure)
        save(figure, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", keep)
    return kept


MODELS = [
    model("base", "equivariant", 0.05, 1.0),
    model("fast", "cgcnn", 0.2, 0.1),
    model("slow", "nnconv", 0.3, 2.0),
    model("odd", "something new", 0.4, 0.3),
]


def test_every_picture_is_drawn_and_not_blank(tmp_path):
    paths = draw_comparison(tmp_path, report(MODELS, base=points(10, 100)))
    names = ["accuracy-cost.png", "error-density.png", "learning-curves.png"]
    assert sorted(path.name for path in paths) == names
    for path in paths:
        picture = matplotlib.image.imread(path)[..., :3]
        assert min(picture.shape[:2]) > 600
        assert 0.01 < float((picture.min(-1) < 0.9).mean()) < 0.5


def test_the_cost_picture_has_every_model_at_its_place_and_the_front_of_the_best(tmp_path, figures):
    draw_comparison(tmp_path, report(MODELS))
    axes = figures[0].axes[0]
    drawn = {tuple(line.get_xydata()[0]) for line in axes.lines if len(line.get_xydata()) == 1}
    assert drawn == {(1.0, 5.0), (0.1, 20.0), (2.0, 30.0), (0.3, 40.0)}
    front = next(line.get_xydata() for line in axes.lines if line.get_drawstyle() == "steps-post")
    assert front.tolist() == [[0.1, 20.0], [1.0, 5.0]]
    texts = [text.get_text() for text in axes.texts]
    assert all(text in texts for text in ("base", "fast", "slow", "odd", "1", "4"))
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend == ["equivariant", "CGCNN", "NNConv", "other"]


def test_models_with_an_earlier_run_are_hollow(tmp_path, figures):
    draw_comparison(tmp_path, replace(report(MODELS), unfinished=("fast",)))
    axes = figures[0].axes[0]
    points = [line for line in axes.lines if len(line.get_xydata()) == 1]
    hollow = [line.get_xydata()[0][0] for line in points if line.get_color() == "white"]
    assert hollow == [0.1]
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend[-1] == "hollow: earlier run, budget unfinished"


def test_models_timed_on_another_computer_are_missing_in_the_cost_alone(tmp_path, figures):
    elsewhere = replace(MODELS[0], forward_ms=None)
    draw_comparison(tmp_path, report([elsewhere, *MODELS[1:]]))
    cost, densities = (figure.axes[0] for figure in figures)
    drawn = {tuple(line.get_xydata()[0]) for line in cost.lines if len(line.get_xydata()) == 1}
    assert drawn == {(0.1, 20.0), (2.0, 30.0), (0.3, 40.0)}
    assert "base" in [line.get_label() for line in densities.lines]
    (alone,) = draw_comparison(tmp_path, report([elsewhere]))
    assert alone.name == "error-density.png"


def test_densities_are_those_of_the_report(tmp_path, figures):
    draw_comparison(tmp_path, report(MODELS))
    line = next(x for x in figures[1].axes[0].lines if x.get_label() == "base")
    x, y = line.get_xydata().T
    assert x == pytest.approx([np.sqrt(0.001 * 0.003), np.sqrt(0.003 * 0.01), np.sqrt(0.3 * 0.45)])
    assert y == pytest.approx([7.5, 5.0, 2.5])


def test_ticks_of_a_narrow_axis_have_numbers(tmp_path, figures):
    draw_comparison(tmp_path, report([model("a", "cgcnn", 0.82, 1.0)], a=points(10, 11)))
    for figure in figures:
        figure.draw_without_rendering()
        axis = figure.axes[0].yaxis
        labels = [t.get_text() for t in (*axis.get_ticklabels(), *axis.get_ticklabels(minor=True))]
        assert any(label.endswith("%") for label in labels)


def test_what_has_no_error_or_one_point_is_left_out(tmp_path):
    broken = model("broken", "cgcnn", 0.1, 1.0)
    broken = replace(broken, test=replace(broken.test, directional_error=summary(None)))
    assert draw_comparison(tmp_path, report([broken], base=points(10))) == []
    assert comparison._percent(None) is np.nan
