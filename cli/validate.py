"""``lattice-gnn validate``: the beam solver against a catalogue of reference tensors."""

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from data.formats.lat import CatalogueEntry
    from fem_reference.validate import Comparison

_TITLES = {
    "stiffness": "stiffness C",
    "compliance": "compliance S",
    "softest": "softest eigenvalue of C",
    "rounding_floor": "rounding of the reference, in C",
}


def validate(
    catalogue: Annotated[Path, typer.Argument(help="Catalogue with reference tensors (.lat).")],
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    plot: Annotated[Path | None, typer.Option(help="Draw the comparison into this file.")] = None,
    element: Annotated[
        Literal["euler-bernoulli", "timoshenko"], typer.Option(help="Beam theory of the solver.")
    ] = "euler-bernoulli",
) -> None:
    """Compare beam FEM with the reference tensors of a catalogue.

    Every lattice that carries tensors is homogenised at each of its densities. The table gives median, mean, p90,
    p99 and largest relative difference: of C and of its inverse S (Frobenius norm), and of the softest eigenvalue of C;
    beside them the change of C that follows from the reference's printed digits alone.

    Keys of the JSON: catalogue, element, lattices, seconds; stiffness, compliance, softest and rounding_floor, each with
    median, mean, p90, p99, max (fractions, not per cent); worst, the ten with the largest difference of C, each with name,
    relative_density, stiffness, compliance, softest, condition, rounding_floor, rounding_bound; without_reference, names of
    the entries that have no tensors; notes, what the reader had to do.
    """
    from data.formats.lat import read_lat
    from fem_reference.beam import homogenise_beam
    from fem_reference.validate import compare
    from lattice_gnn.errors import LatticeGnnError

    entries = read_lat(catalogue)
    pairs = [pair for entry in entries for pair in entry.pairs()]
    if not pairs:
        raise LatticeGnnError(f"{catalogue.name}: none of its {len(entries)} lattices has a tensor.")
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
    report = _report(catalogue, element, comparison, entries)
    if json:
        typer.echo(json_module.dumps(report, indent=1))
    else:
        _print_tables(report)


def _report(
    catalogue: Path,
    element: str,
    comparison: "Comparison",
    entries: "list[CatalogueEntry]",
) -> dict[str, Any]:
    """Return what is printed, as plain values; the keys are those of the docstring of ``validate``."""
    import dataclasses

    return {
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
    from rich.console import Console
    from rich.table import Table

    console = Console()
    rate = report["lattices"] / max(report["seconds"], 1e-9)
    table = Table(
        title=f"{report['lattices']} lattices, {report['element']} beams, "
        f"{report['seconds']:.2f} s ({rate:.0f}/s); per cent",
        title_justify="left",
    )
    table.add_column("relative difference")
    statistics = ("median", "mean", "p90", "p99", "max")
    for column in statistics:
        table.add_column(column, justify="right")
    for key, title in _TITLES.items():
        table.add_row(title, *(f"{100 * report[key][s]:.3f}" for s in statistics))
    console.print(table)
    worst = Table(title="largest differences of C; per cent", title_justify="left")
    worst.add_column("lattice", overflow="fold")
    for column in ("density", "C", "S", "softest", "condition", "rounding: rms", "at most"):
        worst.add_column(column, justify="right")
    for row in report["worst"]:
        worst.add_row(
            row["name"],
            f"{row['relative_density']:.4g}",
            *(f"{100 * row[key]:.3f}" for key in ("stiffness", "compliance", "softest")),
            f"{row['condition']:.3g}",
            *(f"{100 * row[key]:.3f}" for key in ("rounding_floor", "rounding_bound")),
        )
    console.print(worst)
    for name in report["without_reference"]:
        console.print(f"{name}: no reference tensor, left out", markup=False, highlight=False)
    for note in report["notes"]:
        console.print(note, markup=False, highlight=False)
