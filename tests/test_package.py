"""What is shipped: pins, the wheel, the lazy front door."""

import ast
import doctest
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

import lattice_gnn

ROOT = Path(__file__).parents[1]
PACKAGES = {"lattice_gnn", "fem_reference", "data", "viz", "cli"}
PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[0-9][A-Za-z0-9.!]*)")
NAME = re.compile(r"[A-Za-z0-9._-]+")


def canonical(name):
    """Spell a distribution name as package indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pin_lines():
    """List the lines of the constraints that are neither empty nor comments."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@pytest.fixture(scope="module")
def project():
    """The [project] table."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def run(command, **keywords):
    """Run a command without this process's import paths; fail with what it said."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COV_"))}
    result = subprocess.run(
        [str(part) for part in command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        **keywords,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result


def test_constraints_are_exact_versions_without_builds_or_addresses():
    for line in pin_lines():
        assert PIN.fullmatch(line), f"{line!r} is no plain name==version"
    assert "torch==2.13.0" in pin_lines()


def test_constraints_pin_every_declared_dependency(project):
    pinned = {canonical(PIN.fullmatch(line)["name"]) for line in pin_lines()}
    declared = project["dependencies"] + project["optional-dependencies"]["test"]
    names = {canonical(NAME.match(requirement)[0]) for requirement in declared}
    assert names <= pinned


def test_every_declared_dependency_has_a_sentence(project):
    text = canonical((ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8"))
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    for requirement in project["dependencies"] + extras:
        assert canonical(NAME.match(requirement)[0]) in text, requirement


IMPORT_NAMES = {
    "pillow": ("PIL",),
    "pyyaml": ("yaml",),
    "tensorboard": ("torch.utils.tensorboard", "tensorboard"),
    "matplotlib": ("matplotlib", "mpl_toolkits"),
}
"""Modules of the distributions that are not named like their only one."""

TOOLS = {"pytest-xdist", "beartype", "build", "hatchling", "ruff", "mypy", "starlette", "uvicorn",
         "scikit-learn"}  # fmt: skip
"""What the tests use without importing it: plug-ins, commands, and what crepes imports."""


def foreign_imports(node):
    """List the modules that a piece of source imports from other projects."""
    names = []
    for part in ast.walk(node):
        if isinstance(part, ast.Import):
            names += [alias.name for alias in part.names]
        elif isinstance(part, ast.ImportFrom) and part.module and not part.level:
            names.append(part.module)
        elif isinstance(part, ast.Call) and ast.unparse(part.func) == "pytest.importorskip":
            names.append(part.args[0].value)
    ours = PACKAGES | sys.stdlib_module_names
    return [name for name in names if name.split(".")[0] not in ours]


def sources(*folders):
    """Map files to their syntax trees; scripts that make golden numbers have their own needs."""
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(paths)
        if path.parent.name != "golden"
    }


def modules(requirements):
    """Map each requirement to the modules that it installs."""
    names = [canonical(NAME.match(requirement)[0]) for requirement in requirements]
    return {name: IMPORT_NAMES.get(name, (name.replace("-", "_"),)) for name in names}


def covers(known, name):
    """Whether an imported name is one of the modules, or inside one."""
    return any(f"{name}.".startswith(f"{module}.") for module in known)


@pytest.fixture(scope="module")
def extras(project):
    """Requirements of all extras for users."""
    groups = project["optional-dependencies"].items()
    return [line for name, lines in groups if name != "test" for line in lines]


def test_every_declared_dependency_is_imported(project, extras):
    for folders, requirements in (
        (PACKAGES, project["dependencies"] + extras),
        ({"tests"}, project["optional-dependencies"]["test"]),
    ):
        names = {name for tree in sources(*folders).values() for name in foreign_imports(tree)}
        used = {
            distribution
            for distribution, known in modules(requirements).items()
            if any(covers(known, name) for name in names)
        }
        assert set(modules(requirements)) - used - TOOLS == set()


def test_every_import_is_declared(project, extras):
    tests = project["optional-dependencies"]["test"]
    for folders, more in ((PACKAGES, extras), ({"tests"}, extras + tests)):
        known = [x for found in modules(project["dependencies"] + more).values() for x in found]
        undeclared = {
            path: name
            for path, tree in sources(*folders).items()
            for name in foreign_imports(tree)
            if not covers(known, name)
        }
        assert undeclared == {}


def test_extras_are_imported_inside_functions_only(extras):
    """Every module can be imported without them."""
    known = [x for found in modules(extras).values() for x in found]
    for path, tree in sources(*PACKAGES).items():
        for node in tree.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                for name in foreign_imports(node):
                    assert not covers(known, name), path


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT])
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Python of an environment that sees this one's packages, the wheel, and no checkout."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / ("python.exe" if os.name == "nt" else "python")
    install = ["install", "--no-deps", "--no-index", "--quiet", wheel]
    run([sys.executable, "-m", "pip", "--python", python, *install])
    # Folders named in a .pth file are searched, but their own .pth files are not read: an
    # editable install of the checkout does not come along.
    ours = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    assert sysconfig.get_path("purelib") in ours
    theirs = run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"])
    Path(theirs.stdout.strip(), "test_environment.pth").write_text("\n".join(ours))
    return python


def test_wheel_holds_the_five_packages_and_is_small(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    top = {name.split("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == PACKAGES
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]
    for package in PACKAGES:
        assert f"{package}/py.typed" in names
    assert {f"viz/web/{name}" for name in ("front.js", "front.LICENSE", "page.css")} <= set(names)
    assert not [name for name in names if "node_modules" in name]
    assert wheel.stat().st_size < 30e6


def test_installed_command_answers_help_without_torch_or_pyvista(installed, tmp_path):
    command = installed.with_name("lattice-gnn" + installed.suffix)
    assert "predict" in run([command, "--help"], cwd=tmp_path).stdout
    script = command if os.name != "nt" else "-c"
    traced = run([installed, "-X", "importtime", script, "--help"], cwd=tmp_path)
    loaded = {line.rsplit("|", 1)[-1].strip() for line in traced.stderr.splitlines()}
    assert "cli.main" in loaded
    assert not loaded & {"torch", "pyvista", "vtkmodules", "matplotlib", "e3nn", "scipy"}


def test_installed_packages_come_from_the_wheel(installed, tmp_path):
    code = "\n".join(f"import {name}; print({name}.__file__)" for name in sorted(PACKAGES))
    files = run([installed, "-c", code], cwd=tmp_path).stdout.split()
    assert len(files) == len(PACKAGES)
    for file in files:
        assert Path(file).is_relative_to(installed.parents[1])
        assert not Path(file).is_relative_to(ROOT)


def test_front_door_is_lazy_and_complete(installed, tmp_path):
    code = """
import sys
import lattice_gnn as lg
heavy = {"torch", "e3nn", "torch_geometric", "numpy", "scipy"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
lg.Lattice
heavy = {"e3nn", "torch_geometric"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
for name in lg.__all__:
    assert getattr(lg, name) is not None
    assert name in dir(lg)
try:
    lg.nothing
except AttributeError as error:
    assert "nothing" in str(error)
else:
    raise AssertionError("an unknown name was found")
"""
    run([installed, "-W", "ignore", "-c", code], cwd=tmp_path)


def test_the_example_of_the_face_holds():
    found = doctest.testmod(lattice_gnn)
    assert (found.failed, found.attempted) == (0, 5)


def test_no_exported_name_is_that_of_a_module():
    # The import of a submodule sets an attribute of that name, which would hide the export.
    inside = {path.stem for path in (ROOT / "lattice_gnn").iterdir()}
    assert not inside & (set(lattice_gnn.__all__) - {"__version__"})
