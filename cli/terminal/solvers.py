"""Stiffness of the user's lattices by the chosen method; errors name the file."""

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cli.terminal.inputs import Source, require_spanning
from cli.terminal.options import BATCH, Element, Solver
from cli.terminal.output import OnProgress, progress, say_warning
from cli.terminal.threads import use_threads
from lattice_gnn.errors import LatticeGnnError

if TYPE_CHECKING:
    from fem_reference.beam.solution import BeamSolution
    from fem_reference.solid.homogenise import Progress as OnStage
    from fem_reference.solid.homogenise import SolidSolution
    from lattice_gnn.lattice.lattice import Lattice
    from lattice_gnn.reports.rows import Results
    from lattice_gnn.surrogate.prediction import Prediction
    from lattice_gnn.surrogate.surrogate import Surrogate
    from lattice_gnn.tensors.stiffness import Stiffness


def solve_beams(
    sources: Sequence[Source], element: Element = "euler-bernoulli", *, fields: bool = False
) -> "BeamSolution":
    """Homogenise a batch as beams; the caller checks ``rank`` and warns the user.

    Raises:
        LatticeGnnError: Naming the file of a lattice whose equations cannot be solved.
    """
    from fem_reference.beam import homogenise as beam
    from fem_reference.sparse import IllConditionedError

    lattices = [source.lattice for source in sources]
    use_threads(sum(lattice.num_nodes for lattice in lattices))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", beam.RankWarning)
        try:
            return beam.homogenise_beam(lattices, element=element, fields=fields)
        except IllConditionedError as error:
            raise LatticeGnnError(
                f"{sources[error.lattice].label}: the beam equations are too ill-conditioned to be "
                "solved; expected struts of less unequal slenderness."
            ) from None


def solve_solid(
    lattice: "Lattice",
    name: str,
    voxels_per_diameter: int,
    on_progress: "OnStage | None" = None,
) -> "SolidSolution":
    """Homogenise one lattice as a solid.

    Raises:
        LatticeGnnError: If the solid reference refuses the lattice, with its name.
    """
    from fem_reference.solid.homogenise import homogenise_solid

    try:
        return homogenise_solid(
            lattice, voxels_per_diameter=voxels_per_diameter, on_progress=on_progress
        )
    except LatticeGnnError as error:
        raise LatticeGnnError(f"{name}: {error}") from None


def stages_of(on_progress: OnProgress, number: int, total: int, name: str) -> "OnStage":
    """Report the stages of lattice ``number`` (from 0) of ``total`` to a progress bar."""
    return lambda stage, share: on_progress(number + share, total, f"{name}: {stage}")


def predict_stiffness(source: Source, model: str) -> "Prediction":
    """Predict one lattice by a network, with a warning if it is outside the training domain.

    Raises:
        LatticeGnnError: If the model does not exist, or the net does not span space.
    """
    from lattice_gnn.surrogate.surrogate import load_surrogate

    require_spanning([source])
    (prediction,) = predict_part(load_surrogate(model), [source])
    if not prediction.in_domain:
        notes = "; ".join(prediction.domain_notes)
        say_warning(f"{source.label}: outside the model's training domain: {notes}.")
    return prediction


def predict_part(surrogate: "Surrogate", sources: Sequence[Source]) -> "Results[Prediction]":
    """Predict a batch of lattices.

    Raises:
        LatticeGnnError: If a prediction is impossible; names the file.
    """
    from lattice_gnn.surrogate.surrogate import ImpossiblePredictionError

    try:
        return surrogate.predict([source.lattice for source in sources], batch_size=BATCH)
    except ImpossiblePredictionError as error:
        raise LatticeGnnError(f"{sources[error.lattice].label}: {error.reason}") from None


def references(
    sources: Sequence[Source], solver: Solver, on_progress: OnProgress | None = None
) -> "Stiffness":
    """Compute C / E_s of several lattices by finite elements.

    Raises:
        LatticeGnnError: Naming the file of a lattice that the method cannot solve or refuses.
    """
    if solver.method == "beam":
        return solve_beams(sources, solver.element).stiffness
    import torch

    from lattice_gnn.tensors.stiffness import Stiffness

    found = []
    for number, source in enumerate(sources):
        on_stage = None
        if on_progress is not None:
            on_stage = stages_of(on_progress, number, len(sources), source.label)
        voxels = solver.voxels_per_diameter
        found.append(solve_solid(source.lattice, source.label, voxels, on_stage).stiffness.mandel)
    return Stiffness(torch.stack(found))


def _warn_of_stout_struts(source: Source) -> None:
    from lattice_gnn.lattice.findings import warnings as findings

    for found in findings(source.lattice):
        hint = (
            " --method network and --method solid count the material of the joints."
            if found.kind == "slenderness"
            else ""
        )
        say_warning(f"{source.label}: {found.text}{hint}")


def stiffness_of(source: Source, solver: Solver) -> "Stiffness":
    """Compute C / E_s of one lattice; a singular one is returned with a warning.

    Raises:
        LatticeGnnError: If the method cannot solve or refuses the lattice, naming the file.
    """
    if solver.method == "network":
        return predict_stiffness(source, solver.model).stiffness
    if solver.method == "solid":
        with progress("solid FEM") as on_progress:
            return references([source], solver, on_progress)[0]
    solution = solve_beams([source], solver.element)
    rank = int(solution.rank[0])
    if rank < 6:
        say_warning(f"{source.label}: the stiffness is singular, rank {rank} of 6.")
    _warn_of_stout_struts(source)
    return solution.stiffness[0]
