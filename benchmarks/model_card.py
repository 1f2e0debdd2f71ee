"""Held-out errors of a model, from the header of its weights, as tables of the docs.

python benchmarks/model_card.py [MODEL] [--update-docs]
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lattice_gnn.network.checkpoint import read_header, resolve_model

CARD = Path(__file__).parents[1] / "docs" / "model-card.md"
BEGIN, END = "<!-- errors:begin -->", "<!-- errors:end -->"
METRICS = {
    "directional_error": "directional error",
    "relative_frobenius": "relative Frobenius",
    "softest_error": "softest eigenvalue",
    "log_euclidean": "log-Euclidean distance",
}
SETS = {"test": "all held out", "known_nets": "known nets", "unseen_nets": "unseen nets"}


def tables(metrics: Mapping[str, Any]) -> str:
    """Return Markdown tables: every metric, then the relative Frobenius error by density."""
    sets = {name: title for name, title in SETS.items() if name in metrics}
    lines = ["| metric | lattices | number | median | mean | p90 |", "|---|---|---|---|---|---|"]
    for key, title in METRICS.items():
        for name, kind in sets.items():
            row, count = metrics[name][key], metrics[name]["count"]
            values = [_number(row[value], key) for value in ("median", "mean", "p90")]
            lines.append(f"| {title} | {kind} | {count} | {' | '.join(values)} |")
    lines += ["", "Relative Frobenius error, median (p90), by relative density:", ""]
    lines.append(f"| relative density | {' | '.join(sets.values())} |")
    lines.append("|---" * (1 + len(sets)) + "|")
    rows = {name: _by_density(metrics[name]) for name in sets}
    for high in sorted(set().union(*rows.values())):
        cells = [_row(rows[name].get(high)) for name in sets]
        lines.append(f"| up to {high:.3g} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _by_density(metrics: Mapping[str, Any]) -> dict[float, Mapping[str, float]]:
    return {row["density"][1]: row["relative_frobenius"] for row in metrics["by_density"]}


def _row(errors: Mapping[str, float] | None) -> str:
    return f"{_percent(errors['median'])} ({_percent(errors['p90'])})" if errors else ""


def _number(value: float, key: str) -> str:
    return f"{value:.2f}" if key == "log_euclidean" else _percent(value)


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def main() -> None:
    """Print, and with ``--update-docs`` write, the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="relaxation")
    parser.add_argument("--update-docs", action="store_true")
    arguments = parser.parse_args()
    text = tables(read_header(resolve_model(arguments.model))["metrics"])
    print(text)  # noqa: T201
    if arguments.update_docs:
        card = CARD.read_text("utf-8")
        head, tail = card.split(BEGIN)[0], card.split(END)[1]
        CARD.write_text(f"{head}{BEGIN}\n{text}\n{END}{tail}", "utf-8")


if __name__ == "__main__":
    main()
