"""Tables for people, drawn from the same facts as the JSON."""

from collections.abc import Callable, Mapping, Sequence
from math import floor, log10
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cli.facts import ORDER

Facts = Mapping[str, Any]

_AXES = ("1, 2, 3", "23, 13, 12")


def number_format(values: Sequence[float], digits: int = 5) -> Callable[[float], str]:
    """Return a format with equally many decimals for all values, ``digits`` in the largest."""
    largest = max((abs(value) for value in values), default=0.0)
    if largest == 0:
        return lambda value: "0"
    decimals = digits - 1 - floor(log10(largest))
    if not 0 <= decimals <= 8:
        return lambda value: "0" if abs(value) < 1e-9 * largest else f"{value:.{digits - 1}e}"
    return lambda value: (
        "0" if abs(value) < 0.5 * 10.0**-decimals else f"{value:.{decimals}f}"
    )


def percent(fraction: float) -> str:
    """Write a fraction as a percentage with two digits."""
    return f"{100 * fraction:.2g} %" if abs(fraction) < 1 else f"{100 * fraction:.0f} %"


def block(title: str, *parts: RenderableType) -> Group:
    """Return parts under a title, indented, with an empty line before."""
    heading = Text(title, style="bold")
    return Group(Text(), heading, *(Padding(part, (0, 0, 0, 2)) for part in parts))


def pairs(rows: Sequence[tuple[str, str]]) -> Table:
    """Return a table of names and values."""
    table = _plain()
    table.add_column(no_wrap=True, style="cyan")
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, escape(value))
    return table


def matrix(voigt: Sequence[Sequence[float]]) -> Table:
    """Return a 6x6 matrix with its component order at both edges."""
    fmt = number_format([entry for row in voigt for entry in row])
    table = _plain()
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
        ("file", facts["file"] + (f", number {facts['index']}" if facts["index"] else "")),
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


def model_rows(facts: Facts) -> list[tuple[str, str]]:
    """Return the model, its expected error, and where the lattice stands to its training."""
    model, domain = facts["model"], facts["domain"]
    expected = model["expected_error"]
    inside = "inside" if domain["inside"] else "OUTSIDE: " + "; ".join(domain["notes"])
    return [
        ("model", model["name"]),
        (
            "expected error",
            f"{percent(expected['median'])} (median), {percent(expected['p90'])} (9 of 10 are "
            f"better); relative Frobenius, {expected['basis']}",
        ),
        ("training domain", inside),
    ]


def stiffness_blocks(stiffness: Facts, material: Facts, by: str) -> list[RenderableType]:
    """Return C/E_s and, where the material has a modulus other than 1, C in its unit."""
    E = material["E"]
    title = f"Stiffness C/E_s by {by}, Voigt, order {ORDER}"
    parts: list[RenderableType] = [block(title, matrix(stiffness["voigt"]))]
    if E != 1:
        title = f"The same in the unit of E_s = {E:g}"
        parts.append(block(title, matrix(stiffness["voigt_times_E"])))
    return parts


def moduli_blocks(moduli: Facts) -> list[RenderableType]:
    """Return moduli along the axes and extremal, averages, anisotropy, symmetry."""
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
    table = _plain()
    table.add_column(style="cyan")
    table.add_column(no_wrap=True)
    for _ in range(3):
        table.add_column(justify="right", no_wrap=True)
    for name, where, values in rows:
        fmt = number_format(values)
        table.add_row(name, where, *(fmt(value) for value in values))
    return table


def _extremes_table(extremes: Facts) -> Table:
    table = _plain()
    table.show_header = True
    table.add_column(style="cyan")
    for end in ("smallest", "largest"):
        table.add_column(Text(end, style="cyan", justify="right"), justify="right", no_wrap=True)
        table.add_column(no_wrap=True)
    for name, label in (("E", "E/E_s"), ("G", "G/E_s"), ("nu", "nu"), ("beta", "beta E_s")):
        low, high = extremes[name]["min"], extremes[name]["max"]
        fmt = number_format([low["value"], high["value"]])
        table.add_row(label, fmt(low["value"]), _where(low), fmt(high["value"]), _where(high))
    return table


def _where(extremum: Facts) -> Text:
    """Name the direction of an extremum: n, or n and m."""
    import numpy as np

    from viz.picture import direction_label

    vectors = [extremum[name] for name in ("n", "m") if name in extremum]
    return Text(" ".join(direction_label(np.array(vector)) for vector in vectors))


