"""What the app computes: a lattice from JSON in, plain values and files out; no web server here."""

import math
import tempfile
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from data.exports.material_cards import CardFormat, CardInfo, write_card
from data.files import write
from fem_reference.beam.homogenise import RankWarning
from lattice_gnn.cells.named import CELLS, cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.findings import Finding
from lattice_gnn.lattice.findings import warnings as findings
from lattice_gnn.lattice.json_file import lattice_from_dict, lattice_to_dict
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.network.checkpoint import model_name
from lattice_gnn.tensors.stiffness import Stiffness
from lattice_gnn.verbs.homogenise import homogenise
from lattice_gnn.verbs.predict import predict
from viz.web.report import report_page
from viz.web.results import Methods, page_lattice, page_report
from viz.web.tables import lattice_sections, warning_texts

MOST_STRUTS = 3000
"""Struts of a lattice that the app computes while a slider moves; larger ones are refused."""

CARDS: Mapping[str, tuple[str, CardFormat]] = {
    "abaqus-card": (".inp", "abaqus"),
    "calculix-card": (".inp", "calculix"),
    "ansys-card": (".mac", "ansys"),
    "stiffness": (".json", "json"),
}
LATTICES: Mapping[str, str] = {"json": ".json", "3mf": ".3mf", "abaqus": ".inp", "vtu": ".vtu"}
"""Kinds of files that the app saves, with their suffixes."""


def cell_list() -> list[dict[str, Any]]:
    """List the named cells with their own parameters and defaults."""
    return [
        {"name": name, "summary": info.summary, "parameters": info.parameters}
        for name, info in CELLS.items()
    ]


def named_cell(values: Mapping[str, Any]) -> dict[str, Any]:
    """Build a named cell.

    Args:
        values: ``name``, ``relative_density`` and, if wanted, ``nu`` and ``parameters``.

    Raises:
        LatticeGnnError: If a value is missing, unknown or invalid.
    """
    known = {"name", "relative_density", "nu", "parameters"}
    if set(values) - known or not {"name", "relative_density"} <= set(values):
        raise LatticeGnnError(
            f"cell: expected name and relative_density, got {', '.join(sorted(values)) or 'none'}."
        )
    if not isinstance(values["name"], str):
        raise LatticeGnnError("cell: expected the name as text.")
    parameters = values.get("parameters", {})
    if not isinstance(parameters, dict):
        raise LatticeGnnError("cell: expected the parameters as names and numbers.")
    numbers = {key: _number(value, key) for key, value in parameters.items() if value is not None}
    built = cell(
        values["name"],
        relative_density=_number(values["relative_density"], "relative_density"),
        nu=_number(values.get("nu", 0.3), "nu"),
        **numbers,
    )
    return lattice_to_dict(built)


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise LatticeGnnError(f"{name}: expected a number, got {value!r:.40}.")
    return float(value)


def lattice_of(values: Mapping[str, Any]) -> Lattice:
    """Return the lattice of a request.

    Raises:
        LatticeGnnError: If there is none, it is invalid, or too large for the app.
    """
    data = values.get("lattice")
    if isinstance(data, dict) and isinstance(struts := data.get("struts"), list):
        require_small(len(struts))
    return lattice_from_dict(data)


def require_small(struts: int) -> None:
    """Refuse a lattice that would be slow to follow a slider."""
    if struts > MOST_STRUTS:
        raise LatticeGnnError(
            f"{struts} struts are too many for the app, which follows every change: expected at "
            f"most {MOST_STRUTS}; use `lattice-gnn report`."
        )


def live_answer(lattice: Lattice, model: str = "default") -> dict[str, Any]:
    """Return what follows a slider: both stiffnesses, few moduli, density, warnings.

    Args:
        lattice: The lattice.
        model: Name or path of the network.
    """
    began = time.perf_counter()
    results: dict[str, Stiffness] = {}
    refused, expected = "", None
    notes: tuple[str, ...] = ()
    try:
        prediction = predict(lattice, model=model)
    except LatticeGnnError as error:
        refused = str(error)
    else:
        results["network"] = prediction.stiffness
        notes = prediction.domain_notes
        if prediction.expected_error is not None:
            stated = prediction.expected_error
            expected = {"median": stated.median, "against": stated.against}
        if prediction.frame is not None:
            results["beam"] = prediction.frame
    if "beam" not in results:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RankWarning)
            results["beam"] = homogenise(lattice).stiffness
    return {
        "relative_density": lattice.relative_density,
        "results": _summaries({name: C.detach() for name, C in results.items()}),
        "refused": refused,
        "expected_error": expected,
        "outside": list(notes),
        "warnings": [
            _warning(found, corrected="network" in results) for found in findings(lattice)
        ],
        "milliseconds": 1e3 * (time.perf_counter() - began),
    }


