"""A design task: what is asked for, checked before anything is computed."""

from dataclasses import dataclass, field

from lattice_gnn.design.quantities import Constraint, Quantity
from lattice_gnn.design.settings import Aim, DesignSettings
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.checks import whole_number
from lattice_gnn.lattice.lattice import Lattice


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """What is asked for.

    Attributes:
        start: The lattice to start from.
        objective: What is maximised or minimised; of many values the smallest or the largest.
        aim: Which of the two.
        constraints: What must hold.
        vary: What may change, see ``make_variables``.
        keep_symmetry: Whether the space group of the start is kept exactly.
        fidelity: What computes the stiffness, see ``make_evaluator``.
        starts: Number of starts.
        refine: Largest number of refinements.
        seed: Seed of all randomness.
        settings: How to search.
    """

    start: Lattice
    objective: Quantity
    aim: Aim
    constraints: tuple[Constraint, ...] = ()
    vary: tuple[str, ...] = ("nodes", "radii")
    keep_symmetry: bool = True
    fidelity: object = "beam"
    starts: int = 1
    refine: int = 0
    seed: int = 0
    settings: DesignSettings = field(default_factory=DesignSettings)

    def __post_init__(self) -> None:
        """Check numbers, the net and the kind of the settings."""
        for name, least in (("starts", 1), ("refine", 0), ("seed", 0)):
            value = whole_number(getattr(self, name), f"design: {name}", least)
            object.__setattr__(self, name, value)
        _check_spanning(self.start)
        if not isinstance(self.settings, DesignSettings):
            raise LatticeGnnError(
                f"design: settings: expected DesignSettings, got {type(self.settings).__name__}"
            )


def _check_spanning(lattice: Lattice) -> None:
    net = lattice.connectivity()
    if not net.spans_space:
        raise LatticeGnnError(f"design: start {lattice.name!r}: {net.describe()} Add struts first.")
