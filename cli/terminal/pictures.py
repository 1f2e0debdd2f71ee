"""Pictures of the command ``render``: the order of the steps."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cli.terminal.figures import compared_stiffnesses, write_chart, write_cuts
from cli.terminal.inputs import Source, check_outputs
from cli.terminal.options import METHODS, Solver, chosen_solver
from cli.terminal.output import progress, say_note, say_warning
from cli.terminal.picture_request import FIGURES, OF_STRAIN, Request, completed
from cli.terminal.solvers import (
    predict_stiffness,
    solve_beams,
    solve_solid,
    stages_of,
    stiffness_of,
)

if TYPE_CHECKING:
    from fem_reference.beam.solution import BeamFields
    from fem_reference.beam.strut_fields import StrutFields
    from viz.cases import Case
    from viz.deformation_view import Drawing
    from viz.picture import Picture
    from viz.render import RenderReport

_PER_VIEW = {1: 900, 2: 800, 3: 600}  #: pixels per view, by the number of columns


def draw(context: typer.Context, request: Request, read: Callable[[], Source]) -> None:
    """Check the options, compute what the picture shows, and write all files.

    Raises:
        LatticeGnnError: For options that do not apply, or files that cannot be written.
    """
    request = completed(context, request)
    solver = _solver(context, request)
    _check_places(request)
    if request.what == "chart":
        write_chart(request, solver)
        return
    source = read()
    _write_triangles(request, source)
    if request.animate is not None:
        _write_animation(request, source)
    if not request.wants_picture and request.gltf is None:
        return
    if request.what == "cuts":
        write_cuts(request, source, solver)
        return
    from viz.picture import theme_named

    picture = replace(_picture(request, source, solver), theme=theme_named(request.theme))
    if request.gltf is not None:
        from viz.gltf import write_gltf

        say_note(f"glTF written to {write_gltf(picture, request.gltf)}.")
    if request.wants_picture:
        from viz.render import draw_picture

        size = request.size or _size(picture)
        report = draw_picture(picture, request.output, size)
        where = "shown in a window" if report.path is None else f"picture written to {report.path}"
        _say(where, report)


def _say(what: str, report: "RenderReport") -> None:
    say_note(f"{what}. {report.note}".rstrip())


def _solver(context: typer.Context, request: Request) -> Solver:
    """Return the method that the picture is computed by."""
    if request.what == "solid":
        return Solver("solid", voxels_per_diameter=context.params["voxels_per_diameter"])
    apart = ["model"] if request.colour == "joints" or "network" in request.compare else []
    apart += ["voxels_per_diameter"] if "solid" in request.compare else []
    apart += ["element"] if "beam" in request.compare else []
    solver = chosen_solver(context, apart_from=apart)
    given = ("model", "voxels_per_diameter", "element")
    return replace(solver, **{name: context.params[name] for name in given})


def _check_places(request: Request) -> None:
    """Refuse files, sizes and numbers of cells before anything is computed."""
    from viz.render import check_picture_path, check_place, check_size, check_tiles

    compared = [Path(other) for other in request.compare if other not in METHODS]
    check_outputs((request.output, *request.exports), [request.file, *compared])
    check_tiles(request.tiles)
    if request.size is not None:
        check_size(request.size)
    if request.animate is not None:
        from viz.animation import check_animation_path

        check_animation_path(request.animate)
    if request.gltf is not None:
        from viz.gltf import check_gltf_path

        check_gltf_path(request.gltf)
    for path, suffix in ((request.stl, ".stl"), (request.threemf, ".3mf")):
        if path is not None:
            from data.exports.print_mesh import check_print_path

            check_print_path(path, suffix)
    if request.what in FIGURES and request.output is not None:
        from viz.style import check_figure_path

        check_figure_path(request.output)
    elif request.output is not None:
        check_picture_path(request.output)
    elif request.wants_picture:
        check_place(None, request.size or (1, 1))


def _write_triangles(request: Request, source: Source) -> None:
    """Write the union of the struts as STL and 3MF."""
    for path in (request.stl, request.threemf):
        if path is None:
            continue
        from data.exports.print_mesh import write_print_mesh
        from data.formats.threemf_elements import unit_notes

        volume, count = write_print_mesh(path, source.lattice, request.tiles)
        unit = f" {source.lattice.units}³" if source.lattice.units else ""
        say_note(f"{count} triangles written to {path}: closed, volume {volume:.4g}{unit}.")
        if path == request.threemf:
            for sentence in unit_notes(source.lattice.units):
                say_note(f"{path}: {sentence}")


def _case(request: Request, source: Source, default: str) -> "Case":
    """Return the macroscopic strain."""
    from viz.cases import case_named

    C = solve_beams([source]).stiffness[0].numpy()
    return case_named(request.strain or default, C)


def _write_animation(request: Request, source: Source) -> None:
    from viz.animation import load_cycle, write_animation

    case = _case(request, source, "softest")
    frames = load_cycle(source.lattice, case, _drawing(request), _beam_fields(source))
    assert request.animate is not None
    with progress("drawing") as on_progress:
        report = write_animation(
            frames,
            request.animate,
            request.size or (600, 600),
            lambda done, total: on_progress(done, total, None),
        )
    _say(f"{len(frames)} frames written to {request.animate}", report)


def _size(picture: "Picture") -> tuple[int, int]:
    """Return the default size: equal views, up to about 2000 pixels wide."""
    side = _PER_VIEW.get(picture.columns, 500)
    return side * picture.columns, side * picture.rows


def _picture(request: Request, source: Source, solver: Solver) -> "Picture":
    """Compute and compose the picture."""
    if request.what == "overview":
        from viz.render import overview

        C = stiffness_of(source, solver)
        return overview(source.lattice, C, request.tiles, by=solver.name)
    if request.what == "stiffness":
        return _stiffness(request, source, solver)
    if request.what == "solid":
        return _solid(request, source, solver)
    if request.what == "lattice":
        return _lattice(request, source, solver)
    return _deformation(request, source)


def _stiffness(request: Request, source: Source, solver: Solver) -> "Picture":
    from viz.directional import QUANTITIES
    from viz.picture import Picture, title_of
    from viz.stiffness_view import stiffness_view, surfaces_on_one_scale

    several = compared_stiffnesses(request, source, solver)
    if len(several) > 1:
        return surfaces_on_one_scale(several, request.quantity or "E")
    ((_, C),) = several
    names = [request.quantity] if request.quantity else list(QUANTITIES)
    views = tuple(stiffness_view(C, name, by=solver.name) for name in names)
    return Picture(title_of(source.lattice.name), views, min(len(views), 3))


def _lattice(request: Request, source: Source, solver: Solver) -> "Picture":
    from viz import colouring
    from viz.lattice_view import lattice_view
    from viz.picture import Picture, title_of

    lattice, colour = source.lattice, request.colour or "none"
    chosen = None
    if colour == "radius":
        chosen = colouring.by_radius(lattice)
    elif colour == "joints":
        from lattice_gnn.surrogate.surrogate import load_surrogate

        predict_stiffness(source, solver.model)
        lattice = lattice.simplified()
        chosen = colouring.by_joint_correction(lattice, load_surrogate(solver.model))
    elif colour in OF_STRAIN:
        case = _case(request, source, "33")
        chosen = colouring.of_strain(colour, lattice, _fields(source, case))
        chosen = replace(chosen, line=f"{chosen.line}, {case.title}, beam FEM")
    return Picture(title_of(lattice.name), (lattice_view(lattice, request.tiles, chosen),), 1)


def _fields(source: Source, case: "Case") -> "StrutFields":
    from fem_reference.beam.strut_fields import strut_fields

    return strut_fields(source.lattice, _beam_fields(source), case.strain)


def _beam_fields(source: Source) -> "BeamFields":
    """Solve the lattice by beam FEM; a singular stiffness gives a warning."""
    solution = solve_beams([source], fields=True)
    if int(solution.rank[0]) < 6:
        say_warning(f"{source.label}: the stiffness is singular, rank {solution.rank[0]} of 6.")
    assert solution.fields is not None
    return solution.fields


def _deformation(request: Request, source: Source) -> "Picture":
    from viz.cases import mode_cases, unit_cases
    from viz.deformation_view import deformation_picture

    if request.what == "modes":
        cases = mode_cases(solve_beams([source]).stiffness[0].numpy())
    elif request.strain is None:
        cases = unit_cases()
    else:
        cases = (_case(request, source, "33"),)
    return deformation_picture(source.lattice, cases, _drawing(request), _beam_fields(source))


def _drawing(request: Request) -> "Drawing":
    from viz.deformation_view import Drawing
    from viz.picture import theme_named

    return Drawing(
        request.colour or "energy", request.factor, request.tiles, theme_named(request.theme)
    )


def _solid(request: Request, source: Source, solver: Solver) -> "Picture":
    from viz.solid_view import solid_picture

    case = _case(request, source, "33")
    with progress("solid FEM") as on_progress:
        solution = solve_solid(
            source.lattice,
            source.label,
            solver.voxels_per_diameter,
            stages_of(on_progress, 0, 1, source.label),
        )
    return solid_picture(source.lattice, solution.fine.fields, case, request.factor)
