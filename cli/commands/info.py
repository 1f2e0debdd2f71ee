"""``lattice-gnn info``: summarise lattice files and list warnings."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cli.terminal.inputs import check_output, is_single, read_sources
from cli.terminal.options import Files, Json, JsonOutput
from cli.terminal.output import emit, show

if TYPE_CHECKING:
    from lattice_gnn.reports.lattice import LatticeReport


def info(files: Files, json: Json = False, output: JsonOutput = None) -> None:
    """Summarise lattice files and list warnings."""
    sources = read_sources(files)
    check_output(output, files)
    from lattice_gnn.reports.lattice import LatticeReports, lattice_report

    reports = [lattice_report(source.lattice, source.origin) for source in sources]
    single = is_single(files, sources)
    emit(reports[0] if single else LatticeReports(tuple(reports)), json=json, output=output)
    if not json:
        _show(reports)


def _show(reports: "Sequence[LatticeReport]") -> None:
    from cli.terminal.lattice_tables import finding_table, geometry_rows, lattice_rows
    from cli.terminal.tables import block, pairs

    for report in reports:
        lattice = report.lattice
        rows = lattice_rows(lattice) + geometry_rows(report)
        parts = [block(lattice.name or "unnamed lattice", pairs(rows))]
        if report.warnings:
            parts.append(block("Warnings", finding_table(report.warnings)))
        show(*parts)
