"""A stiffness by finite elements: of beams, with where the energy goes; of the solid."""

from dataclasses import dataclass
from typing import ClassVar

from lattice_gnn.lattice.findings import Finding
from lattice_gnn.reports.document import Document
from lattice_gnn.reports.lattice import LatticeFacts
from lattice_gnn.reports.stiffness import Moduli, Six, StiffnessFacts


@dataclass(frozen=True, slots=True)
class MethodFacts:
    """How a stiffness was computed.

    Attributes:
        name: ``beam FEM`` or ``solid FEM``.
        element: Beam theory of the struts; of beams only.
        voxels_per_diameter: Resolution that was asked for; of solids only.
    """

    name: str
    element: str | None = None
    voxels_per_diameter: float | int | None = None


@dataclass(frozen=True, slots=True)
class EnergyShares:
    """Parts of the strain energy density of beams, for six strains.

    Attributes:
        axial: Of stretching.
        bending: Of bending and shear.
        torsion: Of torsion.
    """

    axial: Six
    bending: Six
    torsion: Six


Shares = tuple[float | None, float | None, float | None, float | None, float | None, float | None]


@dataclass(frozen=True, slots=True)
class ModeFacts:
    """Eigenmodes of C/E_s, softest first, and the share of each kind of energy in them.

    Attributes:
        stiffness: Eigenvalues.
        axial: Share of stretching; null in modes that cost no energy.
        bending: Share of bending and shear; null in modes that cost no energy.
        torsion: Share of torsion; null in modes that cost no energy.
    """

    stiffness: Six
    axial: Shares
    bending: Shares
    torsion: Shares


@dataclass(frozen=True, slots=True)
class IterationFacts:
    """Conjugate gradient iterations on the two grids.

    Attributes:
        fine: On the fine grid.
        coarse: On the grid of half the resolution.
    """

    fine: int
    coarse: int


@dataclass(frozen=True, slots=True)
class SolidFacts:
    """What the solid reference knows about its solution.

    Attributes:
        error: Estimated relative error of C (Frobenius): the step of the extrapolation.
        softest_error: Estimated relative error of the smallest eigenvalue of C.
        volume_fraction: Filled voxels over the cell.
        voxels_per_diameter: Of the fine grid, whose numbers are rounded up to multiples of 8.
        grid: Voxels of the fine grid along the (shortest) cell vectors.
        active_nodes: Nodes of its filled voxels.
        iterations: Conjugate gradient iterations.
        memory: Bytes of the fine grid.
        seconds: Wall time.
        touching: Whether struts without a common joint touch, and are one solid here.
        unresolved_gap: Whether a gap between struts is below two voxels of the coarse grid.
        dropped_components: Parts that do not span space and were left out.
        dropped_volume: Their share of the cell.
    """

    error: float
    softest_error: float
    volume_fraction: float
    voxels_per_diameter: float
    grid: tuple[int, int, int]
    active_nodes: int
    iterations: IterationFacts
    memory: int
    seconds: float
    touching: bool
    unresolved_gap: bool
    dropped_components: int
    dropped_volume: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HomogenisationReport(Document):
    """The stiffness of one lattice by finite elements.

    Attributes:
        lattice: The lattice.
        method: How it was computed.
        rank: Of C: 6 where some component of the net spans space.
        components: Connected components of the net; of the solid, parts that span space.
        stiffness: The stiffness.
        moduli: Its moduli; null where it is singular.
        warnings: What affects the result, the most important first.
        condition: Condition number of the scaled stiffness matrix; with ``--fields``.
        energy: Energy density under the six unit strains (Mandel), the others held at 0, over E_s;
            with ``--fields``.
        modes: Energy shares in the eigenmodes of C; with ``--fields``.
        solid: What the solid reference knows about its solution; of solids only.
    """

    SCHEMA: ClassVar[str] = "homogenisation/1"

    lattice: LatticeFacts
    method: MethodFacts
    rank: int
    components: int
    stiffness: StiffnessFacts
    moduli: Moduli | None
    warnings: tuple[Finding, ...]
    condition: float | None = None
    energy: EnergyShares | None = None
    modes: ModeFacts | None = None
    solid: SolidFacts | None = None


@dataclass(frozen=True, slots=True)
class HomogenisationReports(Document):
    """The stiffnesses of several lattices by finite elements.

    Attributes:
        homogenisations: One entry per lattice that was solved.
        refused: Why the solid reference refuses others, one sentence each; of solids only.
    """

    SCHEMA: ClassVar[str] = "homogenisations/1"

    homogenisations: tuple[HomogenisationReport, ...]
    refused: tuple[str, ...] | None = None
