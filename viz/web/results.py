"""Results of a page: every lattice by every requested method, with its provenance."""

import platform
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TypeVar

from fem_reference.beam.elements import BeamTheory
from fem_reference.beam.homogenise import RankWarning
from fem_reference.solid.homogenise import Progress as OnStage
from fem_reference.solid.homogenise import homogenise_solid
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.json_file import lattice_to_dict
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.reports.homogenisation import HomogenisationReport
from lattice_gnn.reports.lattice import MEMORY, Origin, lattice_report
from lattice_gnn.reports.page import PageLattice, PageReport, Provenance
from lattice_gnn.reports.prediction import PredictionReport
from lattice_gnn.reports.solid import solid_report
from lattice_gnn.verbs.homogenise import Homogenisation, homogenise
from lattice_gnn.verbs.predict import predict

OnProgress = Callable[[float, float, str], None]

PACKAGES = ("torch", "numpy", "scipy")
"""Packages whose versions a page states."""

_Document = TypeVar("_Document", PredictionReport, HomogenisationReport)


@dataclass(frozen=True, slots=True)
class Methods:
    """Methods by which the lattices of a page are computed.

    Attributes:
        network: Whether by the network.
        beam: Whether by beam FEM.
        solid: Whether by solid FEM.
        model: Name or path of the network.
        element: Beam theory.
        voxels_per_diameter: Resolution of the solid.
    """

    network: bool = True
    beam: bool = True
    solid: bool = False
    model: str = "default"
    element: BeamTheory = "euler-bernoulli"
    voxels_per_diameter: int = 8


def page_report(
    lattices: Sequence[Lattice],
    methods: Methods = Methods(),
    origins: Sequence[Origin] | None = None,
    *,
    on_progress: OnProgress | None = None,
) -> PageReport:
    """Compute the document of a page.

    Args:
        lattices: The lattices.
        methods: By which methods.
        origins: Files that the lattices come from.
        on_progress: Called with the lattices done (a solid also in parts), their number, and the
            name of the next one.

    Raises:
        LatticeGnnError: If a method refuses a lattice, naming it.
    """
    began = time.perf_counter()
    places = [MEMORY] * len(lattices) if origins is None else origins
    entries = []
    for number, (lattice, origin) in enumerate(zip(lattices, places, strict=True)):
        name = origin.file or lattice.name or f"lattice {number}"
        if on_progress is not None:
            on_progress(number, len(lattices), name)

        def on_stage(stage: str, share: float, name: str = name, number: int = number) -> None:
            if on_progress is not None:
                on_progress(number + share, len(lattices), f"{name}: {stage}")

        try:
            entries.append(page_lattice(lattice, methods, origin, on_stage=on_stage))
        except LatticeGnnError as error:
            raise LatticeGnnError(f"{name}: {error}") from None
    return PageReport(_provenance(time.perf_counter() - began), tuple(entries))


def page_lattice(
    lattice: Lattice,
    methods: Methods,
    origin: Origin = MEMORY,
    *,
    on_stage: OnStage | None = None,
) -> PageLattice:
    """Compute one lattice by every requested method.

    Args:
        lattice: The lattice.
        methods: By which methods.
        origin: File that it comes from.
        on_stage: Called with the stage of solid FEM and the share done.
    """
    prediction = beam = solid = None
    if methods.network:
        prediction = _placed(predict(lattice, model=methods.model).report(), origin)
    if methods.beam:
        beam = _placed(solve_beams(lattice, methods.element).report(), origin)
    if methods.solid:
        voxels = methods.voxels_per_diameter
        found = homogenise_solid(lattice, voxels_per_diameter=voxels, on_progress=on_stage)
        solid = solid_report(lattice, found, voxels, origin)
    return PageLattice(
        lattice=lattice_to_dict(lattice),
        info=lattice_report(lattice, origin),
        prediction=prediction,
        beam=beam,
        solid=solid,
    )


def solve_beams(lattice: Lattice, element: BeamTheory) -> Homogenisation:
    """Solve one frame with its fields; a page itself says where the stiffness is singular."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RankWarning)
        return homogenise(lattice, element=element, fields=True)


def _placed(document: _Document, origin: Origin) -> _Document:
    """Return a document with the file of its lattice."""
    facts = replace(document.lattice, file=origin.file, index=origin.index)
    return replace(document, lattice=facts)


def _provenance(seconds: float) -> Provenance:
    return Provenance(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}, {sys.byteorder}-endian",
        packages={name: version(name) for name in PACKAGES},
        seconds=round(seconds, 3),
    )
