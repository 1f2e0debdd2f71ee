"""Tables for people, drawn from the same facts as the JSON."""

import os.path
from collections.abc import Callable, Mapping, Sequence
from math import floor, log10, sqrt
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cli.terminal.facts import ORDER

Facts = Mapping[str, Any]


COUPLING_NOISE = 1e-6
"""Entries of a stiffness below this share of sqrt(C_ii C_jj) are shown as zero."""
SOFT = 0.01
"""Entries of the diagonal below this share of the largest call for exponents."""


def number_format(values: Sequence[float], digits: int = 5) -> Callable[[float], str]:
    """Return a format with equally many decimals for all values, ``digits`` in the largest."""
    largest = max((abs(value) for value in values), default=0.0)
    if largest == 0:
        return lambda value: "0"
    decimals = digits - 1 - floor(log10(largest))
    if not 0 <= decimals <= 8:
        return lambda value: "0" if abs(value) < 1e-9 * largest else f"{value:.{digits - 1}e}"
    return lambda value: "0" if abs(value) < 0.5 * 10.0**-decimals else f"{value:.{decimals}f}"


def scientific(value: float) -> str:
    """Write a number with an exponent and five significant digits."""
    return f"{value:.4e}" if value else "0"


def significant(value: float) -> str:
    """Write a number with five significant digits; rounding noise is nought."""
    return "0" if value == 0 else f"{value:#.5g}".rstrip(".")


def percent(fraction: float) -> str:
    """Write a fraction as a percentage with two digits."""
    return f"{100 * fraction:.2g} %" if abs(fraction) < 1 else f"{100 * fraction:.0f} %"


def block(title: str, *parts: RenderableType) -> RenderableType:
    """Return parts under a title, indented, with an empty line before."""
    heading = Text(title, style="bold")
    inside = (Padding(part, (0, 0, 0, 2), expand=False) for part in parts)
    return Group(Text(), heading, *inside)


def pairs(rows: Sequence[tuple[str, str]]) -> Table:
    """Return a table of names and values."""
    table = plain()
    table.add_column(no_wrap=True, style="cyan")
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, escape(value))
    return table


def without_noise(voigt: Sequence[Sequence[float]]) -> list[list[float]]:
    """Return the matrix with couplings of less than a millionth of the diagonal set to zero."""
    diagonal = [abs(voigt[k][k]) for k in range(len(voigt))]
    floor_ = 1e-15 * max(diagonal)
    scales = [value if value > floor_ else 0.0 for value in diagonal]
    return [
        [
            entry if abs(entry) > COUPLING_NOISE * sqrt(scales[i] * scales[j]) > 0 else 0.0
            for j, entry in enumerate(row)
        ]
        for i, row in enumerate(voigt)
    ]


def matrix(voigt: Sequence[Sequence[float]]) -> Table:
    """Return a 6x6 matrix with its component order at both edges; soft modes keep their digits."""
    voigt = without_noise(voigt)
    diagonal = [value for k in range(6) if (value := abs(voigt[k][k]))]
    soft = bool(diagonal) and min(diagonal) < SOFT * max(diagonal)
    fmt = scientific if soft else number_format([entry for row in voigt for entry in row])
    table = plain()
    table.add_column(style="cyan")
    names = ORDER.split()
    for name in names:
        table.add_column(Text(name, style="cyan", justify="right"), justify="right", no_wrap=True)
    table.show_header = True
    for name, row in zip(names, voigt, strict=True):
        table.add_row(name, *(fmt(entry) for entry in row))
    return table


def lattice_rows(facts: Facts) -> list[tuple[str, str]]:
    """Return counts, material and both densities."""
    material = facts["material"]
    rows = [
        ("file", _label(facts)),
        ("cell", f"{facts['nodes']} nodes, {facts['struts']} struts"),
        ("material", f"E = {material['E']:g}, nu = {material['nu']:g}"),
        (
            "relative density",
            f"{facts['relative_density']:.5g} (sum of strut volumes; overlaps count twice)",
        ),
    ]
    fraction = facts.get("volume_fraction")
    if fraction is not None:
        value, error = fraction["value"], fraction["error"]
        text = f"{value:.5g} ± {error:.1g} (union of struts and joints)"
        rows.append(("volume fraction", text))
    return rows


