"""``lattice-gnn data``: look at, check, merge and split datasets."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from cli.commands.generate import draw_sheet, statistics_tables
from cli.terminal.inputs import check_output
from cli.terminal.output import emit_json, say_error, say_note, show
from lattice_gnn.errors import LatticeGnnError

data = typer.Typer(
    name="data",
    help="Look at, check, merge and split datasets.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

File = Annotated[Path, typer.Argument(metavar="FILE", help="A dataset (HDF5).")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, no tables.")]


@data.command()
def info(
    file: File,
    json: Json = False,
    sheet: Annotated[
        Path | None, typer.Option(metavar="PICTURE", help="Draw some of the lattices.")
    ] = None,
    histograms: Annotated[
        Path | None, typer.Option(metavar="PICTURE", help="Draw the statistics as histograms.")
    ] = None,
) -> None:
    """Print the statistics of a dataset."""
    check_output(sheet, [file])
    check_output(histograms, [file])
    from data.datasets.check import check_dataset
    from data.datasets.file import read_dataset
    from data.datasets.statistics import describe, population_values

    dataset = read_dataset(file)
    problems = check_dataset(dataset, spots=0).problems
    if problems:
        raise LatticeGnnError(f"{file}: {problems[0]}")
    facts = describe(dataset)
    if sheet is not None:
        draw_sheet(dataset, sheet)
    if histograms is not None:
        from viz.sheet import draw_histograms

        draw_histograms(
            histograms, {file.name: population_values(dataset)}, {file.name: facts["systems"]}
        )
        say_note(f"histograms written to {histograms}")
    if json:
        emit_json({"file": str(file), **facts, "made": list(dataset.provenance)}, True, None)
    else:
        show(*statistics_tables(facts))


@data.command()
def check(
    file: File,
    spots: Annotated[int, typer.Option(min=0, help="Lattices to label again by beam FEM.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Seed of their choice.")] = 0,
    json: Json = False,
) -> None:
    """Check geometry and labels of a dataset; exit code 1 where something is wrong."""
    from data.datasets.check import check_dataset
    from data.datasets.file import read_dataset

    dataset = read_dataset(file)
    report = check_dataset(dataset, spots=spots, seed=seed)
    if json:
        document = {
            "file": str(file),
            "lattices": len(dataset),
            "problems": list(report.problems),
            "relabelled": report.relabelled,
            "largest_difference": report.largest_difference,
        }
        emit_json(document, True, None)
    else:
        for problem in report.problems:
            say_error(problem)
        if not report.problems:
            typer.echo(
                f"{file}: {len(dataset)} lattices are sound; {report.relabelled} labelled again, "
                f"largest relative difference {report.largest_difference:.1e}"
            )
    if report.problems:
        raise typer.Exit(1)


@data.command()
def merge(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Datasets (HDF5).")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The file to write.")],
    compress: Annotated[
        bool, typer.Option("--compress", help="Write about two thirds of the bytes.")
    ] = False,
    labelled: Annotated[
        str | None,
        typer.Option(metavar="KIND", help="Keep only lattices with a label of this kind."),
    ] = None,
) -> None:
    """Put datasets into one: equal lattices once, with the labels of all files."""
    check_output(out, files)
    from data.datasets.file import read_dataset, write_dataset
    from data.datasets.joining import merge_datasets

    parts = [read_dataset(file) for file in files]
    merged = merge_datasets(parts)
    twice = sum(len(part) for part in parts) - len(merged)
    note = f"{twice} were there twice"
    if labelled is not None:
        kept = merged.with_label(labelled)
        note += f", {len(merged) - len(kept)} have no label of kind {labelled!r}"
        merged = kept
    write_dataset(out, merged, compressed=compress)
    say_note(f"{out}: {len(merged)} lattices, {note}")


@data.command()
def split(
    file: File,
    shares: Annotated[
        str, typer.Option(metavar="NAME=SHARE,...", help="The parts and their shares.")
    ] = "train=0.8,validation=0.1,test=0.1",
    by: Annotated[
        Literal["base", "net"],
        typer.Option(help="Keep together: the copies of a base lattice, or all of one net."),
    ] = "base",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the split.")] = 0,
    known: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A dataset whose bases (or nets) all go into the first part: what a model has "
            "been trained on cannot test it.",
        ),
    ] = None,
) -> None:
    """Split a dataset into one file a part; no base lattice (or net) is in two of them."""
    parts = _shares(shares)
    from data.datasets.file import read_dataset, write_dataset

    dataset = read_dataset(file)
    bases = None if known is None else read_dataset(known).bases
    keys = () if bases is None else (bases.shapes if by == "base" else bases.nets).tolist()
    for name, chosen in dataset.split(parts, seed=seed, by=by, known=keys).items():
        path = file.with_name(f"{file.stem}.{name}{file.suffix}")
        if len(chosen) == 0:
            say_note(f"{name}: empty, no file written")
            continue
        write_dataset(path, dataset.select(chosen))
        typer.echo(path)
        say_note(f"{name}: {len(chosen)} lattices ({100 * len(chosen) / len(dataset):.1f} %)")


def _shares(text: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for word in text.split(","):
        name, _, share = word.partition("=")
        try:
            found[name.strip()] = float(share)
        except ValueError:
            raise LatticeGnnError(
                f"--shares {text}: expected names and numbers, such as train=0.9,test=0.1."
            ) from None
        if not name.strip().replace("-", "").replace("_", "").isalnum():
            raise LatticeGnnError(f"--shares {text}: {name!r} makes no name of a file.")
    return found
