"""Animations: a closed cycle, all frames written, one framing."""

import numpy as np
import pytest
from PIL import Image

from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from viz import animation
from viz.animation import FRAMES, check_animation_path, load_cycle, write_animation
from viz.cases import unit_cases
from viz.deformation_view import Drawing
from viz.gl import RENDERER_VARIABLE


@pytest.fixture
def frames():
    return load_cycle(cell("bcc", radius=0.05), unit_cases()[2], Drawing("axial", factor=0.1))


def drawn(picture):
    return picture.views[0].parts[0].body.centres


def test_a_cycle_goes_to_the_strain_and_its_opposite_and_back(frames):
    assert len(frames) == FRAMES
    rest, peak, trough = (drawn(frames[k]) for k in (0, FRAMES // 4, 3 * FRAMES // 4))
    np.testing.assert_allclose(peak - rest, rest - trough, atol=1e-12)
    assert np.abs(peak - rest).max() > 0.01
    np.testing.assert_allclose(drawn(frames[FRAMES // 2]), rest, atol=1e-12)
    for k in range(FRAMES):  # the next frame after the last is the first
        step = np.abs(drawn(frames[k]) - drawn(frames[k - 1])).max()
        assert step < 0.3 * np.abs(peak - rest).max()


def test_colours_and_framing_do_not_change(frames):
    assert len({frame.views[0].scale for frame in frames}) == 1
    for frame in frames:
        np.testing.assert_array_equal(frame.views[0].edges, frames[0].views[0].edges)
        assert np.linalg.norm(drawn(frame), axis=2).max() <= 1


@pytest.mark.usefixtures("fresh_probe")
def test_gif_holds_every_frame_and_loops(frames, tmp_path, monkeypatch):
    monkeypatch.setenv(RENDERER_VARIABLE, "matplotlib")
    path, seen = tmp_path / "a.gif", []
    write_animation(frames[:8], path, (120, 100), lambda done, total: seen.append((done, total)))
    with Image.open(path) as image:
        assert (image.n_frames, image.size, image.info["loop"]) == (8, (120, 100), 0)
    assert seen[-1] == (8, 8)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.usefixtures("fresh_probe")
def test_mp4_holds_three_cycles(frames, tmp_path, monkeypatch):
    ffmpeg = pytest.importorskip("imageio_ffmpeg")
    monkeypatch.setenv(RENDERER_VARIABLE, "matplotlib")
    path = tmp_path / "a.mp4"
    write_animation(frames[:6], path, (121, 101))
    count, _ = ffmpeg.count_frames_and_secs(str(path))
    assert count == 3 * 6


def test_bad_paths_are_refused_before_anything_is_drawn(tmp_path, monkeypatch):
    with pytest.raises(LatticeGnnError, match=r"ends in \.gif or \.mp4"):
        check_animation_path(tmp_path / "a.avi")
    monkeypatch.setattr(animation, "find_spec", lambda name: None)
    with pytest.raises(LatticeGnnError, match=r"install lattice-gnn\[movies\]"):
        check_animation_path(tmp_path / "a.mp4")
    check_animation_path(tmp_path / "a.gif")
