"""Cost of a joint model relative to the frame that it solves and to the solid reference."""

import time
from collections.abc import Callable

import torch
from solid_report import table

from fem_reference.beam.homogenise import homogenise_beam
from fem_reference.solid.homogenise import homogenise_solid
from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.surrogate.surrogate import Surrogate

BATCH = 64
SOLID = 3  #: cells that the solid reference homogenises
VOXELS = 8
NAMES = ("octet", "isotruss", "kelvin", "bcc", "diamond", "fluorite", "truncated-cube")
LARGE = ((3, 3, 3), (6, 6, 6))  #: supercells of bcc: 54 and 432 nodes


def small_cells(count: int) -> list[Lattice]:
    """Draw perturbed named cells of about 10 nodes and 24 struts, density 10 %."""
    cells = [cell(NAMES[k % len(NAMES)], relative_density=0.1) for k in range(count)]
    return [x.perturbed(0.02, seed=k) for k, x in enumerate(cells)]


def least(run: Callable[[], object], repeats: int) -> float:
    """Return the smallest processor time of several runs, s, nearly independent of other load."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times)


def cost_table(network: Surrogate, linear: Surrogate | None) -> str:
    """Measure milliseconds per cell, and the ratio to the time of the frame."""
    lattices = small_cells(BATCH)
    batch = LatticeBatch.from_lattices(lattices).simplified()
    one = batch[0]

    def predict(model: Surrogate, part: LatticeBatch) -> Callable[[], object]:
        def run() -> object:
            with torch.no_grad():
                return model.model.stiffness(part)

        return run

    def with_gradient() -> object:
        radii = batch.radii.clone().requires_grad_(True)
        nodes = batch.nodes.clone().requires_grad_(True)
        C = network.model.stiffness(batch.replace(radii=radii, nodes=nodes))
        return torch.autograd.grad(C.sum(), (radii, nodes))

    beam = least(lambda: homogenise_beam(batch), 10) / BATCH
    rows = {
        f"beam FEM, {BATCH} cells": beam,
        f"joint network, {BATCH} cells": least(predict(network, batch), 10) / BATCH,
        f"with the gradient of C, {BATCH} cells": least(with_gradient, 10) / BATCH,
        "joint network, one cell": least(predict(network, one), 20),
        "beam FEM, one cell": least(lambda: homogenise_beam(one), 20),
    }
    if linear is not None:
        rows[f"linear joint model, {BATCH} cells"] = least(predict(linear, batch), 10) / BATCH
    for tiling in LARGE:
        large = LatticeBatch.from_lattices([cell("bcc", radius=0.08).supercell(tiling)])
        size = f"one cell of {len(large.nodes)} nodes"
        rows[f"beam FEM, {size}"] = least(lambda large=large: homogenise_beam(large), 3)
        rows[f"joint network, {size}"] = least(predict(network, large), 3)
    solid = sum(
        least(lambda x=x: homogenise_solid(x, voxels_per_diameter=VOXELS), 1)
        for x in lattices[:SOLID]
    )
    rows[f"solid FEM, {VOXELS} voxels per diameter"] = solid / SOLID
    text = [(name, f"{1e3 * s:.3g}", f"{s / beam:.3g}") for name, s in rows.items()]
    threads = f"{torch.get_num_threads()} thread"
    return f"Processor time per cell, {threads}, all in one run.\n\n" + table(
        ("", "ms", "beam FEM = 1"), text
    )
