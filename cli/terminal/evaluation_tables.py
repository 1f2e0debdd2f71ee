"""Tables of an evaluation, drawn from its JSON."""

from collections.abc import Mapping, Sequence
from math import floor, log10
from typing import Any

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from cli.terminal.tables import block, pairs

STATISTICS = ("median", "mean", "p90", "p99", "max")
_RELATIVE = {
    "directional_error": "directional stiffness",
    "component_error": "components",
    "relative_frobenius": "whole tensor (Frobenius)",
    "softest_error": "softest eigenvalue",
}
_MODULI = {"E": "Young's modulus E", "G": "shear modulus G", "K": "bulk modulus K"}
_BREAKDOWNS = {
    "by_density": "relative density",
    "by_symmetry": "symmetry",
    "by_size": "nodes of the cell",
}


def blocks(document: Mapping[str, Any]) -> list[RenderableType]:
    """Headline, all errors, the breakdowns, the worst lattices."""
    return [
        pairs(_head(document)),
        block("Errors, per cent", _errors(document)),
        block("Errors, absolute", _absolute(document)),
        *(
            block(f"By {title}, per cent", _breakdown(document[key], title))
            for key, title in _BREAKDOWNS.items()
        ),
        block("Largest directional errors, per cent", _worst(document["worst"])),
    ]


def _head(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    frobenius, equivariance = document["relative_frobenius"], document["equivariance_error"]
    selection = document["selection"]
    chosen = [
        f"{name} {selection[name]}"
        for name in ("label", "part", "lowest", "limit")
        if selection.get(name) is not None
    ]
    speed = 1e3 * document["seconds_per_lattice"]
    turned = ", ".join(
        f"{equivariance[name]['median']:.1e} ({equivariance[name]['max']:.1e}) under {name}"
        for name in ("rotation", "inversion")
    )
    return [
        ("model", document["model"]),
        ("data", document["data"] + (f" ({', '.join(chosen)})" if chosen else "")),
        ("lattices", f"{document['count']}, {speed:.3g} ms each"),
        (
            "whole tensor",
            f"{_share(frobenius['within_5_percent'])} within 5 %, "
            f"{_share(frobenius['within_25_percent'])} within 25 % of the reference",
        ),
        ("negative energy", f"{_share(document['negative_eigenvalue_share'])} of the lattices"),
        ("equivariance error", f"median (max): {turned}"),
    ]


def _errors(document: Mapping[str, Any]) -> Table:
    table = _table("", STATISTICS)
    rows = {title: document[key] for key, title in _RELATIVE.items()}
    rows |= {title: document["moduli"][key] for key, title in _MODULI.items()}
    for title, summary in rows.items():
        table.add_row(title, *(_percent(summary[name]) for name in STATISTICS))
    return table


def _absolute(document: Mapping[str, Any]) -> Table:
    table = _table("", STATISTICS)
    rows = {
        "Poisson's ratio nu": document["moduli"]["nu"],
        "log-Euclidean distance": document["log_euclidean"],
    }
    for title, summary in rows.items():
        table.add_row(title, *(_three(summary[name]) for name in STATISTICS))
    return table


def _breakdown(rows: Sequence[Mapping[str, Any]], title: str) -> Table:
    columns = ("median", "mean", "p90")
    heads = [f"{metric} {name}" for metric in ("directional", "Frobenius") for name in columns]
    table = _table(title, ("lattices", *heads))
    for row in rows:
        errors = [
            _percent(row[metric][name])
            for metric in ("directional_error", "relative_frobenius")
            for name in columns
        ]
        table.add_row(row["label"], str(row["count"]), *errors)
    return table


def _worst(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("lattice", ("row of the file", "density", "directional", "Frobenius"))
    for row in rows:
        table.add_row(
            escape(row["name"]),
            str(row["row"]),
            f"{row['relative_density']:.4g}",
            _percent(row["directional_error"]),
            _percent(row["relative_frobenius"]),
        )
    return table


def _table(first: str, columns: Sequence[str]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="cyan")
    table.add_column(first, overflow="fold")
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _share(fraction: float) -> str:
    """A share in per cent; one that is not all, or not nothing, is never rounded to it."""
    if 0 < fraction < 0.001 or 0.999 < fraction < 1:
        return f"{100 * fraction:.3g} %"
    return f"{100 * fraction:.1f} %"


def _percent(fraction: float | None) -> str:
    return _three(None if fraction is None else 100 * fraction)


def _three(value: float | None) -> str:
    """Three digits without exponent; None, the infinity of JSON, by its name."""
    if value is None:
        return "infinite"
    decimals = 2 - floor(log10(abs(value))) if value else 0
    return f"{value:.{min(max(decimals, 0), 4)}f}"
