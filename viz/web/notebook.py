"""The report page inside a notebook: turned by the mouse, without a kernel and offline."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.lattice.sequence import as_list
from viz.web.report import report_page
from viz.web.results import Methods, page_report


@dataclass(frozen=True, slots=True, repr=False)
class View:
    """A page to be displayed by a notebook.

    Attributes:
        page: The page, HTML.
        height: Height of its frame, pixels.
    """

    page: str
    height: int = 640

    def __repr__(self) -> str:
        """Return one line: the size of the page."""
        return f"View({len(self.page):,} characters of HTML)"

    def _repr_html_(self) -> str:
        """Return a frame that cannot reach the notebook around it."""
        return (
            f'<iframe srcdoc="{escape(self.page)}" sandbox="allow-scripts allow-downloads" '
            f'style="width:100%;height:{self.height}px;border:0" title="lattice-gnn"></iframe>'
        )


def view(lattices: Lattice | Iterable[Lattice], methods: Methods | None = None) -> View:
    """Show the report of one lattice, or of several, in a notebook.

    About 0.6 MB are stored in the notebook for each view.

    Args:
        lattices: One lattice, or a sequence of lattices.
        methods: By which methods; default: network and beam FEM.

    Raises:
        LatticeGnnError: If a method refuses a lattice.
    """
    return View(report_page(page_report(as_list(lattices, "view"), methods or Methods())))