def _label(lattice: Facts) -> str:
    """File, and number where it holds several."""
    return lattice["file"] + ("" if lattice["index"] is None else f"[{lattice['index']}]")


def model_rows(facts: Facts) -> list[tuple[str, str]]:
    """Return the model, its expected error, and where the lattice stands to its training."""
    model, domain = facts["model"], facts["domain"]
    expected = model["expected_error"]
    inside = "inside" if domain["inside"] else "OUTSIDE: " + "; ".join(domain["notes"])
    return [
        ("model", model["name"]),
        ("expected error", _expected(expected)),
        ("training domain", inside),
    ]


def _expected(error: Facts | None) -> str:
    if error is None:
        return "not known outside the ranges of the training set"
    return (
        f"{percent(error['median'])} (median), {percent(error['p90'])} (9 of 10 are better); "
        f"relative Frobenius, {error['basis']}"
    )


def stiffness_blocks(stiffness: Facts, material: Facts, by: str) -> list[RenderableType]:
    """Return C/E_s and, where the material has a modulus other than 1, C in its unit."""
    E = material["E"]
    title = f"Stiffness C/E_s by {by}, Voigt, order {ORDER}"
    parts: list[RenderableType] = [block(title, matrix(stiffness["voigt"]))]
    if E != 1:
        title = f"The same in the unit of E_s = {E:g}"
        parts.append(block(title, matrix(stiffness["voigt_times_E"])))
    return parts


def moduli_blocks(moduli: Facts | None) -> list[RenderableType]:
    """Return moduli along the axes and extremal, averages, anisotropy, symmetry."""
    if moduli is None:
        return [block("Moduli", Text("not defined: the stiffness is singular"))]
    return [
        block("Moduli along the axes", _axes_table(moduli["axes"])),
        block("Extremes over all directions", _extremes_table(moduli["extremes"])),
        block("Averages over all orientations", _averages_table(moduli["averages"])),
        block("Anisotropy", pairs(_anisotropy_rows(moduli))),
    ]


def _axes_table(axes: Facts) -> Table:
    nu = axes["nu"]
    rows = [
        ("E/E_s", "along 1, 2, 3", axes["E"]),
        ("G/E_s", "in 23, 13, 12", axes["G"]),
        ("nu", "nm = 12, 23, 31", [nu["12"], nu["23"], nu["31"]]),
        ("nu", "nm = 21, 32, 13", [nu["21"], nu["32"], nu["13"]]),
        ("beta E_s", "along 1, 2, 3", axes["beta"]),
    ]
    table = plain()
    table.add_column(style="cyan")
    table.add_column(no_wrap=True)
    for _ in range(3):
        table.add_column(justify="right", no_wrap=True)
    for name, where, values in rows:
        table.add_row(name, where, *(significant(value) for value in values))
    return table


def _extremes_table(extremes: Facts) -> Table:
    table = plain()
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    for name, label in (("E", "E/E_s"), ("G", "G/E_s"), ("nu", "nu"), ("beta", "beta E_s")):
        low, high = extremes[name]["min"], extremes[name]["max"]
        if high["value"] - low["value"] <= 1e-6 * abs(high["value"]):
            table.add_row(label, "constant", significant(high["value"]), "in every direction")
            continue
        table.add_row(label, "smallest", significant(low["value"]), _where(low))
        table.add_row("", "largest", significant(high["value"]), _where(high))
    return table


def _where(extremum: Facts) -> Text:
    """Name the direction of an extremum: n, or n and m."""
    import numpy as np

    from viz.picture import direction_label

    n = direction_label(np.array(extremum["n"]).round(6))
    if "m" not in extremum:
        return Text(f"along {n}")
    return Text(f"n = {n}, m = {direction_label(np.array(extremum['m']).round(6))}")


