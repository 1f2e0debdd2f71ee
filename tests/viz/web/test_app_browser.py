"""The app in a real browser: every way in which a user changes, opens, compares, saves."""

import json
import math

import numpy as np
import pytest

from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.json_file import lattice_from_dict, write_lattices
from lattice_gnn.verbs.predict import predict

SETTLED = (
    "() => window.latticeGnn?.live && latticeGnn.solved === latticeGnn.state.lattice"
    " && latticeGnn.viewer.frames > 0"
)


@pytest.fixture
def app(open_page, served):
    """The app with the octet, settled, in a tab of its own."""
    watched = open_page(served.address)
    watched.page.wait_for_function(SETTLED, timeout=60_000)
    return watched


def settle(page, before=None):
    """Wait until the stiffness belongs to the lattice (another one than before, where given)."""
    if before is not None:
        page.wait_for_function(
            "before => JSON.stringify(latticeGnn.state.lattice) !== before", arg=before
        )
    page.wait_for_function(SETTLED, timeout=60_000)


def lattice_text(page):
    return page.evaluate("JSON.stringify(latticeGnn.state.lattice)")


def slide(page, name, value):
    """Move a slider as a hand does: input, then change."""
    page.eval_on_selector(
        f"#{name}",
        "(range, value) => { range.value = value; range.dispatchEvent(new Event('input'));"
        " range.dispatchEvent(new Event('change')); }",
        str(value),
    )


def row(page, name):
    """The values of a row of the table that follows the sliders."""
    cells = page.locator(f"#live tr[data-row={name}] td").all_inner_texts()
    return [float(text) for text in cells]


def on_canvas(page, world):
    """Where a point of the lattice, in its own unit, is on the page."""
    return page.evaluate(
        """world => {
            const viewer = latticeGnn.viewer, box = viewer.canvas.getBoundingClientRect();
            const { centre, reach } = viewer.drawing, [right, up] = viewer.axes();
            const p = world.map((x, k) => (x - centre[k]) / reach);
            const along = (axis) => axis.reduce((sum, x, k) => sum + x * p[k], 0);
            const scale = viewer.scale(box.width / 2, box.height);
            return [box.x + box.width / 4 + scale * along(right),
                    box.y + box.height / 2 - scale * along(up)];
        }""",
        list(world),
    )


def test_the_page_begins_with_the_octet_without_complaint(app, served):
    app.picture("app")
    assert app.complaints == []
    assert "octet" in app.page.locator(".labels.lattice").inner_text()
    outside = [url for url in app.requests if not url.startswith(served.address.split("#")[0])]
    assert outside == []
    assert served.token not in "".join(url for url in app.requests if "#" not in url)


def test_sliders_change_the_numbers_to_those_of_the_prediction(app):
    page = app.page
    before = lattice_text(page)
    slide(page, "density", math.log(0.2))
    settle(page, before)
    slide(page, "nu", 0.2)
    settle(page)
    lattice = lattice_from_dict(json.loads(lattice_text(page)))
    assert lattice.relative_density == pytest.approx(0.2, rel=1e-6)
    assert lattice.material.nu == pytest.approx(0.2)
    shown = page.evaluate("latticeGnn.live.results.network.mandel")
    prediction = predict(lattice)
    expected = prediction.stiffness.mandel.numpy()
    np.testing.assert_allclose(shown, expected, rtol=1e-6, atol=1e-6 * expected.max())
    E = prediction.stiffness.young_modulus([1.0, 0.0, 0.0])
    assert row(page, "E1")[0] == pytest.approx(float(E), rel=1e-4)
    beam = prediction.frame.young_modulus([1.0, 0.0, 0.0])
    assert row(page, "E1")[1] == pytest.approx(float(beam), rel=1e-4)
    assert row(page, "density") == pytest.approx([0.2, 0.2])


