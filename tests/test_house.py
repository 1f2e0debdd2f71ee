"""House sizes: short files and short functions, docstrings not counted."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("lattice_gnn", "fem_reference", "data", "viz", "cli")
LONGEST_FILE, LONGEST_FUNCTION = 400, 60


def function_lengths(source):
    """Map each function to its number of lines without decorators and docstring."""
    lengths = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            documented = ast.get_docstring(node, clean=False) is not None
            docstring = first.end_lineno - first.lineno + 1 if documented else 0
            lengths[node.name] = node.end_lineno - node.lineno + 1 - docstring
    return lengths


@pytest.mark.parametrize(
    "path",
    sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")),
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_files_and_functions_are_short(path):
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= LONGEST_FILE
    too_long = {n: k for n, k in function_lengths(source).items() if k > LONGEST_FUNCTION}
    assert too_long == {}


def test_docstrings_do_not_count():
    source = 'def f(a):\n    """One.\n\n    Two.\n    """\n    return a\n'
    assert function_lengths(source) == {"f": 2}
