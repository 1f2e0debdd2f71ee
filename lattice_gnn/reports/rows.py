"""Results of many lattices as rows of plain values: for tables, CSV and data frames."""

import csv
import io
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, SupportsIndex, TypeVar, overload

import torch

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.notebook import grid
from lattice_gnn.reports.result import Result, Value
from lattice_gnn.tensors.stiffness import Stiffness
from lattice_gnn.wording import counted

Row = dict[str, Value]
AnyResult = TypeVar("AnyResult", bound=Result)

_ORDER = ("11", "22", "33", "23", "13", "12")
_UPPER = tuple((i, j) for i in range(6) for j in range(i, 6))
COMPONENTS = tuple(f"C_{_ORDER[i]}_{_ORDER[j]}" for i, j in _UPPER)
"""Names of the 21 Voigt components of C/E_s, row by row of the upper triangle."""
MODULI = ("E_1", "E_2", "E_3", "G_23", "G_13", "G_12", "K", "G", "E", "nu")
"""Moduli along the axes over E_s, then those of the isotropic average (Hill)."""
SEARCHED = ("E_min", "E_max", "G_min", "G_max", "nu_min", "nu_max", "symmetry")
"""Quantities that need a search over all directions."""


SHOWN = 20
"""Results of a list that are displayed."""
_DISPLAYED = ("E_1", "E_2", "E_3", "K", "G")


class Results(list[AnyResult]):
    """A list of results that is displayed as a table, and can be turned into one."""

    @overload
    def __getitem__(self, index: SupportsIndex) -> AnyResult: ...

    @overload
    def __getitem__(self, index: slice) -> "Results[AnyResult]": ...

    def __getitem__(self, index: SupportsIndex | slice) -> "AnyResult | Results[AnyResult]":
        """Return one result, or a part of the list as `Results`."""
        found = super().__getitem__(index)
        return Results(found) if isinstance(index, slice) else found  # type: ignore[arg-type, return-value]

    def __repr__(self) -> str:
        """Return a table in plain text, one line per result of the first ``SHOWN``."""
        if not self:
            return "[]"
        title, heads, rows = _display(self)
        lines = [("", *heads), *((name, *cells) for name, cells in rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        texts = [
            "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip()
            for line in lines
        ]
        return "\n".join([title, *texts, *_left_out(self)])

    def _repr_html_(self) -> str:
        """Return the same table as HTML, for notebooks."""
        if not self:
            return "[]"
        title, heads, rows = _display(self)
        left = "".join(f"<p>{line}</p>" for line in _left_out(self))
        return f"<p>{escape(title)}</p>{grid(heads, rows)}{left}"

    def rows(self, *, full: bool = False) -> list[Row]:
        """Return one mapping of plain values per result; see `result_rows`."""
        return result_rows(self, full=full)

    def to_dataframe(self, *, full: bool = False) -> Any:
        """Return a pandas ``DataFrame``, one row per result; see `result_rows` for the columns.

        Raises:
            LatticeGnnError: If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError:
            raise LatticeGnnError(
                "to_dataframe: pandas is not installed; install it (pip install pandas), or use "
                "rows()."
            ) from None
        return pd.DataFrame(self.rows(full=full))


def result_rows(results: Sequence[Result], *, full: bool = False) -> list[Row]:
    """Return one row per result: lattice, C/E_s, moduli over E_s, what the method reports.

    Columns: ``name``, ``relative_density``, the Voigt components ``C_11_11`` to ``C_12_12``, the
    moduli along the axes, bulk, shear and Young's modulus and Poisson's ratio of the Hill average,
    and the columns of the method. Moduli of a singular stiffness are None.

    Args:
        results: Results of one method or of several.
        full: Also search all directions: smallest and largest E, G and nu, and the symmetry class.
    """
    if not results:
        return []
    stiffness = Stiffness(torch.stack([result.stiffness.detach().mandel for result in results]))
    moduli = _moduli(stiffness, full)
    return [
        {
            "name": result.lattice.name,
            "relative_density": float(result.lattice.relative_density),
            **dict(zip(COMPONENTS, [voigt[i][j] for i, j in _UPPER], strict=True)),
            **row,
            "method": result.method,
            **result.columns(),
        }
        for result, voigt, row in zip(results, stiffness.voigt.tolist(), moduli, strict=True)
    ]


def _display(results: Sequence[Result]) -> tuple[str, list[str], list[tuple[str, list[str]]]]:
    """Return title, heads and rows of the first results; what they share is in the title."""
    shown = list(results[:SHOWN])
    moduli = _moduli(Stiffness(torch.stack([x.stiffness.detach().mandel for x in shown])), False)
    facts = [{"method": x.method, **dict(x._facts())} for x in shown]
    names = list(dict.fromkeys(name for fact in facts for name in fact))
    own = [name for name in names if len({fact.get(name) for fact in facts}) > 1]
    shared = "".join(f", {name} {facts[0][name]}" for name in names if name not in own)
    title = f"{counted(len(results), 'result')}, moduli over E_s{shared}"
    rows = [
        (
            result.lattice.name,
            [
                f"{result.lattice.relative_density:.4g}",
                *("-" if row[name] is None else f"{row[name]:.4g}" for name in _DISPLAYED),
                *(fact.get(name, "") for name in own),
            ],
        )
        for result, row, fact in zip(shown, moduli, facts, strict=True)
    ]
    return title, ["density", *_DISPLAYED, *own], rows


def _left_out(results: Sequence[Result]) -> list[str]:
    more = len(results) - SHOWN
    return [f"... and {more:,} more"] if more > 0 else []


def rows_as_csv(rows: Iterable[Row]) -> str:
    """Return rows as CSV with a header; columns in order of appearance, None as an empty field."""
    listed = list(rows)
    names = list(dict.fromkeys(name for row in listed for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(listed)
    return text.getvalue()


def _moduli(stiffness: Stiffness, full: bool) -> list[Row]:
    """Return the moduli of every tensor; None for those of a singular one."""
    regular = stiffness.is_positive_definite()
    names = (*MODULI, *(SEARCHED if full else ()))
    rows: list[Row] = [dict.fromkeys(names) for _ in range(len(stiffness))]
    chosen = torch.nonzero(regular).flatten().tolist()
    if chosen:
        found = _columns(stiffness[chosen], full)
        for k, b in enumerate(chosen):
            rows[b] = {name: values[k] for name, values in zip(names, found, strict=True)}
    return rows


def _columns(stiffness: Stiffness, full: bool) -> list[list[Any]]:
    axis = torch.eye(3, dtype=torch.float64)
    C, averages = stiffness[:, None], stiffness.averages()
    E = C.young_modulus(axis)
    G = C.shear_modulus(axis[[1, 0, 0]], axis[[2, 2, 1]])
    hill = (averages.bulk_hill, averages.shear_hill, averages.young_hill, averages.poisson_hill)
    columns = [x.tolist() for x in (*E.unbind(1), *G.unbind(1), *hill)]
    if full:
        for quantity in ("E", "G", "nu"):
            extrema = stiffness.extrema(quantity)
            columns += [extrema.min.tolist(), extrema.max.tolist()]
        columns.append(list(stiffness.classify().names))
    return columns
