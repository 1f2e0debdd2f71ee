"""``lattice-gnn design``: change a lattice until it does what is asked, and verify it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.terminal.inputs import Source, check_outputs, read_one
from cli.terminal.interruption import INTERRUPTED
from cli.terminal.options import Json, Seed, is_given
from cli.terminal.output import emit, progress, say_error, say_note, say_warnings, show
from lattice_gnn.errors import LatticeGnnError

if TYPE_CHECKING:
    from lattice_gnn.design.result import DesignResult, Step
    from lattice_gnn.design.spec import DesignSpec
    from lattice_gnn.design.task import Task
    from lattice_gnn.reports.design import DesignReport

Start = Annotated[
    Path,
    typer.Argument(metavar="START", help="File with the first lattice.", show_default=False),
]
Output = Annotated[
    Path,
    typer.Option("--output", "-o", metavar="FILE", help="The design, in any format of a lattice."),
]
Maximise = Annotated[
    str | None,
    typer.Option(metavar="EXPR", help="Quantity to maximise, such as 'E[111]' (docs/design.md)."),
]
Minimise = Annotated[str | None, typer.Option(metavar="EXPR", help="Quantity to minimise.")]
Target = Annotated[
    str | None,
    typer.Option(
        metavar="FILE[:NAME]",
        help="Stiffness to approach: a file with a 6x6 matrix 'voigt', or the JSON of predict or "
        "homogenise.",
    ),
]
SolidModulus = Annotated[
    float,
    typer.Option(metavar="E", help="Young's modulus of the solid in the unit of --target."),
]
SubjectTo = Annotated[
    list[str] | None,
    typer.Option(
        metavar="EXPR", help="Constraint, such as 'relative_density <= 0.1'; may be repeated."
    ),
]
Vary = Annotated[
    str,
    typer.Option(
        metavar="LIST", help="What may change: nodes, radii, radius, cell, cell_shape, cell_volume."
    ),
]
KeepSymmetry = Annotated[
    bool,
    typer.Option(
        "--keep-symmetry/--break-symmetry", help="Whether the space group of START is kept."
    ),
]
Fidelity = Annotated[
    Literal["beam", "solid"],
    typer.Option(help="Beam FEM; or the joint network, whose design is verified by solid FEM."),
]
Starts = Annotated[
    int, typer.Option(metavar="N", min=1, help="Number of starts: START, and others around it.")
]
Refine = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=0,
        help="Search again, at most N times, until the reference confirms the design.",
    ),
]
MaxSteps = Annotated[int, typer.Option(metavar="N", min=1, help="Most steps of each start.")]
Spec = Annotated[
    Path | None,
    typer.Option(metavar="YAML", help="The task in a file (docs/design.md); options add to it."),
]
Report = Annotated[
    Path | None,
    typer.Option(metavar="JSON", help="The report; default: beside the output, _report.json."),
]
PicturePath = Annotated[
    Path | None,
    typer.Option(
        "--picture", metavar="PNG", help="Draw start, design, reference and history into this file."
    ),
]
Animation = Annotated[
    Path | None,
    typer.Option(
        "--animation",
        metavar="GIF|MP4",
        help="Animate the surface of Young's modulus by direction.",
    ),
]


def design(  # noqa: PLR0913 (every option of a command is a parameter)
    context: typer.Context,
    start: Start,
    output: Output,
    maximise: Maximise = None,
    minimise: Minimise = None,
    target: Target = None,
    solid_modulus: SolidModulus = 1.0,
    subject_to: SubjectTo = None,
    vary: Vary = "nodes,radii",
    keep_symmetry: KeepSymmetry = True,
    fidelity: Fidelity = "beam",
    starts: Starts = 1,
    refine: Refine = 0,
    seed: Seed = 0,
    max_steps: MaxSteps = 200,
    spec: Spec = None,
    report: Report = None,
    picture: PicturePath = None,
    animation: Animation = None,
    json: Json = False,
) -> None:
    """Change a lattice until a quantity is as large or small as the constraints allow.

    The design is rounded, written, evaluated again and verified by the reference of the fidelity:
    beam FEM or solid FEM. The status says how the search ended, the verdict what the reference
    says; neither is more than was checked.

    An interrupted search writes the best design so far and resumes when it is started again with
    the same options.
    """
    from lattice_gnn.design.interruption import completed

    source = read_one(start)
    report = report or output.with_name(f"{output.stem}_report.json")
    checkpoint = output.with_name(f"{output.stem}_checkpoint.npz")
    from data.formats import output_format

    output_format(output)
    asked = _spec(context, spec, checkpoint)
    check_outputs((output, report, picture, animation, checkpoint), _inputs(start, spec, asked))
    if picture is not None:
        from viz.render import check_picture_path

        check_picture_path(picture)
    if animation is not None:
        from viz.animation import check_animation_path

        check_animation_path(animation)
    try:
        result = _search(_task(asked, source))
    except KeyboardInterrupt:
        raise _nothing_found(checkpoint) from None
    document = _document(result, source, output)
    _, late = completed(lambda: _write(result, document, output, report))
    if picture is not None:
        _draw(result, picture)
    if animation is not None:
        _animate(result, animation)
    emit(document, json=json)
    if not json:
        from cli.terminal.design_tables import design_blocks

        show(*design_blocks(document))
    say_warnings(document.notes)
    if result.interrupted or late:
        say_note(f"interrupted: the same command resumes from {checkpoint}")
        raise typer.Exit(INTERRUPTED)
    checkpoint.unlink(missing_ok=True)


def _spec(context: typer.Context, spec: Path | None, checkpoint: Path) -> "DesignSpec":
    """Return what the options and the file of ``--spec`` ask for."""
    from dataclasses import replace

    from lattice_gnn.design.spec import read_spec

    options: dict[str, Any] = {}
    for name in ("maximise", "minimise", "keep_symmetry", "fidelity", "starts", "refine", "seed"):
        if is_given(context, name):
            options[name] = context.params[name]
    if context.params["subject_to"]:
        options["subject_to"] = context.params["subject_to"]
    if context.params["target"] is not None:
        options["target"] = {
            "file": context.params["target"],
            "E_s": context.params["solid_modulus"],
        }
    elif is_given(context, "solid_modulus"):
        raise LatticeGnnError("--solid-modulus: is the unit of --target; give that too.")
    if is_given(context, "vary"):
        words = [word.strip() for word in context.params["vary"].split(",")]
        options["vary"] = [word for word in words if word]
    read = read_spec(spec, options)
    settings = replace(read.settings, checkpoint=checkpoint)
    if is_given(context, "max_steps"):
        settings = replace(settings, max_steps=context.params["max_steps"])
    return replace(read, settings=settings)


def _inputs(start: Path, spec: Path | None, asked: "DesignSpec") -> list[Path]:
    """Return the files that are read, which no output may replace."""
    from lattice_gnn.design.target_file import file_and_name

    files = [start] if spec is None else [start, spec]
    if asked.target is not None and asked.target.file is not None:
        files.append(file_and_name(asked.target.file)[0])
    return files


def _task(asked: "DesignSpec", source: Source) -> "Task":
    try:
        return asked.task(source.lattice)
    except LatticeGnnError as error:
        raise LatticeGnnError(f"{source.label}: {error}") from None


def _nothing_found(checkpoint: Path) -> typer.Exit:
    """Say that an interruption leaves no design to write."""
    resumes = f"; the same command resumes from {checkpoint}" if checkpoint.exists() else ""
    say_error(f"interrupted: no design had been found yet, and none is written{resumes}.")
    return typer.Exit(INTERRUPTED)


def _search(task: "Task") -> "DesignResult":
    """Carry out the task, with objective and worst constraint as progress."""
    from lattice_gnn.design.run import run

    with progress("design") as on_progress:

        def tell(step: "Step") -> None:
            worst = f"violated by {step.violation:.2g}" if step.violation > 0 else "satisfied"
            now = f"{step.phase}: {task.objective.name} = {step.objective:.5g}, constraints {worst}"
            on_progress(min(step.step, task.settings.max_steps), task.settings.max_steps, now)

        return run(task, tell)


def _document(result: "DesignResult", source: Source, output: Path) -> "DesignReport":
    from lattice_gnn.design.document import design_report
    from lattice_gnn.reports.lattice import Origin

    return design_report(result, (source.origin, Origin(str(output))))


def _write(result: "DesignResult", document: "DesignReport", output: Path, report: Path) -> None:
    from data.formats import write_any, writing_notes

    kind = write_any(output, [result.lattice])
    say_note(f"design written to {output}")
    for sentence in writing_notes(kind, [result.lattice]):
        say_note(f"{output}: {sentence}")
    emit(document, json=False, output=report)


def _draw(result: "DesignResult", path: Path) -> None:
    from viz.design import draw_design

    note = draw_design(path, result)
    say_note(f"picture written to {path}. {note}".rstrip())


def _animate(result: "DesignResult", path: Path) -> None:
    from viz.animation import write_animation
    from viz.design import design_frames

    with progress("animation") as on_progress:
        report = write_animation(design_frames(result), path, (640, 640), on_progress)
    say_note(f"animation written to {path}. {report.note}".rstrip())
