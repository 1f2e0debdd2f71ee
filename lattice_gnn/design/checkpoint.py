"""Checkpoints of a design: what every stage has found, from which the same task goes on.

The stages are the search, the topology moves and the refinement. Each has its section of arrays in
one file, so that a finished stage is not repeated and an interrupted one goes on.
"""

import hashlib
import io
import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from lattice_gnn.design.point import Point
from lattice_gnn.design.task import Task
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import check_writable, write_whole

Section = dict[str, np.ndarray]

_SAME = 1e-4
"""Relative difference up to which two evaluations of one start agree: well above the rounding of a
network of float32 on another machine."""


class Checkpoint:
    """The file that holds the state of a design.

    Another task does not resume it: neither one that reads differently, nor one whose objective
    and constraints, which may be functions of the user, have other values at the start.

    Attributes:
        path: The file; None to write nothing and resume nothing.
        task: Digest of the task as it reads.
        values: Objective and residuals at the start, by the evaluator.
    """

    def __init__(self, task: Task, start: Point):
        path = task.settings.checkpoint
        self.path, self.task = None if path is None else Path(path), _digest(task)
        self.values = np.zeros(0)
        self._sections: dict[str, Section] = {}
        if self.path is not None:
            check_writable(self.path)
            self.values = _start_values(start)
            self._sections = self._load(self.path)

    def get(self, stage: str) -> Section | None:
        """Return the section of a stage; None if there is none."""
        return self._sections.get(stage)

    def put(self, stage: str, section: Section) -> None:
        """Write the section of a stage; the other sections stay."""
        self._sections[stage] = section
        if self.path is None:
            return
        arrays = {"task": np.array(self.task), "values": self.values}
        for name, values in self._sections.items():
            arrays |= {f"{name}/{key}": np.asarray(value) for key, value in values.items()}
        content = io.BytesIO()
        np.savez(content, allow_pickle=False, **arrays)
        write_whole(self.path, content.getvalue())

    def _load(self, path: Path) -> dict[str, Section]:
        """Return what was saved; nothing if there is no file.

        Raises:
            LatticeGnnError: If the file is damaged or of another task.
        """
        if not path.exists():
            return {}
        try:
            with np.load(path, allow_pickle=False) as file:
                saved = dict(file)
            task, values = str(saved.pop("task")), saved.pop("values")
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise LatticeGnnError(
                f"{path}: no checkpoint of a design ({type(error).__name__}); delete it or "
                "name another file"
            ) from None
        if task != self.task or not _agree(values, self.values):
            raise LatticeGnnError(
                f"{path}: checkpoint of another design task; delete it or name another file"
            )
        sections: dict[str, Section] = {}
        for name, value in saved.items():
            stage, key = name.split("/", 1)
            sections.setdefault(stage, {})[key] = value
        return sections


def _start_values(start: Point) -> np.ndarray:
    """Return objective over unit, logarithm of that unit, and residuals at the start."""
    unit = start.problem.unit
    objective = (float(start.objective[0]) / unit, math.log(unit))
    return np.array([*objective, *start.residuals[0]])


def _agree(saved: np.ndarray, values: np.ndarray) -> bool:
    """Whether two vectors of values of order one, or larger, are equal but for rounding."""
    return saved.shape == values.shape and np.allclose(saved, values, rtol=_SAME, atol=_SAME)


def _digest(task: Task) -> str:
    start = task.start
    arrays = (start.cell, start.nodes, start.struts, start.shifts, start.radii)
    parts = (
        *(array.tobytes().hex() for array in arrays),
        task.objective.name,
        task.aim,
        *(f"{constraint.name} within {constraint.allowed!r}" for constraint in task.constraints),
        *task.vary,
        task.fidelity if isinstance(task.fidelity, str) else type(task.fidelity).__name__,
        str((task.keep_symmetry, task.starts, task.seed)),
        str(replace(task.settings, checkpoint=None)),
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
