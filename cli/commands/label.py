"""``lattice-gnn label``: add solid-FEM labels to a dataset."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.terminal.inputs import check_output
from cli.terminal.options import Json, VoxelsOption
from cli.terminal.output import emit_json, progress, say_note, say_warning, show
from lattice_gnn.errors import LatticeGnnError

if TYPE_CHECKING:
    from rich.table import Table

    from data.datasets.dataset import Dataset
    from data.labelling.solid import Shard

Memory = Annotated[
    float,
    typer.Option(
        "--memory-limit",
        metavar="GB",
        help="Of each process; lattices whose grid needs more stay without solid label.",
    ),
]
Processes = Annotated[int, typer.Option(min=1, help="Processes on this machine.")]
Scheduler = Annotated[
    str | None,
    typer.Option(metavar="tcp://HOST:PORT", help="Use the workers of a Dask scheduler."),
]


def label(  # noqa: PLR0913 (every option of a command is a parameter)
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="A dataset (HDF5).")],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="The dataset to write (HDF5).")
    ],
    voxels_per_diameter: VoxelsOption = 8,
    memory_limit: Memory = 1.0,
    shard: Annotated[
        str,
        typer.Option(
            metavar="K/N",
            help="Label every N-th base only, from the K-th; `data merge` puts shards together.",
        ),
    ] = "1/1",
    device: Annotated[
        str, typer.Option(metavar="NAME", help="Where the equations are solved: cpu, cuda, ...")
    ] = "cpu",
    workers: Processes = 2,
    scheduler: Scheduler = None,
    json: Json = False,
) -> None:
    """Label the lattices of a dataset by solid FEM, beside the labels that it has.

    Each label comes with estimates of its error and says whether struts touch. A lattice takes
    seconds; an interrupted run goes on where it stopped when it is started again with the same
    options.
    """
    check_output(out, [dataset])
    from data.labelling.batches import Workers
    from data.labelling.solid import SolidLabelling, label_dataset

    part = _shard(shard)
    settings = SolidLabelling(voxels_per_diameter, memory_limit=memory_limit, device=device)
    with progress("solid FEM") as on_progress:
        labelled = label_dataset(
            dataset,
            out,
            settings,
            Workers(workers, scheduler),
            shard=part,
            on_progress=on_progress,
        )
    report_labels(labelled, out, json=json)


def report_labels(dataset: "Dataset", out: Path, *, json: bool) -> None:
    """Print what the solid labels are like, and which lattices have none."""
    facts = {"file": str(out), **solid_facts(dataset)}
    if json:
        emit_json(facts, to_stdout=True, output=None)
    else:
        show(_table(facts))
    warn_refused(dataset)
    say_note(f"dataset written to {out}")


def warn_refused(dataset: "Dataset") -> None:
    """Say how many lattices have no solid label, and why the first has none."""
    refused = dataset.provenance[-1]["refused"]
    for name, why in list(refused.items())[:1]:
        say_warning(f"{len(refused)} lattices have no solid label; the first, {name}: {why}")


def solid_facts(dataset: "Dataset") -> dict[str, Any]:
    """Number and quality of the solid labels of a dataset, plain values."""
    import numpy as np

    from data.labelling.solid import SOLID

    found = dataset.labels[SOLID]
    percentiles = {}
    for name in ("error", "softest_error", "nodes"):
        median, p90 = np.percentile(found.detail(name)[found.mask], (50, 90))
        percentiles[name] = {"median": float(median), "p90": float(p90)}
    return {
        "lattices": len(dataset),
        "labelled": int(found.mask.sum()),
        "touching": int(np.nansum(found.detail("touching"))),
        "unresolved_gap": int(np.nansum(found.detail("unresolved_gap"))),
        **percentiles,
        "refused": dict(dataset.provenance[-1]["refused"]),
    }


def _table(facts: dict[str, Any]) -> "Table":
    from cli.terminal import tables

    rows = [
        ("lattices", str(facts["lattices"])),
        ("solid labels", str(facts["labelled"])),
        ("  of lattices with touching struts", str(facts["touching"])),
        ("  with a gap that the grid may not resolve", str(facts["unresolved_gap"])),
    ]
    for name, title in (("error", "of C"), ("softest_error", "of the softest eigenvalue")):
        values = " / ".join(f"{100 * x:.2g} %" for x in facts[name].values())
        rows.append((f"estimated error {title}, median / p90", values))
    values = " / ".join(f"{x:,.0f}" for x in facts["nodes"].values())
    rows.append(("active nodes, median / p90", values))
    return tables.pairs(rows)


def _shard(text: str) -> "Shard":
    from data.labelling.solid import Shard

    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal()):
        raise LatticeGnnError(f"--shard {text}: expected K/N, such as 1/4.")
    return Shard(int(number), int(count))
