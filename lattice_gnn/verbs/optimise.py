"""``lattice_gnn.optimise``: the lattice that is best for a purpose, verified by a reference."""

from collections.abc import Callable, Iterable, Sequence

from lattice_gnn.design.elastic import misfit
from lattice_gnn.design.evaluators import Evaluator, StiffnessFunction
from lattice_gnn.design.quantities import Constraint, Quantity
from lattice_gnn.design.result import DesignResult, Step
from lattice_gnn.design.run import run
from lattice_gnn.design.settings import DesignSettings
from lattice_gnn.design.task import Task
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.surrogate.surrogate import Surrogate
from lattice_gnn.tensors.stiffness import Stiffness


def optimise(  # noqa: PLR0913 (one argument for each part of the task)
    start: Lattice,
    *,
    maximise: Quantity | None = None,
    minimise: Quantity | None = None,
    target: Stiffness | None = None,
    vary: Sequence[str] = ("nodes", "radii"),
    subject_to: Iterable[Constraint] | Constraint = (),
    keep_symmetry: bool = True,
    fidelity: str | Surrogate | Evaluator | StiffnessFunction = "beam",
    starts: int = 1,
    refine: int = 0,
    seed: int = 0,
    settings: DesignSettings | None = None,
    on_step: Callable[[Step], None] | None = None,
) -> DesignResult:
    """Change a lattice until a quantity is as large or small as the constraints allow.

    The result is rounded, evaluated again and verified by the reference of the fidelity; its status
    and its verdict say what was reached. A KeyboardInterrupt ends the search with the best design
    so far.

    Args:
        start: The lattice to start from; its net spans space.
        maximise: The quantity to maximise (of several values, the smallest); give one of maximise,
            minimise, target.
        minimise: The quantity to minimise (of several values, the largest).
        target: The stiffness C / E_s to approach.
        vary: What may change: "nodes"; "radii" (one per orbit of symmetric struts) or "radius" (one
            factor for all); "cell", "cell_shape" or "cell_volume".
        subject_to: What must hold, such as ``lg.relative_density <= 0.1``.
        keep_symmetry: Keep the space group of the start exactly.
        fidelity: "beam": beam FEM, verified by beam FEM; "solid": the joint network, verified by
            solid FEM; a ``Surrogate``, verified by what it was trained on; or a function from a
            ``LatticeBatch`` to C / E_s.
        starts: Number of starts: the given lattice, and others drawn around it.
        refine: Largest number of further searches, with the evaluator corrected by the reference,
            until the reference confirms the design.
        seed: Seed of all randomness.
        settings: Bounds of the variables, limits of the search, rounding.
        on_step: Called after every step of the search.

    Raises:
        LatticeGnnError: For a task that is incomplete, contradictory, or impossible from the start.
    """
    objective = _objective(maximise, minimise, target)
    constraints = _constraints(subject_to)
    if not isinstance(start, Lattice):
        raise LatticeGnnError(
            f"optimise: expected a Lattice to start from, got {type(start).__name__}"
        )
    task = Task(
        start=start,
        objective=objective,
        aim="maximise" if maximise is not None else "minimise",
        constraints=constraints,
        vary=_variables(vary),
        keep_symmetry=keep_symmetry,
        fidelity=fidelity,
        starts=starts,
        refine=refine,
        seed=seed,
        settings=DesignSettings() if settings is None else settings,
    )
    return run(task, on_step)


def _objective(maximise: object, minimise: object, target: object) -> Quantity:
    given = [x for x in (maximise, minimise, target) if x is not None]
    if len(given) != 1:
        raise LatticeGnnError(
            f"optimise: expected one of maximise, minimise and target, got {len(given)}"
        )
    if isinstance(target, Stiffness):
        return misfit(target)
    if target is not None or not isinstance(given[0], Quantity):
        kind = "a Stiffness" if target is not None else "a quantity such as lg.E([1, 0, 0])"
        raise LatticeGnnError(f"optimise: expected {kind}, got {type(given[0]).__name__}")
    return given[0]


def _variables(vary: object) -> tuple[str, ...]:
    if isinstance(vary, str):
        return (vary,)
    if not isinstance(vary, Iterable):
        raise LatticeGnnError(
            f"optimise: vary: expected names such as 'radii', got {type(vary).__name__}"
        )
    return tuple(vary)


def _constraints(subject_to: object) -> tuple[Constraint, ...]:
    if isinstance(subject_to, Constraint):
        return (subject_to,)
    several = tuple(subject_to) if isinstance(subject_to, Iterable) else (subject_to,)
    found = tuple(x for x in several if isinstance(x, Constraint))
    if len(found) < len(several):
        wrong = next(x for x in several if not isinstance(x, Constraint))
        raise LatticeGnnError(
            "optimise: subject_to: expected constraints such as lg.relative_density <= 0.1, got "
            f"{wrong!r:.60}"
        )
    return found
