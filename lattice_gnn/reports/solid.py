"""Documents of solid solutions."""

from fem_reference.solid.homogenise import SolidSolution
from lattice_gnn.lattice.findings import Finding, dangling
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.reports.homogenisation import (
    HomogenisationReport,
    IterationFacts,
    MethodFacts,
    SolidFacts,
)
from lattice_gnn.reports.lattice import MEMORY, Origin, lattice_facts
from lattice_gnn.reports.stiffness import moduli_facts, stiffness_facts
from lattice_gnn.wording import counted, percent


def solid_report(
    lattice: Lattice,
    solution: SolidSolution,
    voxels_per_diameter: float | int,
    origin: Origin = MEMORY,
    *,
    thorough: bool = True,
) -> HomogenisationReport:
    """Return the document of a lattice solved by solid FEM.

    Args:
        lattice: The lattice.
        solution: Its solid solution.
        voxels_per_diameter: Requested resolution.
        origin: File that the lattice comes from.
        thorough: Also sample the union of the struts.
    """
    return HomogenisationReport(
        lattice=lattice_facts(lattice, origin, thorough=thorough),
        method=MethodFacts("solid FEM", voxels_per_diameter=voxels_per_diameter),
        rank=6,  # anything less is refused
        components=solution.fine.components.kept,
        stiffness=stiffness_facts(solution.stiffness, lattice.material.E),
        moduli=moduli_facts(solution.stiffness[None])[0],
        warnings=solid_warnings(lattice, solution),
        solid=solid_facts(solution),
    )


def solid_facts(solution: SolidSolution) -> SolidFacts:
    """Describe the solution of the solid reference."""
    fine = solution.fine
    return SolidFacts(
        error=solution.error,
        softest_error=solution.softest_error,
        volume_fraction=solution.volume_fraction,
        voxels_per_diameter=solution.voxels_per_diameter,
        grid=fine.shape,
        active_nodes=fine.active_nodes,
        iterations=IterationFacts(fine.iterations, solution.coarse.iterations),
        memory=fine.memory,
        seconds=solution.seconds,
        touching=solution.touching,
        unresolved_gap=solution.unresolved_gap,
        dropped_components=fine.components.dropped,
        dropped_volume=fine.components.dropped_volume,
    )


def solid_warnings(lattice: Lattice, solution: SolidSolution) -> tuple[Finding, ...]:
    """List what affects a solid result; limits of beam theory do not."""
    parts = solution.fine.components
    found = []
    if parts.kept > 1:
        text = f"{parts.kept} separate solids interpenetrate; each of them carries load."
        found.append(Finding("net", text))
    if parts.dropped:
        text = (
            f"{counted(parts.dropped, 'part')} of the solid ({percent(parts.dropped_volume)} of "
            "the cell) dropped: not connected in three dimensions, hence without load."
        )
        found.append(Finding("dropped", text))
    return (*found, *_contacts(solution), *dangling(lattice))


def _contacts(solution: SolidSolution) -> list[Finding]:
    """Report struts without a common joint that touch, or nearly touch."""
    clearance = solution.clearance
    if clearance is None:
        text = "Contacts between struts were not searched because the struts are too long."
        return [Finding("contact", text)]
    found = []
    if solution.touching:
        text = (
            f"{counted(clearance.touching, 'pair')} of struts that share no joint touch or "
            "overlap: they form one solid here."
        )
        found.append(Finding("contact", text))
    if solution.unresolved_gap:
        text = (
            f"The smallest gap between struts without a joint, {clearance.narrowest:.4g}, is below "
            "two voxels of the coarse grid, which may close it; the error estimates are doubled; "
            "use more voxels per diameter to resolve it."
        )
        found.append(Finding("gap", text))
    return found
