"""Speed and convergence of the solid reference, and its agreement with tetrahedra.

    python benchmarks/solid.py [speed] [convergence] [agreement] [device] [--update-docs]

``speed``: CPU time and memory per node, compared with pyamg and direct solvers on the same
equations, if installed. ``convergence``: 4 to 32 voxels per diameter on cells that were not used to
choose the exponent 1.5. ``agreement``: reference values of second-order tetrahedra. ``device``: the
torch solver on ``--device``, compared with that of numba. One thread (set OMP_NUM_THREADS=1 and
NUMBA_NUM_THREADS=1); times are CPU times, on a GPU wall times. ``--update-docs`` writes the
sections that ran into ``docs/solid-reference.md``, with a figure of the convergence.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from pages import DOCS, table, write_section
from scipy.sparse import bsr_array, csc_array, csr_matrix, triu
from scipy.sparse.linalg import splu

from data.datasets.file import read_dataset
from fem_reference.solid import homogenise as solid
from fem_reference.solid import multigrid
from fem_reference.solid.homogenise import ORDER, extrapolate, homogenise_solid, homogenise_voxels
from fem_reference.solid.multigrid import Multigrid
from fem_reference.solid.multigrid_torch import DeviceSolver
from fem_reference.solid.voxels import volume_fractions
from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.contacts import reduction
from lattice_gnn.lattice.json_file import lattice_from_dict
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.tensors.stiffness import Stiffness
from viz.solid import draw_convergence

ROOT = Path(__file__).parents[1]
LABELS = ROOT / "data" / "solid_set" / "train.h5"
GOLDEN = ROOT / "tests" / "fem_reference" / "golden" / "solid.json"
SPEED = (("octet", 0.05), ("diamond", 0.1), ("isotruss", 0.1), ("kelvin", 0.2), ("bcc", 0.3))
HELD_OUT = (
    ("truncated-cube", 0.1), ("truncated-cube", 0.25), ("gyroid", 0.1), ("gyroid", 0.25),
    ("cuboctahedron", 0.3),
)  # fmt: skip
SHEARED = (("gyroid", 0.15), ("cuboctahedron", 0.4), ("truncated-cube", 0.2))
SHEAR = ((1.0, 0.25, 0.1), (0.0, 0.9, -0.2), (0.0, 0.0, 1.2))  #: results in a triclinic lattice
EXPONENTS = (1.0, 1.2, 1.5, 2.0)


def difference(a: Stiffness, b: Stiffness) -> float:
    """Return the relative Frobenius difference."""
    return float(torch.linalg.norm(a.mandel - b.mandel) / torch.linalg.norm(b.mandel))


def softest(stiffness: Stiffness) -> float:
    """Return the smallest eigenvalue."""
    return float(torch.linalg.eigvalsh(stiffness.mandel)[0])


def speed() -> str:
    """Measure CPU time and memory per node over cells and sizes, and other solvers."""
    homogenise_solid(cell("sc", radius=0.2), voxels_per_diameter=4)  # compile
    rows = []
    for name, density in SPEED:
        lattice = cell(name, relative_density=density)
        for voxels in (6, 8):
            began = time.process_time()
            solution = homogenise_solid(lattice, voxels_per_diameter=voxels)
            seconds = time.process_time() - began
            nodes = solution.active_nodes
            rows.append((
                f"{name} {density:g}", f"{voxels} ({solution.voxels_per_diameter:.1f})",
                f"{nodes:,}", f"{solution.coarse.iterations}, {solution.iterations}",
                f"{seconds:.2f}", f"{1e6 * seconds / nodes:.0f}", f"{solution.memory / nodes:.0f}",
            ))  # fmt: skip
    heads = (
        "cell", "voxels per diameter", "active nodes", "iterations, both grids", "CPU s",
        "us per node", "B per node",
    )  # fmt: skip
    return "\n\n".join([table(heads, rows), many(), large(), others()])


def many(count: int = 60) -> str:
    """Measure iterations and time of random lattices of the label set, at 6 voxels."""
    dataset = read_dataset(LABELS)
    drawn = np.random.default_rng(0).choice(len(dataset), count, replace=False)
    found = []
    for lattice in dataset.lattices(np.sort(drawn).tolist()):
        began = time.process_time()
        solution = homogenise_solid(lattice, voxels_per_diameter=6)
        seconds = time.process_time() - began
        found.append((solution.iterations, solution.active_nodes, 1e6 * seconds))
    iterations, nodes, times = np.array(found).T
    each = times / nodes
    return (
        f"{count} lattices of `{LABELS.relative_to(ROOT)}`, drawn at random, at 6 voxels per "
        f"diameter ({nodes.min():,.0f} to {nodes.max():,.0f} nodes): {np.median(iterations):.0f} "
        f"iterations on the fine grid in the median, {iterations.max():.0f} at most; "
        f"{np.median(each):.0f} us per node in the median, {each.max():.0f} at most."
    )


MEASURED = """
import json, re, sys, time
from pathlib import Path
from fem_reference.solid.homogenise import homogenise_solid
from lattice_gnn.cells.named import cell
homogenise_solid(cell("sc", radius=0.2), voxels_per_diameter=4)
def memory(kind):
    return 1024 * int(re.search(kind + r":\\s*(\\d+)", Path("/proc/self/status").read_text())[1])
