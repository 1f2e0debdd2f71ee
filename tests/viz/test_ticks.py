"""Labels of logarithmic axes can be read: at least two, and none over another."""

from itertools import pairwise

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from viz.ticks import number_ticks


@pytest.mark.parametrize("low", [1e-4, 0.0513, 0.7])
@pytest.mark.parametrize("ratio", [1.001, 1.2, 1.69, 1.8, 4.0, 9.0, 40.0, 300.0, 2e4])
def test_labels_do_not_overlap_in_a_panel_of_three_inches(low, ratio):
    figure = Figure(figsize=(3.4, 2.0), dpi=130)
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.plot([low, low * ratio], [0, 1])
    axes.set_xscale("log")
    axes.tick_params(labelsize=8, which="both")
    number_ticks(axes.xaxis)
    canvas.draw()
    first, last = axes.get_xlim()
    labels = [
        tick.label1
        for tick in (*axes.xaxis.get_major_ticks(), *axes.xaxis.get_minor_ticks())
        if tick.label1.get_text() and first <= tick.get_loc() <= last
    ]
    spans = sorted((box.x0, box.x1) for box in (label.get_window_extent() for label in labels))
    assert len(spans) >= 2
    assert all(end < start for (_, end), (start, _) in pairwise(spans))


def test_labels_are_the_values_in_their_unit():
    figure = Figure()
    axes = figure.subplots()
    axes.plot([0.02, 0.3], [0, 1])
    axes.set_xscale("log")
    number_ticks(axes.xaxis, " %", scale=100.0)
    FigureCanvasAgg(figure).draw()
    write = axes.xaxis.get_minor_formatter()
    assert write(0.05) == "5 %"
    assert write(0.07) == ""
    assert axes.xaxis.get_major_formatter()(0.1) == "10 %"
