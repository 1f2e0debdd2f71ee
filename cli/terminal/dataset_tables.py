"""Tables and pictures of datasets, and tables of solid labels."""

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.table import Table

from cli.terminal.output import say_note, say_warning
from cli.terminal.tables import block, columns, pairs
from lattice_gnn.wording import counted, percent

if TYPE_CHECKING:
    from data.datasets.dataset import Dataset
    from lattice_gnn.reports.dataset import DatasetFacts, Distribution, SolidLabelReport

MOST_DRAWN = 24
"""Number of lattices on a contact sheet."""


def statistics_blocks(facts: "DatasetFacts") -> list[RenderableType]:
    """Return counts, and the distributions of all quantities."""
    return [
        block("Counts", pairs(_counts(facts))),
        block("Distributions", _distributions(facts)),
    ]


def _counts(facts: "DatasetFacts") -> list[tuple[str, str]]:
    rows = {
        "lattices": facts.lattices,
        "base lattices": facts.bases,
        "different nets": facts.nets,
        "space groups": facts.space_groups,
        **facts.systems,
        **{f"{kind} labels": label.count for kind, label in facts.labels.items()},
    }
    return [(name, str(count)) for name, count in rows.items()]


def _distributions(facts: "DatasetFacts") -> Table:
    rows: dict[str, Distribution | None] = {
        "nodes": facts.nodes,
        "struts": facts.struts,
        "connectivity": facts.connectivity,
        "relative density": facts.relative_density,
        "radius/length, thickest strut": facts.slenderness,
    }
    for kind, label in facts.labels.items():
        rows[f"mean eigenvalue of C/E_s over density, {kind}"] = label.C
        rows[f"largest over smallest eigenvalue, {kind}"] = label.anisotropy
    names = ("min", "p10", "median", "mean", "p90", "max")
    table = columns("", names)
    for title, found in rows.items():
        if found is not None:
            table.add_row(title, *(f"{getattr(found, name):.4g}" for name in names))
    return table


def solid_label_table(report: "SolidLabelReport") -> Table:
    """Return number, errors and cost of solid labels."""
    errors = {"C": report.error, "the softest eigenvalue": report.softest_error}
    return pairs(
        [
            ("lattices", str(report.lattices)),
            ("solid labels", str(report.labelled)),
            ("  of lattices with touching struts", str(report.touching)),
            ("  with a gap that the grid may not resolve", str(report.unresolved_gap)),
            *(
                (
                    f"estimated error of {what}, median / p90",
                    f"{percent(found.median)} / {percent(found.p90)}",
                )
                for what, found in errors.items()
            ),
            ("active nodes, median / p90", f"{report.nodes.median:,.0f} / {report.nodes.p90:,.0f}"),
        ]
    )


def warn_refused(refused: dict[str, str]) -> None:
    """Warn how many lattices have no solid label, and why the first has none."""
    for name, why in list(refused.items())[:1]:
        number = counted(len(refused), "lattice")
        has = "has" if len(refused) == 1 else "have"
        say_warning(f"{number} {has} no solid label; the first, {name}: {why}")


def draw_sheet(dataset: "Dataset", path: Path) -> None:
    """Draw a contact sheet with the first lattice of evenly spaced bases."""
    import numpy as np

    from viz.sheet import draw_sheet as draw

    _, first = np.unique(dataset.base, return_index=True)
    spread = np.unique(np.linspace(0, len(first) - 1, min(MOST_DRAWN, len(first))).astype(int))
    draw(path, dataset.lattices(first[spread]))
    say_note(f"contact sheet written to {path}")
