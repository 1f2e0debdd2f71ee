"""Who may import whom, by folder: read from the source.

A file imports from its own folder and from folders of lower levels. A new file needs no entry; a
new folder does, and its place in the order is the decision that this test asks for.
"""

import ast
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("lattice_gnn", "fem_reference", "data", "viz", "cli")

LEVELS = (
    {"lattice_gnn.errors"},
    {"lattice_gnn.files", "lattice_gnn.notebook", "lattice_gnn.settings", "lattice_gnn.wording"},
    {"lattice_gnn.tensors", "lattice_gnn.lattice"},
    {"lattice_gnn.cells"},
    {"lattice_gnn.testing"},
    {"fem_reference"},
    {"lattice_gnn.network"},
    {"lattice_gnn.training"},
    {"lattice_gnn.reports"},
    {"lattice_gnn.surrogate"},
    {"lattice_gnn.design"},
    {"lattice_gnn.verbs"},
    {"data"},
    {"viz"},
    {"cli"},
)
"""Folders, and a few single files, from low to high; those of one level are independent."""

LEVEL_OF = {place: level for level, places in enumerate(LEVELS) for place in places}

INNER = (
    ("fem_reference.solid", "fem_reference.beam"),
    ("fem_reference.beam", "fem_reference.solid"),
    ("fem_reference.sparse", "fem_reference.beam"),
    ("fem_reference.sparse", "fem_reference.solid"),
    ("data.reading", "data.formats"),
    ("data.drawings", "data.formats"),
    ("data.formats", "data.datasets"),
    ("data.populations", "data.datasets"),
    ("data.datasets", "data.labelling"),
    ("data.labelling", "data.experiments"),
    ("cli.terminal", "cli.commands"),
)
"""Folders inside one level: the first does not import the second."""

FACE = "lattice_gnn"
"""The one exception: it names verbs of higher folders, by strings and lazily."""

THIRD_PARTY = {
    "pyvista": {"viz"},
    "vtk": {"viz"},
    "vtkmodules": {"viz"},
    "matplotlib": {"viz"},
    "mpl_toolkits": {"viz"},
    "typer": {"cli"},
    "click": {"cli"},
    "rich": {"cli"},
    "starlette": {"viz.web"},
    "uvicorn": {"viz.web"},
    "e3nn": {"lattice_gnn.network"},
    "torch_geometric": {"lattice_gnn.network", "lattice_gnn.lattice.batch"},
}
"""Places that may import a package; packages not listed are free."""

LAZY = {"torch_geometric": {"lattice_gnn.lattice.batch"}}
"""Modules in which a package is imported only inside a function: it takes seconds to load."""

HEAVY = {
    "data",
    "e3nn",
    "fem_reference",
    "h5py",
    "lattice_gnn",
    "matplotlib",
    "meshio",
    "numba",
    "pyvista",
    "scipy",
    "spglib",
    "starlette",
    "torch",
    "torch_geometric",
    "uvicorn",
    "viz",
    "vtk",
}
"""What no file of cli imports at module level, so that --help answers at once."""

LIGHT = (
    "lattice_gnn.__version__",
    "lattice_gnn.errors",
    "lattice_gnn.files",
    "lattice_gnn.wording",
)


@dataclass(frozen=True)
class Import:
    """One imported name: dotted, with whether it is loaded with the module, and the line."""

    name: str
    at_module_level: bool
    line: int


def imports_of(source, module):
    """List the imports of a source text; relative ones are made absolute."""
    found = []
    for statement, top in _statements(ast.parse(source), top=True):
        if isinstance(statement, ast.Import):
            found += [Import(alias.name, top, statement.lineno) for alias in statement.names]
        else:
            base = statement.module or ""
            if statement.level:
                parents = module.split(".")[: -statement.level]
                base = ".".join([*parents, base]).strip(".")
            found += [
                Import(f"{base}.{alias.name}", top, statement.lineno) for alias in statement.names
            ]
    return found


def _statements(node, top):
    """Walk to every import statement, with whether it runs when the module is loaded."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, top
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for part in child.body:
                yield from _statements(ast.Module([part], []), False)
            for part in child.orelse:
                yield from _statements(ast.Module([part], []), top)
        else:
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _statements(child, top and not inside)


def is_in(name, place):
    """Whether a dotted name is this place or lies below it."""
    return name == place or name.startswith(f"{place}.")


def place_of(name):
    """Name the folder or file of LEVELS in which a dotted name lies; None where there is none."""
    places = [place for place in LEVEL_OF if is_in(name, place)]
    return max(places, key=len) if places else None


def breaches(source, module):
    """List what a source text imports against the rules, one sentence each."""
    found = []
    for item in imports_of(source, module):
        where = f"{module}, line {item.line}: "
        found += [where + text for text in _of_levels(item, module)]
        found += [where + text for text in _of_packages(item, module)]
    return found


def _of_levels(item, module):
    """Say what is wrong with an import of ours, or with the place of the module."""
    home = place_of(module)
    if module != FACE and home is None:
        return [f"{module} lies in no folder of LEVELS: give its folder a level"]
    ours = item.name.split(".")[0] in PACKAGES
    if not ours or module == FACE or item.name == f"{FACE}.__version__":
        return []
    theirs = place_of(item.name)
    if theirs is None:
        return [f"{item.name}: the face is for users; name the module"]
    found = []
    if theirs != home and LEVEL_OF[theirs] >= LEVEL_OF[home]:
        found.append(f"{home} imports {item.name}, which is not below it")
    for lower, higher in INNER:
        if is_in(module, lower) and is_in(item.name, higher):
            found.append(f"{lower} imports {item.name}, which is not below it")
    return found


def _of_packages(item, module):
    """Say what is wrong with an import for its weight, or because its package belongs elsewhere."""
    package = item.name.split(".")[0]
    found = []
    allowed = THIRD_PARTY.get(package)
    if allowed is not None and not any(is_in(module, place) for place in allowed):
        found.append(f"{package} is for {', '.join(sorted(allowed))} only")
    if item.at_module_level and module in LAZY.get(package, ()):
        found.append(f"{package} must be imported inside a function here")
    heavy = package in HEAVY and not item.name.startswith(LIGHT)
    if is_in(module, "cli") and item.at_module_level and heavy:
        found.append(f"{item.name} is heavy: import it inside the command")
    if module == FACE and item.at_module_level and package in HEAVY:
        found.append(f"{item.name} must be loaded lazily")
    if package == "tests" or item.name == "__future__.annotations":
        found.append(f"{item.name} is not imported by packages")
    return found


def source_files():
    """List (module name, path) of every file of the packages."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def test_every_file_imports_from_its_own_folder_or_from_below():
    files = list(source_files())
    assert {module for module, _ in files} >= {*PACKAGES, "lattice_gnn.errors"}
    found = [text for m, path in files for text in breaches(path.read_text("utf-8"), m)]
    assert found == []


