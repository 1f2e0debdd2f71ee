"""Tables of stiffnesses: matrices, moduli, a check, and one row per lattice of many."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cli.terminal.lattice_tables import label, short_labels
from cli.terminal.tables import block, columns, grid, pairs
from lattice_gnn.wording import matrix_texts, percent, significant

if TYPE_CHECKING:
    from lattice_gnn.lattice.lattice import Material
    from lattice_gnn.reports.homogenisation import HomogenisationReport
    from lattice_gnn.reports.prediction import CheckFacts, ExpectedError, PredictionReport
    from lattice_gnn.reports.stiffness import (
        AllAverages,
        AllExtremes,
        AxisModuli,
        Extremum,
        Matrix,
        Moduli,
        StiffnessFacts,
        SymmetryFacts,
    )

    Report = PredictionReport | HomogenisationReport


def matrix(voigt: "Matrix", order: str) -> Table:
    """Return a 6x6 matrix with row and column labels; small diagonal entries keep their digits."""
    names = order.split()
    table = columns("", names)
    for name, row in zip(names, matrix_texts(voigt), strict=True):
        table.add_row(_cyan(name), *row)
    return table


def _cyan(text: str) -> Text:
    return Text(text, style="cyan")


def model_rows(report: "PredictionReport") -> list[tuple[str, str]]:
    """Return the model, its expected error, and whether the lattice is in the training domain."""
    domain = report.domain
    rows = [
        ("model", report.model.name),
        ("expected error", _expected(report.model.expected_error)),
        ("training domain", "inside" if domain.inside else "OUTSIDE: " + "; ".join(domain.notes)),
    ]
    if report.frame is not None:
        rows.append(("beam FEM alone", _frame_text(report.frame)))
    return rows


def _frame_text(frame: "CheckFacts") -> str:
    """How far the frame, without the material of the joints, is from the prediction."""
    return (
        f"differs by {percent(frame.relative_frobenius)} (relative Frobenius), softest eigenvalue "
        f"by {percent(frame.softest_error)}"
    )


def _expected(error: "ExpectedError | None") -> str:
    if error is None:
        return "unknown outside the ranges of the training set"
    return (
        f"{percent(error.median)} (median), {percent(error.p90)} (9 of 10 are better) from "
        f"{error.against}; relative Frobenius, {error.basis}"
    )


def solution_rows(report: "HomogenisationReport") -> list[tuple[str, str]]:
    """Return rank and conditioning of the beam FEM solution."""
    rows = [("rank of C", f"{report.rank} of 6" + (": SINGULAR" if report.rank < 6 else ""))]
    if report.components > 1:
        rows.append(("components", f"{report.components}"))
    if report.condition is not None:
        rows.append(("condition", f"{report.condition:.3g} (scaled stiffness matrix)"))
    return rows


def stiffness_blocks(
    stiffness: "StiffnessFacts", material: "Material", by: str
) -> list[RenderableType]:
    """Return C/E_s and, if the modulus of the material is not 1, C in its unit."""
    order = stiffness.order
    title = f"Stiffness C/E_s by {by}, Voigt, order {order}"
    parts: list[RenderableType] = [block(title, matrix(stiffness.voigt, order))]
    if material.E != 1:
        title = f"The same in the unit of E_s = {material.E:g}"
        parts.append(block(title, matrix(stiffness.voigt_times_E, order)))
    return parts


def moduli_blocks(moduli: "Moduli | None") -> list[RenderableType]:
    """Return moduli along the axes and extremal, averages, anisotropy, symmetry."""
    if moduli is None:
        return [block("Moduli", Text("not defined: the stiffness is singular"))]
    return [
        block("Moduli along the axes", _axes_table(moduli.axes)),
        block("Extremes over all directions", _extremes_table(moduli.extremes)),
        block("Averages over all orientations", _averages_table(moduli.averages)),
        block("Anisotropy", pairs(_anisotropy_rows(moduli))),
    ]


def _axes_table(axes: "AxisModuli") -> Table:
    nu = axes.nu
    rows = [
        ("E/E_s", "along 1, 2, 3", axes.E),
        ("G/E_s", "in 23, 13, 12", axes.G),
        ("nu", "nm = 12, 23, 31", (nu["12"], nu["23"], nu["31"])),
        ("nu", "nm = 21, 32, 13", (nu["21"], nu["32"], nu["13"])),
        ("beta E_s", "along 1, 2, 3", axes.beta),
    ]
    table = grid()
    table.add_column(style="cyan")
    table.add_column(no_wrap=True)
    for _ in range(3):
        table.add_column(justify="right", no_wrap=True)
    for name, where, values in rows:
        table.add_row(name, where, *(significant(value) for value in values))
    return table


def _extremes_table(extremes: "AllExtremes") -> Table:
    table = grid()
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    rows = (
        ("E/E_s", extremes.E),
        ("G/E_s", extremes.G),
        ("nu", extremes.nu),
        ("beta E_s", extremes.beta),
    )
    for name, ends in rows:
        low, high = ends.min, ends.max
        if high.value - low.value <= 1e-6 * abs(high.value):
            table.add_row(name, "constant", significant(high.value), "in every direction")
            continue
        table.add_row(name, "smallest", significant(low.value), _where(low))
        table.add_row("", "largest", significant(high.value), _where(high))
    return table


def _where(extremum: "Extremum") -> Text:
    """Name the direction of an extremum: n, or n and m."""
    import numpy as np

    from viz.picture import direction_label

    n = direction_label(np.array(extremum.n))
    if extremum.m is None:
        return Text(f"along {n}")
    return Text(f"n = {n}, m = {direction_label(np.array(extremum.m))}")


def _averages_table(averages: "AllAverages") -> Table:
    table = columns("", ("Voigt", "Reuss", "Hill"))
    rows = (
        ("K/E_s", averages.K),
        ("G/E_s", averages.G),
        ("E/E_s", averages.E),
        ("nu", averages.nu),
    )
    for name, average in rows:
        values = (average.voigt, average.reuss, average.hill)
        table.add_row(_cyan(name), *(significant(value) for value in values))
    return table


def _anisotropy_rows(moduli: "Moduli") -> list[tuple[str, str]]:
    anisotropy, symmetry = moduli.anisotropy, moduli.symmetry
    rows = [("Zener", f"{anisotropy.zener:.5g}")] if anisotropy.zener is not None else []
    distance = f"to {percent(symmetry.distance)}" if symmetry.distance > 5e-7 else "exactly"
    return [
        *rows,
        ("universal A_U", significant(round(anisotropy.universal, 12))),
        ("log-Euclidean A_L", significant(round(anisotropy.log_euclidean, 12))),
        ("symmetry", f"{symmetry.name}, {distance}"),
        *_frame_rows(symmetry),
    ]


def _frame_rows(symmetry: "SymmetryFacts") -> list[tuple[str, str]]:
    """Return the material axes, unless the symmetry makes them irrelevant."""
    if symmetry.name in ("isotropic", "triclinic"):
        return []
    frame = symmetry.frame
    if all(abs(frame[i][j] - (i == j)) <= 1e-6 for i in range(3) for j in range(3)):
        return [("material axes", "1 2 3")]
    rows = ["(" + ", ".join(f"{round(x, 3) + 0.0:.3f}" for x in row) + ")" for row in frame]
    return [("material axes", " ".join(rows))]


def check_blocks(report: "PredictionReport", check: "CheckFacts") -> list[RenderableType]:
    """Return a reference, or the frame that the model corrects, beside the network."""
    by = check.method.partition(",")[0]
    frame = check is report.frame
    beside = columns("", ("network", by, "difference"))
    if report.moduli is not None and check.moduli is not None:
        for name, pick in _COMPARED:
            ours, theirs = pick(report.moduli), pick(check.moduli)
            difference = f"{100 * (ours / theirs - 1):+.2f} %"
            beside.add_row(_cyan(name), significant(ours), significant(theirs), difference)
    errors = [
        ("relative Frobenius", percent(check.relative_frobenius)),
        ("directional", f"{percent(check.directional_error)} (mean of |nn:C:nn| over n)"),
        ("softest eigenvalue", percent(check.softest_error)),
    ]
    method = f"{by} alone" if frame else check.method
    title = f"Difference from {by} alone" if frame else "Error of the whole tensor"
    return [
        *stiffness_blocks(check.stiffness, report.lattice.material, method),
        block(f"Network against {by}", beside),
        block(title, pairs(errors)),
    ]


_COMPARED: tuple[tuple[str, "Callable[[Moduli], float]"], ...] = (
    ("E/E_s smallest", lambda moduli: moduli.extremes.E.min.value),
    ("E/E_s largest", lambda moduli: moduli.extremes.E.max.value),
    ("G/E_s smallest", lambda moduli: moduli.extremes.G.min.value),
    ("G/E_s largest", lambda moduli: moduli.extremes.G.max.value),
    ("K/E_s (Hill)", lambda moduli: moduli.averages.K.hill),
    ("G/E_s (Hill)", lambda moduli: moduli.averages.G.hill),
)


def prediction_overview(reports: "Sequence[PredictionReport]") -> Table:
    """Return one row per lattice: density, moduli, symmetry, domain, difference from the check."""
    checked = reports[0].check is not None
    table = _overview(["exp.err.", "domain", *(["FEM diff."] if checked else [])])
    for name, report in zip(_names(reports), reports, strict=True):
        expected = report.model.expected_error
        cells = [
            "-" if expected is None else percent(expected.median),
            "inside" if report.domain.inside else "OUTSIDE",
        ]
        if report.check is not None:
            cells.append(percent(report.check.relative_frobenius))
        table.add_row(name, *_moduli_cells(report), *cells)
    return table


def homogenisation_overview(reports: "Sequence[HomogenisationReport]") -> Table:
    """Return one row per lattice: density, moduli, symmetry, rank."""
    table = _overview(["rank"])
    for name, report in zip(_names(reports), reports, strict=True):
        table.add_row(name, *_moduli_cells(report), str(report.rank))
    return table


def _overview(more: Sequence[str]) -> Table:
    heads = ("density", "E min", "E max", "K Hill", "G Hill", "symmetry", *more)
    return columns("lattice (moduli over E_s)", heads, left=("symmetry", "domain"), gap=1)


def _names(reports: "Sequence[Report]") -> list[str]:
    """Return the labels of lattices, without their folder if all share it."""
    return short_labels([label(report.lattice) for report in reports])


def _moduli_cells(report: "Report") -> list[str]:
    moduli, density = report.moduli, f"{report.lattice.relative_density:.4g}"
    if moduli is None:
        return [density, "-", "-", "-", "-", "singular"]
    E, averages = moduli.extremes.E, moduli.averages
    values = (E.min.value, E.max.value, averages.K.hill, averages.G.hill)
    return [density, *(f"{value:.2e}" for value in values), moduli.symmetry.name]
