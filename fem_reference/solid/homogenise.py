"""The solid reference: periodic homogenisation of the union of struts as a continuum.

Voxels in lattice coordinates, weighted by the volume fraction of the solid, are hexahedral elements
with incompatible modes. The thinnest strut determines the resolution. A second grid of half the
resolution measures convergence: both results are extrapolated to zero voxel size, and the step of
the extrapolation is the error estimate. See ``docs/solid-reference.md`` for details and accuracy.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float

from fem_reference.solid.fields import SolidFields, VoxelModel, solid_fields
from fem_reference.solid.grid import MEMORY_LIMIT, Grid, Shape, grid_shape, thinnest
from fem_reference.solid.hexahedra import hexahedron
from fem_reference.solid.moduli import voxel_moduli
from fem_reference.solid.multigrid import Multigrid, Nodal, Solved
from fem_reference.solid.multigrid_torch import solver_on
from fem_reference.solid.voxels import (
    Components,
    keep_spanning,
    volume_fractions,
)
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.contacts import reduction
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.lattice.union import Clearance
from lattice_gnn.tensors.stiffness import Stiffness
from lattice_gnn.wording import percent

ORDER = 1.5  #: of convergence in the voxel size; see docs/solid-reference.md for its validity
UNRESOLVED = (
    2.0  #: factor on the error estimates where a gap is not resolved, as grids may close it
)

Progress = Callable[[str, float], None]


@dataclass(frozen=True, eq=False, repr=False)
class VoxelSolution:
    """Effective stiffness on one grid.

    Attributes:
        stiffness: C / E_s.
        volume_fraction: Filled share of the cell, without dropped components.
        iterations: Number of conjugate gradient iterations.
        algebraic_error: Largest relative error of a strain energy left by the iteration.
        shape: Number of voxels along the cell vectors.
        active_nodes: Number of nodes of filled voxels.
        memory: Memory of levels and vectors, in bytes.
        components: Numbers of kept and dropped components.
    """

    stiffness: Stiffness
    volume_fraction: float
    iterations: int
    algebraic_error: float
    shape: Shape
    active_nodes: int
    memory: int
    components: Components
    _model: VoxelModel = field(repr=False)
    _fluctuation: Nodal = field(repr=False)

    def __repr__(self) -> str:
        """Return one line."""
        return (
            f"VoxelSolution({self.stiffness}, {self.shape[0]} x {self.shape[1]} x {self.shape[2]} "
            f"voxels, {self.active_nodes} active nodes, {self.iterations} iterations)"
        )

    @property
    def longest_edge(self) -> float:
        """Longest edge of a voxel, unit of the cell."""
        return float(max(np.linalg.norm(self._model.cell, axis=1) / np.array(self.shape)))

    @cached_property
    def fields(self) -> SolidFields:
        """Displacement and stress, computed at first use."""
        return solid_fields(self._model, self._fluctuation)


@dataclass(frozen=True, eq=False, repr=False)
class SolidSolution:
    """Effective stiffness of a strut lattice as a solid, with error estimates.

    Attributes:
        stiffness: C / E_s, extrapolated to zero voxel size; E_s is that of the lattice's material.
        error: Estimated relative error of C (Frobenius): the step of the extrapolation, doubled if
            a gap between struts is not resolved.
        softest_error: Estimated relative error of the smallest eigenvalue of C, likewise.
        volume_fraction: Volume fraction of the union of struts and joints, without dropped
            components.
        voxels_per_diameter: Resolution of the thinnest strut on the fine grid.
        fine: Solution on the fine grid, with its iterations and nodes.
        coarse: Solution on the grid of half the resolution.
        clearance: Smallest gap between struts that share no joint; None if struts are too long to
            search for it.
        seconds: Total wall time.
    """

    stiffness: Stiffness
    error: float
    softest_error: float
    volume_fraction: float
    voxels_per_diameter: float
    fine: VoxelSolution
    coarse: VoxelSolution
    clearance: Clearance | None
    seconds: float

    def __repr__(self) -> str:
        """Return one line: the stiffness, its error, the grid, contacts."""
        return (
            f"SolidSolution({self.stiffness}, error {percent(self.error)}, softest "
            f"{percent(self.softest_error)}, volume fraction {self.volume_fraction:.4g}, "
            f"{self.voxels_per_diameter:.3g} voxels per diameter, {self.active_nodes} active nodes"
            f"{', touching struts' if self.touching else ''})"
        )

    @property
    def touching(self) -> bool:
        """Whether struts that share no joint touch or overlap, forming one solid."""
        return self.clearance is not None and self.clearance.touching > 0

    @property
    def unresolved_gap(self) -> bool:
        """Whether the coarse grid may close a gap between some two struts.

        True for gaps below two voxels of the coarse grid, also where other struts touch.
        """
        return is_unresolved(self.clearance, self.fine.longest_edge)

    @property
    def iterations(self) -> int:
        """Conjugate gradient iterations on the fine grid."""
        return self.fine.iterations

    @property
    def active_nodes(self) -> int:
        """Nodes of filled voxels on the fine grid."""
        return self.fine.active_nodes

    @property
    def memory(self) -> int:
        """Memory of levels and vectors on the fine grid, in bytes."""
        return self.fine.memory

    @property
    def dropped_components(self) -> int:
        """Number of components that do not span space and carry no load."""
        return self.fine.components.dropped

    @property
    def fields(self) -> SolidFields:
        """Displacement and stress on the fine grid, computed at first use."""
        return self.fine.fields


def homogenise_solid(
    lattice: Lattice,
    *,
    voxels_per_diameter: float | int = 8,
    tolerance: float = 1e-6,
    device: str = "cpu",
    memory_limit: float | int = MEMORY_LIMIT,
    on_progress: Progress | None = None,
) -> SolidSolution:
    """Compute the effective stiffness of the union of a lattice's struts as an isotropic solid.

    Every strut is a cylinder, or a cone frustum if tapered, with a ball of its radius at each end;
    a hollow strut is the wall around its bore, with flat ends. Radii may differ. Touching struts
    are one solid there, which the solution reports. Components that do not span space are dropped
    and counted. Struts may differ in Young's modulus; where they overlap, the solid has the mean of
    their moduli.

    Args:
        lattice: The lattice; E_s is the modulus of its material.
        voxels_per_diameter: Resolution of the fine grid across the thinnest strut (for hollow
            struts across twice the wall thickness); 8 gives about 1 % in C.
        tolerance: Admissible relative error of any strain energy on its grid.
        device: "cpu" (numba), or a torch device with float64: "cuda", "cuda:1".
        memory_limit: Memory limit in bytes; a grid that needs more is refused.
        on_progress: Called with the name of the stage and the share done.

    Raises:
        LatticeGnnError: For several Poisson's ratios, fewer than 4 voxels per diameter, a grid over
            the memory limit, a device that is unavailable or too small, or a lattice that does not
            span space.
        NotConvergedError: If the equations cannot be solved to the tolerance.
    """
    began = time.perf_counter()
    solve = solver_on(device)
    reduced = lattice.with_cell_vectors(reduction(lattice.cell))
    shape = grid_shape(reduced, voxels_per_diameter, memory_limit)
    _report(on_progress, "voxels", 0.0)
    weights, moduli = volume_fractions(reduced, shape), voxel_moduli(reduced, shape)
    nu = _poisson(lattice)
    model, components = _model(*_halved(weights, moduli), reduced.cell, nu)
    on_iteration = _stage(on_progress, "coarse grid")
    coarse = _homogenise(model, components, tolerance, None, on_iteration, solve)
    model, components = _model(weights, moduli, reduced.cell, nu)
    del weights, moduli  # large arrays that the solver does not need
    on_iteration = _stage(on_progress, "fine grid")
    fine = _homogenise(model, components, tolerance, coarse, on_iteration, solve)
    stiffness, error, softest = extrapolate(fine.stiffness, coarse.stiffness)
    clearance = _clearance(lattice)
    factor = UNRESOLVED if is_unresolved(clearance, fine.longest_edge) else 1.0
    return SolidSolution(
        stiffness=stiffness,
        error=factor * error,
        softest_error=factor * softest,
        volume_fraction=fine.volume_fraction,
        voxels_per_diameter=2.0 * thinnest(lattice) / fine.longest_edge,
        fine=fine,
        coarse=coarse,
        clearance=clearance,
        seconds=time.perf_counter() - began,
    )


def homogenise_voxels(
    weights: Float[np.ndarray, "n1 n2 n3"],
    cell: Float[np.ndarray, "3 3"],
    *,
    nu: float = 0.3,
    tolerance: float = 1e-6,
    device: str = "cpu",
    on_progress: Progress | None = None,
) -> VoxelSolution:
    """Compute the effective stiffness C / E_s of a periodic voxel model on the given grid.

    Args:
        weights: Stiffness of every voxel as a multiple of the solid's, usually its volume fraction;
            0 is void. Axis k is along cell vector k; numbers of voxels divisible by 8 are fastest.
        cell: Cell vectors as rows.
        nu: Poisson's ratio of the solid.
        tolerance: Admissible relative error of any strain energy.
        device: As for ``homogenise_solid``.
        on_progress: Called with the name of the stage and the share done.

    Raises:
        LatticeGnnError: For an unknown device, or weights that are negative or do not span space.
        NotConvergedError: If the equations cannot be solved to the tolerance.
    """
    if weights.ndim != 3 or weights.size == 0:
        raise LatticeGnnError(f"weights: expected a grid of voxels, got shape {weights.shape}")
    if not bool(np.isfinite(weights).all()) or float(weights.min()) < 0:
        raise LatticeGnnError("weights: expected finite numbers >= 0 for all voxels")
    if not abs(float(np.linalg.det(cell))) > 0:
        raise LatticeGnnError("cell: expected three independent cell vectors")
    solve = solver_on(device)
    model, components = _model(weights, None, cell, nu)
    return _homogenise(model, components, tolerance, None, _stage(on_progress, "grid"), solve)


def extrapolate(fine: Stiffness, coarse: Stiffness) -> tuple[Stiffness, float, float]:
    """Extrapolate a 2:1 pair of grids to zero voxel size, error ~ h^1.5.

    Returns:
        C, the step from the fine grid relative to C (Frobenius), and the relative step of the
        smallest eigenvalue.

    Raises:
        LatticeGnnError: If the grids differ so much that the result is not positive definite.
    """
    step = (fine.mandel - coarse.mandel) / (2.0**ORDER - 1.0)
    C = fine.mandel + step
    softest, on_fine = (float(torch.linalg.eigvalsh(tensor)[0]) for tensor in (C, fine.mandel))
    if softest <= 0.0:
        raise LatticeGnnError(
            "the solid reference: the two grids differ so much that the extrapolated softest "
            "eigenvalue is not positive; use more voxels per diameter (at least twice as many)"
        )
    error = float(torch.linalg.norm(step) / torch.linalg.norm(C))
    return Stiffness(C), error, abs(on_fine - softest) / softest


def is_unresolved(clearance: Clearance | None, longest_edge: float) -> bool:
    """Return whether some gap is below two voxels of the coarse grid, four of the fine one."""
    return clearance is not None and clearance.narrowest < 4 * longest_edge


def _poisson(lattice: Lattice) -> float:
    """Return Poisson's ratio, which all struts must share."""
    if lattice.nu is None:
        return lattice.material.nu
    nu = float(lattice.nu[0])
    if not np.allclose(lattice.nu, nu, rtol=0.0, atol=1e-12):
        raise LatticeGnnError(
            "the solid reference: expected the same Poisson's ratio for all struts, got nu from "
            f"{lattice.nu.min():g} to {lattice.nu.max():g}; give all struts one nu"
        )
    return nu


