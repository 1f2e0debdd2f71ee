"""House sizes: short files, short functions, and tests that mirror the folders."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("lattice_gnn", "fem_reference", "data", "viz", "cli")
LONGEST_FILE, LONGEST_FUNCTION = 400, 60

ACROSS = {
    "tests/cli/test_bad_input.py",
    "tests/cli/test_shipped_model.py",
    "tests/data/formats/test_hostile.py",
    "tests/data/formats/test_left_out.py",
    "tests/data/formats/test_round_trip.py",
    "tests/data/test_solid_set.py",
    "tests/data/test_stored_files.py",
}
"""Tests of many modules at once, or of stored data."""


def function_lengths(source):
    """Map each function to its number of lines without decorators and docstring.

    The key is the qualified name with the line: functions of one name do not hide each other.
    """
    lengths = {}

    def walk(node, prefix):
        for child in ast.iter_child_nodes(node):
            inner = prefix
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                inner = f"{prefix}{child.name}."
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                first = child.body[0]
                documented = ast.get_docstring(child, clean=False) is not None
                docstring = first.end_lineno - first.lineno + 1 if documented else 0
                length = child.end_lineno - child.lineno + 1 - docstring
                lengths[f"{prefix}{child.name}, line {child.lineno}"] = length
            walk(child, inner)

    walk(ast.parse(source), "")
    return lengths


def package_files():
    """List every file of the packages, relative to the checkout."""
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return sorted(path.relative_to(ROOT) for path in paths)


def test_files_are_short():
    lines = {str(x): len((ROOT / x).read_text("utf-8").splitlines()) for x in package_files()}
    assert {name: count for name, count in lines.items() if count > LONGEST_FILE} == {}


def test_functions_are_short():
    too_long = {
        f"{path}: {name}": length
        for path in package_files()
        for name, length in function_lengths((ROOT / path).read_text("utf-8")).items()
        if length > LONGEST_FUNCTION
    }
    assert too_long == {}


def test_docstrings_do_not_count_and_equal_names_do_not_hide_each_other():
    source = (
        'class A:\n    def f(a):\n        """One.\n\n        Two.\n        """\n        return a\n'
        "class B:\n    def f(a):\n        a += 1\n        return a\n"
    )
    assert function_lengths(source) == {"A.f, line 2": 2, "B.f, line 9": 3}


def test_every_test_file_is_named_after_a_module_at_its_place():
    astray = []
    for package in PACKAGES:
        for path in sorted((ROOT / "tests" / package).rglob("test_*.py")):
            place = path.relative_to(ROOT / "tests")
            modules = {x.stem for x in (ROOT / place.parent).glob("*.py")}
            words = path.stem.removeprefix("test_").split("_")
            prefixes = {"_".join(words[: k + 1]) for k in range(len(words))}
            if not prefixes & modules and f"tests/{place.as_posix()}" not in ACROSS:
                astray.append(str(place))
    assert astray == []


def stray_indents(source):
    """List the paragraphs of docstrings that are indented after their first line."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            continue
        for paragraph in (ast.get_docstring(node) or "").split("\n\n"):
            first, *later = paragraph.split("\n")
            plain = first[:1] not in ("", " ", "-", "`") and not first.endswith(":")
            if plain and any(line.startswith(" ") for line in later):
                found.append(first)
    return found


def test_no_docstring_is_indented_in_the_middle_of_a_sentence():
    found = {str(x): stray_indents((ROOT / x).read_text("utf-8")) for x in package_files()}
    assert {name: paragraphs for name, paragraphs in found.items() if paragraphs} == {}


def test_stray_indents_are_found_and_sections_are_none():
    broken = (
        'def f():\n    """One.\n\n    A sentence that\n        was broken\n    here.\n    """\n'
    )
    whole = 'def f(a):\n    """One.\n\n    Args:\n        a: A\n            strut.\n    """'
    assert stray_indents(broken) == ["A sentence that"]
    assert stray_indents(whole) == []
