"""Pieces of HTML: tables, lists, sections. Text is escaped here, once."""

from collections.abc import Iterable, Sequence
from html import escape


def section(title: str, *parts: str, kind: str = "") -> str:
    """Return a section with a heading; "" if it has no content."""
    inner = "".join(parts)
    if not inner:
        return ""
    attribute = f' class="{kind}"' if kind else ""
    return f"<section{attribute}><h3>{escape(title)}</h3>{inner}</section>"


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """Return names and values as a description list."""
    inner = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows)
    return f"<dl>{inner}</dl>" if inner else ""


def sentences(kind: str, items: Iterable[str]) -> str:
    """Return a list of sentences; "" if there are none."""
    inner = "".join(f"<li>{escape(text)}</li>" for text in items)
    return f'<ul class="{kind}">{inner}</ul>' if inner else ""


def table(
    caption: str,
    heads: Sequence[str],
    rows: Iterable[tuple[str, Sequence[str]]],
    kind: str = "",
) -> str:
    """Return a table whose rows have a name; the first head is that of the names.

    Args:
        caption: Shown above the table, with units.
        heads: Headings of all columns.
        rows: Name and values of each row.
        kind: CSS class; ``text`` aligns values to the left.
    """
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(f"<td>{escape(value)}</td>" for value in values)
        + "</tr>"
        for name, values in rows
    )
    return (
        f'<div class="wide"><table class="{kind}"><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def beside(*parts: str) -> str:
    """Place parts side by side where there is room."""
    return '<div class="beside">' + "".join(parts) + "</div>"
