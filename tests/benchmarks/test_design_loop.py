"""The benchmark of the design loop measures what it says, at reduced size."""

import importlib
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def scripts():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        yield {name: importlib.import_module(name) for name in ("design_loop", "design_examples")}
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))


def test_the_overhead_is_that_of_a_step_over_the_evaluator(scripts):
    loop = scripts["design_loop"]
    problem = loop.problem_of("beam")
    assert problem.variables.lattice.num_nodes == loop.NODES
    found = loop.overhead(problem, count=2, repeats=1)
    assert found["evaluator"] > 0
    assert found["overhead"] == found["step"] / found["evaluator"] - 1


def test_the_kept_figures_of_the_designs_are_those_of_the_page(scripts):
    examples = scripts["design_examples"]
    figures = json.loads(examples.KEPT.read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    assert examples.markdown(figures) in page
