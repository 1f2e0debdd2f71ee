"""Figures of the command ``render``: polar cuts and property charts, and what they compare."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cli.terminal.inputs import Source, read_one, read_sources, require_spanning
from cli.terminal.options import BATCH, METHODS, Solver
from cli.terminal.output import OnProgress, progress, say_note, say_warning
from cli.terminal.picture_request import Request
from cli.terminal.solvers import predict_part, references, stiffness_of
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.wording import counted

if TYPE_CHECKING:
    import numpy as np

    from lattice_gnn.surrogate.prediction import Prediction
    from lattice_gnn.tensors.stiffness import Stiffness
    from viz.charts import Series


def compared_stiffnesses(
    request: Request, source: Source, solver: Solver
) -> "list[tuple[str, Stiffness]]":
    """Return the stiffness of the lattice, and of those that it is compared with."""
    _refuse_repeated(request, solver)
    found = [(source, solver)]
    for other in request.compare:
        if other in METHODS:
            found.append((source, replace(solver, method=other)))  # type: ignore[arg-type]
        else:
            found.append((read_one(Path(other)), solver))
    several_files = len({id(x) for x, _ in found}) > 1
    several_methods = len({x.method for _, x in found}) > 1
    names = {id(x): x.lattice.name or x.file.stem for x, _ in found}
    alike = len(set(names.values())) < len(names)  # then the files tell them apart
    named = []
    for one, by in found:
        lattice = one.file.stem if alike else names[id(one)]
        words = [lattice] * (several_files or not several_methods) + [by.short_name]
        named.append((", ".join(words), stiffness_of(one, by)))
    return named


def _refuse_repeated(request: Request, solver: Solver) -> None:
    shown = (solver.method, *request.compare)
    if again := next((x for x in request.compare if shown.count(x) > 1), None):
        raise LatticeGnnError(f"--compare {again}: is in the picture already; name another.")


def write_cuts(request: Request, source: Source, solver: Solver) -> None:
    """Draw polar curves in the coordinate planes."""
    from viz.cuts import cuts_figure
    from viz.picture import theme_named
    from viz.style import save_figure

    assert request.output is not None
    figure = cuts_figure(
        compared_stiffnesses(request, source, solver),
        (request.quantity or "E",),
        theme_named(request.theme),
    )
    path = save_figure(figure, request.output, request.size)
    say_note(f"picture written to {path}.")


def write_chart(request: Request, solver: Solver) -> None:
    """Draw the property chart of the labels of a dataset, or of lattice files by some methods."""
    from viz.charts import property_chart
    from viz.picture import theme_named
    from viz.style import save_figure

    if any(request.exports):
        raise LatticeGnnError("--what chart: writes no --animate, --gltf, --stl or --3mf.")
    dataset = request.file.suffix.lower() in (".h5", ".hdf5")
    series, nu = _labels(request) if dataset else _computed(request, solver)
    _warn_of_singular(series)
    assert request.output is not None
    figure = property_chart(series, nu, theme_named(request.theme))
    path = save_figure(figure, request.output, request.size)
    say_note(f"picture written to {path}.")


def _labels(request: Request) -> "tuple[list[Series], float]":
    """Return the labels of a dataset, one series for each kind."""
    import numpy as np

    from data.datasets.file import read_dataset
    from viz.charts import Series

    if request.compare:
        raise LatticeGnnError("--compare: the chart of a dataset shows its labels; leave it out.")
    dataset = read_dataset(request.file)
    if not dataset.labels:
        raise LatticeGnnError(f"{request.file}: holds no labels; add them by `lattice-gnn label`.")
    density = dataset.to_batch(range(len(dataset))).relative_density.numpy()
    found = []
    for kind, label in dataset.labels.items():
        chosen = np.flatnonzero(label.mask)
        found.append(Series(f"{kind} FEM", density[chosen], dataset.stiffness(kind, chosen)))
    return found, float(np.median(dataset.poisson))


def _computed(request: Request, solver: Solver) -> "tuple[list[Series], float]":
    """Return the lattices of files and folders, one series for each method."""
    import numpy as np

    from viz.charts import Series

    _refuse_repeated(request, solver)
    sources = read_sources([request.file])
    density = np.array([x.lattice.relative_density for x in sources])
    names = tuple(x.lattice.name or x.file.stem for x in sources)
    found = []
    for method in (solver.method, *request.compare):
        if method not in METHODS:
            raise LatticeGnnError(
                f"--compare {method}: with --what chart, expected beam, solid or network."
            )
        by = replace(solver, method=method)  # type: ignore[arg-type]
        with progress(by.short_name) as on_progress:
            C = _all_stiffnesses(sources, by, on_progress)
        found.append(Series(by.short_name, density, C, names))
    return found, float(np.median([x.lattice.material.nu for x in sources]))


def _all_stiffnesses(
    sources: Sequence[Source], solver: Solver, on_progress: OnProgress
) -> "np.ndarray":
    """Return C / E_s of all lattices, Mandel."""
    if solver.method != "network":
        return references(sources, solver, on_progress).numpy()
    import torch

    from lattice_gnn.surrogate.surrogate import load_surrogate

    require_spanning(sources)
    surrogate = load_surrogate(solver.model)
    found: list[Prediction] = []
    for start in range(0, len(sources), BATCH):
        found += predict_part(surrogate, sources[start : start + BATCH])
        on_progress(len(found), len(sources))
    outside = [k for k, prediction in enumerate(found) if not prediction.in_domain]
    if outside:
        number = f"{len(outside)} of {counted(len(sources), 'lattice')}"
        first = outside[0]
        say_warning(
            f"{number} outside the model's training domain; the first, {sources[first].label}: "
            f"{'; '.join(found[first].domain_notes)}."
        )
    return torch.stack([prediction.stiffness.detach().mandel for prediction in found]).numpy()


def _warn_of_singular(series: "Sequence[Series]") -> None:
    """Say how many lattices have no point in the chart."""
    import numpy as np

    for one in series:
        missing = int(np.isnan(one.young_modulus()).sum())
        if missing:
            number = f"{missing} of {counted(len(one.stiffness), 'lattice')}"
            say_warning(f"{one.label}: {number} not drawn, because their stiffness is singular.")