def test_the_shape_of_the_cell_is_strained_and_undone(app):
    page = app.page
    before = lattice_text(page)
    page.click("summary:has-text('Shape of the cell')")
    slide(page, "strain-33", 0.2)
    settle(page, before)
    slide(page, "strain-12", 0.1)
    settle(page)
    cell_ = page.evaluate("latticeGnn.state.lattice.cell")
    assert cell_ == [pytest.approx(x) for x in ([1, 0.1, 0], [0.1, 1, 0], [0, 0, 1.2])]
    page.click("#undo")
    page.click("#undo")
    settle(page)
    assert lattice_text(page) == before
    page.click("#redo")
    assert page.evaluate("latticeGnn.state.lattice.cell[2][2]") == pytest.approx(1.2)


def test_a_strut_is_clicked_and_gets_another_radius(app):
    page = app.page
    x, y = on_canvas(page, (0.75, 0.25, 1.0))
    page.mouse.click(x, y)
    assert page.locator("#selected").inner_text().startswith("Strut ")
    number = page.evaluate("latticeGnn.picked.strut")
    radius = page.evaluate("latticeGnn.state.lattice.struts[0].radius")
    before = lattice_text(page)
    slide(page, "strut-radius", math.log(2 * radius))
    settle(page, before)
    app.picture("app-strut")
    radii = page.evaluate("latticeGnn.state.lattice.struts.map((strut) => strut.radius)")
    assert radii[number] == pytest.approx(2 * radius)
    assert sum(r != radius for r in radii) == 1
    assert app.complaints == []


def test_a_joint_is_dragged(app):
    page = app.page
    before = json.loads(lattice_text(page))
    x, y = on_canvas(page, (0.5, 0.0, 0.5))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y - 20, steps=4)
    page.mouse.up()
    settle(page, json.dumps(before, separators=(",", ":"), ensure_ascii=False))
    node = page.evaluate("latticeGnn.picked.node")
    after = json.loads(lattice_text(page))
    moved = [k for k in range(4) if after["nodes"][k] != before["nodes"][k]]
    assert moved == [node]
    x2, y2 = on_canvas(page, [a + b for a, b in zip(
        (0.5, 0.0, 0.5),
        [q - p for p, q in zip(before["nodes"][node], after["nodes"][node], strict=True)],
        strict=True)])  # fmt: skip
    assert (x2 - x, y2 - y) == (pytest.approx(30, abs=1.5), pytest.approx(-20, abs=1.5))
    assert page.evaluate("latticeGnn.viewer.azimuth") == -68


def test_parameters_of_a_cell_and_another_cell(app):
    page = app.page
    page.select_option("#cell", "re-entrant")
    page.wait_for_selector("#parameters input[name=angle]")
    settle(page)
    before = lattice_text(page)
    page.fill("#parameters input[name=angle]", "15")
    page.keyboard.press("Tab")
    settle(page, before)
    expected = cell("re-entrant", relative_density=0.1, angle=15.0)
    found = lattice_from_dict(json.loads(lattice_text(page)))
    assert found.with_radii(expected.radii) == expected


def test_a_file_is_dropped_and_a_hostile_one_refused(app, tmp_path):
    page = app.page
    path = tmp_path / "mine.json"
    write_lattices(path, cell("kelvin", relative_density=0.05).replace(name="<i>mine</i>"))
    before = lattice_text(page)
    page.evaluate(
        """text => {
            const data = new DataTransfer();
            data.items.add(new File([text], 'mine.json'));
            document.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true }));
        }""",
        path.read_text(),
    )
    settle(page, before)
    assert "<i>mine</i>" in page.locator(".labels.lattice").inner_text()
    hostile = tmp_path / "hostile.3mf"
    hostile.write_bytes(b"PK\x03\x04" + bytes(2000))
    page.set_input_files("#file", hostile)
    page.wait_for_selector("#errors:not([hidden])")
    said = page.locator("#errors").inner_text()
    assert said.startswith("hostile.3mf: ")
    assert "<i>mine</i>" in page.locator(".labels.lattice").inner_text()


