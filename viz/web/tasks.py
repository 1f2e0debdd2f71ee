"""Work of the app that is done in other processes: whatever may be slow, or reads files."""

import signal
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from data.formats import read_with_report
from lattice_gnn.design.document import design_report
from lattice_gnn.design.run import run
from lattice_gnn.design.spec import read_spec
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.json_file import lattice_from_dict, lattice_to_dict
from viz.web.live import full_answer, live_answer, require_small, saved_file

Tell = Callable[[dict[str, Any]], None]

MOST_LATTICES = 200
"""Lattices of one file that are offered."""

DESIGN_KEYS = (
    "maximise",
    "minimise",
    "target",
    "subject_to",
    "vary",
    "keep_symmetry",
    "fidelity",
    "starts",
)
"""What the page may say about a design; see `lattice_gnn.design.spec`."""

_VOXELS = 6
_DESIGN_STEPS = 200
_MOST_STARTS = 16
_TOLD = ("step", "phase", "objective", "violation")  #: of every step of a search


def read_upload(values: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """Read an uploaded file of any format.

    Args:
        values: ``name`` and ``content`` (bytes).
        tell: Not used.
    """
    name = "".join(x if x.isalnum() or x in "-_. " else "_" for x in Path(values["name"]).name)
    with tempfile.TemporaryDirectory(prefix="lattice-gnn-") as folder:
        path = Path(folder) / (name.lstrip(".")[-80:] or "upload")
        path.write_bytes(values["content"])
        try:
            reading = read_with_report(path)
        except LatticeGnnError as error:
            said = str(error).replace(f"{folder}/", "")
            named = said if said.startswith(path.name) else f"{path.name}: {said}"
            raise LatticeGnnError(named) from None
    lattices = reading.lattices[:MOST_LATTICES]
    for lattice in lattices:
        require_small(lattice.num_struts)
    notes = list(reading.sentences())
    if len(reading.lattices) > MOST_LATTICES:
        notes.append(f"The first {MOST_LATTICES} of {len(reading.lattices)} lattices are offered.")
    return {"lattices": [lattice_to_dict(lattice) for lattice in lattices], "notes": notes}


def solve_solid(values: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """Homogenise one lattice as a solid.

    Args:
        values: ``lattice``.
        tell: Called with the stage and the share done.
    """
    from fem_reference.solid.homogenise import homogenise_solid

    solution = homogenise_solid(
        lattice_from_dict(values["lattice"]),
        voxels_per_diameter=_VOXELS,
        on_progress=lambda stage, share: tell({"now": stage, "share": share}),
    )
    return {
        "mandel": solution.stiffness.mandel.tolist(),
        "error": solution.error,
        "seconds": solution.seconds,
    }


def design(values: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """Carry out a design task; an interrupt (SIGINT) ends it with the best design so far.

    Args:
        values: ``lattice``, and of `DESIGN_KEYS` what the user chose.
        tell: Called after every step.
    """
    lattice = lattice_from_dict(values["lattice"])
    spec = read_spec(None, {key: values[key] for key in DESIGN_KEYS if key in values})
    settings = replace(spec.settings, max_steps=_DESIGN_STEPS, voxels_per_diameter=_VOXELS)
    task = replace(spec, settings=settings).task(lattice)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        result = run(task, lambda step: tell({name: getattr(step, name) for name in _TOLD}))
    finally:
        signal.signal(signal.SIGINT, before)
    return {"lattice": lattice_to_dict(result.lattice), "report": design_report(result).to_dict()}


def check_design(values: Mapping[str, Any]) -> None:
    """Refuse what a page may not ask of a design: files of this machine, or endless work.

    Raises:
        LatticeGnnError: Naming the key.
    """
    unknown = sorted(set(values) - {"lattice", *DESIGN_KEYS})
    if unknown:
        raise LatticeGnnError(f"design: {unknown[0]}: is not an option of the page.")
    target = values.get("target")
    if target is not None and (not isinstance(target, dict) or set(target) != {"voigt"}):
        raise LatticeGnnError("design: target: expected the matrix voigt alone.")
    starts = values.get("starts", 1)
    if not isinstance(starts, int) or not 1 <= starts <= _MOST_STARTS:
        raise LatticeGnnError(f"design: starts: expected 1 to {_MOST_STARTS}, got {starts!r:.40}.")


def _live(values: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    return live_answer(lattice_from_dict(values["lattice"]), values["model"])


def _full(values: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    return full_answer(lattice_from_dict(values["lattice"]), values["model"])


def _save(values: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    lattice = lattice_from_dict(values["lattice"])
    name, content = saved_file(lattice, values["kind"], values["model"])
    return {"name": name, "content": content}


TASKS: dict[str, Callable[[Mapping[str, Any], Tell], dict[str, Any]]] = {
    "read": read_upload,
    "live": _live,
    "full": _full,
    "save": _save,
    "solid": solve_solid,
    "design": design,
}
"""What a process may be asked to do."""

SECONDS: dict[str, float] = {
    "read": 30.0,
    "live": 30.0,
    "full": 60.0,
    "save": 60.0,
    "solid": 900.0,
    "design": 3600.0,
}
"""Time after which a task is ended."""
