"""``lattice-gnn evaluate``: a model against the reference tensors of a dataset or a catalogue."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.terminal.inputs import make_folder
from cli.terminal.options import FemMethod, Json, Limit, Lowest, numbers
from cli.terminal.output import emit, progress, say_note, show
from lattice_gnn.errors import LatticeGnnError

if TYPE_CHECKING:
    from data.experiments.reference_set import ReferenceSet, Selection
    from lattice_gnn.reports.evaluation import SelectionFacts
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
        help="Shares of train, validation and test; default: those of the model's recipe.",
    ),
]
PicturesOption = Annotated[
    Path | None,
    typer.Option(
        "--pictures",
        metavar="FOLDER",
        help="Folder for figures: parity, errors, the worst lattices.",
    ),
]


def evaluate(  # noqa: PLR0913 (every option of a command is a parameter)
    model: ModelArgument,
    data: DataArgument,
    method: Annotated[
        FemMethod,
        typer.Option("--method", help="Reference labels of a dataset: beam FEM or solid FEM."),
    ] = "beam",
    part: PartOption = None,
    shares: SharesOption = None,
    lowest: Lowest = None,
    limit: Limit = None,
    seed: Annotated[
        int,
        typer.Option(
            "--seed", metavar="S", help="Random seed for --limit and the random rotations."
        ),
    ] = 0,
    pictures: PicturesOption = None,
    json: Json = False,
) -> None:
    """Measure a model against reference tensors.

    Prints every error metric, broken down by density, symmetry class and size of the cell, and the
    ten worst lattices.
    """
    from data.experiments.reference_set import Selection, read_reference_set
    from lattice_gnn.reports.evaluation import EvaluationReport, evaluation_facts
    from lattice_gnn.training.evaluation import judge, load_judged

    if pictures is not None:
        make_folder(pictures)
    network, facts = load_judged(model)
    split = _split(part, shares, facts, model, data)
    selection = Selection(method, part, *split, lowest=lowest, limit=limit, seed=_seed(seed))
    references = read_reference_set(data, selection)
    with progress("evaluating") as on_progress:
        judgement = judge(
            network,
            references.labelled,
            names=references.names,
            seed=seed,
            on_progress=on_progress,
        )
    report = EvaluationReport(
        model=model,
        data=str(data),
        selection=_selected(selection, data),
        **vars(evaluation_facts(judgement, references.rows)),
    )
    if pictures is not None:
        _draw(pictures, judgement, references, f"{Path(model).stem} on {data.name}")
        _draw_calibration(pictures, judgement, references, model, method)
    emit(report, json=json)
    if not json:
        from cli.terminal.evaluation_tables import blocks

        show(*blocks(report))


def _seed(seed: int) -> int:
    if seed < 0:
        raise LatticeGnnError(f"--seed: expected a whole number from 0, got {seed}.")
    return seed


def _split(
    part: str | None, shares: str | None, facts: dict[str, Any], model: str, data: Path
) -> tuple[dict[str, float] | None, int]:
    """Return shares and seed of the split, from the option or from the recipe of the model."""
    from data.experiments.reference_set import split_of

    if part is None:
        if shares is not None:
            raise LatticeGnnError("--shares: applies to the split of --part; give --part too.")
        if data.suffix != ".lat" and split_of(facts) is not None:
            say_note(
                f"evaluating on all lattices of {data}: if {model} was trained on this file, it "
                "has seen most of them; --part test takes the others"
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
    found = numbers("--shares", text)
    if len(found) != 3:
        raise LatticeGnnError(
            f"--shares: expected three numbers such as 0.8,0.1,0.1, got {text!r}."
        )
    return dict(zip(("train", "validation", "test"), found, strict=True))


def _selected(selection: "Selection", data: Path) -> "SelectionFacts":
    """Return the selection for the report, without the options that a catalogue does not use."""
    from lattice_gnn.reports.evaluation import SelectionFacts

    of_dataset = data.suffix != ".lat"
    split = of_dataset and selection.part is not None
    shares = selection.shares or {}
    return SelectionFacts(
        label=selection.label if of_dataset else None,
        part=selection.part if split else None,
        shares=dict(shares) if split else None,
        split_seed=selection.split_seed if split else None,
        lowest=selection.lowest,
        limit=selection.limit,
        seed=selection.seed,
    )


def _draw(folder: Path, judgement: "Judgement", references: "ReferenceSet", title: str) -> None:
    from viz.evaluation import draw_evaluation

    lattices = references.lattices(judgement.worst())
    for path in draw_evaluation(folder, judgement, lattices, title):
        say_note(f"wrote {path}")


def _draw_calibration(
    folder: Path,
    judgement: "Judgement",
    references: "ReferenceSet",
    model: str,
    method: FemMethod,
) -> None:
    """Draw how far the stated errors hold, if the model states errors from this method."""
    if model == "affine":
        return
    import numpy as np

    from lattice_gnn.surrogate.surrogate import load_surrogate
    from lattice_gnn.tensors.metrics import relative_frobenius
    from viz.calibration import calibration_figure
    from viz.style import save_figure

    surrogate = load_surrogate(model)
    if surrogate.reference in {"beam FEM", "solid FEM"} - {f"{method} FEM"}:
        say_note(
            f"no calibration.png: the model states its error from {surrogate.reference}, and these "
            f"references are of {method} FEM"
        )
        return
    lattices = references.lattices(range(len(judgement.names)))
    with progress("calibration") as on_progress:
        predictions = surrogate.predict(lattices, on_progress=on_progress)
    stated = [prediction.expected_error for prediction in predictions]
    known = np.array([x is not None for x in stated])
    if not known.any():
        say_note("no calibration.png: the model states no errors for these lattices")
        return
    bounds = np.array([(x.median, x.p90) for x in stated if x is not None])
    error = relative_frobenius(judgement.predicted, judgement.reference).numpy()[known]
    title = f"stated errors of {Path(model).stem}, {known.sum()} of {len(known)} lattices"
    path = save_figure(calibration_figure(error, bounds, title), folder / "calibration.png")
    say_note(f"wrote {path}")