def test_a_lattice_is_pinned_compared_and_swapped(app):
    page = app.page
    page.click("summary:has-text('Compare')")
    page.click("#pin")
    before = lattice_text(page)
    page.select_option("#cell", "bcc")
    settle(page, before)
    app.picture("app-compare")
    assert page.locator("#live thead th").all_inner_texts()[-1] == "pinned: octet"
    assert len(row(page, "E1")) == 3
    octet, bcc = row(page, "E1")[2], row(page, "E1")[0]
    page.click("#swap")
    settle(page)
    assert row(page, "E1")[0] == pytest.approx(octet)
    assert row(page, "E1")[2] == pytest.approx(bcc)
    page.fill("#target-E", "0.02")
    page.click("#target")
    table = page.locator("#live tr[data-row=K_hill] td").all_inner_texts()
    assert float(table[2]) == pytest.approx(0.02 / 1.2, rel=1e-4)
    page.click("#unpin")
    assert len(row(page, "E1")) == 2


def test_every_number_is_shown_and_files_are_saved(app, tmp_path):
    page = app.page
    page.click("#more")
    page.wait_for_selector("#full table.matrix", timeout=60_000)
    app.picture("app-full")
    assert "Young's modulus in the coordinate planes" in page.locator("#full").inner_text()
    with page.expect_download() as download:
        page.click("#save")
    saved = json.loads(download.value.path().read_text())
    assert download.value.suggested_filename == "octet.json"
    assert saved == json.loads(lattice_text(page))
    page.select_option("#kind", "report")
    with page.expect_download(timeout=60_000) as download:
        page.click("#save")
    assert download.value.suggested_filename == "octet.html"


def test_a_lattice_outside_the_domain_is_told_so(app):
    page = app.page
    slide(page, "density", math.log(0.5))
    settle(page)
    slide(page, "nu", 0.49)
    settle(page)
    answer = page.evaluate("latticeGnn.live.outside")
    shown = page.locator("#warnings").inner_text()
    assert answer
    assert all(note in shown for note in answer)
    assert "expected error unknown" in page.locator("#status").inner_text()


def test_solid_fem_is_started_and_stopped(app):
    page = app.page
    page.click("summary:has-text('Solid FEM')")
    page.click("#solid")
    page.wait_for_selector("#solid-stop:not([disabled])")
    page.click("#solid-stop")
    page.wait_for_selector("#solid:not([disabled])")
    assert page.locator("#solid-said").inner_text() == "stopped"


def test_a_design_is_started_watched_and_stopped_with_the_best_so_far(app):
    page = app.page
    page.select_option("#cell", "bccz")
    page.wait_for_function("() => latticeGnn.state.lattice.name === 'bccz'")
    settle(page)
    before = lattice_text(page)
    page.click("summary:has-text('Design')")
    page.wait_for_function(
        "() => document.getElementById('constraints').value === 'relative_density <= 0.1'"
    )
    page.fill("#objective", "E[111]")
    page.select_option("#fidelity", "solid")  # takes many seconds
    page.click("#design")
    page.wait_for_selector("#course polyline", state="attached", timeout=60_000)
    page.click("#design-stop")
    page.wait_for_selector("#design:not([disabled])", timeout=60_000)
    settle(page)
    app.picture("app-design")
    said = page.inner_text("#design-said")
    assert "E[111]" in said
    assert "relative_density" in said
    assert lattice_text(page) != before
    assert row(page, "density")[0] <= 0.1001
    assert page.locator("#live thead th").all_inner_texts()[-1] == "pinned: bccz"
    page.click("#undo")
    assert lattice_text(page) == before
    assert app.complaints == []


def test_two_tabs_work_independently(app, open_page, served):
    other = open_page(served.address)
    other.page.wait_for_function(SETTLED, timeout=60_000)
    other.page.select_option("#cell", "bcc")
    settle(other.page)
    slide(app.page, "density", math.log(0.05))
    settle(app.page)
    assert "octet" in app.page.locator(".labels.lattice").inner_text()
    other.page.wait_for_function("() => latticeGnn.state.lattice.name === 'bcc'")
    assert app.complaints + other.complaints == []


def test_a_page_without_the_token_says_what_to_do(open_page, served):
    watched = open_page(served.address.split("#")[0])
    watched.page.wait_for_selector("#errors:not([hidden])")
    assert "use the address that the command printed" in watched.page.inner_text("#errors")
