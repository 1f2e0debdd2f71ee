"""Tables of label files: the command line of ``label_kinds.py`` and ``label_noise.py``."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from pages import DOCS, write_section

from data.datasets.dataset import Dataset
from data.datasets.file import read_dataset
from lattice_gnn.errors import LatticeGnnError


def run(title: str, section: str, report: Callable[[dict[Path, Dataset]], str]) -> None:
    """Print the report of the files that the command line names; write it into ``docs/data.md``.

    Args:
        title: What ``--help`` says.
        section: Name of the section of the page.
        report: Makes the report.
    """
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("datasets", type=Path, nargs="+", metavar="DATASET")
    parser.add_argument("--update-docs", action="store_true")
    arguments = parser.parse_args()
    try:
        text = report({path: read_dataset(path) for path in arguments.datasets})
    except LatticeGnnError as error:
        parser.error(str(error))
    sys.stdout.write(f"{text}\n")
    if arguments.update_docs:
        write_section(section, text, DOCS / "data.md")