def test_every_level_names_a_folder_or_file_that_is_there():
    for place in LEVEL_OF:
        path = ROOT / place.replace(".", "/")
        assert path.is_dir() or path.with_suffix(".py").is_file(), place


BAD = [
    ("lattice_gnn.lattice.lattice", "import fem_reference.beam"),
    ("lattice_gnn.lattice.lattice", "from lattice_gnn.tensors.notation import VOIGT"),
    ("lattice_gnn.tensors.stiffness", "from lattice_gnn.network.equivariant import StiffnessModel"),
    ("lattice_gnn.tensors.stiffness", "from ..surrogate import surrogate"),
    ("lattice_gnn.tensors.stiffness", "from lattice_gnn import load_surrogate"),
    ("lattice_gnn.tensors.stiffness", "import e3nn"),
    ("lattice_gnn.attic.rules", "import math"),
    ("lattice_gnn.rules", "import math"),
    ("lattice_gnn.network.registry", "from lattice_gnn.training.loop import train"),
    ("lattice_gnn.reports.facts", "from lattice_gnn.surrogate.surrogate import Prediction"),
    ("lattice_gnn.training.loop", "from data.datasets.dataset import read"),
    ("lattice_gnn.training.loop", "def train():\n    import data"),
    ("lattice_gnn.training.loop", "from rich.progress import track"),
    ("lattice_gnn.lattice.batch", "from torch_geometric.data import Data"),
    ("lattice_gnn.cells.named", "def f():\n    import torch_geometric"),
    ("lattice_gnn.network.layers.radial", "import matplotlib.pyplot"),
    ("lattice_gnn", "from lattice_gnn.lattice.lattice import Lattice"),
    ("lattice_gnn", "import torch"),
    ("fem_reference.beam.homogenise", "import lattice_gnn as lg"),
    ("fem_reference.beam.homogenise", "from e3nn import o3"),
    ("fem_reference.beam.homogenise", "from fem_reference.solid.voxels import fill"),
    ("fem_reference.beam.homogenise", "if True:\n    import pyvista"),
    ("data.datasets.dataset", "import viz.scene"),
    ("data.drawings.fold", "from data.formats import read_any"),
    ("viz.scene", "import cli"),
    ("cli.terminal.tables", "from cli.commands.predict import predict"),
    ("cli.commands.predict", "import torch"),
    ("cli.commands.predict", "from lattice_gnn import read_lattices"),
    ("cli.commands.predict", "class C:\n    from viz.render import render"),
    ("cli.commands.render", "def f():\n    import pyvista"),
    ("data.populations.varied_cells", "from __future__ import annotations"),
]

GOOD = [
    ("lattice_gnn.lattice.batch", "def to_pyg():\n    from torch_geometric.data import Data"),
    ("lattice_gnn.network.layers.radial", "from lattice_gnn.network.layers import product"),
    ("lattice_gnn.network.equivariant", "from fem_reference.beam import homogenise_beam"),
    ("lattice_gnn.tensors.stiffness", "from .. import errors"),
    ("lattice_gnn.lattice.a_new_file", "from lattice_gnn.lattice.lattice import Lattice"),
    ("fem_reference.beam.homogenise", "from lattice_gnn.tensors.stiffness import Stiffness"),
    ("data.labelling.beam", "from fem_reference import beam"),
    ("data.datasets.file", "from lattice_gnn import __version__"),
    ("viz.scene", "import pyvista as pv\nfrom lattice_gnn.lattice.lattice import Lattice"),
    ("cli.commands.predict", "import typer\nfrom lattice_gnn.errors import LatticeGnnError"),
    ("cli.commands.predict", "def f():\n    import torch\n    from viz.render import render"),
    ("lattice_gnn", "if TYPE_CHECKING:\n    from lattice_gnn.lattice.lattice import Lattice"),
]


@pytest.mark.parametrize(("module", "source"), BAD)
def test_a_breach_is_caught(module, source):
    assert len(breaches(source, module)) >= 1


@pytest.mark.parametrize(("module", "source"), GOOD)
def test_what_is_allowed_passes(module, source):
    assert breaches(source, module) == []
