"""The computer on which a measurement was made."""

import os
import platform
from contextlib import suppress
from pathlib import Path

import torch

from lattice_gnn.reports.comparison import Machine


def machine() -> Machine:
    """Describe this computer: processor, cores, version of torch."""
    name = platform.processor() or platform.machine()
    with suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next(line.partition(":")[2].strip() for line in lines if line[:10] == "model name")
    return Machine(processor=name, cores=os.cpu_count() or 1, torch=torch.__version__)
