"""The pictures of a comparison show every model, curve and density range."""

import matplotlib.image
import numpy as np
import pytest
from matplotlib.figure import Figure

from viz import comparison
from viz.comparison import draw_comparison


def model(name, kind, error, ms):
    rows = [
        {"range": limits, "directional_error": {"median": error * f, "p90": 2 * error * f}}
        for limits, f in (([0.0, 0.003], 1.5), ([0.003, 0.01], 1.0), ([0.3, None], 0.5))
    ]
    summary = {"mean": error, "median": error}
    test = {"directional_error": summary, "by_density": rows}
    return {"name": name, "kind": kind, "forward_ms": ms, "test": test}


def document(models, **curves):
    return {"models": models, "curves": curves}


def points(*labels):
    return [{"labels": n, "directional_error": {"mean": 1 / n, "median": None}} for n in labels]


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
    paths = draw_comparison(tmp_path, document(MODELS, base=points(10, 100)))
    names = ["accuracy-cost.png", "error-density.png", "learning-curves.png"]
    assert sorted(path.name for path in paths) == names
    for path in paths:
        picture = matplotlib.image.imread(path)[..., :3]
        assert min(picture.shape[:2]) > 600
        assert 0.01 < float((picture.min(-1) < 0.9).mean()) < 0.5


def test_the_cost_picture_has_every_model_at_its_place_and_the_front_of_the_best(tmp_path, figures):
    draw_comparison(tmp_path, document(MODELS))
    axes = figures[0].axes[0]
    drawn = {tuple(line.get_xydata()[0]) for line in axes.lines if len(line.get_xydata()) == 1}
    assert drawn == {(1.0, 5.0), (0.1, 20.0), (2.0, 30.0), (0.3, 40.0)}
    front = next(line.get_xydata() for line in axes.lines if line.get_drawstyle() == "steps-post")
    assert front.tolist() == [[0.1, 20.0], [1.0, 5.0]]
    texts = [text.get_text() for text in axes.texts]
    assert all(text in texts for text in ("base", "fast", "slow", "odd", "1", "4"))
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend == ["equivariant", "CGCNN", "NNConv", "other"]


def test_densities_are_those_of_the_report(tmp_path, figures):
    draw_comparison(tmp_path, document(MODELS))
    line = next(x for x in figures[1].axes[0].lines if x.get_label() == "base")
    x, y = line.get_xydata().T
    assert x == pytest.approx([np.sqrt(0.001 * 0.003), np.sqrt(0.003 * 0.01), np.sqrt(0.3 * 0.45)])
    assert y == pytest.approx([7.5, 5.0, 2.5])


def test_ticks_of_a_narrow_axis_have_numbers(tmp_path, figures):
    draw_comparison(tmp_path, document([model("a", "cgcnn", 0.82, 1.0)], a=points(10, 11)))
    for figure in figures:
        figure.draw_without_rendering()
        axis = figure.axes[0].yaxis
        labels = [t.get_text() for t in (*axis.get_ticklabels(), *axis.get_ticklabels(minor=True))]
        assert any(label.endswith("%") for label in labels)


def test_what_has_no_error_or_one_point_is_left_out(tmp_path):
    broken = model("broken", "cgcnn", 0.1, 1.0)
    broken["test"]["directional_error"]["mean"] = None
    assert draw_comparison(tmp_path, document([broken], base=points(10))) == []
    assert comparison._percent(None) is np.nan
