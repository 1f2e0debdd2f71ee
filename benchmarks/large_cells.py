"""Cells of some 100 nodes, and published nets, for models trained on cells of at most 16 nodes.

    python benchmarks/large_cells.py                     # perturbed supercells of named cells
    python benchmarks/large_cells.py --catalogue some.lat --name "published nets"

Computes solid labels on 8 voxels per diameter where there are none yet (minutes of processor time),
and the errors of beams and of the shipped joint models. Both are kept in
``benchmarks/comparison/results.json``; ``solid_comparison.py`` shows them among the extrapolations.
"""

import argparse
import hashlib
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import joints
import numpy as np
import torch
from pages import table
from results_file import Transfer, read_solid, store_transfer

from data.experiments.catalogue import read_catalogue
from fem_reference.solid.homogenise import homogenise_solid
from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.surrogate.surrogate import load_surrogate
from lattice_gnn.tensors.metrics import relative_frobenius
from lattice_gnn.tensors.notation import UPPER, symmetric_from_upper

CELLS = {"kelvin": (2, 2, 2), "diamond": (2, 2, 3), "sc": (5, 5, 4)}
"""Named cells and the supercells that are perturbed."""
LEVEL = 0.1  #: length of the displacement of every node over the mean strut length
DENSITY = 0.08
PUBLISHED = 8  #: nets that are taken from a catalogue
VOXELS = 8
MODELS = {"linear": "joints-linear", "network": "joints"}


def large_cells() -> list[Lattice]:
    """Return perturbed supercells, whose cells repeat nowhere."""
    found = []
    for name, tiling in CELLS.items():
        plain = cell(name, radius=0.01).supercell(*tiling)
        found.append(
            plain.perturbed(LEVEL, seed=0, measure="mean_length")
            .with_relative_density(DENSITY)
            .replace(name=name)
        )
    return found


def published_nets(path: Path) -> list[Lattice]:
    """Return some nets of a catalogue at one relative density."""
    lattices = [entry.lattice for entry in read_catalogue(path)]
    chosen = np.linspace(0, len(lattices) - 1, PUBLISHED).round().astype(int)
    return [lattices[k].simplified().with_relative_density(DENSITY) for k in chosen]


def digest(lattice: Lattice) -> str:
    """Return a short name of a lattice's geometry."""
    parts = (lattice.cell, lattice.nodes, lattice.struts, lattice.shifts, lattice.radii)
    return hashlib.sha256(b"".join(np.round(x, 9).tobytes() for x in parts)).hexdigest()[:12]


def label(name: str, lattices: list[Lattice]) -> Transfer:
    """Compute the missing labels; each is stored at once."""
    row = read_solid().transfers.get(name, Transfer(name))
    for lattice in lattices:
        if digest(lattice) in row.stiffness:
            continue
        start = time.process_time()
        C = homogenise_solid(lattice, voxels_per_diameter=VOXELS).stiffness.mandel
        minutes = (time.process_time() - start) / 60
        found = {digest(lattice): [float(f"{x:.6g}") for x in C[UPPER].tolist()]}
        row = replace(
            row,
            core_minutes=round(row.core_minutes + minutes, 2),
            stiffness=row.stiffness | found,
        )
        store_transfer(row)
        sys.stderr.write(f"{lattice.name}: {len(lattice.nodes)} nodes, {minutes:.2f} min\n")
    return row


def errors_of(lattices: list[Lattice], labels: Mapping[str, list[float]]) -> dict[str, list[int]]:
    """Return the errors of all models, in units of 0.01 %."""
    C = torch.from_numpy(
        np.stack([symmetric_from_upper(np.array(labels[digest(x)])) for x in lattices])
    )
    batch = LatticeBatch.from_lattices(lattices).simplified()
    answers = joints.beam_answers(batch)
    for name, weights in MODELS.items():
        with torch.no_grad():
            answers[name] = load_surrogate(weights).model.stiffness(batch)
    return {
        name: (1e4 * relative_frobenius(found, C)).round().int().tolist()
        for name, found in answers.items()
    }


def weights() -> dict[str, str]:
    """Return hashes of the weights of all models, by name."""
    found = {}
    for name, file in MODELS.items():
        tensors = load_surrogate(file).model.state_dict()
        content = b"".join(tensors[key].numpy().tobytes() for key in sorted(tensors))
        found[name] = hashlib.sha256(content).hexdigest()[:16]
    return found


def main() -> None:
    """Label what is missing, store the errors and print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--catalogue", type=Path, help="a .lat file of published nets")
    parser.add_argument("--name", default="cells of 96 and 100 nodes", help="name of the row")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    lattices = published_nets(arguments.catalogue) if arguments.catalogue else large_cells()
    row = label(arguments.name, lattices)
    found = errors_of(lattices, row.stiffness)
    store_transfer(replace(row, errors=found, weights=weights()))
    rows = [
        (
            lattice.name,
            f"{len(lattice.nodes)}",
            *(f"{errors[k] / 100:.2f}" for errors in found.values()),
        )
        for k, lattice in enumerate(lattices)
    ]
    sys.stdout.write(table(("lattice", "nodes", *found), rows) + "\n")


if __name__ == "__main__":
    main()