before, began = memory("VmRSS"), time.process_time()
lattice = cell("diamond", relative_density=0.1)
solution = homogenise_solid(lattice, voxels_per_diameter=int(sys.argv[1]))
seconds = time.process_time() - began
added = memory("VmHWM") - before
print(json.dumps([solution.active_nodes, solution.iterations, seconds, added]))
"""


def large() -> str:
    """Measure the growth with size, each in a separate process to read its peak memory."""
    rows = []
    for voxels in (8, 16, 24, 32):
        command = [sys.executable, "-c", MEASURED, str(voxels)]
        output = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
        nodes, iterations, seconds, added = json.loads(output.stdout)
        rows.append((
            str(voxels), f"{nodes:,}", str(iterations), f"{seconds:.1f}",
            f"{1e6 * seconds / nodes:.0f}", f"{added / 1e6:.0f}", f"{added / nodes:.0f}",
        ))  # fmt: skip
    heads = (
        "voxels per diameter", "active nodes", "iterations", "CPU s", "us per node",
        "memory at its peak, MB", "B per node",
    )  # fmt: skip
    return "Diamond at relative density 0.1, growth with size:\n\n" + table(heads, rows)


def others() -> str:
    """Solve the equations of one grid by this solver, pyamg, SuperLU and Pardiso."""
    rows = []
    for name, density, n in (("diamond", 0.1, 32), ("isotruss", 0.1, 32), ("octet", 0.2, 32)):
        lattice = cell(name, relative_density=density)
        weights = volume_fractions(lattice, (n, n, n))
        began = time.process_time()
        solution = homogenise_voxels(weights, lattice.cell)
        mine = time.process_time() - began
        model = solution._model
        levels = Multigrid(model.grid, model.weights, model.element)
        K = matrix(levels)
        f = levels.fine.forces().reshape(-1, 6)
        free = slice(3, None)
        A, b = csr_matrix(K)[free, free], f[free]
        affine = solution.volume_fraction * solution._model.element.solid
        exact = affine - f[free].T @ splu(csc_array(A)).solve(b) / lattice.volume
        for title, solver in solvers().items():
            began = time.process_time()
            u = solver(A, b)
            seconds = time.process_time() - began
            C = affine - b.T @ u / lattice.volume
            error = float(np.linalg.norm(C - exact) / np.linalg.norm(exact))
            rows.append((
                f"{name} {density:g}, {n}^3", title, f"{seconds:.2f}",
                f"{1e6 * seconds / solution.active_nodes:.0f}", f"{error:.0e}",
            ))  # fmt: skip
        error = np.linalg.norm(solution.stiffness.numpy() - exact) / np.linalg.norm(exact)
        nodes = solution.active_nodes
        rows.append((
            f"{name} {density:g}, {n}^3", f"this, assembly included ({solution.iterations} it.)",
            f"{mine:.2f}", f"{1e6 * mine / nodes:.0f}", f"{error:.0e}",
        ))  # fmt: skip
    heads = ("grid", "solver, six loads", "CPU s", "us per node", "error of C")
    return "The same equations by other solvers (assembly not counted there):\n\n" + table(
        heads, rows
    )


def matrix(levels: Multigrid) -> csc_array:
    """Assemble the operator of the finest grid."""
    level = levels.fine
    blocks = np.concatenate([blocks for _, blocks in level.chunks()])
    row, offset = np.nonzero(level.neighbours >= 0)
    order = np.lexsort((level.neighbours[row, offset], row))
    pointers = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=level.size))])
    data = blocks[row, offset][order].reshape(-1, 3, 3)
    columns = level.neighbours[row, offset][order]
    return bsr_array((data, columns, pointers), shape=(3 * level.size,) * 2).tocsc()


def solvers() -> dict[str, Callable]:
    """Return the other solvers that are installed."""

    def superlu(A: csr_matrix, b: np.ndarray) -> np.ndarray:
        options = {"SymmetricMode": True}
        return splu(
            csc_array(A), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options
        ).solve(b)

    found: dict[str, Callable] = {"SuperLU (scipy)": superlu}
    if find_spec("pypardiso") is not None:
        from pypardiso import PyPardisoSolver

        def pardiso(A: csr_matrix, b: np.ndarray) -> np.ndarray:
            upper = csr_matrix(triu(A, format="csr"))
            solver = PyPardisoSolver(mtype=2)
            solver.factorize(upper)
            return solver.solve(upper, b)

        found["Pardiso"] = pardiso
    if find_spec("pyamg") is not None:
        import pyamg

        def smoothed_aggregation(A: csr_matrix, b: np.ndarray) -> np.ndarray:
            near = np.tile(np.eye(3), (A.shape[0] // 3, 1))
            smoother = ("block_gauss_seidel", {"sweep": "symmetric", "blocksize": 3})
            levels = pyamg.smoothed_aggregation_solver(
                A.tobsr((3, 3)), B=near, presmoother=smoother, postsmoother=smoother
            )
            columns = [levels.solve(column, tol=1e-4, accel="cg", maxiter=300) for column in b.T]
            return np.stack(columns, axis=1)

        found["pyamg, smoothed aggregation CG"] = smoothed_aggregation
    return found


def series(lattice: Lattice, finest: int) -> tuple[np.ndarray, list[Stiffness]]:
    """Compute the stiffness at about 4, 8, ... voxels per diameter, with grids exactly 2:1.

    Returns:
        Actual voxels per diameter, and the stiffness on each grid.
    """
    lattice = lattice.with_cell_vectors(reduction(lattice.cell))
    across = 2 * lattice.radii.min()
    lengths = np.linalg.norm(lattice.cell, axis=1)
    first = np.maximum(8, 8 * np.rint(lengths * 4 / across / 8)).astype(int)
    factors = 2 ** np.arange(int(np.log2(finest / 4)) + 1)
    found = []
    for factor in factors:
        n1, n2, n3 = (int(n) for n in first * factor)
        weights = volume_fractions(lattice, (n1, n2, n3))
        found.append(homogenise_voxels(weights, lattice.cell).stiffness)
    return factors * across / (lengths / first).max(), found


def held_out() -> dict[str, Lattice]:
    """Return cells that were not used to choose the exponent, some sheared."""
    made = {
        f"{name} {density:g}": cell(name, relative_density=density) for name, density in HELD_OUT
    }
    for name, density in SHEARED:
        lattice = cell(name, relative_density=density).strained(np.array(SHEAR))
        made[f"{name} {density:g}, sheared"] = lattice.with_relative_density(density)
    return made


def convergence(finest: int = 32, picture: Path | None = None) -> str:
    """Measure the order of convergence, and extrapolation of the pairs 4:8 and 8:16 by exponent."""
    rows, errors = [], {(pair, p): [] for pair in (0, 1) for p in EXPONENTS}
    drawn = []
    for name, lattice in held_out().items():
        voxels, found = series(lattice, finest)
        limits = [extrapolate(fine, coarse)[0] for coarse, fine in pairwise(found)]
        reference = limits[-1]
        drawn.append((voxels, [C.numpy() for C in found], [C.numpy() for C in limits]))
        steps = [float((a.mandel - b.mandel).norm()) for a, b in pairwise(found)]
        modes = [softest(x) for x in found]
        falls = -np.diff(modes)
        row = [name, *(f"{np.log2(a / b):.2f}" for a, b in pairwise(steps))]
        row += [f"{np.log2(a / b):.2f}" for a, b in pairwise(falls)]
        for pair in (0, 1):
            for p in EXPONENTS:
                step = (found[pair + 1].mandel - found[pair].mandel) / (2**p - 1)
                C = Stiffness(found[pair + 1].mandel + step)
                low = softest(C) / softest(reference) - 1
                errors[pair, p].append((difference(C, reference), low))
            mine, low = errors[pair, ORDER][-1]
            _, stated, stated_low = extrapolate(found[pair + 1], found[pair])
            row += [f"{100 * mine:.1f} ({100 * stated:.1f})"]
            row += [f"{100 * low:+.1f} ({100 * stated_low:.0f})"]
        rows.append(tuple(row))
        sys.stderr.write(" ".join(row) + "\n")
    image = ""
    if picture is not None:
        draw_convergence(picture, *map(np.array, zip(*drawn, strict=True)))
        image = f"\n\n![Errors over voxels per diameter](images/{picture.name})"
    heads = (
        "cell", "order 4-8-16", "8-16-32", "softest 4-8-16", "8-16-32",
        "C at 8, % (stated)", "softest at 8, % (stated)", "C at 16, %", "softest at 16, %",
    )  # fmt: skip
    summary = []
    for pair, voxels in ((0, 8), (1, 16)):
        for p in EXPONENTS:
            both = np.array(errors[pair, p])
            summary.append((
                str(voxels), f"{p:g}", f"{100 * np.median(both[:, 0]):.2f} / "
                f"{100 * both[:, 0].max():.2f}", f"{100 * np.median(both[:, 1]):+.1f}",
                f"{100 * np.abs(both[:, 1]).max():.1f}",
            ))  # fmt: skip
    other = (
        "voxels per diameter", "exponent", "error of C, % (median / largest)",
        "softest, % (median)", "softest, % (largest)",
    )  # fmt: skip
    return table(heads, rows) + "\n\n" + table(other, summary) + image


def agreement() -> str:
    """Measure the difference from the tetrahedra at 8 and 16 voxels per diameter."""
    rows = []
    for name, entry in json.loads(GOLDEN.read_text()).items():
        lattice = lattice_from_dict(entry["lattice"])
        expected, finer = (
            Stiffness(torch.tensor(entry[key])) for key in ("stiffness", "finer_mesh")
        )
        row = [name, f"{entry['sampled_volume_fraction']:.4f}"]
        row += [f"{100 * difference(finer, expected):.2f}"]
        for voxels in (8, 16):
            found = homogenise_solid(lattice, voxels_per_diameter=voxels)
            low = softest(found.stiffness) / softest(expected) - 1
            row += [f"{100 * difference(found.stiffness, expected):.2f}", f"{100 * low:+.2f}"]
        rows.append((*row, f"{found.volume_fraction:.4f}"))
    heads = (
        "cell", "volume fraction, sampled", "last step of the tetrahedra, %", "C at 8, %",
        "softest at 8, %", "C at 16, %", "softest at 16, %", "volume fraction, voxels",
    )  # fmt: skip
    return table(heads, rows)


def on_device(device: str) -> str:
    """Compare the solutions by numba and by torch on a device: iterations, time, difference."""
    clock = time.process_time if device == "cpu" else time.perf_counter
    spent = []

    def timed(function: Callable, *args: object, **options: object) -> object:
        began = clock()
        result = function(*args, **options)
        spent.append(clock() - began)
        return result

    rows = []
    for name, density, voxels in (*((*case, 6) for case in SPEED), ("diamond", 0.1, 16)):
        lattice, found, times = cell(name, relative_density=density), [], []
        for solver in (multigrid.solve, DeviceSolver(torch.device(device))):
            with patch.object(solid, "solver_on", lambda _, s=solver: partial(timed, s)):
                homogenise_solid(cell("sc", radius=0.2), voxels_per_diameter=4)  # warm up
                spent.clear()
                found.append(timed(homogenise_solid, lattice, voxels_per_diameter=voxels))
            times.append((spent[-1], sum(spent[:-1])))
        nodes = found[1].active_nodes
        rows.append((
            f"{name} {density:g}", str(voxels), f"{nodes:,}",
            *(f"{solution.coarse.iterations}, {solution.iterations}" for solution in found),
            *(f"{total:.2f} ({solving:.2f})" for total, solving in times),
            f"{times[1][0] / times[0][0]:.2f}",
            f"{difference(found[1].fine.stiffness, found[0].fine.stiffness):.0e}",
            f"{found[1].memory / nodes:.0f}",
        ))  # fmt: skip
    seconds = "CPU s" if device == "cpu" else "s"
    heads = (
        "cell", "voxels per diameter", "active nodes", "iterations, numba", "torch",
        f"{seconds}, numba (solving)", f"{seconds}, torch (solving)", "ratio",
        "difference of C", "B per node, torch",
    )  # fmt: skip
    place = torch.cuda.get_device_name(device) if device.startswith("cuda") else device
    return f"torch {torch.__version__} on {place}, numba on one core:\n\n{table(heads, rows)}"


def main() -> None:
    """Run the requested sections, print them, and write them into the docs."""
    sections = {
        "speed": speed, "convergence": convergence, "agreement": agreement, "device": on_device,
    }  # fmt: skip
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", default=list(sections), choices=[*sections, []])
    parser.add_argument("--device", default="cpu", help="of torch, for the section `device`")
    parser.add_argument("--update-docs", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    sections["device"] = partial(on_device, arguments.device)
    if arguments.update_docs:
        picture = DOCS / "images" / "solid-convergence.png"
        sections["convergence"] = partial(convergence, picture=picture)
    for name in arguments.sections or sections:
        text = sections[name]()
        sys.stdout.write(f"{text}\n\n")
        if arguments.update_docs:
            write_section(name, text, DOCS / "solid-reference.md")


if __name__ == "__main__":
    main()
