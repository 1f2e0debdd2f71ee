"""How far the stated error bounds of predictions hold."""

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.wording import percent
from viz.picture import TEXT_COLOUR
from viz.style import PALETTE, new_figure, tidy
from viz.ticks import number_ticks

_LEAST = 1e-5  #: smaller errors are drawn at this value, as the axes are logarithmic


def coverage(error: Float[np.ndarray, " lattices"], bound: Float[np.ndarray, " lattices"]) -> float:
    """Return the share of errors within their bounds."""
    return float((error <= bound).mean())


def calibration_figure(
    error: Float[np.ndarray, " lattices"],
    bounds: Float[np.ndarray, "lattices 2"],
    title: str,
) -> Figure:
    """Draw errors over their stated bounds, and the share of errors within multiples of them.

    Left, the error of every lattice over its stated 90 % bound: nine in ten lie below the line.
    Right, the share of lattices whose error is below a multiple of the bound: at 1 the curves pass
    through 50 and 90 % where the bounds are calibrated.

    Args:
        error: Relative error of each prediction.
        bounds: Its stated 50 % and 90 % bounds.
        title: Model and data.

    Raises:
        LatticeGnnError: If there is no lattice.
    """
    if not len(error):
        raise LatticeGnnError("calibration: there is no prediction with a stated error.")
    figure = new_figure(11.6, 5.2)
    left, right = figure.subplots(1, 2)
    x, y = np.maximum(bounds[:, 1], _LEAST), np.maximum(error, _LEAST)
    ends = np.array([min(x.min(), y.min()) / 1.5, max(x.max(), y.max()) * 1.5])
    alpha = float(np.clip(12 / np.sqrt(len(x)), 0.15, 0.9))
    left.plot(x, y, "o", color=PALETTE[0], alpha=alpha, markersize=4, markeredgewidth=0)
    left.plot(ends, ends, color="0.35", linewidth=1.2, label="error = stated bound")
    left.set(xscale="log", yscale="log", xlim=tuple(ends), ylim=tuple(ends), aspect="equal")
    left.set(xlabel="stated 90 % bound of the relative error", ylabel="relative error")
    left.set_title(
        f"{percent(coverage(error, bounds[:, 1]))} of {len(x)} within the 90 % bound",
        color=TEXT_COLOUR,
    )
    left.legend(loc="upper left", frameon=False)
    for column, (level, colour) in enumerate(((0.5, PALETTE[1]), (0.9, PALETTE[0]))):
        ratio = np.sort(np.maximum(error / bounds[:, column], 1e-3))
        share = (np.arange(len(ratio)) + 0.5) / len(ratio)
        within = percent(coverage(error, bounds[:, column]))
        label = f"{level:.0%} bound: {within} within".replace("%", " %", 1)
        right.plot(ratio, share, color=colour, label=label)
        right.plot([1], [level], "o", markersize=8, markerfacecolor="none", color=colour)
    right.axvline(1, color="0.6", linewidth=1)
    right.set(xscale="log", ylim=(0, 1.02), xlabel="error over stated bound")
    right.set_ylabel("share of lattices below")
    right.set_title("rings: where calibrated bounds pass", color=TEXT_COLOUR)
    right.legend(loc="upper left", frameon=False)
    for axes in (left, right):
        tidy(axes)
        number_ticks(axes.xaxis)
    number_ticks(left.yaxis)
    figure.suptitle(title, color=TEXT_COLOUR, fontsize=13)
    return figure
