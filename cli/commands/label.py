"""``lattice-gnn label``: add solid-FEM labels to a dataset."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.terminal.inputs import check_output
from cli.terminal.options import (
    DatasetOutput,
    Json,
    Memory,
    Scheduler,
    Voxels,
    WorkerCount,
)
from cli.terminal.output import emit, progress, say_note, show
from lattice_gnn.errors import LatticeGnnError

if TYPE_CHECKING:
    from data.labelling.solid import Shard


def label(  # noqa: PLR0913 (every option of a command is a parameter)
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="A dataset (HDF5).")],
    output: DatasetOutput,
    voxels_per_diameter: Voxels = 8,
    memory_limit: Memory = 1.0,
    shard: Annotated[
        str,
        typer.Option(
            metavar="K/N",
            help="Label every N-th base only, from the K-th on; `data merge` joins the shards.",
        ),
    ] = "1/1",
    again: Annotated[
        bool,
        typer.Option(
            "--again",
            help="Leave out solid labels of the dataset and label its lattices again, such as "
            "at another resolution.",
        ),
    ] = False,
    device: Annotated[
        str, typer.Option(metavar="NAME", help="Device of the solver: cpu, cuda, ...")
    ] = "cpu",
    workers: WorkerCount = 2,
    scheduler: Scheduler = None,
    json: Json = False,
) -> None:
    """Add labels of solid FEM to the lattices of a dataset.

    Each label comes with estimates of its error and says whether struts touch. A lattice takes
    seconds; an interrupted run resumes when it is started again with the same options.
    """
    check_output(output, [dataset])
    from data.labelling.batches import Workers
    from data.labelling.report import solid_label_report
    from data.labelling.solid import SolidLabelling, label_dataset

    part = _shard(shard)
    settings = SolidLabelling(voxels_per_diameter, memory_limit=memory_limit, device=device)
    with progress("solid FEM") as on_progress:
        labelled = label_dataset(
            dataset,
            output,
            settings,
            Workers(workers, scheduler),
            shard=part,
            again=again,
            on_progress=on_progress,
        )
    report = solid_label_report(labelled, output)
    emit(report, json=json)
    from cli.terminal.dataset_tables import solid_label_table, warn_refused

    if not json:
        show(solid_label_table(report))
    warn_refused(report.refused)
    say_note(f"dataset written to {output}")


def _shard(text: str) -> "Shard":
    from data.labelling.solid import Shard

    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal()):
        raise LatticeGnnError(f"--shard {text}: expected K/N, such as 1/4.")
    return Shard(int(number), int(count))
