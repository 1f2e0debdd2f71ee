"""``lattice-gnn predict``: stiffness by the network, on request with beam FEM beside it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.terminal.beam import solve
from cli.terminal.inputs import Source, check_output, is_single, read_sources, require_spanning
from cli.terminal.options import Files, Json, Model, Output
from cli.terminal.output import (
    OnProgress,
    emit_json,
    progress,
    say_note,
    say_warnings,
    show,
)
from lattice_gnn.errors import LatticeGnnError

if TYPE_CHECKING:
    from cli.terminal.facts import Facts
    from lattice_gnn.surrogate.prediction import Prediction

BATCH = 64
"""Lattices that are worked on at once."""


def predict(
    files: Files,
    model: Model = "default",
    check: Annotated[
        bool, typer.Option("--check", help="Compute beam FEM too and show the difference.")
    ] = False,
    json: Json = False,
    output: Output = None,
    picture: Annotated[
        Path | None,
        typer.Option("--picture", metavar="PNG", help="Draw the lattice and its modulus surface."),
    ] = None,
) -> None:
    """Predict the stiffness by a trained network.

    One lattice is answered by a report, several by one row each. A lattice outside the range of
    the model's training set is answered too, with a warning that says why.
    """
    sources = read_sources(files)
    require_spanning(sources)
    _check_places(output, picture, files, sources)
    single = is_single(files, sources)
    thorough = single or json or output is not None
    rows, predictions = _predict_all(sources, model, check=check, thorough=thorough)
    told = zip(sources, rows, strict=True)
    say_warnings(text for source, row in told for text in _warnings(source, row))
    if picture is not None:
        _draw(predictions[0], picture)
    if json or output is not None:
        from cli.terminal.facts import documents

        emit_json(documents("prediction", "predictions", rows, single), json, output)
    if not json:
        _show(rows, single)
    if output is not None:
        say_note(f"JSON written to {output}")


def _check_places(
    output: Path | None, picture: Path | None, files: Sequence[Path], sources: Sequence[Source]
) -> None:
    check_output(output, files)
    if picture is None:
        return
    if len(sources) != 1:
        raise LatticeGnnError(
            f"--picture draws one lattice, got {len(sources)}; name one file with one lattice."
        )
    from viz.render import check_picture_path

    check_picture_path(picture)
    if output is not None and output.resolve() == picture.resolve():
        raise LatticeGnnError(f"{output}: JSON and picture cannot go to the same file.")


def _predict_all(
    sources: Sequence[Source], model: str, *, check: bool, thorough: bool
) -> tuple[list["Facts"], list["Prediction"]]:
    """Predict in batches; one dictionary of facts for each lattice."""
    from lattice_gnn.surrogate.surrogate import load_surrogate

    surrogate = load_surrogate(model)
    rows: list[Facts] = []
    predictions: list[Prediction] = []
    with progress("predicting") as on_progress:
        for start in range(0, len(sources), BATCH):
            part = sources[start : start + BATCH]
            answers = surrogate.predict([source.lattice for source in part], batch_size=BATCH)
            report = _shifted(on_progress, start, len(sources))
            rows += _assemble(part, answers, check=check, thorough=thorough, on_progress=report)
            predictions += answers
    return rows, predictions


def _shifted(on_progress: OnProgress, start: int, total: int) -> OnProgress:
    return lambda done, _: on_progress(start + done, total)


def _assemble(
    sources: Sequence[Source],
    predictions: Sequence["Prediction"],
    *,
    check: bool,
    thorough: bool,
    on_progress: OnProgress,
) -> list["Facts"]:
    """Gather the facts of one batch."""
    import torch

    from cli.terminal.facts import (
        check_facts,
        lattice_facts,
        moduli_facts,
        prediction_facts,
        warning_facts,
    )
    from lattice_gnn.tensors.stiffness import Stiffness

    stiffness = Stiffness(torch.stack([p.stiffness.mandel for p in predictions]))
    moduli = moduli_facts(stiffness)
    checks = None
    if check:
        E = [source.lattice.material.E for source in sources]
        checks = check_facts(stiffness, solve(sources).stiffness, E, thorough=thorough)
    rows: list[Facts] = []
    for b, (source, prediction) in enumerate(zip(sources, predictions, strict=True)):
        row: Facts = {"lattice": lattice_facts(source, thorough=thorough)}
        row |= prediction_facts(prediction)
        row["moduli"] = moduli[b]
        if checks is not None:
            row["check"] = checks[b]
        row["warnings"] = warning_facts(source) if thorough else []
        rows.append(row)
        on_progress(b + 1, len(sources))
    return rows


def _warnings(source: Source, row: "Facts") -> Iterator[str]:
    for warning in row["warnings"]:
        yield f"{source.label}: {warning['text']}"
    if not row["domain"]["inside"]:
        notes = "; ".join(row["domain"]["notes"])
        yield f"{source.label}: outside the model's training domain: {notes}."


def _draw(prediction: "Prediction", path: Path) -> None:
    from viz.render import render

    report = render(prediction.lattice, prediction.stiffness, path)
    say_note(f"picture written to {report.path}. {report.note}".rstrip())


def _show(rows: Sequence["Facts"], single: bool) -> None:
    from cli.terminal import tables

    if not single:
        show(tables.overview(rows))
        return
    facts = rows[0]
    lattice = facts["lattice"]
    head = tables.lattice_rows(lattice) + tables.model_rows(facts)
    parts = [tables.block(lattice["name"] or "unnamed lattice", tables.pairs(head))]
    parts += tables.stiffness_blocks(facts["stiffness"], lattice["material"], "network")
    parts += tables.moduli_blocks(facts["moduli"])
    if "check" in facts:
        parts += tables.check_blocks(facts)
    show(*parts)
