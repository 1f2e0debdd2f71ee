"""Probe whether VTK can render here, without risk to the process.

Without an OpenGL library VTK does not raise: the process ends by a segmentation fault at the first
render. A child process therefore draws a small frame first, with the same rendering passes as
pictures, and only if that gives the right pixels does this process draw by PyVista.
"""

import ctypes
import ctypes.util
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from lattice_gnn.errors import LatticeGnnError

Renderer = Literal["pyvista", "matplotlib"]

RENDERER_VARIABLE = "LATTICE_GNN_RENDERER"
"""Environment variable: ``pyvista``, ``matplotlib`` or ``auto`` (the default)."""

PROBE_VARIABLE = "LATTICE_GNN_GL_PROBE"
"""Environment variable: ``crash`` kills the probe by a segmentation fault, for tests."""

WINDOW_VARIABLE = "VTK_DEFAULT_OPENGL_WINDOW"
"""VTK's own variable: the class of its windows; read when VTK is imported."""

DEBIAN_PACKAGES = "libegl1 libgl1-mesa-dri"

_TIMEOUT = 60.0  # seconds; software rendering of the frame takes about one

_PROBE = f"""
import os, sys
try:
    import resource
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
except ImportError:
    pass
if os.environ.get("{PROBE_VARIABLE}") == "crash":
    import signal
    os.kill(os.getpid(), getattr(signal, "SIGSEGV", signal.SIGTERM))
import vtkmodules.vtkRenderingOpenGL2
from vtkmodules.vtkCommonCore import vtkUnsignedCharArray
from vtkmodules.vtkFiltersSources import vtkSphereSource
from vtkmodules.vtkRenderingCore import (
    vtkActor, vtkPolyDataMapper, vtkRenderer, vtkRenderWindow
)
from vtkmodules.vtkRenderingOpenGL2 import vtkRenderStepsPass, vtkSSAAPass, vtkSSAOPass
window, renderer = vtkRenderWindow(), vtkRenderer()
wanted = os.environ.get("{WINDOW_VARIABLE}")
if wanted and window.GetClassName() != wanted:
    sys.exit(4)
window.SetOffScreenRendering(True)
window.SetSize(32, 32)
window.AddRenderer(renderer)
renderer.SetBackground(1, 0, 0)
ball, mapper, actor = vtkSphereSource(), vtkPolyDataMapper(), vtkActor()
mapper.SetInputConnection(ball.GetOutputPort())
actor.SetMapper(mapper)
actor.GetProperty().SetColor(0, 0, 1)
renderer.AddActor(actor)
occlusion, smooth = vtkSSAOPass(), vtkSSAAPass()
occlusion.SetDelegatePass(vtkRenderStepsPass())
smooth.SetDelegatePass(occlusion)
renderer.SetPass(smooth)
window.Render()
pixels = vtkUnsignedCharArray()
window.GetPixelData(0, 0, 31, 31, 1, pixels, 0)
corner, centre = pixels.GetTuple(0), pixels.GetTuple(32 * 16 + 16)
good = corner == (255, 0, 0) and centre[0] < 100 < centre[2]
sys.exit(0 if good else 3)
"""


@dataclass(frozen=True, slots=True)
class Probe:
    """Result of the probe.

    Attributes:
        works: Whether VTK can render.
        window: Class of VTK window to use; empty for VTK's default.
        reason: Reason why it does not work, one clause; empty if it does.
    """

    works: bool
    window: str = ""
    reason: str = ""


def has_display() -> bool:
    """Return whether windows can be shown: always on macOS and Windows, else with a display.

    An X display is asked for a connection: the variable may name one that is gone, and VTK would
    show nothing without an error.
    """
    if sys.platform in ("darwin", "win32"):
        return True
    display = os.environ.get("DISPLAY")
    if display:
        return _x_answers(display)
    return bool(os.environ.get("WAYLAND_DISPLAY"))


@lru_cache(maxsize=4)
def _x_answers(display: str) -> bool:
    """Return whether an X server accepts a connection."""
    name = ctypes.util.find_library("X11")
    if name is None:
        return False
    x11 = ctypes.CDLL(name)
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XOpenDisplay.argtypes = [ctypes.c_char_p]
    x11.XCloseDisplay.argtypes = [ctypes.c_void_p]
    connection = x11.XOpenDisplay(display.encode())
    if connection:
        x11.XCloseDisplay(connection)
    return bool(connection)


@lru_cache(maxsize=1)
def probe_gl() -> Probe:
    """Draw one frame in a child process; the result is cached in this process."""
    result = Probe(works=False, reason="nothing was tried")
    for window in _candidates():
        result = _try_window(window)
        if result.works:
            break
    return result


def choose_renderer() -> tuple[Renderer, str]:
    """Choose the renderer from the environment and the probe, and configure VTK for it.

    Returns:
        The renderer, and a sentence on why it is matplotlib (empty for PyVista).

    Raises:
        LatticeGnnError: If the environment names an unknown renderer, or PyVista, which cannot
            draw.
    """
    wish = os.environ.get(RENDERER_VARIABLE, "auto").lower() or "auto"
    if wish not in ("auto", "pyvista", "matplotlib"):
        raise LatticeGnnError(
            f"{RENDERER_VARIABLE}={wish}: expected auto, pyvista or matplotlib; unset it or use "
            "one of these"
        )
    if wish == "matplotlib":
        return "matplotlib", f"Drawn by matplotlib, as {RENDERER_VARIABLE} asks."
    probe = probe_gl()
    if probe.works:
        if probe.window:
            os.environ[WINDOW_VARIABLE] = probe.window
        return "pyvista", ""
    remedy = f" (on Debian and Ubuntu: apt install {DEBIAN_PACKAGES})"
    remedy = remedy if sys.platform.startswith("linux") else ""
    if wish == "pyvista":
        raise LatticeGnnError(
            f"{RENDERER_VARIABLE}=pyvista, but PyVista cannot draw here: {probe.reason}; install "
            f"an OpenGL library{remedy} or unset {RENDERER_VARIABLE} to let matplotlib draw"
        )
    return "matplotlib", (
        f"Drawn by matplotlib, because PyVista cannot draw here: {probe.reason}; an OpenGL library "
        f"would fix that{remedy}."
    )


def _candidates() -> list[str]:
    """Return the classes of VTK window to try, best first; empty is VTK's default."""
    chosen = os.environ.get(WINDOW_VARIABLE)
    if chosen:
        return [chosen]
    if not sys.platform.startswith("linux"):
        return [""]
    headless = ["vtkEGLRenderWindow", "vtkOSOpenGLRenderWindow"]
    return ["", *headless] if has_display() else headless


def _try_window(window: str) -> Probe:
    """Draw one frame with a class of window in a child process."""
    environment = dict(os.environ)
    if window:
        environment[WINDOW_VARIABLE] = window
    try:
        child = subprocess.run(
            [sys.executable, "-c", _PROBE],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Probe(works=False, reason=f"a test frame took more than {_TIMEOUT:.0f} s")
    if child.returncode == 0:
        return Probe(works=True, window=window)
    if child.returncode < 0:
        reason = f"a test frame ended VTK by signal {-child.returncode}"
    elif child.returncode == 4:
        reason = f"VTK has no {window} here"
    elif child.returncode == 3:
        reason = "a test frame came out in the wrong colour"
    else:
        lines = child.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        reason = f"a test frame failed with exit code {child.returncode} ({lines[-1].strip()})"
    return Probe(works=False, reason=reason)