def _averages_table(averages: Facts) -> Table:
    table = _plain()
    table.show_header = True
    table.add_column(style="cyan")
    for kind in ("Voigt", "Reuss", "Hill"):
        table.add_column(Text(kind, style="cyan", justify="right"), justify="right", no_wrap=True)
    for name, label in (("K", "K/E_s"), ("G", "G/E_s"), ("E", "E/E_s"), ("nu", "nu")):
        values = [averages[name][kind] for kind in ("voigt", "reuss", "hill")]
        fmt = number_format(values)
        table.add_row(label, *(fmt(value) for value in values))
    return table


def _anisotropy_rows(moduli: Facts) -> list[tuple[str, str]]:
    anisotropy, symmetry = moduli["anisotropy"], moduli["symmetry"]
    rows = [("Zener", f"{anisotropy['zener']:.5g}")] if anisotropy["zener"] is not None else []
    distance = f"to {percent(symmetry['distance'])}" if symmetry["distance"] > 5e-7 else "exactly"
    return [
        *rows,
        ("universal A_U", f"{_small(anisotropy['universal']):.5g}"),
        ("log-Euclidean A_L", f"{_small(anisotropy['log_euclidean']):.5g}"),
        ("symmetry", f"{symmetry['name']}, {distance}{_frame_text(symmetry)}"),
    ]


def _small(value: float) -> float:
    """Rounding noise is nought."""
    return 0.0 if abs(value) < 1e-12 else value


def _frame_text(symmetry: Facts) -> str:
    """Say where the material axes lie, unless they are those of the laboratory or do not matter."""
    frame = symmetry["frame"]
    turned = any(abs(frame[i][j] - (i == j)) > 1e-6 for i in range(3) for j in range(3))
    if symmetry["name"] in ("isotropic", "triclinic"):
        return ""
    if not turned:
        return ", axes 1 2 3"
    rows = "; ".join(" ".join(f"{x:.3f}" for x in row) for row in frame)
    return f", material axes (rows) {rows}"


def check_blocks(facts: Facts) -> list[RenderableType]:
    """Return the beam FEM beside the network, and the difference."""
    check = facts["check"]
    beside = _plain()
    beside.show_header = True
    beside.add_column(style="cyan", no_wrap=True)
    for name in ("network", "beam FEM", "difference"):
        beside.add_column(Text(name, style="cyan", justify="right"), justify="right", no_wrap=True)
    for label, pick in _COMPARED:
        ours, theirs = pick(facts["moduli"]), pick(check["moduli"])
        fmt = number_format([ours, theirs])
        beside.add_row(label, fmt(ours), fmt(theirs), f"{100 * (ours / theirs - 1):+.2f} %")
    errors = [
        ("relative Frobenius", percent(check["relative_frobenius"])),
        ("directional", f"{percent(check['directional_error'])} (mean of |nn:C:nn| over n)"),
        ("softest eigenvalue", percent(check["softest_error"])),
    ]
    return [
        *stiffness_blocks(check["stiffness"], facts["lattice"]["material"], check["method"]),
        block("Network against beam FEM", beside, Text(), pairs(errors)),
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
    """Return one row a lattice: density, moduli, symmetry, domain, and the check where there is one."""
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="cyan")
    table.add_column("lattice", overflow="fold")
    names = ["density", "E min", "E max", "K", "G", "symmetry"]
    with_model = any("model" in row for row in rows)
    names += ["error", "domain"] if with_model else ["rank"]
    with_check = any("check" in row for row in rows)
    names += ["FEM diff."] if with_check else []
    for name in names:
        left = name in ("symmetry", "domain")
        table.add_column(name, justify="left" if left else "right", no_wrap=True)
    for row in rows:
        table.add_row(*_overview_cells(row))
    return table


def _overview_cells(row: Facts) -> list[str]:
    lattice, moduli = row["lattice"], row["moduli"]
    number = f"[{lattice['index']}]" if lattice["in_list"] else ""
    cells = [escape(f"{lattice['file']}{number}"), f"{lattice['relative_density']:.4g}"]
    if moduli is None:
        cells += ["-", "-", "-", "-", "singular"]
    else:
        values = [pick(moduli) for pick in _OVERVIEW]
        cells += [*(f"{value:.3e}" for value in values), moduli["symmetry"]["name"]]
    if "model" in row:
        cells.append(percent(row["model"]["expected_error"]["median"]))
        cells.append("inside" if row["domain"]["inside"] else "OUTSIDE")
    else:
        cells.append(str(row["rank"]))
    if "check" in row:
        cells.append(percent(row["check"]["relative_frobenius"]))
    return cells


_OVERVIEW = (_extreme("E", "min"), _extreme("E", "max"), _average("K"), _average("G"))


def _plain() -> Table:
    return Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
