"""The page of the app, before its script fills it."""

from functools import lru_cache

from viz.web.page import shell

_SLIDERS = (
    ("density", "relative density"),
    ("radius", "mean radius"),
    ("nu", "Poisson's ratio ν of the solid"),
)
_SHAPE = ("11", "22", "33", "23", "13", "12")
_QUANTITIES = (
    "E[100]",
    "E[111]",
    "G[100][010]",
    "bulk_modulus",
    "shear_modulus",
    "poisson_min",
    "universal_anisotropy",
    "E[100]/relative_density",
)
"""Examples of the quantities of docs/design.md."""
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
        + _design()
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


def _design() -> str:
    vary = "".join(
        f'<label class="check"><input type="checkbox" id="vary-{key}"{checked}> {title}</label>'
        for key, title, checked in (
            ("nodes", "nodes", " checked"),
            ("radii", "radii", " checked"),
            ("cell_shape", "shape of the cell", ""),
        )
    )
    examples = "".join(f'<option value="{text}">' for text in _QUANTITIES)
    return _group(
        "Design",
        '<div class="row"><select id="aim" aria-label="aim"><option value="maximise">maximise'
        '</option><option value="minimise">minimise</option><option value="target">approach the '
        'pinned stiffness</option></select><input id="objective" list="quantities" '
        f'aria-label="quantity" value="E[100]"><datalist id="quantities">{examples}</datalist>'
        '</div><label>subject to, one per line <textarea id="constraints" rows="2" '
        'spellcheck="false"></textarea></label>'
        f"<fieldset><legend>may change</legend>{vary}</fieldset>"
        '<label class="check"><input type="checkbox" id="keep-symmetry" checked> keep the '
        'symmetry</label><label>by <select id="fidelity"><option value="beam">beam FEM</option>'
        '<option value="solid">the network, verified by solid FEM</option></select></label>'
        '<div class="row"><button id="design">Start</button>'
        '<button id="design-stop" disabled>Stop</button></div>'
        '<div id="course"></div><p id="design-said" role="status"></p>',
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
