"""``lattice-gnn evaluate``: a model against the reference tensors of a dataset or a catalogue."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.terminal.facts import header
from cli.terminal.inputs import make_folder
from cli.terminal.options import Json
from cli.terminal.output import emit_json, progress, say_note, show
from lattice_gnn.errors import LatticeGnnError

if TYPE_CHECKING:
    from data.experiments.reference_set import ReferenceSet, Selection
    from lattice_gnn.training.evaluation import Judgement

Part = Literal["train", "validation", "test"]


ModelArgument = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A shipped model, a .safetensors file, or `affine` (the affine upper bound).",
    ),
]
DataArgument = Annotated[
    Path,
    typer.Argument(
        metavar="DATA", help="A dataset (.h5) or a .lat catalogue with reference tensors."
    ),
]
PartOption = Annotated[
    Part | None,
    typer.Option("--part", help="Only this part of a dataset, split as for training."),
]
SharesOption = Annotated[
    str | None,
    typer.Option(
        "--shares",
        metavar="T,V,T",
        help="Shares of train, validation and test; those of the model's recipe by default.",
    ),
]
LowestOption = Annotated[
    int | None,
    typer.Option(
        "--lowest", metavar="N", help="Only the N lowest densities of each catalogue entry."
    ),
]
PlotsOption = Annotated[
    Path | None,
    typer.Option("--plots", metavar="FOLDER", help="Draw parity, errors and the worst there."),
]


def evaluate(  # noqa: PLR0913 (every option of a command is a parameter)
    model: ModelArgument,
    data: DataArgument,
    label: Annotated[
        str, typer.Option("--label", metavar="KIND", help="Kind of label of a dataset.")
    ] = "beam",
    part: PartOption = None,
    shares: SharesOption = None,
    lowest: LowestOption = None,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", help="At most N lattices, at random.")
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", metavar="S", help="Of that choice and of random rotations.")
    ] = 0,
    plots: PlotsOption = None,
    json: Json = False,
) -> None:
    """Measure a model against reference tensors.

    Prints every error metric, broken down by density, symmetry class and size of the cell, and the
    ten worst lattices.
    """
    from data.experiments.reference_set import Selection, read_reference_set
    from lattice_gnn.training.evaluation import judge, load_judged

    if plots is not None:
        make_folder(plots)
    network, facts = load_judged(model)
    split = _split(part, shares, facts, model, data)
    selection = Selection(label, part, *split, lowest=lowest, limit=limit, seed=_seed(seed))
    references = read_reference_set(data, selection)
    with progress("evaluating") as on_progress:
        judgement = judge(
            network,
            references.labelled,
            names=references.names,
            seed=seed,
            on_progress=on_progress,
        )
    document = {
        **header("evaluation"),
        "model": model,
        "data": str(data),
        "selection": _selected(selection, data),
        **judgement.report(),
    }
    for row in document["worst"]:
        row["row"] = references.rows[row["index"]]
    if plots is not None:
        _draw(plots, judgement, references, f"{Path(model).stem} on {data.name}")
    if json:
        emit_json(document, to_stdout=True, output=None)
    else:
        from cli.terminal.evaluation_tables import blocks

        show(*blocks(document))


def _seed(seed: int) -> int:
    if seed < 0:
        raise LatticeGnnError(f"--seed: expected a whole number from 0, got {seed}.")
    return seed


def _split(
    part: str | None, shares: str | None, facts: dict[str, Any], model: str, data: Path
) -> tuple[dict[str, float] | None, int]:
    """Shares and seed of the split, from the option or from the recipe of the model."""
    from data.experiments.reference_set import split_of

    if part is None:
        if shares is not None:
            raise LatticeGnnError("--shares says how --part splits a dataset; give --part too.")
        if data.suffix != ".lat" and split_of(facts) is not None:
            say_note(
                f"all lattices of {data}: if {model} was trained on this file, it has seen most of "
                "them; --part test takes the others"
            )
        return None, 0
    recipe = split_of(facts)
    if shares is not None:
        return _read_shares(shares), recipe[1] if recipe else 0
    if recipe is None:
        raise LatticeGnnError(
            f"--part: {model} was not trained by a recipe that splits a dataset; give the shares "
            "of train, validation and test, such as --shares 0.8,0.1,0.1."
        )
    return recipe


def _read_shares(text: str) -> dict[str, float]:
    try:
        train, validation, test = (float(word) for word in text.split(","))
    except ValueError:
        raise LatticeGnnError(
            f"--shares: expected three numbers such as 0.8,0.1,0.1, got {text!r}."
        ) from None
    return {"train": train, "validation": validation, "test": test}


def _selected(selection: "Selection", data: Path) -> dict[str, Any]:
    """What was picked of the data, as plain values."""
    from dataclasses import asdict

    values = asdict(selection)
    if data.suffix == ".lat":
        for name in ("label", "part", "shares", "split_seed"):
            values.pop(name)
    elif selection.part is None:
        values.pop("shares")
        values.pop("split_seed")
    return values


def _draw(folder: Path, judgement: "Judgement", references: "ReferenceSet", title: str) -> None:
    from viz.evaluation import draw_evaluation

    lattices = references.lattices(judgement.worst())
    for path in draw_evaluation(folder, judgement, lattices, title):
        say_note(f"wrote {path}")
