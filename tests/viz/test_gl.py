"""The probe survives what it is there to find out."""

import os
import sys

import pytest

from lattice_gnn.errors import LatticeGnnError
from viz.gl import (
    DEBIAN_PACKAGES,
    RENDERER_VARIABLE,
    WINDOW_VARIABLE,
    _try_window,
    choose_renderer,
    has_display,
    probe_gl,
)


@pytest.mark.usefixtures("broken_gl")
def test_a_crash_of_the_probe_is_a_finding_not_a_crash():
    probe = probe_gl()
    assert not probe.works
    if sys.platform != "win32":
        assert "signal 11" in probe.reason


@pytest.mark.usefixtures("broken_gl")
def test_matplotlib_draws_where_the_probe_dies_and_the_note_says_why():
    renderer, note = choose_renderer()
    assert renderer == "matplotlib"
    assert probe_gl().reason in note


@pytest.mark.usefixtures("broken_gl")
def test_asking_for_pyvista_where_it_cannot_draw_is_an_error(monkeypatch):
    monkeypatch.setenv(RENDERER_VARIABLE, "pyvista")
    with pytest.raises(LatticeGnnError, match="cannot draw here"):
        choose_renderer()


@pytest.mark.usefixtures("fresh_probe")
def test_matplotlib_on_request_needs_no_probe(monkeypatch):
    monkeypatch.setenv(RENDERER_VARIABLE, "matplotlib")
    assert choose_renderer()[0] == "matplotlib"
    assert probe_gl.cache_info().currsize == 0


@pytest.mark.usefixtures("fresh_probe")
def test_unknown_renderer_is_named(monkeypatch):
    monkeypatch.setenv(RENDERER_VARIABLE, "povray")
    with pytest.raises(LatticeGnnError, match=r"povray.*auto, pyvista or matplotlib"):
        choose_renderer()


@pytest.mark.usefixtures("fresh_probe")
def test_the_probe_runs_once_and_hands_its_window_to_vtk(monkeypatch):
    monkeypatch.delenv(WINDOW_VARIABLE, raising=False)
    first = probe_gl()
    assert probe_gl() is first
    if not first.works:
        pytest.skip(f"no OpenGL here: {first.reason}")
    monkeypatch.setenv(WINDOW_VARIABLE, "")  # so that it is restored afterwards
    assert choose_renderer() == ("pyvista", "")
    assert os.environ[WINDOW_VARIABLE] == first.window


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have a display")
def test_without_display_variables_there_is_no_display(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert not has_display()
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert has_display()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have a display")
def test_a_display_that_does_not_answer_is_none(monkeypatch):
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":987")
    assert not has_display()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="VTK's variable is for Linux")
def test_a_window_class_that_vtk_lacks_is_not_taken_for_another(monkeypatch):
    probe = _try_window("vtkCocoaRenderWindow")
    assert not probe.works
    assert "VTK has no vtkCocoaRenderWindow here" in probe.reason or "signal" in probe.reason


@pytest.mark.usefixtures("broken_gl")
def test_the_sentence_names_the_missing_package():
    note = choose_renderer()[1]
    if sys.platform.startswith("linux"):
        assert f"apt install {DEBIAN_PACKAGES}" in note
