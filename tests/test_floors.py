"""Who may import whom: read from the source, file by file.

Floors, low to high: the ground floor of lattice_gnn, fem_reference, the network floor of
lattice_gnn, then data and viz side by side, then cli. A file imports from its own floor and below.
"""

import ast
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("lattice_gnn", "fem_reference", "data", "viz", "cli")

NETWORK = {"design", "network", "reports", "surrogate", "training"}
"""Folders of lattice_gnn that stand above fem_reference; all others are on the ground floor."""

FLOORS = {"ground": 0, "fem_reference": 1, "network": 2, "data": 3, "viz": 3, "cli": 4}

THIRD_PARTY = {
    "pyvista": {"viz"},
    "vtk": {"viz"},
    "vtkmodules": {"viz"},
    "matplotlib": {"viz"},
    "mpl_toolkits": {"viz"},
    "typer": {"cli"},
    "click": {"cli"},
    "rich": {"cli"},
    "e3nn": {"network"},
    "torch_geometric": {"network", "data", "lattice_gnn.lattice.batch"},
}
"""Floors, or single modules, that may import a package; packages not listed are free."""

LAZY = {"torch_geometric": {"lattice_gnn.lattice.batch"}}
"""Modules in which a package may be imported only inside a function: it takes seconds to load."""

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
    "torch",
    "torch_geometric",
    "viz",
    "vtk",
}
"""What no file of cli imports at module level, so that --help answers at once."""

LIGHT = ("lattice_gnn.errors", "lattice_gnn.__version__")


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


def floor_of(name):
    """Name the floor of a dotted name of ours; what hangs on lattice_gnn itself may be anything."""
    package, _, rest = name.partition(".")
    if package != "lattice_gnn":
        return package
    module = rest.split(".")[0]
    if module in NETWORK:
        return "network"
    place = ROOT / "lattice_gnn" / module
    known = (bool(module) and place.is_dir()) or place.with_suffix(".py").is_file()
    return "ground" if known or module == "__version__" else "network"


def breaches(source, module):
    """List what a source text imports against the rules, one sentence each."""
    floor = "ground" if module == "lattice_gnn" else floor_of(module)
    found = []
    for item in imports_of(source, module):
        package = item.name.split(".")[0]
        where = f"{module}, line {item.line}: "
        if package in PACKAGES and module != "lattice_gnn":
            theirs = floor_of(item.name)
            if theirs != floor and FLOORS[theirs] >= FLOORS[floor]:
                found.append(where + f"{floor} imports {item.name} from {theirs}")
        allowed = THIRD_PARTY.get(package)
        if allowed is not None and not {floor, module} & allowed:
            found.append(where + f"{package} is for {', '.join(sorted(allowed))} only")
        if item.at_module_level and module in LAZY.get(package, ()):
            found.append(where + f"{package} must be imported inside a function here")
        heavy = package in HEAVY and not item.name.startswith(LIGHT)
        if floor == "cli" and item.at_module_level and heavy:
            found.append(where + f"{item.name} is heavy: import it inside the command")
        if module == "lattice_gnn" and item.at_module_level and package in HEAVY:
            found.append(where + f"{item.name} must be loaded lazily")
        if package == "tests" or item.name == "__future__.annotations":
            found.append(where + f"{item.name} is not imported by packages")
    return found


def source_files():
    """List (module name, path) of every file of the packages."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


@pytest.mark.parametrize(("module", "path"), list(source_files()), ids=str)
def test_imports_stay_on_their_floor_or_go_down(module, path):
    assert breaches(path.read_text(encoding="utf-8"), module) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("lattice_gnn.lattice.lattice", "import fem_reference.beam"),
        (
            "lattice_gnn.tensors.stiffness",
            "from lattice_gnn.network.equivariant import StiffnessModel",
        ),
        ("lattice_gnn.tensors.stiffness", "from ..surrogate import surrogate"),
        ("lattice_gnn.tensors.stiffness", "from lattice_gnn import load_surrogate"),
        ("lattice_gnn.tensors.stiffness", "import e3nn"),
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
        ("fem_reference.beam.homogenise", "if True:\n    import pyvista"),
        ("data.datasets.dataset", "import viz.scene"),
        ("viz.scene", "from data.formats import read"),
        ("viz.scene", "import cli"),
        ("cli.commands.predict", "import torch"),
        ("cli.commands.predict", "from lattice_gnn import read_lattices"),
        ("cli.commands.predict", "class C:\n    from viz.render import render"),
        ("cli.commands.render", "def f():\n    import pyvista"),
        ("data.populations.varied_cells", "from __future__ import annotations"),
    ],
)
def test_a_breach_is_caught(module, source):
    assert len(breaches(source, module)) >= 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("lattice_gnn.lattice.batch", "def to_pyg():\n    from torch_geometric.data import Data"),
        (
            "lattice_gnn.network.layers.radial",
            "from e3nn import o3\nfrom lattice_gnn.network.layers import product",
        ),
        ("lattice_gnn.network.equivariant", "from fem_reference.beam import homogenise_beam"),
        ("lattice_gnn.tensors.stiffness", "from .. import errors"),
        (
            "fem_reference.beam.homogenise",
            "import torch\nfrom lattice_gnn.tensors.stiffness import Stiffness",
        ),
        ("data.labelling.beam", "import lattice_gnn as lg\nfrom fem_reference import beam"),
        ("viz.scene", "import pyvista as pv\nfrom lattice_gnn.lattice.lattice import Lattice"),
        ("cli.commands.predict", "import typer\nfrom lattice_gnn.errors import LatticeGnnError"),
        ("cli.commands.predict", "def f():\n    import torch\n    from viz.render import render"),
        ("lattice_gnn", "if TYPE_CHECKING:\n    from lattice_gnn.lattice.lattice import Lattice"),
    ],
)
def test_what_is_allowed_passes(module, source):
    assert breaches(source, module) == []


def test_the_floors_see_every_package():
    modules = {module for module, _ in source_files()}
    assert set(PACKAGES) <= modules
    assert "lattice_gnn.errors" in modules
