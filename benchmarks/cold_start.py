"""Processor time of short commands, from the start of the process to its end.

    python benchmarks/cold_start.py [--against CHECKOUT] [--rounds N]

Every round runs each command once, in this checkout and in the other one, so that both see the same
machine load; the medians of user plus system time are printed as a Markdown table. Importing torch
alone is included for scale.
"""

import argparse
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
LATTICE = ROOT / "data" / "samples" / "octet.json"
CODE = "from cli.main import main; main({arguments!r})"
COMMANDS = {
    "`lattice-gnn --help`": CODE.format(arguments=["--help"]),
    "`lattice-gnn predict octet.json`": CODE.format(arguments=["predict", str(LATTICE)]),
    "`python -c 'import torch'`": "import torch",
}


def seconds(code: str, checkout: Path) -> float:
    """Return user plus system time of a fresh process that runs the code in a checkout."""
    before = os.times()
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    after = os.times()
    spent = after.children_user + after.children_system
    return spent - before.children_user - before.children_system


def measure(checkouts: Sequence[Path], rounds: int) -> dict[str, list[float]]:
    """Measure the median time, s, of every command in every checkout, after a warm-up round."""
    found: dict[str, list[list[float]]] = {name: [[] for _ in checkouts] for name in COMMANDS}
    for number in range(rounds + 1):
        for name, code in COMMANDS.items():
            for checkout, values in zip(checkouts, found[name], strict=True):
                spent = seconds(code, checkout)
                if number:
                    values.append(spent)
    return {name: [statistics.median(x) for x in values] for name, values in found.items()}


def table(found: dict[str, list[float]], names: Sequence[str]) -> str:
    """Return the medians as a Markdown table."""
    lines = [f"| command | {' | '.join(names)} |", "|---" * (1 + len(names)) + "|"]
    for command, values in found.items():
        lines.append(f"| {command} | {' | '.join(f'{value:.2f} s' for value in values)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--against", type=Path, help="checkout of another commit")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    checkouts, names = [ROOT], ["this checkout"]
    if options.against is not None:
        checkouts.insert(0, options.against.resolve())
        names.insert(0, options.against.name)
    sys.stdout.write(table(measure(checkouts, options.rounds), names) + "\n")


if __name__ == "__main__":
    main()
