"""What is shipped: pins, the wheel, the lazy front door."""

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


def test_no_exported_name_is_that_of_a_module():
    # The import of a submodule sets an attribute of that name, which would hide the export.
    inside = {path.stem for path in (ROOT / "lattice_gnn").iterdir()}
    assert not inside & (set(lattice_gnn.__all__) - {"__version__"})
