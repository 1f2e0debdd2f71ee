"""Cost of the design loop: its own share of a step, a search of 64 starts, other optimisers.

    OMP_NUM_THREADS=1 python benchmarks/design_loop.py steps --update-docs       # a minute
    OMP_NUM_THREADS=1 python benchmarks/design_loop.py searches optimisers

Processor time of one thread counts, so that other load on the machine matters little; steps are
timed alternately with the evaluator's own gradient. Beam FEM is compiled from the start. NLopt is
compared if it can be imported.
"""

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from pages import DOCS, table, write_section
from scipy.optimize import NonlinearConstraint, minimize

from fem_reference.beam.compiled import load_kernel
from lattice_gnn.design.elastic import E
from lattice_gnn.design.formulation import formulate
from lattice_gnn.design.geometric import relative_density
from lattice_gnn.design.multistart import Population, batched_search, draw_starts
from lattice_gnn.design.optimality import optimality
from lattice_gnn.design.optimiser import slsqp
from lattice_gnn.design.problem import Problem
from lattice_gnn.design.settings import DesignSettings
from lattice_gnn.design.task import Task
from lattice_gnn.design.track import Track
from lattice_gnn.testing import random_lattice

NODES = 20
STARTS, STEPS = 64, 200


def problem_of(fidelity: str, **settings: Any) -> Problem:
    """Stiffest along 3 at constant density: a net of 20 nodes without symmetry, all free."""
    start = random_lattice(3, num_nodes=NODES).with_relative_density(0.05)
    task = Task(
        start=start,
        objective=E([0, 0, 1]),
        aim="maximise",
        constraints=(relative_density <= 0.05,),
        keep_symmetry=False,
        fidelity=fidelity,
        settings=DesignSettings(move=0.1, **settings),
    )
    return formulate(task).problem


def overhead(problem: Problem, count: int, repeats: int) -> dict[str, float]:
    """Compare a step with the evaluator's gradient of one number by the lattices: medians."""
    rng = np.random.default_rng(0)
    z = np.clip(rng.normal(scale=0.05, size=(count, problem.variables.count)), *problem.bounds)
    batch = problem.variables.batch(problem.x(z))
    times: dict[str, list[float]] = {"evaluator": [], "step": []}

    def evaluator() -> None:
        nodes = batch.nodes.detach().requires_grad_()
        radii = batch.radii.detach().requires_grad_()
        C = problem.evaluator(batch.replace(nodes=nodes, radii=radii, end_radii=radii))
        torch.autograd.grad(C[:, 2, 2].sum(), (nodes, radii))

    def step() -> None:
        point = problem.at(z)
        point.cost_gradient()
        point.jacobian()

    for _ in range(repeats):
        for name, work in (("evaluator", evaluator), ("step", step)):
            times[name].append(processor_time(work))
    typical = {name: float(np.median(values)) for name, values in times.items()}
    return {**typical, "overhead": typical["step"] / typical["evaluator"] - 1}


def processor_time(work: Callable[[], None]) -> float:
    """Processor time of a call, in s."""
    began = time.process_time()
    work()
    return time.process_time() - began


def multistart(problem: Problem) -> dict[str, float]:
    """Advance 64 starts by 200 steps together."""
    z = draw_starts(problem, STARTS, 0.2, np.random.default_rng(0))
    population = Population.at(problem, z)
    began, clock = time.process_time(), time.perf_counter()
    batched_search(problem, population, Track(), STEPS)
    costs = population.cost[population.excess <= 0]
    return {
        "processor_s": time.process_time() - began,
        "wall_s": time.perf_counter() - clock,
        "feasible": len(costs),
        "best": float(-problem.unit * costs.min()),
        "median": float(-problem.unit * np.median(costs)),
    }


def optimisers(problem: Problem) -> dict[str, dict[str, float]]:
    """Compare SLSQP, trust-constr and MMA from one start: evaluations, objective, optimality."""
    found = {}
    for name, method in (("SLSQP", by_slsqp), ("trust-constr", by_trust), ("MMA", by_mma)):
        track = Track()
        began = time.process_time()
        try:
            method(problem, track)
        except ImportError:
            continue
        found[name] = {
            "evaluations": len(track.history),
            "objective": problem.objective_of(track.cost),
            "optimality": optimality(problem, track.best),
            "processor_s": time.process_time() - began,
        }
    return found


