"""``lattice-gnn data``: summarise, check, merge and split datasets."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.terminal.inputs import check_output, check_outputs, make_folder
from cli.terminal.options import DatasetOutput, Json, Seed
from cli.terminal.output import emit, say_error, say_note, show
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.wording import counted

if TYPE_CHECKING:
    from data.datasets.dataset import Dataset

data = typer.Typer(
    name="data",
    help="Summarise, check, merge and split datasets.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

File = Annotated[Path, typer.Argument(metavar="FILE", help="A dataset (HDF5).")]


@data.command()
def info(
    file: File,
    json: Json = False,
    pictures: Annotated[
        Path | None,
        typer.Option(
            "--pictures",
            metavar="FOLDER",
            help="Folder for a contact sheet (sheet.png) and histograms (histograms.png).",
        ),
    ] = None,
) -> None:
    """Print the statistics of a dataset."""
    if pictures is not None:
        make_folder(pictures)
    from data.datasets.check import check_dataset
    from data.datasets.file import read_dataset
    from data.datasets.statistics import describe
    from lattice_gnn.reports.dataset import DatasetReport

    dataset = read_dataset(file, values=False)
    problems = check_dataset(dataset, spots=0).problems
    if problems:
        raise LatticeGnnError(f"{file}: {problems[0]}")
    read_dataset(file)  # refuses what the check does not look at
    facts = describe(dataset)
    made = tuple(dict(source) for source in dataset.provenance)
    emit(DatasetReport(file=str(file), made=made, **vars(facts)), json=json)
    if not json:
        from cli.terminal.dataset_tables import statistics_blocks

        show(*statistics_blocks(facts))
    if pictures is not None:
        _draw(dataset, file.name, facts.systems, pictures)


def _draw(dataset: "Dataset", name: str, systems: dict[str, int], folder: Path) -> None:
    from cli.terminal.dataset_tables import draw_sheet
    from data.datasets.statistics import population_values
    from viz.sheet import draw_histograms

    draw_sheet(dataset, folder / "sheet.png")
    path = folder / "histograms.png"
    draw_histograms(path, {name: population_values(dataset)}, {name: systems})
    say_note(f"histograms written to {path}")


@data.command()
def check(
    file: File,
    spots: Annotated[int, typer.Option(min=0, help="Number of beam labels to recompute.")] = 20,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Check geometry and labels of a dataset; exit code 1 where something is wrong."""
    from data.datasets.check import check_dataset
    from data.datasets.file import read_dataset
    from lattice_gnn.reports.dataset import DatasetCheckReport

    dataset = read_dataset(file, values=False)
    report = check_dataset(dataset, spots=spots, seed=seed)
    if not report.problems:
        read_dataset(file)  # refuses what the check does not look at
    document = DatasetCheckReport(
        file=str(file),
        lattices=len(dataset),
        problems=report.problems,
        relabelled=report.relabelled,
        largest_difference=report.largest_difference,
    )
    emit(document, json=json)
    if not json:
        for problem in report.problems:
            say_error(problem)
        if not report.problems:
            typer.echo(
                f"{file}: {counted(len(dataset), 'lattice')} "
                f"{'is' if len(dataset) == 1 else 'are'} sound; "
                f"{report.relabelled} labelled again, "
                f"largest relative difference {report.largest_difference:.1e}"
            )
    if report.problems:
        raise typer.Exit(1)


@data.command()
def merge(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Datasets (HDF5).")],
    output: DatasetOutput,
    compress: Annotated[
        bool, typer.Option("--compress", help="Compress the file, to about two thirds.")
    ] = False,
    labelled: Annotated[
        str | None,
        typer.Option(metavar="KIND", help="Keep only lattices with a label of this kind."),
    ] = None,
) -> None:
    """Merge datasets: each lattice once, with the labels of all files."""
    check_output(output, files)
    from data.datasets.file import read_dataset, write_dataset
    from data.datasets.joining import merge_datasets

    parts = [read_dataset(file) for file in files]
    merged = merge_datasets(parts)
    twice = sum(len(part) for part in parts) - len(merged)
    note = f"{counted(twice, 'duplicate')} removed"
    if labelled is not None:
        kept = merged.with_label(labelled)
        note += f", {len(merged) - len(kept)} have no label of kind {labelled!r}"
        merged = kept
    write_dataset(output, merged, compressed=compress)
    say_note(f"{output}: {counted(len(merged), 'lattice')}, {note}")


@data.command()
def split(
    file: File,
    shares: Annotated[
        str, typer.Option(metavar="NAME=SHARE,...", help="Parts and their shares.")
    ] = "train=0.8,validation=0.1,test=0.1",
    by: Annotated[
        Literal["base", "net"],
        typer.Option(help="Keep together the copies of a base lattice, or all lattices of a net."),
    ] = "base",
    seed: Seed = 0,
    known: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Dataset whose bases (or nets) all go into the first part, such as the training "
            "data of a model to be tested.",
        ),
    ] = None,
) -> None:
    """Split a dataset into one file per part; no base lattice (or net) is in two parts."""
    parts = _shares(shares)
    from data.datasets.file import read_dataset, write_dataset

    dataset = read_dataset(file)
    paths = {name: file.with_name(f"{file.stem}.{name}{file.suffix}") for name in parts}
    check_outputs(list(paths.values()), [file] if known is None else [file, known])
    bases = None if known is None else read_dataset(known).bases
    keys = () if bases is None else (bases.shapes if by == "base" else bases.nets).tolist()
    for name, chosen in dataset.split(parts, seed=seed, by=by, known=keys).items():
        path = paths[name]
        if len(chosen) == 0:
            say_note(f"{name}: empty, no file written")
            continue
        write_dataset(path, dataset.select(chosen))
        typer.echo(path)
        say_note(
            f"{name}: {counted(len(chosen), 'lattice')} ({100 * len(chosen) / len(dataset):.1f} %)"
        )


def _shares(text: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for word in text.split(","):
        name, _, share = word.partition("=")
        try:
            found[name.strip()] = float(share)
            if not 0 <= found[name.strip()] <= 1:
                raise ValueError(share)
        except ValueError:
            raise LatticeGnnError(
                f"--shares {text}: expected names and numbers, such as train=0.9,test=0.1."
            ) from None
        if not name.strip().replace("-", "").replace("_", "").isalnum():
            raise LatticeGnnError(
                f"--shares {text}: {name!r} cannot be part of a file name; choose another name."
            )
    return found
