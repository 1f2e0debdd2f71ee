"""The page of the app, before its script fills it."""

from functools import lru_cache

from viz.web.page import shell

_SLIDERS = (
    ("density", "relative density"),
    ("radius", "mean radius"),
    ("nu", "Poisson's ratio ν of the solid"),
)
_SHAPE = ("11", "22", "33", "23", "13", "12")
_SAVED = (
    ("json", "lattice, JSON"),
    ("report", "report, HTML"),
    ("3mf", "beam lattice, 3MF"),
    ("abaqus", "beams, Abaqus deck"),
    ("vtu", "line mesh, VTU"),
    ("abaqus-card", "stiffness, Abaqus card"),
    ("calculix-card", "stiffness, CalculiX card"),
    ("ansys-card", "stiffness, Ansys card"),
    ("stiffness", "stiffness, JSON"),
)


@lru_cache(maxsize=1)
def app_page() -> str:
    """Return the page."""
    body = (
        '<div class="app"><aside>'
        "<h1>lattice-gnn</h1>"
        + _lattice()
        + _edit()
        + _selected()
        + _target()
        + _long_work()
        + _save()
        + '</aside><main><ul class="errors" id="errors" role="alert" hidden></ul>'
        '<div class="lists"><label>Surface <select id="quantity"></select></label>'
        '<label>by <select id="method"></select></label>'
        '<span class="hint" id="hint">Drag to turn, scroll to zoom; click a strut or a joint to '
        "change it, drag a joint to move it.</span></div>"
        '<div id="viewer"></div><p id="no3d" hidden></p>'
        '<ul class="warnings" id="warnings" aria-live="polite" hidden></ul>'
        '<div id="live" aria-live="off"></div><p class="hint" id="status" role="status"></p>'
        '<button id="more">Show every number</button><article id="full"></article></main></div>'
    )
    return shell("lattice-gnn", "app", body, connects=True)


def _group(title: str, content: str, *, opened: bool = True) -> str:
    return f"<details{' open' if opened else ''}><summary>{title}</summary>{content}</details>"


def _slider(key: str, title: str) -> str:
    return (
        f'<label class="slider"><span>{title}</span><output id="{key}-value"></output>'
        f'<input type="range" id="{key}" step="any"></label>'
    )


def _lattice() -> str:
    return _group(
        "Lattice",
        '<label>Cell <select id="cell"></select></label><div id="parameters"></div>'
        '<label class="file">Open a file <input type="file" id="file"></label>'
        '<label id="several" hidden>in the file <select id="member"></select></label>'
        '<ul class="notes" id="notes" hidden></ul>'
        '<div class="row"><button id="undo" disabled>Undo</button>'
        '<button id="redo" disabled>Redo</button></div>',
    )


def _edit() -> str:
    shape = "".join(_slider(f"strain-{k}", f"strain {k}") for k in _SHAPE)
    return _group("Change", "".join(_slider(*x) for x in _SLIDERS)) + _group(
        "Shape of the cell", shape, opened=False
    )


def _selected() -> str:
    return (
        '<details open id="selection" hidden><summary id="selected"></summary>'
        f"{_slider('strut-radius', 'radius')}"
        f"{''.join(_slider(f'node-{k}', f'coordinate {k + 1}') for k in range(3))}"
        '<button id="deselect">Done</button></details>'
    )


def _target() -> str:
    return _group(
        "Compare",
        '<p class="hint">The pinned stiffness is drawn in grey, its numbers stand beside those '
        'of the lattice.</p><div class="row"><button id="pin">Pin this lattice</button>'
        '<button id="swap" disabled>Swap</button><button id="unpin" disabled>Unpin</button></div>'
        '<div class="row"><label>isotropic: E/E_s <input type="number" id="target-E" min="0" '
        'step="any" value="0.01"></label><label>ν <input type="number" id="target-nu" '
        'min="-0.99" max="0.49" step="any" value="0.3"></label>'
        '<button id="target">Pin it</button></div>',
        opened=False,
    )


def _long_work() -> str:
    return _group(
        "Solid FEM",
        '<div class="row"><button id="solid">Compute by solid FEM</button>'
        '<button id="solid-stop" disabled>Stop</button></div>'
        '<progress id="solid-progress" max="1" hidden></progress><p id="solid-said"></p>',
        opened=False,
    )


def _save() -> str:
    options = "".join(f'<option value="{key}">{title}</option>' for key, title in _SAVED)
    return _group(
        "Save",
        f'<div class="row"><label>as <select id="kind">{options}</select></label>'
        '<button id="save">Save</button></div>',
    )
