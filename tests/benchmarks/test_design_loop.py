"""The benchmark of the design loop measures what it says, at reduced size."""

import json
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_overhead_is_that_of_a_step_over_the_evaluator(benchmark):
    loop = benchmark("design_loop")
    problem = loop.problem_of("beam")
    assert problem.variables.lattice.num_nodes == loop.NODES
    found = loop.overhead(problem, count=2, repeats=1)
    assert found["evaluator"] > 0
    assert found["overhead"] == found["step"] / found["evaluator"] - 1


def test_the_kept_figures_of_the_designs_are_those_of_the_page(benchmark):
    examples = benchmark("design_examples")
    figures = json.loads(examples.KEPT.read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    assert examples.markdown(figures) in page


def test_pictures_of_an_example_are_not_left_behind(benchmark, tmp_path, monkeypatch):
    examples = benchmark("design_examples")
    script = tmp_path / "examples" / "design_drawn.py"
    script.parent.mkdir()
    script.write_text("open('picture.png', 'w').close(); print('begun'); print('{\"E\": 0.5}')")
    monkeypatch.setattr(examples, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert examples.run("design_drawn") == {"E": 0.5, "network": examples.network()}
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["design_drawn.py"]
