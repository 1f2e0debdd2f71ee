"""Numbers of a lattice as HTML, one column per method."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch

from lattice_gnn.reports.homogenisation import HomogenisationReport
from lattice_gnn.reports.page import PageLattice
from lattice_gnn.reports.prediction import PredictionReport
from lattice_gnn.reports.stiffness import ORDER, Extremes, Extremum, Moduli
from lattice_gnn.tensors.metrics import METRICS
from lattice_gnn.tensors.stiffness import Stiffness
from lattice_gnn.wording import matrix_texts, percent, significant
from viz.picture import direction_label
from viz.web.cuts import polar_cuts
from viz.web.html import beside, facts, section, sentences, table

Result = PredictionReport | HomogenisationReport
Results = Mapping[str, Result]

ERRORS = {
    "relative_frobenius": "whole tensor (relative Frobenius)",
    "directional_error": "directional stiffness",
    "softest_error": "softest eigenvalue",
}
"""Compared measures of two stiffnesses, by their names in `METRICS`."""

_UNKNOWN = "–"


def lattice_sections(entry: PageLattice) -> str:
    """Return all sections of one lattice except its three-dimensional view."""
    results = entry.results
    return "".join(
        [
            section("Lattice and methods", facts([*_lattice_rows(entry), *method_rows(results)])),
            section("Warnings", sentences("warnings", warning_texts(results)), kind="caution"),
            section("Young's modulus in the coordinate planes, E(n)/E_s", cuts_of(results)),
            section("Stiffness and compliance", *_matrices(entry, results)),
            section("Moduli", *moduli_tables(results)),
            section("Agreement of the methods", _agreement(results)),
            section("Strain energy by beam FEM", _energy(entry.beam)),
        ]
    )


def tensor_of(result: Result) -> Stiffness:
    """Return C / E_s of a result."""
    return Stiffness(torch.tensor(result.stiffness.mandel, dtype=torch.float64))


def cuts_of(results: Results) -> str:
    """Draw the polar cuts of every result."""
    return polar_cuts({title: tensor_of(result) for title, result in results.items()})


def warning_texts(results: Results) -> list[str]:
    """Return the warnings of all results, each once, with the methods that they concern."""
    found: dict[str, list[str]] = {}
    for title, result in results.items():
        texts = [warning.text for warning in result.warnings]
        if isinstance(result, PredictionReport) and not result.domain.inside:
            notes = "; ".join(result.domain.notes)
            texts.insert(0, f"Outside the model's training domain: {notes}.")
        if isinstance(result, HomogenisationReport) and result.rank < 6:
            texts.insert(0, f"The stiffness is singular, rank {result.rank} of 6.")
        for text in texts:
            found.setdefault(text, []).append(title)
    return [
        text if len(titles) == len(results) else f"{', '.join(titles)}: {text}"
        for text, titles in found.items()
    ]


def method_rows(results: Results) -> list[tuple[str, str]]:
    """Say by what every column was computed, and how accurate it is."""
    rows = []
    for title, result in results.items():
        if isinstance(result, PredictionReport):
            rows.append((title, _network_text(result)))
        elif result.solid is not None:
            solid = result.solid
            rows.append(
                (
                    title,
                    f"{result.method.voxels_per_diameter} voxels per diameter; estimated error "
                    f"{percent(solid.error)} (relative Frobenius), softest eigenvalue "
                    f"{percent(solid.softest_error)}",
                )
            )
        else:
            text = f"{result.method.element}; exact for slender struts, without the material of "
            rows.append((title, text + "the joints"))
    return rows


def _network_text(result: PredictionReport) -> str:
    expected = result.model.expected_error
    domain = "inside" if result.domain.inside else "OUTSIDE"
    if expected is None:
        error = "expected error unknown outside the ranges of the training set"
    else:
        error = (
            f"expected error {percent(expected.median)} (median), {percent(expected.p90)} (9 of "
            f"10 are better) from {expected.against}, relative Frobenius, {expected.basis}"
        )
    return f"model {result.model.name}; {error}; {domain} the training domain"


def _lattice_rows(entry: PageLattice) -> list[tuple[str, str]]:
    lattice, geometry = entry.info.lattice, entry.info.geometry
    unit = f" {lattice.units}" if lattice.units else ""
    fraction = lattice.volume_fraction
    index = "" if lattice.index is None else f"[{lattice.index}]"
    lengths = " × ".join(f"{x:.5g}" for x in geometry.cell_lengths)
    angles = ", ".join(f"{x:.5g}" for x in geometry.cell_angles)
    special = {
        "tapered": geometry.tapered,
        "hollow": geometry.hollow,
        "individual moduli": geometry.own_moduli,
    }
    rows = [
        ("file", f"{lattice.file}{index}" if lattice.file else ""),
        ("cell", f"{lattice.nodes} nodes, {lattice.struts} struts; {lengths}{unit}; {angles}°"),
        ("solid", f"E_s = {lattice.material.E:g}, ν = {lattice.material.nu:g}"),
        ("relative density", f"{lattice.relative_density:.5g} (sum of strut volumes)"),
        (
            "volume fraction",
            "" if fraction is None else f"{fraction.value:.5g} ± {fraction.error:.1g} (union)",
        ),
        ("radius", f"{_range(geometry.radii)}{unit}"),
        ("radius/length", _range(geometry.radius_over_length)),
        ("struts", ", ".join(name for name, applies in special.items() if applies)),
        ("net", entry.info.net.description),
    ]
    return [(name, value) for name, value in rows if value]


def _range(values: tuple[float, float]) -> str:
    low, high = values
    return f"{low:.4g}" if high - low <= 1e-6 * high else f"{low:.4g} to {high:.4g}"


def _matrices(entry: PageLattice, results: Results) -> list[str]:
    E = entry.info.lattice.material.E
    found = []
    for title, result in results.items():
        C = tensor_of(result)
        parts = [_matrix(f"C/E_s by {title} (Voigt, order {ORDER})", result.stiffness.voigt)]
        if E != 1:
            caption = f"C by {title} in the unit of E_s = {E:g} (Voigt, order {ORDER})"
            parts.append(_matrix(caption, result.stiffness.voigt_times_E))
        if bool(C.is_positive_definite()):
            S = C.compliance_voigt().tolist()
            parts.append(_matrix(f"S E_s by {title} (Voigt, engineering shear strains)", S))
        found.append(beside(*parts))
    return found


def _matrix(caption: str, matrix: Sequence[Sequence[float]]) -> str:
    names = ORDER.split()
    return table(caption, ["", *names], zip(names, matrix_texts(matrix), strict=True), "matrix")


def moduli_tables(results: Results) -> list[str]:
    """Return the tables of moduli; a method with a singular stiffness has dashes."""
    moduli = {title: result.moduli for title, result in results.items()}
    if not any(moduli.values()):
        return []
    heads = list(moduli)
    return [
        beside(
            table("Along the axes", ["", *heads], _rows(_AXES, moduli)),
            table("Averages over all orientations", ["", *heads], _rows(_AVERAGES, moduli)),
        ),
        table(
            "Extremes over all directions: n is that of the load, m that of shear or contraction",
            ["", *heads],
            _rows(_EXTREMES, moduli),
            "text",
        ),
        table("Anisotropy and symmetry", ["", *heads], _rows(_ANISOTROPY, moduli), "text"),
    ]


Pick = Callable[[Moduli], str]


def _rows(
    picks: Sequence[tuple[str, Pick]], moduli: Mapping[str, Moduli | None]
) -> list[tuple[str, list[str]]]:
    return [
        (name, [_UNKNOWN if m is None else pick(m) for m in moduli.values()])
        for name, pick in picks
    ]


def _axis_rows() -> list[tuple[str, Pick]]:
    def at(letter: str, k: int) -> Pick:
        return lambda m: significant(getattr(m.axes, letter)[k])

    def poisson(pair: str) -> Pick:
        return lambda m: significant(m.axes.nu[pair])  # type: ignore[index]

    return [
        *((f"E/E_s along {k + 1}", at("E", k)) for k in range(3)),
        *((f"G/E_s in {plane}", at("G", k)) for k, plane in enumerate(("23", "13", "12"))),
        *((f"ν {pair}", poisson(pair)) for pair in ("12", "21", "13", "31", "23", "32")),
        *((f"β E_s along {k + 1}", at("beta", k)) for k in range(3)),
    ]


def _average_rows() -> list[tuple[str, Pick]]:
    def at(letter: str, kind: str) -> Pick:
        return lambda m: significant(getattr(getattr(m.averages, letter), kind))

    return [
        (f"{name} {title}", at(letter, kind))
        for letter, name in (("K", "K/E_s"), ("G", "G/E_s"), ("E", "E/E_s"), ("nu", "ν"))
        for kind, title in (("voigt", "Voigt"), ("reuss", "Reuss"), ("hill", "Hill"))
    ]


def _extreme_rows() -> list[tuple[str, Pick]]:
    def at(letter: str, end: str) -> Pick:
        return lambda m: extremum_text(getattr(m.extremes, letter), end)

    return [
        (f"{name} {title}", at(letter, end))
        for letter, name in (("E", "E/E_s"), ("G", "G/E_s"), ("nu", "ν"), ("beta", "β E_s"))
        for end, title in (("min", "smallest"), ("max", "largest"))
    ]


def extremum_text(ends: Extremes, end: str) -> str:
    """Return an extreme value with its directions; equal ends have none."""
    found: Extremum = getattr(ends, end)
    if ends.max.value - ends.min.value <= 1e-6 * abs(ends.max.value):
        return f"{significant(found.value)} in every direction"
    n = direction_label(np.array(found.n).round(6))
    if found.m is None:
        return f"{significant(found.value)} along {n}"
    m = direction_label(np.array(found.m).round(6))
    return f"{significant(found.value)} for n = {n}, m = {m}"


def symmetry_text(moduli: Moduli) -> str:
    """Name the elastic symmetry and the distance to it."""
    symmetry = moduli.symmetry
    if symmetry.distance <= 5e-7:
        return f"{symmetry.name}, exactly"
    return f"{symmetry.name}, to {percent(symmetry.distance)}"


_AXES = _axis_rows()
_AVERAGES = _average_rows()
_EXTREMES = _extreme_rows()
_ANISOTROPY: list[tuple[str, Pick]] = [
    ("elastic symmetry", symmetry_text),
    (
        "Zener ratio",
        lambda m: _UNKNOWN if m.anisotropy.zener is None else f"{m.anisotropy.zener:.5g}",
    ),
    ("universal A_U", lambda m: significant(round(m.anisotropy.universal, 12))),
    ("log-Euclidean A_L", lambda m: significant(round(m.anisotropy.log_euclidean, 12))),
]


def _agreement(results: Results) -> str:
    """Compare every method with solid FEM, or the beams with the network."""
    reference = next((x for x in ("solid FEM", "network") if x in results), None)
    others = [title for title in results if title != reference]
    if reference is None or not others:
        return ""
    C = torch.stack([tensor_of(results[title]).mandel for title in others])
    C_ref = tensor_of(results[reference]).mandel.expand_as(C)
    rows = [
        (said, [percent(error) for error in METRICS[name](C, C_ref).tolist()])
        for name, said in ERRORS.items()
    ]
    return table(f"Difference from {reference}", ["", *others], rows)


def _energy(beam: HomogenisationReport | None) -> str:
    """Return the shares of stretching, bending and torsion under the six strains."""
    if beam is None or beam.energy is None:
        return ""
    rows = []
    energy = beam.energy
    for k, name in enumerate(ORDER.split()):
        parts = (energy.axial[k], energy.bending[k], energy.torsion[k])
        total = sum(parts)
        rows.append((name, [_share(part, total) for part in parts]))
    heads = ["unit strain", "stretching", "bending and shear", "torsion"]
    return table("Share of the strain energy", heads, rows)


def _share(part: float, total: float) -> str:
    """Return a share of the energy; what is zero to rounding is shown as zero."""
    if total <= 0:
        return _UNKNOWN
    return percent(part / total if abs(part) > 1e-12 * total else 0.0)