def _warning(finding: Finding, *, corrected: bool) -> str:
    """Return the text of a finding; thick struts concern beams only where a network corrects."""
    return (
        f"beam FEM: {finding.text}" if corrected and finding.kind == "slenderness" else finding.text
    )


def _summaries(results: Mapping[str, Stiffness]) -> dict[str, dict[str, Any]]:
    """Return every C in Mandel notation and the moduli that are quick; null if it is singular."""
    found: dict[str, dict[str, Any]] = {
        name: {"mandel": C.mandel.tolist(), "moduli": None} for name, C in results.items()
    }
    regular = [name for name, C in results.items() if bool(C.is_positive_definite())]
    if not regular:
        return found
    C = Stiffness(torch.stack([results[name].mandel for name in regular]))
    axes = C[:, None].young_modulus(torch.eye(3, dtype=torch.float64)).tolist()
    extrema, averages, universal = C.extrema("E"), C.averages(), C.universal_anisotropy()
    for b, name in enumerate(regular):
        found[name]["moduli"] = {
            "E1": axes[b][0],
            "E2": axes[b][1],
            "E3": axes[b][2],
            "E_min": float(extrema.min[b]),
            "E_max": float(extrema.max[b]),
            "K_hill": float(averages.bulk_hill[b]),
            "G_hill": float(averages.shear_hill[b]),
            "nu_hill": float(averages.poisson_hill[b]),
            "A_U": float(universal[b]),
        }
    return found


def full_answer(lattice: Lattice, model: str = "default") -> dict[str, Any]:
    """Return the documents of all methods, and the sections of the report as HTML."""
    entry = page_lattice(lattice, _methods(lattice, model))
    documents = {
        "prediction": None if entry.prediction is None else entry.prediction.to_dict(),
        "beam": None if entry.beam is None else entry.beam.to_dict(),
    }
    return {
        **documents,
        "html": lattice_sections(entry),
        "warnings": warning_texts(entry.results),
    }


def _methods(lattice: Lattice, model: str) -> Methods:
    """Both methods; beams alone for a net that does not span space."""
    return Methods(network=lattice.connectivity().spans_space, model=model)


def saved_file(lattice: Lattice, kind: str, model: str = "default") -> tuple[str, bytes]:
    """Return the name and content of a file to be saved.

    Args:
        lattice: The lattice.
        kind: "report", one of `LATTICES` or one of `CARDS`.
        model: Name or path of the network whose stiffness cards hold.

    Raises:
        LatticeGnnError: If the kind is unknown, or the format cannot hold the lattice.
    """
    stem = (
        "".join(x if x.isascii() and x.isalnum() else "-" for x in lattice.name)[:60] or "lattice"
    )
    if kind == "report":
        page = report_page(page_report([lattice], _methods(lattice, model)))
        return f"{stem}.html", page.encode()
    with tempfile.TemporaryDirectory(prefix="lattice-gnn-") as folder:
        if kind in LATTICES:
            path = Path(folder) / f"{stem}{LATTICES[kind]}"
            write(path, lattice)
        elif kind in CARDS:
            suffix, card = CARDS[kind]
            path = Path(folder) / f"{stem}-{kind}{suffix}"
            source = f"{stem}: effective stiffness by network {model_name(model)}"
            info = CardInfo(name=stem, source=source, E=lattice.material.E)
            write_card(path, predict(lattice, model=model).stiffness, card, info)
        else:
            known = ", ".join(["report", *LATTICES, *CARDS])
            raise LatticeGnnError(f"save: expected one of {known}, got {kind!r:.40}.")
        return path.name, path.read_bytes()