def _halved(
    weights: Float[np.ndarray, "n1 n2 n3"], moduli: Float[np.ndarray, "n1 n2 n3"] | None
) -> tuple[Float[np.ndarray, "m1 m2 m3"], Float[np.ndarray, "m1 m2 m3"] | None]:
    """Average filled shares and stiffness to the grid of half the resolution."""

    def mean(values: np.ndarray) -> np.ndarray:
        n1, n2, n3 = values.shape
        halves = values.reshape(n1 // 2, 2, n2 // 2, 2, n3 // 2, 2)
        return halves.mean(axis=(1, 3, 5), dtype=np.float64)

    coarse = mean(weights)
    if moduli is None:
        return coarse, None
    return coarse, np.divide(mean(weights * moduli), coarse, out=coarse * 0 + 1, where=coarse > 0)


def _clearance(lattice: Lattice) -> Clearance | None:
    try:
        return lattice.clearance()
    except LatticeGnnError:
        return None


def _model(
    weights: Float[np.ndarray, "n1 n2 n3"],
    moduli: Float[np.ndarray, "n1 n2 n3"] | None,
    cell: Float[np.ndarray, "3 3"],
    nu: float,
) -> tuple[VoxelModel, Components]:
    """Build the elements of the components that span space."""
    kept, components = keep_spanning(weights)
    if components.kept == 0:
        empty = not bool((weights > 0).any())
        raise LatticeGnnError(
            "the solid reference: no voxel is filled; the grid is empty"
            if empty
            else "the solid reference: no connected part of the solid spans space, so that C is "
            "singular; see Lattice.connectivity() for the components"
        )
    flat = kept.ravel()
    active = np.flatnonzero(flat > 0)
    n1, n2, n3 = weights.shape
    grid = Grid(active, (n1, n2, n3))
    element = hexahedron(cell / np.array(weights.shape)[:, None], nu)
    filled = flat[active].astype(np.float64)
    E = np.ones(len(active)) if moduli is None else moduli.ravel()[active].astype(np.float64)
    return VoxelModel(cell, grid, filled, E, element), components


def _homogenise(
    model: VoxelModel,
    components: Components,
    tolerance: float,
    coarse: VoxelSolution | None,
    on_iteration: Callable[[int, float], None],
    solve: Callable[..., Solved],
) -> VoxelSolution:
    """Solve on one grid, starting from the solution on the coarse grid if given."""
    voxels = int(np.prod(model.grid.shape))
    weights = model.stiffness_weights
    multigrid = Multigrid(model.grid, weights, model.element)
    start = None
    if coarse is not None and multigrid.coarse:
        same = np.array_equal(model.grid.coarser().nodes, coarse._model.grid.nodes)
        start = multigrid.interpolate(coarse._fluctuation) if same else None
    solved = solve(
        multigrid,
        float(weights.sum()) / voxels * model.element.solid,
        voxels * model.element.volume,
        tolerance=tolerance,
        start=start,
        on_iteration=on_iteration,
    )
    return VoxelSolution(
        stiffness=Stiffness(torch.from_numpy(solved.stiffness)),
        volume_fraction=float(model.weights.sum()) / voxels,
        iterations=solved.iterations,
        algebraic_error=solved.error,
        shape=model.grid.shape,
        active_nodes=len(model.grid),
        memory=solved.memory,
        components=components,
        _model=model,
        _fluctuation=solved.displacement,
    )


def _stage(on_progress: Progress | None, name: str) -> Callable[[int, float], None]:
    """Convert the number of iterations to progress, assuming ten."""
    return lambda count, error: _report(on_progress, name, count / (count + 3.0))


def _report(on_progress: Progress | None, name: str, share: float) -> None:
    if on_progress is not None:
        on_progress(name, share)
