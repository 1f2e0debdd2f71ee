"""The page in the frame of a notebook."""

from html.parser import HTMLParser

import pytest

from lattice_gnn.cells.named import cell
from viz.web.notebook import view
from viz.web.results import Methods


class Tags(HTMLParser):
    """Every tag with its attributes."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def octet_view():
    return view(cell("octet", relative_density=0.1), Methods(network=False))


def test_the_frame_holds_the_page_and_shuts_it_in(octet_view):
    ((tag, attributes),) = Tags(octet_view._repr_html_()).found
    assert tag == "iframe"
    assert attributes["srcdoc"] == octet_view.page
    assert attributes["sandbox"] == "allow-scripts allow-downloads"
    assert len(repr(octet_view)) < 80


def test_the_frame_draws_in_a_browser(octet_view, open_page, tmp_path):
    path = tmp_path / "notebook.html"
    path.write_text(f"<!DOCTYPE html><title>n</title>{octet_view._repr_html_()}", encoding="utf-8")
    watched = open_page(path.as_uri(), offline=True)
    frame = watched.page.frames[1]
    frame.wait_for_function("() => window.latticeGnn?.frames > 0")
    assert "E/E_s" in frame.locator(".labels.surface").inner_text()
    watched.picture("notebook")
    assert watched.complaints == []
