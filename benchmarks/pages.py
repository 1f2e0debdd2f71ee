"""Results as Markdown tables, and the sections of the pages that hold them."""

from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
Row = tuple[str, ...]


def table(heads: Row, rows: list[Row]) -> str:
    """Return a Markdown table."""
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def write_section(name: str, text: str, page: Path) -> None:
    """Write the text between the two marks of a section of the page."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    old = page.read_text(encoding="utf-8")
    if old.count(begin) != 1 or old.count(end) != 1:
        raise SystemExit(f"{page}: expected the marks {begin!r} and {end!r} once each")
    before, _, rest = old.partition(begin)
    after = rest.partition(end)[2]
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")
