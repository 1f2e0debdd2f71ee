"""The figure of errors over costs."""

import numpy as np
import pytest

from viz.style import new_figure


@pytest.fixture(scope="module")
def script(benchmark):
    return benchmark("cost_figure")


def test_numbers_keep_apart_where_points_crowd(script):
    crowd = [script.Point(str(n), 1 + 0.01 * n, 10 + 0.1 * n, "a") for n in range(7)]
    panel = script.Panel("task", "error", [*crowd, script.Point("far", 100.0, 100.0, "b")])
    figure = new_figure(6.0, 5.0)
    axes = figure.subplots()
    script.draw_panel(axes, panel, ("a", "b"), 0.05)
    figure.draw_without_rendering()
    script.number_points(axes, panel)
    to_points = 72 / figure.dpi
    places = axes.transData.transform([(p.ms, p.error) for p in panel.best_first]) * to_points
    texts = axes.texts[len(places) :]  # after the list of names
    assert [text.get_text() for text in texts] == [str(n) for n in range(1, 9)]
    numbers = places + np.array([text.get_position() for text in texts])
    between = np.linalg.norm(numbers[:, None] - numbers, axis=2) + np.diag([np.inf] * 8)
    assert between.min() >= script.APART
    assert np.linalg.norm(numbers[:, None] - places, axis=2).min() >= script.APART
    far = np.linalg.norm(numbers[-1] - places[-1])
    assert far == pytest.approx(script.REACHES[0])