def by_slsqp(problem: Problem, track: Track) -> None:
    """SLSQP of scipy, as the design loop calls it."""
    slsqp(problem, np.zeros(problem.variables.count), (track,), STEPS)


def by_trust(problem: Problem, track: Track) -> None:
    """The trust-region method of scipy."""

    def at(z: np.ndarray):
        point = problem.at(np.clip(z, *problem.bounds)[None])
        track.see(point)
        return point

    minimize(
        lambda z: at(z).cost.item(),
        np.zeros(problem.variables.count),
        jac=lambda z: problem.at(z[None]).cost_gradient()[0],
        bounds=list(zip(*problem.bounds, strict=True)),
        constraints=NonlinearConstraint(
            lambda z: problem.at(z[None], gradient=False).residuals[0],
            0,
            np.inf,
            jac=lambda z: problem.at(z[None]).jacobian()[0],
        ),
        method="trust-constr",
        options={"maxiter": STEPS},
    )


def by_mma(problem: Problem, track: Track) -> None:
    """The method of moving asymptotes of NLopt."""
    import nlopt

    count = problem.variables.count
    optimiser = nlopt.opt(nlopt.LD_MMA, count)
    optimiser.set_lower_bounds(problem.bounds[0])
    optimiser.set_upper_bounds(problem.bounds[1])

    def cost(z: np.ndarray, gradient: np.ndarray) -> float:
        point = problem.at(z[None])
        track.see(point)
        if gradient.size:
            gradient[:] = point.cost_gradient()[0]
        return point.cost.item()

    def residuals(values: np.ndarray, z: np.ndarray, gradient: np.ndarray) -> None:
        point = problem.at(z[None])
        values[:] = -point.residuals[0]
        if gradient.size:
            gradient[:] = -point.jacobian()[0]

    rows = problem.at(np.zeros((1, count))).residuals.shape[1]
    optimiser.set_min_objective(cost)
    optimiser.add_inequality_mconstraint(residuals, np.full(rows, 1e-8))
    optimiser.set_maxeval(STEPS)
    optimiser.optimize(np.zeros(count))


def main() -> None:
    """Measure the parts and print their tables, or write them into docs/design.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(PARTS)}; steps by default")
    parser.add_argument("--repeats", type=int, default=100, help="of each step by beam FEM")
    parser.add_argument("--update-docs", action="store_true")
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"unknown {', '.join(sorted(unknown))}; use some of {', '.join(PARTS)}")
    torch.set_num_threads(1)
    load_kernel()
    for part in options.parts or ["steps"]:
        text = PARTS[part](options.repeats)
        sys.stdout.write(text + "\n\n")
        if options.update_docs:
            write_section(f"design-{part}", text, DOCS / "design.md")


def steps(repeats: int) -> str:
    """Return the table of the cost of a step."""
    rows = []
    for fidelity, count, share in (("beam", 1, 1), ("beam", 64, 4), ("solid", 1, 10)):
        x = overhead(problem_of(fidelity), count, max(1, repeats // share))
        times = (f"{1e3 * x[name]:.3g} ms" for name in ("evaluator", "step"))
        rows.append((fidelity, f"batch of {count}", *times, f"{x['overhead']:.0%}"))
    return table(("fidelity", "lattices", "gradient of the evaluator", "step", "overhead"), rows)


def searches(_: int) -> str:
    """Return the table of searches of many starts."""
    rows = []
    for fidelity in ("beam", "solid"):
        x = multistart(problem_of(fidelity))
        search = f"{STARTS} starts, {STEPS} steps"
        rows.append((fidelity, search, f"{x['processor_s']:.0f} s", f"{x['feasible']} of {STARTS}"))
    return table(("fidelity", "search", "processor time", "feasible"), rows)


def comparison(_: int) -> str:
    """Return the table of the optimisers."""
    rows = [
        (name, str(x["evaluations"]), f"{x['objective']:.4f}", f"{x['optimality']:.1e}",
         f"{x['processor_s']:.1f} s")
        for name, x in optimisers(problem_of("beam")).items()
    ]  # fmt: skip
    return table(("optimiser", "evaluations", "E", "optimality", "processor time"), rows)


PARTS = {"steps": steps, "searches": searches, "optimisers": comparison}

if __name__ == "__main__":
    main()