def _averages_table(averages: Facts) -> Table:
    table = plain()
    table.show_header = True
    table.add_column(style="cyan")
    for kind in ("Voigt", "Reuss", "Hill"):
        table.add_column(Text(kind, style="cyan", justify="right"), justify="right", no_wrap=True)
    for name, label in (("K", "K/E_s"), ("G", "G/E_s"), ("E", "E/E_s"), ("nu", "nu")):
        kinds = ("voigt", "reuss", "hill")
        table.add_row(label, *(significant(averages[name][kind]) for kind in kinds))
    return table


def _anisotropy_rows(moduli: Facts) -> list[tuple[str, str]]:
    anisotropy, symmetry = moduli["anisotropy"], moduli["symmetry"]
    rows = [("Zener", f"{anisotropy['zener']:.5g}")] if anisotropy["zener"] is not None else []
    distance = f"to {percent(symmetry['distance'])}" if symmetry["distance"] > 5e-7 else "exactly"
    return [
        *rows,
        ("universal A_U", significant(round(anisotropy["universal"], 12))),
        ("log-Euclidean A_L", significant(round(anisotropy["log_euclidean"], 12))),
        ("symmetry", f"{symmetry['name']}, {distance}"),
        *_frame_rows(symmetry),
    ]


def _frame_rows(symmetry: Facts) -> list[tuple[str, str]]:
    """Say where the material axes lie, unless they do not matter."""
    if symmetry["name"] in ("isotropic", "triclinic"):
        return []
    frame = symmetry["frame"]
    if all(abs(frame[i][j] - (i == j)) <= 1e-6 for i in range(3) for j in range(3)):
        return [("material axes", "1 2 3")]
    rows = ["(" + ", ".join(f"{round(x, 3) + 0.0:.3f}" for x in row) + ")" for row in frame]
    return [("material axes", " ".join(rows))]


def solution_rows(facts: Facts) -> list[tuple[str, str]]:
    """Return what the FEM knows of its solution."""
    rank, components = facts["rank"], facts["components"]
    rows = [("rank of C", f"{rank} of 6" + (": SINGULAR" if rank < 6 else ""))]
    if components > 1:
        rows.append(("components", f"{components}"))
    if "condition" in facts:
        rows.append(("condition", f"{facts['condition']:.3g} (scaled stiffness matrix)"))
    return rows


def geometry_rows(facts: Facts) -> list[tuple[str, str]]:
    """Return cell, struts and net of ``info``."""
    geometry, unit = facts["geometry"], facts["lattice"]["units"]
    unit = f" {unit}" if unit else ""
    lengths = " ".join(f"{x:.5g}" for x in geometry["cell_lengths"])
    angles = " ".join(f"{x:.5g}" for x in geometry["cell_angles"])
    coordination = ", ".join(
        f"{d} ({n} node{'s' * (n > 1)})" for d, n in geometry["coordination"].items()
    )
    special = [name for name in ("tapered", "hollow", "own_moduli") if geometry[name]]
    clearance = geometry["clearance"]
    rows = [
        ("cell vectors", f"lengths {lengths}{unit}, angles {angles} degrees"),
        ("strut length", f"{_span(geometry['strut_lengths'])}{unit}"),
        ("radius", f"{_span(geometry['radii'])}{unit}"),
        ("radius/length", _span(geometry["radius_over_length"])),
        ("struts", ", ".join(special).replace("own_moduli", "moduli of their own")),
        ("struts at a node", coordination),
        ("clearance", "unknown" if clearance is None else f"{clearance:.4g}{unit}"),
        ("net", facts["net"]["description"]),
    ]
    return [(name, value) for name, value in rows if value]


def finding_table(warnings: Sequence[Facts]) -> Table:
    """Return warnings, one a row."""
    table = plain()
    table.add_column(style="yellow", no_wrap=True)
    table.add_column(overflow="fold")
    for warning in warnings:
        table.add_row("!", escape(warning["text"]))
    return table


