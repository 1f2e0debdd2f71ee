"""Pictures are written whole by either renderer, or not at all."""

import numpy as np
import pytest
from matplotlib.image import imread

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.tensors.stiffness import Stiffness
from viz.gl import RENDERER_VARIABLE, choose_renderer, probe_gl
from viz.picture import camera_direction
from viz.render import overview, render


def assert_shows_both_halves(path, size):
    """A lattice in greys on the left, a coloured surface on the right, on white."""
    pixels = imread(path)[..., :3]
    assert pixels.shape[1::-1] == size
    half = size[0] // 2
    middle = slice(size[1] // 5, None)  # below the titles
    for view in (pixels[middle, :half], pixels[middle, half:]):
        ink = (view < 0.9).any(axis=-1)
        assert 0.05 < ink.mean() < 0.8
        assert len(np.unique(view.reshape(-1, 3), axis=0)) > 200
    saturation = pixels.max(axis=-1) - pixels.min(axis=-1)
    assert saturation[middle, half:].max() > 0.6


@pytest.mark.usefixtures("fresh_probe")
@pytest.mark.parametrize("renderer", ["pyvista", "matplotlib"])
def test_both_renderers_write_a_picture_of_both_halves(
    renderer, octet, cubic_stiffness, tmp_path, monkeypatch
):
    if renderer == "pyvista" and not probe_gl().works:
        pytest.skip(f"no OpenGL here: {probe_gl().reason}")
    monkeypatch.setenv(RENDERER_VARIABLE, renderer)
    report = render(octet, cubic_stiffness, tmp_path / "octet.png", size=(600, 300))
    assert (report.renderer, report.path) == (renderer, tmp_path / "octet.png")
    assert_shows_both_halves(report.path, (600, 300))
    assert [p.name for p in tmp_path.iterdir()] == ["octet.png"]


@pytest.mark.usefixtures("fresh_probe")
def test_a_flat_surface_does_not_cut_the_lattice_open(simple_cubic):
    if not probe_gl().works:
        pytest.skip(f"no OpenGL here: {probe_gl().reason}")
    choose_renderer()
    from viz.scene import picture_scene

    picture = overview(simple_cubic, Stiffness.cubic(1.0, 1.0, 0.5))  # singular: no surface at all
    plotter = picture_scene(picture, (300, 150), off_screen=True)
    plotter.screenshot(None, return_img=True)
    near, far = plotter.camera.clipping_range
    to_camera = np.array(plotter.camera.position)
    direction = np.array(camera_direction())
    tubes = picture.views[0].parts[0].body
    depths = (to_camera - tubes.joints) @ direction
    assert near < (depths - tubes.joint_radii).min()
    assert far > (depths + tubes.joint_radii).max()
    plotter.close()


@pytest.mark.usefixtures("fresh_probe")
@pytest.mark.parametrize("renderer", ["pyvista", "matplotlib"])
def test_long_titles_stay_within_their_half(
    renderer, octet, cubic_stiffness, tmp_path, monkeypatch
):
    if renderer == "pyvista" and not probe_gl().works:
        pytest.skip(f"no OpenGL here: {probe_gl().reason}")
    monkeypatch.setenv(RENDERER_VARIABLE, renderer)
    path = tmp_path / "long.png"
    render(octet.replace(name="W" * 60), cubic_stiffness, path, size=(800, 400), tiles=(2, 2, 2))
    titles = imread(path)[: 400 // 9, :, :3]
    for edge in (398, 798):  # the last columns of either half
        assert titles[:, edge : edge + 2].min() > 0.99


@pytest.mark.usefixtures("broken_gl")
def test_a_picture_is_drawn_where_vtk_would_die(octet, cubic_stiffness, tmp_path):
    report = render(
        octet, cubic_stiffness, tmp_path / "octet.png", size=(400, 200), tiles=(2, 1, 1)
    )
    assert report.renderer == "matplotlib"
    assert "PyVista cannot draw here" in report.note
    assert_shows_both_halves(report.path, (400, 200))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("octet.jpg", "PNG"),
        ("octet", "PNG"),
        ("missing/octet.png", "there is no folder"),
        ("folder.png", "cannot be written"),
    ],
)
def test_a_bad_path_is_refused_before_anything_is_drawn(
    name, words, octet, cubic_stiffness, tmp_path
):
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(LatticeGnnError, match=words):
        render(octet, cubic_stiffness, tmp_path / name)
    assert [p.name for p in tmp_path.iterdir()] == ["folder.png"]


@pytest.mark.usefixtures("broken_gl")
def test_a_disk_that_fails_half_way_leaves_the_old_picture(
    octet, cubic_stiffness, tmp_path, monkeypatch
):
    target = tmp_path / "octet.png"
    target.write_bytes(b"old")

    def fail(path, *arguments, **keywords):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("viz.fallback.imsave", fail)
    with pytest.raises(LatticeGnnError, match="No space left"):
        render(octet, cubic_stiffness, target, size=(200, 100))
    assert target.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_window_without_display_is_refused(octet, cubic_stiffness, monkeypatch):
    monkeypatch.setattr("viz.render.has_display", lambda: False)
    with pytest.raises(LatticeGnnError, match="no display"):
        render(octet, cubic_stiffness)


@pytest.mark.parametrize("bad", [{"size": (0, 100)}, {"tiles": (1, 0, 1)}])
def test_nothing_to_draw_is_refused(bad, octet, cubic_stiffness, tmp_path):
    with pytest.raises(LatticeGnnError, match="at least"):
        render(octet, cubic_stiffness, tmp_path / "octet.png", **bad)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": (100_000, 100)}, "expected at most 8192 pixels per side"),
        ({"size": (0, 100)}, "expected at least 1 x 1"),
        ({"tiles": (50, 50, 50)}, "expected at most 1000 cells in all"),
        ({"tiles": (0, 1, 1)}, "expected at least one cell"),
    ],
)
def test_sizes_that_no_machine_draws_are_refused(
    octet, cubic_stiffness, tmp_path, options, message
):
    with pytest.raises(LatticeGnnError, match=message):
        render(octet, cubic_stiffness, tmp_path / "a.png", **options)
    assert not list(tmp_path.iterdir())
