"""Labels of logarithmic axes: round numbers that do not overlap."""

from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

_NARROW = 4.0
"""Ratio of the ends of an axis below which its ticks are evenly spaced, as on a linear axis."""


def number_ticks(axis: Axis, unit: str = "", scale: float = 1.0) -> None:
    """Label the ticks of a logarithmic axis with round numbers, more of them on a short axis.

    Call it when the limits of the axis are final.

    Args:
        axis: The axis; its view limits are positive.
        unit: Text after every number, such as " %".
        scale: Factor of the numbers as written, such as 100 with a unit of per cent.
    """
    low, high = sorted(axis.get_view_interval())
    ratio = high / low
    digits = "1235" if ratio < 50 else "125" if ratio < 500 else "1"

    def write(value: float, _: object = None) -> str:
        digit, rest = f"{value * scale:.3e}"[0], f"{value * scale:.3e}"[1:5]
        return f"{value * scale:.6g}{unit}" if digit in digits and rest == ".000" else ""

    if ratio < _NARROW:
        axis.set_major_locator(MaxNLocator(3))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * scale:.6g}{unit}"))
        return
    axis.set_major_formatter(FuncFormatter(write))
    axis.set_minor_formatter(FuncFormatter(write))
