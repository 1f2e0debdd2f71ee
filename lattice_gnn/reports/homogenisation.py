"""Documents of homogenisations: beam FEM with its energy split, and solid FEM."""

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
        element: Beam theory of the struts; for beams only.
        voxels_per_diameter: Requested resolution; for solids only.
    """

    name: str
    element: str | None = None
    voxels_per_diameter: float | int | None = None


@dataclass(frozen=True, slots=True)
class EnergyShares:
    """Parts of the strain energy density of beams, for six strains.

    Attributes:
        axial: Energy of stretching.
        bending: Energy of bending and shear.
        torsion: Energy of torsion.
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
        fine: Iterations on the fine grid.
        coarse: Iterations on the grid of half the resolution.
    """

    fine: int
    coarse: int


@dataclass(frozen=True, slots=True)
class SolidFacts:
    """Accuracy, grid and cost of a solution of the solid reference.

    Attributes:
        error: Estimated relative error of C (Frobenius): the step of the extrapolation, doubled if
            a gap is not resolved.
        softest_error: Estimated relative error of the smallest eigenvalue of C.
        volume_fraction: Volume of the filled voxels over that of the cell.
        voxels_per_diameter: Resolution of the fine grid; voxel counts are multiples of 8.
        grid: Voxels of the fine grid along the (shortest) cell vectors.
        active_nodes: Number of nodes of filled voxels on the fine grid.
        iterations: Conjugate gradient iterations.
        memory: Memory of the fine grid, in bytes.
        seconds: Wall time, in seconds.
        touching: Whether struts without a common joint touch and form one solid.
        unresolved_gap: Whether a gap between some two struts is below two voxels of the coarse
            grid.
        dropped_components: Number of parts dropped because they do not span space.
        dropped_volume: Their volume as a share of the cell.
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
        method: Method and its settings.
        rank: Rank of C: 6 if some component of the net spans space.
        components: Number of connected components of the net; for solids, of parts that span space.
        stiffness: The stiffness.
        moduli: Its moduli; null if it is singular.
        warnings: What affects the result, most important first.
        condition: Condition number of the scaled stiffness matrix; with ``--fields`` only.
        energy: Energy density over E_s under each of the six unit strains (Mandel), the others
            being 0; with ``--fields`` only.
        modes: Energy shares in the eigenmodes of C; with ``--fields`` only.
        solid: Accuracy, grid and cost; for solids only.
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
        homogenisations: One entry per solved lattice.
        refused: Reasons why other lattices were refused, one sentence each; for solids only.
    """

    SCHEMA: ClassVar[str] = "homogenisations/1"

    homogenisations: tuple[HomogenisationReport, ...]
    refused: tuple[str, ...] | None = None
