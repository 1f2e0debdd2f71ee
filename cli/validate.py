"""``lattice-gnn validate``: beam FEM against a catalogue of reference tensors."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.facts import header
from cli.options import ElementOption, Json
from cli.report import console, emit_json, say_note
from lattice_gnn.errors import LatticeGnnError

if TYPE_CHECKING:
    from rich.table import Table

    from data.formats.lat import CatalogueEntry
    from fem_reference.validate import Comparison

_STATISTICS = ("median", "mean", "p90", "p99", "max")
_TITLES = {
    "stiffness": "C (Frobenius)",
    "compliance": "its inverse S (Frobenius)",
    "softest": "softest eigenvalue of C",
    "rounding_floor": "C by rounding the reference alone",
}


def validate(
    catalogue: Annotated[
        Path, typer.Argument(metavar="CATALOGUE", help="A .lat catalogue with reference tensors.")
    ],
    element: ElementOption = "euler-bernoulli",
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="PNG", help="Draw a parity plot into this file."),
    ] = None,
    json: Json = False,
) -> None:
    """Compare beam FEM with the reference tensors of a catalogue.

    Homogenises every lattice at each density that carries a tensor, and prints how far apart the
    two are, relative to the reference: median, mean, p90, p99 and largest difference of C, of S, of
    the softest eigenvalue of C. The last row is the change of C that follows from rounding the
    reference to its printed digits, which is where lattices with one very soft mode differ.

    JSON keys: catalogue, element, lattices, seconds; stiffness, compliance, softest,
    rounding_floor, each with median, mean, p90, p99, max (fractions); worst, the ten largest
    differences of C, each with name, relative_density, stiffness, compliance, softest, condition,
    rounding_floor, rounding_bound; without_reference, names of entries that have no tensors;
    notes, what reading the file took.
    """
    from data.formats import kind_of
    from data.formats.lat import read_lat
    from fem_reference.beam import homogenise_beam
    from fem_reference.validate import compare

    kind = kind_of(catalogue)
    if kind != "lat":
        raise LatticeGnnError(
            f"{catalogue.name}: a file of the format {kind} carries no reference tensors to "
            "compare with; expected a .lat catalogue."
        )
    entries = read_lat(catalogue)
    pairs = [pair for entry in entries for pair in entry.pairs()]
    if not pairs:
        raise LatticeGnnError(
            f"{catalogue.name}: none of its {len(entries)} entries carries a compliance tensor to "
            "compare with."
        )
    comparison = compare(
        pairs,
        lambda lattices: homogenise_beam(lattices, element=element).stiffness,
        [rounding for entry in entries for rounding in entry.roundings],
    )
    if plot is not None:
        from viz.parity import draw_parity

        draw_parity(
            plot,
            comparison.computed.numpy(),
            comparison.reference.numpy(),
            comparison.relative_density.numpy(),
            comparison.rounding_floor.numpy(),
        )
        say_note(f"wrote {plot}")
    report = _report(catalogue, element, comparison, entries)
    if json:
        emit_json(report, to_stdout=True, output=None)
    else:
        _print_tables(report)


def _report(
    catalogue: Path, element: str, comparison: "Comparison", entries: "Sequence[CatalogueEntry]"
) -> dict[str, Any]:
    """Return what is printed, as plain values; the keys are in the docstring of ``validate``."""
    return {
        **header("validation"),
        "catalogue": str(catalogue),
        "element": element,
        "lattices": len(comparison),
        "seconds": comparison.seconds,
        **comparison.summary(),
        "worst": [dataclasses.asdict(outlier) for outlier in comparison.worst()],
        "without_reference": [entry.name for entry in entries if not entry.references],
        "notes": [note for entry in entries for note in entry.notes],
    }


def _print_tables(report: dict[str, Any]) -> None:
    from rich.markup import escape

    out = console()
    rate = report["lattices"] / max(report["seconds"], 1e-9)
    out.print(
        f"{report['lattices']} reference tensors, {report['element']} beams, "
        f"{report['seconds']:.2f} s ({rate:.0f} lattices a second)\n"
    )
    out.print(_summary_table(report))
    out.print("\n[bold]Largest differences of C, per cent[/bold]")
    out.print(_worst_table(report["worst"]))
    out.print()
    for name in report["without_reference"]:
        out.print(f"left out, no tensor: {escape(name)}")
    for note in report["notes"]:
        out.print(escape(note))


def _summary_table(report: dict[str, Any]) -> "Table":
    table = _plain_table("difference, per cent", _STATISTICS)
    for key, title in _TITLES.items():
        table.add_row(title, *(f"{100 * report[key][name]:.3f}" for name in _STATISTICS))
    return table


def _worst_table(rows: Sequence[dict[str, Any]]) -> "Table":
    from rich.markup import escape

    columns = ("density", "C", "S", "softest", "condition", "rounding rms", "rounding at most")
    table = _plain_table("lattice", columns)
    for row in rows:
        table.add_row(
            escape(row["name"]),
            f"{row['relative_density']:.4g}",
            *(f"{100 * row[key]:.3f}" for key in ("stiffness", "compliance", "softest")),
            f"{row['condition']:.3g}",
            *(f"{100 * row[key]:.3f}" for key in ("rounding_floor", "rounding_bound")),
        )
    return table


def _plain_table(first: str, columns: Sequence[str]) -> "Table":
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="cyan")
    table.add_column(first, overflow="fold")
    for column in columns:
        table.add_column(column, justify="right")
    return table
