"""Small tables and line drawings as HTML text, for notebooks."""

from collections.abc import Iterable, Sequence
from html import escape

_CELL = "padding:1px 8px 1px 0;text-align:"


def table(rows: Iterable[tuple[str, str]]) -> str:
    """Return a table of two columns: names on the left, values on the right."""
    body = "".join(
        f'<tr><th style="{_CELL}left;font-weight:600;vertical-align:top">{escape(name)}</th>'
        f'<td style="{_CELL}left">{escape(value)}</td></tr>'
        for name, value in rows
    )
    return f'<table style="border-collapse:collapse">{body}</table>'


def grid(labels: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]]) -> str:
    """Return a table of numbers with labels above and on the left."""
    head = "".join(f'<th style="{_CELL}right">{escape(label)}</th>' for label in ("", *labels))
    body = "".join(
        f'<tr><th style="{_CELL}right">{escape(label)}</th>'
        + "".join(f'<td style="{_CELL}right">{escape(value)}</td>' for value in values)
        + "</tr>"
        for label, values in rows
    )
    return f'<table style="border-collapse:collapse"><tr>{head}</tr>{body}</table>'


def beside(*parts: str) -> str:
    """Place parts side by side; they wrap where the page is narrow."""
    inner = "".join(f"<div>{part}</div>" for part in parts if part)
    return f'<div style="display:flex;flex-wrap:wrap;gap:1.5em;align-items:center">{inner}</div>'


def drawing(size: int, shapes: Iterable[str], title: str) -> str:
    """Return a square SVG of ``size`` pixels, in pixel coordinates."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" '
        f'viewBox="0 0 {size} {size}" role="img"><title>{escape(title)}</title>'
        f"{''.join(shapes)}</svg>"
    )


def line(points: Iterable[tuple[float, float]], colour: str, width: float, more: str = "") -> str:
    """Return a polyline with round ends; ``more`` holds further attributes."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return (
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width:.2f}" '
        f'stroke-linecap="round" stroke-linejoin="round"{more}/>'
    )


def label(x: float, y: float, text: str, colour: str) -> str:
    """Return small text centred at a point."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="11" font-family="sans-serif" fill="{colour}" '
        f'text-anchor="middle">{escape(text)}</text>'
    )
