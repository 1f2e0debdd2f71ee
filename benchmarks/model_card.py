"""Print the held-out errors of a model from the header of its weights; write them into the docs.

python benchmarks/model_card.py [MODEL] [--update-docs]
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lattice_gnn.checkpoint import read_header, resolve_model

CARD = Path(__file__).parents[1] / "docs" / "model-card.md"
BEGIN, END = "<!-- errors:begin -->", "<!-- errors:end -->"
METRICS = {
    "directional_error": "directional error",
    "relative_frobenius": "relative Frobenius",
    "softest_error": "softest eigenvalue",
    "log_euclidean": "log-Euclidean distance",
}
KINDS = {"known_nets": "known nets", "unseen_nets": "unseen nets"}


def tables(metrics: Mapping[str, Any]) -> str:
    """Markdown: every metric, then the relative Frobenius error density by density."""
    lines = ["| metric | nets | lattices | median | mean | p90 |", "|---|---|---|---|---|---|"]
    for key, title in METRICS.items():
        for kind, nets in KINDS.items():
            row, count = metrics[kind][key], metrics[kind]["count"]
            values = [_number(row[name], key) for name in ("median", "mean", "p90")]
            lines.append(f"| {title} | {nets} | {count} | {' | '.join(values)} |")
    lines += ["", "Relative Frobenius error, median (p90), by relative density:", ""]
    lines += ["| relative density | known nets | unseen nets |", "|---|---|---|"]
    rows = zip(*(metrics[kind]["by_density"] for kind in KINDS), strict=True)
    for known, unseen in rows:
        low, high = known["density"]
        cells = [
            f"{_percent(e['median'])} ({_percent(e['p90'])})"
            for e in (known["relative_frobenius"], unseen["relative_frobenius"])
        ]
        lines.append(f"| {low:.3g} to {high:.3g} | {' | '.join(cells)} |")
    cells_named = ", ".join(metrics["unseen_nets"]["cells"])
    return "\n".join([*lines, "", f"Unseen: {cells_named}."])


def _number(value: float, key: str) -> str:
    return f"{value:.2f}" if key == "log_euclidean" else _percent(value)


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def main() -> None:
    """Print, and with ``--update-docs`` write, the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="default")
    parser.add_argument("--update-docs", action="store_true")
    arguments = parser.parse_args()
    text = tables(read_header(resolve_model(arguments.model))["metrics"])
    print(text)  # noqa: T201
    if arguments.update_docs:
        card = CARD.read_text()
        head, tail = card.split(BEGIN)[0], card.split(END)[1]
        CARD.write_text(f"{head}{BEGIN}\n{text}\n{END}{tail}")


if __name__ == "__main__":
    main()
