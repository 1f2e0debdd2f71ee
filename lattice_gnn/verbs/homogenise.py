"""``lattice_gnn.homogenise``: the effective stiffness by beam or solid FEM."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, overload

from fem_reference.beam.elements import BeamTheory
from fem_reference.beam.homogenise import homogenise_beam
from fem_reference.beam.solution import BeamSolution
from fem_reference.solid.homogenise import SolidSolution, homogenise_solid
from fem_reference.sparse import IllConditionedError
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.findings import Finding, warnings
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.lattice.sequence import as_list, label
from lattice_gnn.reports.beam import beam_reports
from lattice_gnn.reports.homogenisation import HomogenisationReport
from lattice_gnn.reports.result import Result, Value
from lattice_gnn.reports.rows import Results
from lattice_gnn.reports.solid import solid_report, solid_warnings
from lattice_gnn.wording import percent

Method = Literal["beam", "solid"]
OnProgress = Callable[[int, int], None]

BATCH = 64
"""Number of lattices solved at once by beam FEM."""
VOXELS = 8
"""Default number of voxels across the thinnest strut: about 1 % in C."""


@dataclass(frozen=True, slots=True, repr=False)
class Homogenisation(Result):
    """Effective stiffness of one lattice by finite elements.

    Attributes:
        lattice: The lattice as given.
        stiffness: C / E_s, Mandel (6, 6); singular if ``rank`` is below 6.
        solution: Solution of the solver, with its fields.
        element: Beam theory; None for solids.
        voxels_per_diameter: Requested resolution; None for beams.
    """

    solution: BeamSolution | SolidSolution = field(compare=False)
    element: BeamTheory | None = None
    voxels_per_diameter: float | int | None = None

    @property
    def method(self) -> Method:
        """How the stiffness was computed: by beam FEM or by solid FEM."""
        return "beam" if isinstance(self.solution, BeamSolution) else "solid"

    @property
    def rank(self) -> int:
        """Rank of C: 6 if some component of the net spans space."""
        return int(self.solution.rank[0]) if isinstance(self.solution, BeamSolution) else 6

    @property
    def error(self) -> float | None:
        """Estimated relative error of C from two voxel grids; None for beams."""
        return None if isinstance(self.solution, BeamSolution) else self.solution.error

    def report(self) -> HomogenisationReport:
        """Return the result as a typed document."""
        if isinstance(self.solution, BeamSolution):
            (report,) = beam_reports([self.lattice], self.solution, str(self.element))
            return report
        return solid_report(self.lattice, self.solution, self.voxels_per_diameter or VOXELS)

    def columns(self) -> dict[str, Value]:
        """Return rank and estimated error, for a table of many."""
        return {"rank": self.rank, "estimated_error": self.error}

    def _find_warnings(self) -> tuple[Finding, ...]:
        if isinstance(self.solution, BeamSolution):
            return warnings(self.lattice)
        return solid_warnings(self.lattice, self.solution)

    def _facts(self) -> tuple[tuple[str, str], ...]:
        if isinstance(self.solution, BeamSolution):
            return (("element", str(self.element)), ("rank", str(self.rank)))
        return (
            ("estimated error", percent(self.solution.error)),
            ("voxels per diameter", f"{self.solution.voxels_per_diameter:.3g}"),
        )


@overload
def homogenise(
    lattices: Lattice,
    *,
    method: Method = ...,
    element: BeamTheory | None = ...,
    fields: bool = ...,
    voxels_per_diameter: float | int | None = ...,
    on_progress: OnProgress | None = ...,
) -> Homogenisation: ...


@overload
def homogenise(
    lattices: Iterable[Lattice],
    *,
    method: Method = ...,
    element: BeamTheory | None = ...,
    fields: bool = ...,
    voxels_per_diameter: float | int | None = ...,
    on_progress: OnProgress | None = ...,
) -> Results[Homogenisation]: ...


def homogenise(
    lattices: Lattice | Iterable[Lattice],
    *,
    method: Method = "beam",
    element: BeamTheory | None = None,
    fields: bool = False,
    voxels_per_diameter: float | int | None = None,
    on_progress: OnProgress | None = None,
) -> Homogenisation | Results[Homogenisation]:
    """Compute the effective stiffness of one lattice, or of each lattice of a sequence.

    One lattice gives one `Homogenisation`, a sequence gives a list (``to_dataframe()`` makes it a
    table). Beam FEM takes well below a millisecond for a small cell; it neglects the material of
    the joints and is too soft for all but slender struts. Solid FEM discretises the union of the
    struts with voxels; it takes seconds to minutes and estimates its error from two grids.

    Args:
        lattices: One lattice, or a sequence of lattices.
        method: "beam" or "solid".
        element: Beam theory: "euler-bernoulli" (default) or "timoshenko"; for beams only.
        fields: Keep displacements, forces and energies in ``solution.fields``; for beams only.
            Solids compute their fields at first use.
        voxels_per_diameter: Voxels across the thinnest strut, 8 by default; for solids only.
        on_progress: Called with the number of lattices done and the total.

    Raises:
        LatticeGnnError: For anything other than lattices, an option of the other method, or a
            lattice that the method cannot solve. Beams whose net does not span space are solved,
            with a ``RankWarning``; solids are refused.
    """
    several = as_list(lattices, "homogenise")
    report = on_progress or (lambda done, total: None)
    if method == "beam":
        _refuse("voxels_per_diameter", voxels_per_diameter, method)
        found = _beams(several, element or "euler-bernoulli", fields, report)
    elif method == "solid":
        _refuse("element", element, method)
        _refuse("fields", fields or None, method)
        voxels = VOXELS if voxels_per_diameter is None else voxels_per_diameter
        found = _solids(several, voxels, report)
    else:
        raise LatticeGnnError(
            f"homogenise: expected method 'beam' or 'solid', got {method!r}; lattice_gnn.predict "
            "uses the network"
        )
    return found[0] if isinstance(lattices, Lattice) else Results(found)


def beam_results(
    lattices: Sequence[Lattice], solution: BeamSolution, element: BeamTheory
) -> list[Homogenisation]:
    """Return the result of each lattice from the beam solution of all."""
    own = [_single(solution, b) for b in range(len(lattices))]
    return [
        Homogenisation(lattice, part.stiffness[0], part, element=element)
        for lattice, part in zip(lattices, own, strict=True)
    ]


def solid_result(
    lattice: Lattice, solution: SolidSolution, voxels_per_diameter: float | int
) -> Homogenisation:
    """Return the result of a lattice from its solid solution at the requested resolution."""
    return Homogenisation(
        lattice, solution.stiffness, solution, voxels_per_diameter=voxels_per_diameter
    )


def _refuse(option: str, value: object, method: str) -> None:
    if value is not None:
        raise LatticeGnnError(
            f"homogenise: {option} is not an option of method {method!r}; leave it out"
        )


def _beams(
    lattices: list[Lattice], element: BeamTheory, fields: bool, on_progress: OnProgress
) -> list[Homogenisation]:
    """Solve in batches, or one by one if fields are kept."""
    found: list[Homogenisation] = []
    size = 1 if fields else BATCH
    for start in range(0, len(lattices), size):
        part = lattices[start : start + size]
        try:
            solution = homogenise_beam(part, element=element, fields=fields)
        except IllConditionedError as error:
            raise IllConditionedError(start + error.lattice) from error
        found += beam_results(part, solution, element)
        on_progress(len(found), len(lattices))
    return found


def _single(solution: BeamSolution, b: int) -> BeamSolution:
    """Return the part of one lattice; fields are kept only for solutions of one lattice."""
    one = slice(b, b + 1)
    return BeamSolution(
        stiffness=solution.stiffness[one],
        rank=solution.rank[one],
        components=solution.components[one],
        free_spins=solution.free_spins[one],
        fields=solution.fields,
        end_forces=solution.end_forces,
    )


def _solids(
    lattices: list[Lattice], voxels_per_diameter: float | int, on_progress: OnProgress
) -> list[Homogenisation]:
    found = []
    for number, lattice in enumerate(lattices):
        try:
            solution = homogenise_solid(lattice, voxels_per_diameter=voxels_per_diameter)
        except LatticeGnnError as error:
            raise LatticeGnnError(f"{label(number, lattice)}: {error}") from error
        found.append(solid_result(lattice, solution, voxels_per_diameter))
        on_progress(number + 1, len(lattices))
    return found
