"""What the commands found, as plain values ready for JSON; the tables are drawn from the same.

Every key is documented in ``docs/cli.md``.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cli.terminal.inputs import Finding, Source, findings
from lattice_gnn import __version__

if TYPE_CHECKING:
    import torch

    from lattice_gnn.lattice.lattice import Lattice
    from lattice_gnn.surrogate.prediction import Prediction
    from lattice_gnn.tensors.extrema import Extrema
    from lattice_gnn.tensors.stiffness import Stiffness

Facts = dict[str, Any]

ORDER = "11 22 33 23 13 12"
SYMMETRY_TOLERANCE = 0.01
CHECK_METRICS = ("relative_frobenius", "directional_error", "log_euclidean", "softest_error")


def header(kind: str) -> Facts:
    """Schema and version: the head of every document."""
    return {"schema": f"lattice-gnn/{kind}/1", "version": __version__}


def documents(kind: str, plural: str, members: Sequence[Facts], single: bool) -> Facts:
    """One document, or one that holds a list."""
    if single:
        return {**header(kind), **members[0]}
    return {**header(plural), plural: list(members)}


def lattice_facts(source: Source, *, thorough: bool = True) -> Facts:
    """Name, counts, material and densities; ``thorough`` samples the union of the struts."""
    lattice = source.lattice
    facts: Facts = {
        "file": str(source.file),
        "index": None if source.alone else source.index,
        "name": lattice.name,
        "units": lattice.units,
        "nodes": lattice.num_nodes,
        "struts": lattice.num_struts,
        "material": {"E": lattice.material.E, "nu": lattice.material.nu},
        "relative_density": lattice.relative_density,
    }
    if thorough:
        facts["volume_fraction"] = _volume_fraction(lattice)
    return facts


def _volume_fraction(lattice: "Lattice") -> Facts | None:
    from lattice_gnn.errors import LatticeGnnError

    try:
        fraction = lattice.volume_fraction()
    except LatticeGnnError:  # struts that span a great many cells; findings() says so
        return None
    return {"value": fraction.value, "error": fraction.error}


def warning_facts(source: Source) -> list[Facts]:
    """What touches the results of this lattice."""
    return [finding_facts(finding) for finding in findings(source.lattice) if finding.matters]


def finding_facts(finding: Finding) -> Facts:
    """One finding."""
    return {"kind": finding.kind, "text": finding.text}


def stiffness_facts(stiffness: "Stiffness", E: float) -> Facts:
    """One stiffness C/E_s as matrices, and in the unit of E."""
    return {
        "order": ORDER,
        "voigt": stiffness.voigt.tolist(),
        "mandel": stiffness.mandel.tolist(),
        "voigt_times_E": stiffness.scaled(E).voigt.tolist(),
    }


def prediction_facts(prediction: "Prediction") -> Facts:
    """Model, expected error, training domain and stiffness of one prediction."""
    expected = prediction.expected_error
    return {
        "model": {
            "name": prediction.model,
            "expected_error": None
            if expected is None
            else {"median": expected.median, "p90": expected.p90, "basis": expected.basis},
        },
        "domain": {"inside": prediction.in_domain, "notes": list(prediction.domain_notes)},
        "stiffness": stiffness_facts(prediction.stiffness, prediction.lattice.material.E),
    }


def check_facts(
    predicted: "Stiffness", reference: "Stiffness", E: Sequence[float], *, thorough: bool = True
) -> list[Facts]:
    """The reference stiffness of each lattice of a batch, and how far the prediction is from it."""
    from lattice_gnn.tensors.metrics import METRICS

    C, C_ref = predicted.mandel, reference.mandel
    errors = {name: METRICS[name](C, C_ref).tolist() for name in CHECK_METRICS}
    moduli = moduli_facts(reference) if thorough else [None] * len(reference)
    return [
        {
            "method": "beam FEM, euler-bernoulli",
            # The distance of logarithms is infinite where C is singular, and JSON has no infinity.
            **{n: e[b] if math.isfinite(e[b]) else None for n, e in errors.items()},
            "stiffness": stiffness_facts(reference[b], E[b]),
            "moduli": moduli[b],
        }
        for b in range(len(reference))
    ]


def moduli_facts(stiffness: "Stiffness") -> list[Facts | None]:
    """Moduli and what follows from them, of every tensor of a batch; None where it is singular."""
    from lattice_gnn.errors import LatticeGnnError

    try:
        return list(_moduli(stiffness))
    except LatticeGnnError:
        if len(stiffness) == 1:
            return [None]
        return [moduli_facts(stiffness[b : b + 1])[0] for b in range(len(stiffness))]


def _moduli(stiffness: "Stiffness") -> list[Facts]:
    """Moduli, averages, anisotropy and symmetry, as multiples of E_s."""
    axes, extremes = _axis_moduli(stiffness), _extremes(stiffness)
    averages, symmetry = _averages(stiffness), _symmetry(stiffness)
    universal = stiffness.universal_anisotropy().tolist()
    log_euclidean = stiffness.log_euclidean_anisotropy().tolist()
    return [
        {
            "axes": {name: values[b] for name, values in axes.items()},
            "extremes": extremes[b],
            "averages": averages[b],
            "anisotropy": {
                "zener": _zener(stiffness[b], symmetry[b]),
                "universal": universal[b],
                "log_euclidean": log_euclidean[b],
            },
            "symmetry": symmetry[b],
        }
        for b in range(len(stiffness))
    ]


def _axis_moduli(stiffness: "Stiffness") -> dict[str, Any]:
    """E and beta along 1, 2, 3; G in 23, 13, 12; nu as rows n of load, columns m of contraction."""
    import torch

    axis = torch.eye(3, dtype=torch.float64)
    C = stiffness[:, None]
    pairs = [(n, m) for n in range(3) for m in range(3) if n != m]
    load, across = ([pair[k] for pair in pairs] for k in range(2))
    nu = C.poisson_ratio(axis[load], axis[across]).tolist()
    return {
        "E": C.young_modulus(axis).tolist(),
        "G": C.shear_modulus(axis[[1, 0, 0]], axis[[2, 2, 1]]).tolist(),
        "nu": [
            {f"{n + 1}{m + 1}": value for (n, m), value in zip(pairs, values, strict=True)}
            for values in nu
        ],
        "beta": C.linear_compressibility(axis).tolist(),
    }


def _extremes(stiffness: "Stiffness") -> list[Facts]:
    found = {quantity: stiffness.extrema(quantity) for quantity in ("E", "G", "nu", "beta")}
    return [
        {
            quantity: {"min": _extremum(extrema, "min", b), "max": _extremum(extrema, "max", b)}
            for quantity, extrema in found.items()
        }
        for b in range(len(stiffness))
    ]


def _extremum(extrema: "Extrema", end: str, b: int) -> Facts:
    """Value and directions; n alone for E and beta, n and m for G and nu."""
    vectors = getattr(extrema, f"{end}_directions")[b].reshape(-1, 3)
    names = ("n", "m")[: len(vectors)]
    return {
        "value": float(getattr(extrema, end)[b]),
        **{name: _direction(vector) for name, vector in zip(names, vectors, strict=True)},
    }


def _direction(vector: "torch.Tensor") -> list[float]:
    """Unit vector without rounding noise, the first of its largest components positive."""
    values = [round(x, 9) for x in vector.tolist()]
    largest = max(values, key=lambda x: round(abs(x), 6))
    return [x * (1 if largest > 0 else -1) + 0.0 for x in values]


def _averages(stiffness: "Stiffness") -> list[Facts]:
    averages = stiffness.averages()
    names = {"K": "bulk", "G": "shear", "E": "young", "nu": "poisson"}
    return [
        {
            letter: {
                kind: float(getattr(averages, f"{name}_{kind}")[b])
                for kind in ("voigt", "reuss", "hill")
            }
            for letter, name in names.items()
        }
        for b in range(len(stiffness))
    ]


def _symmetry(stiffness: "Stiffness") -> list[Facts]:
    found = stiffness.classify(SYMMETRY_TOLERANCE)
    return [
        {
            "name": found.names[b],
            "distance": float(found.distance[b]),
            "tolerance": SYMMETRY_TOLERANCE,
            "frame": [[round(x, 9) + 0.0 for x in row] for row in found.frame[b].tolist()],
        }
        for b in range(len(stiffness))
    ]


def _zener(stiffness: "Stiffness", symmetry: Facts) -> float | None:
    """Zener's ratio where the tensor is cubic."""
    if symmetry["name"] not in ("cubic", "isotropic"):
        return None
    return float(stiffness.zener(symmetry["frame"]))
