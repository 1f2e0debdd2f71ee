"""Checkpoints of a design search: written now and then, resumed by the same task."""

import hashlib
import io
from dataclasses import fields
from pathlib import Path

import numpy as np
from jaxtyping import Float

from lattice_gnn.design.multistart import Population
from lattice_gnn.design.task import Task
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import check_writable, write_whole


class Checkpoint:
    """The file that holds the state of a search.

    Attributes:
        path: The file.
        task: Digest of the task, so that another task does not resume it.
    """

    def __init__(self, path: Path, task: Task):
        self.path, self.task = path, _digest(task)
        check_writable(path)

    def save(self, best: Float[np.ndarray, " variables"], population: Population | None) -> None:
        """Write the best design and, of a batched search, the population."""
        arrays = {"task": np.array(self.task), "best": best}
        if population is not None:
            for item in fields(Population):
                arrays[f"population_{item.name}"] = np.asarray(getattr(population, item.name))
        content = io.BytesIO()
        np.savez(content, allow_pickle=False, **arrays)
        write_whole(self.path, content.getvalue())

    def load(self) -> tuple[Float[np.ndarray, " variables"], Population | None] | None:
        """Return what was saved; None if there is no file.

        Raises:
            LatticeGnnError: If the file is damaged or of another task.
        """
        if not self.path.exists():
            return None
        try:
            with np.load(self.path, allow_pickle=False) as file:
                saved = dict(file)
            task, best = str(saved["task"]), saved["best"]
            population = None
            if "population_z" in saved:
                values = {x.name: saved[f"population_{x.name}"] for x in fields(Population)}
                values["step"] = int(values["step"])
                population = Population(**values)
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise LatticeGnnError(
                f"{self.path}: no checkpoint of a design ({type(error).__name__}); delete it or "
                "name another file"
            ) from None
        if task != self.task:
            raise LatticeGnnError(
                f"{self.path}: checkpoint of another design task; delete it or name another file"
            )
        return best, population


def _digest(task: Task) -> str:
    start, settings = task.start, task.settings
    parts = (
        *(str(hash_of) for hash_of in (start.cell.tobytes(), start.nodes.tobytes())),
        str((start.struts.tobytes(), start.shifts.tobytes(), start.radii.tobytes())),
        task.objective.name,
        task.aim,
        *(constraint.name for constraint in task.constraints),
        *task.vary,
        str((task.keep_symmetry, task.starts, task.seed)),
        str((settings.max_steps, settings.method, settings.move, settings.radius_bounds)),
        str((settings.strain, settings.perturbation)),
        str(settings.as_manufactured),
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
