"""Tables of solid solutions: estimated errors, grids, costs."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from cli.terminal.lattice_tables import label
from cli.terminal.tables import columns
from lattice_gnn.wording import percent

if TYPE_CHECKING:
    from lattice_gnn.reports.homogenisation import HomogenisationReport, SolidFacts


def solid_rows(solid: "SolidFacts") -> list[tuple[str, str]]:
    """Return the estimated errors, grid and cost of one solution."""
    return [
        ("filled voxels", f"{solid.volume_fraction:.5g} (union of struts and joints)"),
        ("error of C", f"about {percent(solid.error)} (Frobenius; estimate from two grids)"),
        ("softest eigenvalue", f"about {percent(solid.softest_error)} (likewise)"),
        (
            "grid",
            f"{_grid(solid)} voxels, {solid.voxels_per_diameter:.3g} across the thinnest "
            f"strut; {solid.active_nodes:,} active nodes",
        ),
        (
            "iterations",
            f"{solid.iterations.fine}, on the coarse grid {solid.iterations.coarse}",
        ),
        ("cost", f"{_megabytes(solid)} MB, {solid.seconds:.2f} s"),
    ]


def solid_table(reports: "Sequence[HomogenisationReport]") -> Table:
    """Return one row per lattice: errors, volume, grid and cost."""
    heads = ("of C", "of softest", "volume", "grid", "nodes", "iterations", "MB", "s")
    table = columns("solid FEM, estimated errors", heads, gap=1)
    for report in reports:
        if (solid := report.solid) is not None:
            table.add_row(
                escape(Path(label(report.lattice)).name),
                percent(solid.error),
                percent(solid.softest_error),
                f"{solid.volume_fraction:.4g}",
                _grid(solid),
                f"{solid.active_nodes}",
                f"{solid.iterations.fine}",
                _megabytes(solid),
                f"{solid.seconds:.2f}",
            )
    return table


def _grid(solid: "SolidFacts") -> str:
    return " x ".join(str(n) for n in solid.grid)


def _megabytes(solid: "SolidFacts") -> str:
    return f"{solid.memory / 1e6:.0f}"
