"""docs/design.md is run, block by block, in one namespace; its tables are complete."""

import re
from pathlib import Path

import pytest

from lattice_gnn.design.expressions import known_quantities, read_quantity
from lattice_gnn.design.printing import PRINT_PROCESSES

TEXT = (Path(__file__).parents[1] / "docs" / "design.md").read_text(encoding="utf-8")


def test_its_python_blocks_run_in_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {}
    for source in re.findall(r"^```python\n(.*?)^```$", TEXT, re.M | re.S):
        exec(compile(source, "docs/design.md", "exec"), namespace)


@pytest.mark.parametrize("text", [x for x in known_quantities() if x != "node_displacement"])
def test_every_quantity_of_the_expressions_is_in_its_tables(text):
    assert f"`{text}`" in TEXT
    assert read_quantity(text).name == text


def test_the_table_of_print_processes_is_the_one_of_the_code():
    for process in PRINT_PROCESSES.values():
        (row,) = re.findall(rf"^\| `{process.name}` \|(.*)\|$", TEXT, re.M)
        limits = (process.smallest_diameter, process.smallest_gap, process.diameter_offset)
        shown = ["" if limit is None else f"{limit.value:g} mm" for limit in limits]
        assert [cell.strip() for cell in row.split("|")] == shown
        assert process.overhang is None
