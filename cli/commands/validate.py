"""``lattice-gnn validate``: beam or solid FEM against a catalogue of reference tensors."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.commands.evaluate import LowestOption
from cli.terminal.facts import header
from cli.terminal.inputs import check_output
from cli.terminal.options import (
    Element,
    ElementOption,
    Json,
    MethodOption,
    VoxelsOption,
    refuse_other_method,
)
from cli.terminal.output import console, emit_json, say_note, say_warnings
from lattice_gnn.errors import LatticeGnnError

if TYPE_CHECKING:
    import numpy as np
    from rich.table import Table

    from data.formats.lat import CatalogueEntry
    from fem_reference.validate import Comparison, Solver
    from lattice_gnn.lattice.lattice import Lattice
    from lattice_gnn.tensors.stiffness import Stiffness

    _Reference = tuple[Lattice, Stiffness, np.ndarray]

_STATISTICS = ("median", "mean", "p90", "p99", "max")
_TITLES = {
    "stiffness": "C (Frobenius)",
    "compliance": "its inverse S (Frobenius)",
    "softest": "softest eigenvalue of C",
    "rounding_floor": "C by rounding the reference alone",
    "grid_error": "estimated error of the solid, C",
    "grid_softest_error": "estimated error of the solid, softest",
}


@dataclasses.dataclass(frozen=True, slots=True)
class _Selection:
    """Which tensors of a catalogue; all where left out."""

    lowest: int | None
    highest: int | None
    limit: int | None
    seed: int


def validate(  # noqa: PLR0913 (every option of a command is a parameter)
    context: typer.Context,
    catalogue: Annotated[
        Path, typer.Argument(metavar="CATALOGUE", help="A .lat catalogue with reference tensors.")
    ],
    method: MethodOption = "beam",
    voxels_per_diameter: VoxelsOption = 8,
    element: ElementOption = "euler-bernoulli",
    lowest: LowestOption = None,
    highest: Annotated[
        int | None,
        typer.Option(
            "--highest", metavar="N", help="Only the N highest densities of each catalogue entry."
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", help="At most N lattices, at random.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, metavar="S", help="Of that choice.")] = 0,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="PNG", help="Draw a parity plot into this file."),
    ] = None,
    json: Json = False,
) -> None:
    """Compare finite elements with the reference tensors of a catalogue.

    Homogenises every lattice at each density that carries a tensor, and prints how far apart the
    two are, relative to the reference: median, mean, p90, p99 and largest difference of C, of S, of
    the softest eigenvalue of C. A further row is the change of C that follows from rounding the
    reference to its printed digits, which is where lattices with one very soft mode differ.

    Catalogues hold tensors of beams. By the solid reference, --method solid, the difference is
    therefore what beam theory gets wrong, together with the error of the grid, which two more rows
    estimate. Solids take seconds to minutes each, thin struts longest: --highest and --limit pick
    some. A lattice that the solid reference refuses is reported and left out.

    JSON keys: docs/cli.md.
    """
    refuse_other_method(context, method)
    check_output(plot, [catalogue])
    selection = _Selection(lowest, highest, limit, seed)
    entries = _read(catalogue)
    chosen = _choose(entries, selection)
    refused: list[str] = []
    grid: dict[str, dict[str, float]] = {}
    if method == "solid":
        comparison, grid, refused = _solid(chosen, voxels_per_diameter)
    else:
        comparison = _beam(chosen, element)
    say_warnings(f"left out: {text}" for text in refused)
    report = {
        **header("validation"),
        "catalogue": str(catalogue),
        "method": method,
        "voxels_per_diameter": voxels_per_diameter if method == "solid" else None,
        "element": element if method == "beam" else None,
        "selection": dataclasses.asdict(selection),
        "lattices": len(comparison),
        "seconds": comparison.seconds,
        **comparison.summary(),
        **grid,
        "worst": [dataclasses.asdict(outlier) for outlier in comparison.worst()],
        "without_reference": [entry.name for entry in entries if not entry.references],
        "refused": refused,
        "notes": [note for entry in entries for note in entry.notes],
    }
    if json:
        emit_json(report, to_stdout=True, output=None)
    else:
        _print_tables(report)
    if plot is not None:
        _draw(plot, comparison)


def _read(catalogue: Path) -> list["CatalogueEntry"]:
    from data.formats import kind_of
    from data.formats.lat import read_lat

    kind = kind_of(catalogue)
    if kind != "lat":
        raise LatticeGnnError(
            f"{catalogue.name}: a file of the format {kind} carries no reference tensors to "
            "compare with; expected a .lat catalogue."
        )
    entries = read_lat(catalogue)
    if not any(entry.references for entry in entries):
        raise LatticeGnnError(
            f"{catalogue.name}: none of its {len(entries)} entries carries a compliance tensor to "
            "compare with."
        )
    return entries


def _choose(entries: "Sequence[CatalogueEntry]", selection: _Selection) -> "list[_Reference]":
    """Lattice, tensor and its rounding, of what the options select."""
    from data.experiments.reference_set import drawn

    for name in ("lowest", "highest", "limit"):
        value = getattr(selection, name)
        if value is not None and value < 1:
            raise LatticeGnnError(f"--{name}: expected a whole number of at least 1, got {value}.")
    found: list[_Reference] = []
    for entry in entries:
        own = [(*pair, half) for pair, half in zip(entry.pairs(), entry.roundings, strict=True)]
        own.sort(key=lambda reference: reference[0].relative_density)
        own = own[: selection.lowest]
        found += own[-selection.highest :] if selection.highest else own
    return [found[k] for k in drawn(len(found), selection.limit, selection.seed).tolist()]


def _compare(references: "Sequence[_Reference]", solver: "Solver") -> "Comparison":
    from fem_reference.validate import compare

    lattices, tensors, roundings = zip(*references, strict=True)
    return compare(list(zip(lattices, tensors, strict=True)), solver, roundings)


def _beam(chosen: "Sequence[_Reference]", element: Element) -> "Comparison":
    from fem_reference.beam.homogenise import homogenise_beam

    return _compare(chosen, lambda lattices: homogenise_beam(lattices, element=element).stiffness)


def _solid(
    chosen: "Sequence[_Reference]", voxels_per_diameter: int
) -> "tuple[Comparison, dict[str, dict[str, float]], list[str]]":
    """The comparison, statistics of the errors that the grids estimate, and what was refused.

    Raises:
        LatticeGnnError: If all lattices are refused.
    """
    import torch

    from cli.terminal.solvers import solve, watching
    from lattice_gnn.tensors.metrics import summarise
    from lattice_gnn.tensors.stiffness import Stiffness

    kept, tensors, numbers, refused = [], [], [], []
    with watching(len(chosen)) as watch:
        for number, reference in enumerate(chosen):
            lattice = reference[0]
            name = f"{lattice.name} at {lattice.relative_density:.4g}"
            try:
                found = solve(lattice, name, voxels_per_diameter, watch(number, name))
            except LatticeGnnError as error:
                refused.append(str(error))
                continue
            kept.append(reference)
            tensors.append(found.stiffness.mandel)
            numbers.append((found.error, found.softest_error, found.seconds))
    if not kept:
        raise LatticeGnnError(
            f"the solid reference refuses all {len(chosen)} lattices; the first: {refused[0]}"
        )
    comparison = _compare(kept, lambda _: Stiffness(torch.stack(tensors)))
    in_C, in_softest, seconds = torch.tensor(numbers, dtype=torch.float64).T
    grid = {"grid_error": summarise(in_C), "grid_softest_error": summarise(in_softest)}
    return dataclasses.replace(comparison, seconds=float(seconds.sum())), grid, refused


def _draw(plot: Path, comparison: "Comparison") -> None:
    from viz.parity import draw_parity

    draw_parity(
        plot,
        comparison.computed.numpy(),
        comparison.reference.numpy(),
        comparison.relative_density.numpy(),
        comparison.rounding_floor.numpy(),
    )
    say_note(f"wrote {plot}")


def _print_tables(report: dict[str, Any]) -> None:
    from rich.markup import escape

    out = console()
    by = (
        f"{report['element']} beams"
        if report["method"] == "beam"
        else f"solids of {report['voxels_per_diameter']} voxels per diameter"
    )
    each = report["seconds"] / report["lattices"]
    out.print(
        f"{report['lattices']} reference tensors, {by}, "
        f"{report['seconds']:.2f} s ({each:.2g} s a lattice)"
    )
    if report["method"] == "solid":
        out.print(
            "The references are tensors of beams: the difference is what beam theory gets wrong, "
            "and the error of the grid."
        )
    out.print()
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
        if key in report:
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
