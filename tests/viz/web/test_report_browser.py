"""The report in a real browser, from a file and without network."""

import json

import pytest

from lattice_gnn.cells.named import cell
from viz.web.report import write_report
from viz.web.results import Methods, page_report


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A report of two lattices on disk."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    lattices = [cell("octet", relative_density=0.1), cell("re-entrant", relative_density=0.1)]
    write_report(path, page_report(lattices, Methods()))
    return path.as_uri()


COLOURS = """() => {
    const source = document.querySelector('#viewer canvas');
    const copy = new OffscreenCanvas(source.width, source.height).getContext('2d');
    copy.drawImage(source, 0, 0);
    const data = copy.getImageData(0, 0, source.width, source.height).data;
    const found = [new Set(), new Set()];
    for (let k = 0; k < data.length; k += 4) {
        const half = (k / 4) % source.width < source.width / 2 ? 0 : 1;
        found[half].add((data[k] << 16) | (data[k + 1] << 8) | data[k + 2]);
    }
    return found.map((colours) => colours.size);
}"""


@pytest.fixture
def report(open_page, address):
    """The report, drawn at least once, without network."""
    watched = open_page(address, offline=True)
    watched.page.wait_for_function("() => window.latticeGnn?.frames > 0")
    return watched


def test_it_draws_lattice_and_surface_without_network_request_or_complaint(report, address):
    lattice, surface = report.page.evaluate(COLOURS)
    report.picture("report")
    assert lattice > 100
    assert surface > 1000
    assert report.requests == [address]
    assert report.complaints == []
    labels = report.page.locator(".labels.surface").inner_text()
    assert "E/E_s" in labels
    assert "(unit of the cell)" in report.page.locator(".labels.lattice").inner_text()


def test_the_mouse_and_the_keys_turn_both_views(report):
    page = report.page
    before, angle = page.screenshot(), page.evaluate("latticeGnn.azimuth")
    box = page.locator("#viewer canvas").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4 + 100, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    turned = page.evaluate("latticeGnn.azimuth")
    assert turned == pytest.approx(angle - 45, abs=3)
    page.wait_for_timeout(100)
    assert page.screenshot() != before
    page.locator("#viewer canvas").focus()
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("latticeGnn.azimuth") == pytest.approx(turned + 8)
    assert report.complaints == []


def test_the_surface_in_direction_n_has_the_radius_that_python_computes(report):
    page = report.page
    inside = json.loads(page.locator("#report").text_content())
    entry = inside["lattices"][0]["prediction"]["moduli"]
    for quantity, ends in (("E", entry["extremes"]["E"]), ("beta", entry["extremes"]["beta"])):
        page.select_option("#quantity", quantity)
        label = page.locator("#viewer canvas").get_attribute("aria-label")
        low, high = (float(word) for word in label.split(", from ")[1].split(" (")[0].split(" to "))
        assert low == pytest.approx(ends["min"]["value"], rel=5e-3)
        assert high == pytest.approx(ends["max"]["value"], rel=5e-3)
    for quantity, name, end in (
        ("Gmin", "G", "min"),
        ("Gmax", "G", "max"),
        ("numin", "nu", "min"),
        ("numax", "nu", "max"),
    ):
        page.select_option("#quantity", quantity)
        label = page.locator("#viewer canvas").get_attribute("aria-label")
        low, high = (float(word) for word in label.split(", from ")[1].split(" (")[0].split(" to "))
        shown = low if end == "min" else high
        assert shown == pytest.approx(entry["extremes"][name][end]["value"], rel=0.02, abs=2e-3)


def test_another_lattice_and_a_ghost_can_be_chosen(report):
    page = report.page
    page.select_option("#lattice", "1")
    page.select_option("#ghost", "beam")
    page.select_option("#quantity", "numin")
    page.wait_for_timeout(200)
    report.picture("report-ghost")
    assert "re-entrant" in page.locator(".labels.lattice").inner_text()
    assert "negative" in page.locator(".labels.surface").inner_text()
    assert report.complaints == []


def test_the_numbers_can_be_saved(report):
    with report.page.expect_download() as download:
        report.page.click("#save")
    saved = json.loads(download.value.path().read_text(encoding="utf-8"))
    assert saved["schema"] == "lattice-gnn/report/1"
    assert len(saved["lattices"]) == 2


def test_it_fits_a_telephone_and_paper(open_page, address):
    narrow = open_page(address, offline=True, size=(390, 800))
    narrow.page.wait_for_function("() => window.latticeGnn?.frames > 0")
    narrow.picture("report-narrow")
    width = narrow.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390
    assert narrow.page.pdf(format="A4").startswith(b"%PDF")
    assert narrow.page.evaluate("latticeGnn.canvas.isConnected")


def test_on_paper_the_picture_is_sharp_and_fits_the_page(report):
    page = report.page
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    lattice, surface = page.evaluate(COLOURS)
    size = page.evaluate("[document.querySelector('#viewer').offsetWidth,"
                         " document.querySelector('#viewer canvas').width]")  # fmt: skip
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert (lattice > 100, surface > 1000) == (True, True)
    assert size[0] <= 0.18 * 96 / 0.0254  # the width of A4 less two margins of 15 mm
    assert size[1] >= 2.9 * size[0]
    assert page.evaluate("latticeGnn.canvas.isConnected")
    assert page.evaluate("document.querySelector('#viewer').offsetWidth") > 700


def test_without_webgl_the_drawing_and_the_numbers_stay(browser, address):
    context = browser.new_context(offline=True)
    context.add_init_script("HTMLCanvasElement.prototype.getContext = () => null;")
    page = context.new_page()
    page.goto(address)
    assert page.locator("#viewer svg").is_visible()
    assert "No 3-D view" in page.locator("#no3d").inner_text()
    assert page.locator("table.comparison").is_visible()
    context.close()
