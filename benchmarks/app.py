"""How long the page of the app waits for the server after a slider has moved.

    python benchmarks/app.py

Every lattice is a new one, as under a slider. Prints the median in milliseconds of wall time and of
processor time (which other work on the machine does not lengthen), of the whole answer and of beam
FEM alone.
"""

import json
import platform
import sys
import time
from statistics import median

import torch

from lattice_gnn.cells.named import cell
from lattice_gnn.verbs.homogenise import homogenise
from viz.web.live import live_answer

REPEATS = 30
CELLS = ("octet", "kelvin", "re-entrant", "isotruss", "weaire-phelan")


def timed(work, lattice):
    """Return the median wall and processor time of work on new lattices, in milliseconds."""
    wall, processor = [], []
    for k in range(REPEATS + 3):
        changed = lattice.with_radii(lattice.radii * (1 + 1e-3 * k))
        began, used = time.perf_counter(), time.process_time()
        work(changed)
        wall.append(1e3 * (time.perf_counter() - began))
        processor.append(1e3 * (time.process_time() - used))
    return {"wall": median(wall[3:]), "processor": median(processor[3:])}


def main():
    """Print the times of all cells as JSON."""
    torch.set_num_threads(1)
    rows = []
    for name in CELLS:
        lattice = cell(name, relative_density=0.1)
        answer, beam = timed(live_answer, lattice), timed(homogenise, lattice)
        rows.append(
            {
                "cell": name,
                "struts": lattice.num_struts,
                "answer_ms": answer,
                "beam_ms": beam,
                "ratio": answer["processor"] / beam["processor"],
            }
        )
    report = {"machine": platform.platform(), "rows": rows}
    sys.stdout.write(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
