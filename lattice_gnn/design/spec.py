"""A design task as text: what a YAML file and the options of the command line say."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from lattice_gnn.design.elastic import misfit
from lattice_gnn.design.expressions import read_constraint, read_quantity
from lattice_gnn.design.manufactured import AsManufactured
from lattice_gnn.design.printing import PRINT_PROCESSES
from lattice_gnn.design.quantities import Constraint, Quantity
from lattice_gnn.design.settings import Aim, DesignSettings, Variable
from lattice_gnn.design.target_file import read_target, target_of
from lattice_gnn.design.task import Task
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import read_yaml
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.settings import read_settings

Fidelity = Literal["beam", "solid"]


@dataclass(frozen=True, slots=True)
class TargetSpec:
    """A target tensor.

    Attributes:
        file: File that holds it, ``FILE`` or ``FILE:NAME``; alternatively:
        voigt: Rows of a 6x6 Voigt matrix, null for free components.
        E_s: Young's modulus of the solid in the unit of the matrix.
    """

    file: str | None = None
    voigt: tuple[tuple[float | None, ...], ...] | None = None
    E_s: float = 1.0

    def quantity(self) -> Quantity:
        """Return the misfit from the target."""
        if (self.file is None) == (self.voigt is None):
            raise LatticeGnnError("target: expected either file or voigt.")
        if self.voigt is None:
            return misfit(read_target(str(self.file), self.E_s))
        return misfit(target_of(self.voigt, self.E_s, "target"))


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """A print process whose limits hold.

    Attributes:
        name: Name in the table of processes.
        millimetres: Length of one unit of the lattice, mm.
        build_direction: Normal of the build plate.
    """

    name: str
    millimetres: float
    build_direction: tuple[float, float, float] = (0.0, 0.0, 1.0)

    def constraints(self) -> list[Constraint]:
        """Return the limits of the process."""
        if self.name not in PRINT_PROCESSES:
            raise LatticeGnnError(
                f"process: unknown process {self.name!r}; known are {', '.join(PRINT_PROCESSES)}."
            )
        return PRINT_PROCESSES[self.name].constraints(
            millimetres=self.millimetres, build_direction=self.build_direction
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignSpec:
    """A design task in words; see ``lattice_gnn.optimise`` for the meaning of every key.

    Attributes:
        maximise: Quantity to maximise, as an expression; one of maximise, minimise and target.
        minimise: Quantity to minimise.
        target: Stiffness to approach.
        subject_to: Constraints, as expressions.
        process: Print process whose limits are constraints too.
        as_manufactured: How the printed lattice, which is evaluated, differs from the design.
        vary: What may change.
        keep_symmetry: Whether the space group of the start is kept.
        fidelity: "beam", or "solid" by the joint network.
        starts: Number of starts.
        refine: Largest number of refinements.
        seed: Seed of all randomness.
        settings: How to search.
    """

    maximise: str | None = None
    minimise: str | None = None
    target: TargetSpec | None = None
    subject_to: tuple[str, ...] = ()
    process: ProcessSpec | None = None
    as_manufactured: AsManufactured | None = None
    vary: tuple[Variable, ...] = ("nodes", "radii")
    keep_symmetry: bool = True
    fidelity: Fidelity = "beam"
    starts: int = 1
    refine: int = 0
    seed: int = 0
    settings: DesignSettings = field(default_factory=DesignSettings)

    def task(self, start: Lattice) -> Task:
        """Return the task of this specification.

        Raises:
            LatticeGnnError: For an expression that cannot be read, or no or several objectives.
        """
        objective, aim = self._objective(start)
        limits = [read_constraint(text, start) for text in self.subject_to]
        if self.process is not None:
            limits += self.process.constraints()
        return Task(
            start=start,
            objective=objective,
            aim=aim,
            constraints=tuple(limits),
            vary=self.vary,
            keep_symmetry=self.keep_symmetry,
            fidelity=self.fidelity,
            starts=self.starts,
            refine=self.refine,
            seed=self.seed,
            settings=self._settings(),
        )

    def _settings(self) -> DesignSettings:
        if self.as_manufactured is None:
            return self.settings
        return replace(self.settings, as_manufactured=self.as_manufactured)

    def _objective(self, start: Lattice) -> tuple[Quantity, Aim]:
        given = [x for x in ("maximise", "minimise", "target") if getattr(self, x) is not None]
        if len(given) != 1:
            named = " and ".join(given) if given else "none"
            raise LatticeGnnError(
                f"design: expected one of maximise, minimise and target, got {named}."
            )
        if self.target is not None:
            return self.target.quantity(), "minimise"
        if self.maximise is not None:
            return read_quantity(self.maximise, start), "maximise"
        return read_quantity(str(self.minimise), start), "minimise"


def read_spec(path: Path | None, options: Mapping[str, Any]) -> DesignSpec:
    """Read a specification from a YAML file and options, which add to it.

    Constraints of both hold; any other key may be in one of them only. The file may give one
    constraint or variable as plain text instead of a list.

    Args:
        path: YAML file; None for options alone.
        options: Values of keys that are given as options.

    Raises:
        LatticeGnnError: For a key that is unknown or given twice, or a value that is wrong.
    """
    values = {} if path is None else dict(read_yaml(path))
    where = "design" if path is None else str(path)
    for name in ("subject_to", "vary"):
        if isinstance(values.get(name), str):
            values[name] = [values[name]]
    for name, value in options.items():
        if name == "subject_to":
            values[name] = [*(values.get(name) or ()), *value]
        elif name in values:
            raise LatticeGnnError(f"{where}: {name} is given as an option too; leave one out.")
        else:
            values[name] = value
    return read_settings(DesignSpec, values, where)
