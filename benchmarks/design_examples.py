"""Figures of the worked designs: runs examples/design_*.py and keeps the last line of each.

    python benchmarks/design_examples.py --update-docs                 # all, ten minutes
    python benchmarks/design_examples.py design_octet --update-docs    # one; the others are kept

The figures are kept in ``design_examples.json`` beside this file, and the table of docs/design.md
is written from it. The last figure of each is the digest of the weights of the joint network that
was shipped when they were made.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pages import table, write_section
from safetensors.numpy import load_file

ROOT = Path(__file__).parents[1]
WEIGHTS = ROOT / "lattice_gnn" / "weights" / "joints.safetensors"
KEPT = ROOT / "benchmarks" / "design_examples.json"
SECTION = "design-figures"


def run(name: str) -> dict[str, Any]:
    """Run one example and return its figures; its pictures are not kept."""
    began = time.perf_counter()
    with TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, str(ROOT / "examples" / f"{name}.py")],
            capture_output=True,
            text=True,
            check=True,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
    sys.stderr.write(done.stdout)
    sys.stderr.write(f"{name}: {time.perf_counter() - began:.0f} s\n")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {**found, "network": network()}


def network() -> str:
    """Return the first digits of a digest of the weights of the joint network."""
    weights = load_file(WEIGHTS)
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(weights[name].tobytes())
    return digest.hexdigest()[:8]


def shown(value: Any) -> str:
    """Format a figure."""
    if isinstance(value, list):
        return ", ".join(shown(x) for x in value)
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def markdown(figures: dict[str, dict[str, Any]]) -> str:
    """Return the table of all figures."""
    rows = [
        (f"`{name}`", f"`{key}`", shown(value))
        for name, facts in sorted(figures.items())
        for key, value in facts.items()
    ]
    return table(("script", "figure", "value"), rows)


def main() -> None:
    """Run the examples and print or store the table."""
    names = sorted(path.stem for path in (ROOT / "examples").glob("design_*.py"))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *names], help="which; all by default")
    parser.add_argument("--update-docs", action="store_true")
    options = parser.parse_args()
    figures = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    for name in options.names or names:
        figures[name] = run(name)
        KEPT.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    text = markdown(figures)
    if options.update_docs:
        write_section(SECTION, text, ROOT / "docs" / "design.md")
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