def _span(ends: Sequence[float]) -> str:
    low, high = ends
    return f"{low:.5g}" if high - low <= 1e-9 * high else f"{low:.5g} to {high:.5g}"


def check_blocks(facts: Facts) -> list[RenderableType]:
    """Return the beam FEM beside the network, and the difference."""
    check = facts["check"]
    beside = plain()
    beside.show_header = True
    beside.add_column(style="cyan", no_wrap=True)
    for name in ("network", "beam FEM", "difference"):
        beside.add_column(Text(name, style="cyan", justify="right"), justify="right", no_wrap=True)
    both = facts["moduli"] is not None and check["moduli"] is not None
    for label, pick in _COMPARED if both else ():
        ours, theirs = pick(facts["moduli"]), pick(check["moduli"])
        difference = f"{100 * (ours / theirs - 1):+.2f} %"
        beside.add_row(label, significant(ours), significant(theirs), difference)
    errors = [
        ("relative Frobenius", percent(check["relative_frobenius"])),
        ("directional", f"{percent(check['directional_error'])} (mean of |nn:C:nn| over n)"),
        ("softest eigenvalue", percent(check["softest_error"])),
    ]
    return [
        *stiffness_blocks(check["stiffness"], facts["lattice"]["material"], check["method"]),
        block("Network against beam FEM", beside),
        block("Error of the whole tensor", pairs(errors)),
    ]


def _average(name: str) -> Callable[[Facts], float]:
    return lambda moduli: float(moduli["averages"][name]["hill"])


def _extreme(name: str, end: str) -> Callable[[Facts], float]:
    return lambda moduli: float(moduli["extremes"][name][end]["value"])


_COMPARED = (
    ("E/E_s smallest", _extreme("E", "min")),
    ("E/E_s largest", _extreme("E", "max")),
    ("G/E_s smallest", _extreme("G", "min")),
    ("G/E_s largest", _extreme("G", "max")),
    ("K/E_s (Hill)", _average("K")),
    ("G/E_s (Hill)", _average("G")),
)


def overview(rows: Sequence[Facts]) -> Table:
    """Return one row a lattice: density, moduli over E_s, symmetry, domain, difference from FEM."""
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="cyan")
    table.add_column("lattice (moduli over E_s)", overflow="fold", min_width=16)
    names = ["density", "E min", "E max", "K Hill", "G Hill", "symmetry"]
    names += ["exp.err.", "domain"] if "model" in rows[0] else ["rank"]
    names += ["FEM diff."] if "check" in rows[0] else []
    for name in names:
        left = name in ("symmetry", "domain")
        table.add_column(name, justify="left" if left else "right", no_wrap=True)
    folders = {os.path.dirname(row["lattice"]["file"]) for row in rows}
    for row in rows:
        label = escape(_label(row["lattice"]))
        table.add_row(os.path.basename(label) if len(folders) == 1 else label, *_cells(row))
    return table


def _cells(row: Facts) -> list[str]:
    moduli = row["moduli"]
    cells = [f"{row['lattice']['relative_density']:.4g}"]
    if moduli is None:
        cells += ["-", "-", "-", "-", "singular"]
    else:
        values = [pick(moduli) for pick in _OVERVIEW]
        cells += [*(f"{value:.2e}" for value in values), moduli["symmetry"]["name"]]
    if "model" in row:
        expected = row["model"]["expected_error"]
        cells.append("-" if expected is None else percent(expected["median"]))
        cells.append("inside" if row["domain"]["inside"] else "OUTSIDE")
    else:
        cells.append(str(row["rank"]))
    if "check" in row:
        cells.append(percent(row["check"]["relative_frobenius"]))
    return cells


_OVERVIEW = (_extreme("E", "min"), _extreme("E", "max"), _average("K"), _average("G"))


def plain() -> Table:
    """Return an empty table without lines, as every block uses."""
    return Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
