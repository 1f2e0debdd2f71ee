"""The report: one offline page with everything that is known about a few lattices."""

import os
from collections.abc import Sequence
from html import escape
from pathlib import Path

from lattice_gnn import __version__
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import write_whole
from lattice_gnn.lattice.json_file import lattice_from_dict
from lattice_gnn.lattice.picture import wireframe
from lattice_gnn.reports.page import PageLattice, PageReport, Provenance
from lattice_gnn.reports.prediction import PredictionReport
from lattice_gnn.wording import counted, percent
from viz.web.html import facts, table
from viz.web.page import inert_json, shell
from viz.web.tables import lattice_sections, symmetry_text

SUFFIXES = (".html", ".htm")
MOST_LATTICES = 200
"""Largest number of lattices of one page; browsers stay usable."""

_UNKNOWN = "–"
_COMPARED = (
    "lattice",
    "relative density",
    "E min",
    "E max",
    "G min",
    "G max",
    "K Hill",
    "G Hill",
    "ν Hill",
    "A_U",
    "symmetry",
    "error",
)


def write_report(path: str | os.PathLike[str], report: PageReport) -> None:
    """Write a report as one HTML file (atomically).

    Raises:
        LatticeGnnError: If the file cannot be written, its name does not end in .html, or there
            are no lattices or too many.
    """
    write_whole(check_page_path(Path(path)), report_page(report))


def check_page_path(path: Path) -> Path:
    """Refuse a file whose suffix is not that of a page."""
    if path.suffix.lower() not in SUFFIXES:
        raise LatticeGnnError(
            f"{path}: a report is written as HTML, got the ending {path.suffix or '(none)'!r}; "
            "choose a name that ends in .html"
        )
    return path


def report_page(report: PageReport) -> str:
    """Return a report as HTML: readable without scripts, with three-dimensional views by them."""
    count = len(report.lattices)
    if not 1 <= count <= MOST_LATTICES:
        raise LatticeGnnError(
            f"a report shows 1 to {MOST_LATTICES} lattices, got {count}; give fewer files."
        )
    names = [title_of(entry) for entry in report.lattices]
    title = names[0] if count == 1 else f"Comparison of {counted(count, 'lattice')}"
    several = count > 1
    body = [
        f"<header><h1>{escape(title)}</h1><p>{escape(_subtitle(report))}</p>",
        '<div class="actions"><button id="save">Save the numbers (JSON)</button>'
        '<button id="print">Print</button></div></header><main>',
        comparison(report.lattices) if several else "",
        _view(report.lattices[0]),
        *(_article(entry, heading=several) for entry in report.lattices),
        _provenance(report.provenance),
        "</main>",
        f'<script type="application/json" id="report">{inert_json(report)}</script>',
    ]
    return shell(f"{title} – lattice-gnn", "report", "\n".join(body))


def title_of(entry: PageLattice) -> str:
    """Name a lattice by its name, or by its file."""
    facts_ = entry.info.lattice
    return facts_.name or Path(facts_.file or "unnamed lattice").stem


def _subtitle(report: PageReport) -> str:
    methods = list(dict.fromkeys(title for x in report.lattices for title in x.results))
    said = f"{', '.join(methods[:-1])} and {methods[-1]}" if len(methods) > 1 else methods[0]
    date = report.provenance.created.partition("T")[0]
    return f"Effective stiffness by {said}; lattice-gnn {__version__}, {date}"


def _view(first: PageLattice) -> str:
    """Return the lists and the place of the three-dimensional view, with a drawing in it."""
    lists = "".join(
        f'<label>{name} <select id="{key}"></select></label>'
        for key, name in (
            ("lattice", "Lattice"),
            ("quantity", "Surface"),
            ("method", "by"),
            ("ghost", "with, in grey,"),
        )
    )
    drawing = wireframe(lattice_from_dict(first.lattice))
    return (
        '<section class="view"><h2>Lattice and directional stiffness</h2>'
        f'<div class="lists">{lists}</div><div id="viewer">{drawing}</div>'
        '<p id="no3d" hidden></p><p class="hint">Drag to turn both, scroll to zoom; or use the '
        "arrow keys and + or -. The radius of the surface in direction n is the value in that "
        "direction.</p></section>"
    )


def _article(entry: PageLattice, *, heading: bool) -> str:
    title = f"<h2>{escape(title_of(entry))}</h2>" if heading else ""
    return f"<article>{title}{lattice_sections(entry)}</article>"


def comparison(entries: Sequence[PageLattice]) -> str:
    """Return one row per lattice, by the first of its methods."""
    rows = [(title_of(entry), _compared(entry)) for entry in entries]
    by = next(iter(entries[0].results))
    caption = f"Moduli over E_s by {by}; error: what to expect of this result"
    return (
        "<section><h2>Comparison</h2>"
        + table(caption, _COMPARED, rows, "comparison")
        + '<div class="drawings">'
        + "".join(_thumbnail(entry) for entry in entries)
        + "</div></section>"
    )


def _thumbnail(entry: PageLattice) -> str:
    drawing = wireframe(lattice_from_dict(entry.lattice))
    return f"<figure>{drawing}<figcaption>{escape(title_of(entry))}</figcaption></figure>"


def _compared(entry: PageLattice) -> list[str]:
    result = next(iter(entry.results.values()))
    density = f"{entry.info.lattice.relative_density:.4g}"
    moduli = result.moduli
    if moduli is None:
        return [density, *[_UNKNOWN] * 8, "singular", _UNKNOWN]
    E, G, averages = moduli.extremes.E, moduli.extremes.G, moduli.averages
    values = (
        E.min.value,
        E.max.value,
        G.min.value,
        G.max.value,
        averages.K.hill,
        averages.G.hill,
        averages.nu.hill,
        moduli.anisotropy.universal,
    )
    return [density, *(f"{x:.3g}" for x in values), symmetry_text(moduli), _error(result)]


def _error(result: object) -> str:
    if isinstance(result, PredictionReport):
        expected = result.model.expected_error
        return "unknown" if expected is None else percent(expected.median)
    solid = getattr(result, "solid", None)
    return _UNKNOWN if solid is None else percent(solid.error)


def _provenance(provenance: Provenance) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in provenance.packages.items())
    rows = [
        ("program", f"lattice-gnn {__version__}"),
        ("computed", f"{provenance.created}, in {provenance.seconds:.3g} s"),
        ("with", f"Python {provenance.python}, {packages}; {provenance.platform}"),
        (
            "conventions",
            "Voigt and Mandel order 11 22 33 23 13 12; S with engineering shear strains; moduli "
            "over E_s, Young's modulus of the solid; ν nm: load along n, contraction along m",
        ),
        (
            "numbers",
            "every digit and the lattice itself are in this page, as JSON in the element #report "
            "(schema lattice-gnn/report/1)",
        ),
    ]
    return f"<footer><h2>Provenance</h2>{facts(rows)}</footer>"
