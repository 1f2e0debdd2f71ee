"""Tables of lattices: counts, densities, geometry, net, findings."""

import os.path
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from cli.terminal.tables import grid
from lattice_gnn.wording import counted

if TYPE_CHECKING:
    from lattice_gnn.lattice.findings import Finding
    from lattice_gnn.reports.lattice import LatticeFacts, LatticeReport


def label(lattice: "LatticeFacts") -> str:
    """Return the file, and the number if it contains several lattices."""
    return f"{lattice.file}" + ("" if lattice.index is None else f"[{lattice.index}]")


def short_labels(labels: Sequence[str]) -> list[str]:
    """Return labels without their folder if all share it, for tables."""
    if len({os.path.dirname(name) for name in labels}) == 1:
        labels = [os.path.basename(name) for name in labels]
    return [escape(name) for name in labels]


def lattice_rows(lattice: "LatticeFacts") -> list[tuple[str, str]]:
    """Return counts, material and both densities."""
    material, fraction = lattice.material, lattice.volume_fraction
    rows = [
        ("file", label(lattice)),
        ("cell", f"{counted(lattice.nodes, 'node')}, {counted(lattice.struts, 'strut')}"),
        ("material", f"E = {material.E:g}, nu = {material.nu:g}"),
        (
            "relative density",
            f"{lattice.relative_density:.5g} (sum of strut volumes; overlaps count twice)",
        ),
    ]
    if fraction is not None:
        text = f"{fraction.value:.5g} ± {fraction.error:.1g} (union of struts and joints)"
        rows.append(("volume fraction", text))
    return rows


def geometry_rows(report: "LatticeReport") -> list[tuple[str, str]]:
    """Return cell, struts and net."""
    geometry, unit = report.geometry, report.lattice.units
    unit = f" {unit}" if unit else ""
    lengths = " ".join(f"{x:.5g}" for x in geometry.cell_lengths)
    angles = " ".join(f"{x:.5g}" for x in geometry.cell_angles)
    coordination = ", ".join(
        f"{degree} ({count} node{'s' * (count > 1)})"
        for degree, count in geometry.coordination.items()
    )
    special = {
        "tapered": geometry.tapered,
        "hollow": geometry.hollow,
        "individual moduli": geometry.own_moduli,
    }
    clearance = geometry.clearance
    rows = [
        ("cell vectors", f"lengths {lengths}{unit}, angles {angles} degrees"),
        ("strut length", f"{_span(geometry.strut_lengths)}{unit}"),
        ("radius", f"{_span(geometry.radii)}{unit}"),
        ("radius/length", _span(geometry.radius_over_length)),
        ("struts", ", ".join(name for name, applies in special.items() if applies)),
        ("struts at a node", coordination),
        ("clearance", "unknown" if clearance is None else f"{clearance:.4g}{unit}"),
        ("net", report.net.description),
    ]
    return [(name, value) for name, value in rows if value]


def finding_table(found: "Sequence[Finding]") -> Table:
    """Return findings, one per row."""
    table = grid()
    table.add_column(style="yellow", no_wrap=True)
    table.add_column(overflow="fold")
    for finding in found:
        table.add_row("!", escape(finding.text))
    return table


def _span(ends: tuple[float, float]) -> str:
    low, high = ends
    return f"{low:.5g}" if high - low <= 1e-9 * high else f"{low:.5g} to {high:.5g}"
