"""Designed lattices: whether the error bounds hold where an optimiser has looked for extremes.

    python benchmarks/designed.py make OUTPUT.h5             # seconds
    lattice-gnn label OUTPUT.h5 --voxels-per-diameter 8 -o data/solid_set/designed.h5
    python benchmarks/designed.py report [--update-docs]

``make`` starts from varied copies of the named cells and follows the gradient of the joint network
towards extreme targets: node positions, radii and the shape of the cell vary, the relative density
does not. An optimiser finds the places where a model is wrong in its favour, so that these lattices
are a harder test than any random ones. ``report`` compares predictions and bounds with the solid
labels, for the lattices inside and outside the model's training domain.
"""

import argparse
import hashlib
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from joints import rank_correlation, three
from pages import DOCS, table, write_section

from data.datasets.dataset import Bases, Dataset
from data.datasets.file import read_dataset, write_dataset
from data.populations.varied_cells import CellSampling, sample_cells
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.coordination import net_fingerprint
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.surrogate.prediction import Prediction
from lattice_gnn.surrogate.surrogate import Surrogate, load_surrogate
from lattice_gnn.tensors.metrics import relative_frobenius

SET = Path(__file__).parents[1] / "data" / "solid_set" / "designed.h5"
COUNT = 54
CELLS = ("simple_cubic", "bcc", "fcc", "octet", "diamond", "kelvin", "bccz", "fccz", "fluorite",
         "re_entrant", "cuboctahedron", "rhombicuboctahedron")  # fmt: skip
DENSITIES = (0.03, 0.25)
STEPS = 40
RATE = 0.05
MOVES = (0.15, 0.15, 0.3)  #: largest move of a node over the mean strut length, in turn
RADII = 0.35  #: largest logarithm of a factor on a radius
STRETCH = 0.2  #: largest component of the strain of the cell

PAGE = DOCS / "joints.md"

Target = Callable[[torch.Tensor], torch.Tensor]


def _compliance(C: torch.Tensor) -> torch.Tensor:
    return torch.linalg.inv(C)


TARGETS: dict[str, Target] = {
    "largest C11": lambda C: -C[0, 0].log(),
    "smallest C11": lambda C: C[0, 0].log(),
    "largest C44": lambda C: -C[3, 3].log(),
    "largest bulk modulus": lambda C: -C[:3, :3].sum().log(),
    "smallest nu12": lambda C: -_compliance(C)[0, 1] / _compliance(C)[0, 0],
    "largest nu12": lambda C: _compliance(C)[0, 1] / _compliance(C)[0, 0],
    "largest E1 over E3": lambda C: (_compliance(C)[0, 0] / _compliance(C)[2, 2]).log(),
    "softest mode stiffest": lambda C: -torch.linalg.eigvalsh(C)[0].log(),
    "largest shear over bulk": lambda C: (C[:3, :3].sum() / C[3:, 3:].trace()).log(),
}
"""Functions of C / E_s that are minimised."""


def starts() -> list[Lattice]:
    """Draw the lattices from which the optimisation starts."""
    sampling = CellSampling(
        count=COUNT, seed=14, cells=CELLS, densities=DENSITIES, exact_share=0.0, perturbation=0.08,
        strain=0.1, radius_spread=0.2, nu=(0.15, 0.4), special_share=0.0,
    )  # fmt: skip
    return sample_cells(sampling)


def optimise(network: Surrogate, lattices: list[Lattice]) -> list[Lattice]:
    """Return the lattices after ``STEPS`` steps of Adam towards the targets, taken in turn."""
    batch = LatticeBatch.from_lattices(lattices)
    density = batch.relative_density
    targets = list(TARGETS.values())
    chosen = [targets[k % len(targets)] for k in range(len(lattices))]
    moves = torch.zeros_like(batch.nodes, requires_grad=True)
    reach = torch.tensor([MOVES[k // len(targets) % len(MOVES)] for k in range(len(lattices))])
    mean_length = torch.tensor([float(lattice.lengths.mean()) for lattice in lattices])
    box = (reach * mean_length).double()[batch.node_lattice, None]
    back = torch.linalg.inv(batch.cells)[batch.node_lattice]
    factors = torch.zeros_like(batch.radii, requires_grad=True)
    strains = torch.zeros_like(batch.cells, requires_grad=True)
    optimiser = torch.optim.Adam([moves, factors, strains], lr=RATE)

    def shaped() -> LatticeBatch:
        stretch = STRETCH * torch.tanh((strains + strains.mT) / 2)
        cells = batch.cells @ (torch.eye(3, dtype=batch.cells.dtype) + stretch)
        radii = batch.radii * (RADII * torch.tanh(factors)).exp()
        nodes = batch.nodes + (box * torch.tanh(moves))[:, None].matmul(back)[:, 0]
        moved = batch.replace(nodes=nodes, cells=cells, radii=radii, end_radii=radii)
        scale = (density / moved.relative_density).sqrt()[batch.strut_lattice]
        return moved.replace(radii=radii * scale, end_radii=radii * scale)

    for _ in range(STEPS):
        optimiser.zero_grad()
        C = network.stiffness(shaped()).mandel
        loss = torch.stack([f(c) for f, c in zip(chosen, C, strict=True)]).sum()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        found = shaped().to_lattices(material=lattices[0].material)
    names = list(TARGETS)
    return [
        lattice.replace(name=f"{start.name}, {names[k % len(names)]}")
        for k, (lattice, start) in enumerate(zip(found, lattices, strict=True))
    ]


def make(path: Path, network: Surrogate) -> None:
    """Write the designed lattices, those of the smallest grids first."""
    found = [lattice.simplified() for lattice in optimise(network, starts())]
    found.sort(key=lambda x: x.volume * x.relative_density / float(x.radii.min()) ** 3)
    bases = Bases(
        names=np.array([x.name.encode() for x in found]),
        shapes=np.array([_digest(f"designed/{x.name}/{k}") for k, x in enumerate(found)]),
        nets=np.array([net_fingerprint(x).encode() for x in found]),
        space_groups=np.zeros(len(found), dtype=np.int16),
    )
    levels = np.full(len(found), np.nan)
    dataset = Dataset.from_lattices(found, bases, np.arange(len(found)), levels)
    how = {"generator": "benchmarks.designed", "model": network.header["training"]["data_hash"]}
    write_dataset(path, replace(dataset, provenance=(how,)))


def report(network: Surrogate) -> str:
    """Return the tables of errors and bounds: all lattices, and those with the largest errors."""
    dataset = read_dataset(SET).with_label("solid")
    everything = dataset.lattices(range(len(dataset)))
    answers = [prediction(network, lattice) for lattice in everything]
    kept = [k for k, x in enumerate(answers) if x is not None]
    refused = [everything[k].name for k, x in enumerate(answers) if x is None]
    lattices, predictions = [everything[k] for k in kept], [x for x in answers if x is not None]
    C = torch.stack([x.stiffness.mandel for x in predictions])
    frame = torch.stack([x.frame.mandel for x in predictions if x.frame is not None])
    reference = torch.from_numpy(dataset.stiffness("solid", kept))
    error = 100 * relative_frobenius(C, reference).numpy()
    beam = 100 * relative_frobenius(frame, reference).numpy()
    bound = np.array(
        [100 * x.expected_error.p90 if x.expected_error else np.inf for x in predictions]
    )
    inside = np.array([x.in_domain for x in predictions])
    groups = {
        "inside the training domain": inside,
        "outside, with a bound (contact)": ~inside & np.isfinite(bound),
        "outside, without bound": ~inside & ~np.isfinite(bound),
    }
    rows = [
        (name, f"{which.sum()}", three(beam[which]), three(error[which]),
         *bound_columns(error[which], bound[which]))
        for name, which in groups.items() if which.any()
    ]  # fmt: skip
    worst = [
        (lattices[k].name, three_digits(error[k]), three_digits(bound[k]),
         "; ".join(predictions[k].domain_notes) or "inside")
        for k in np.argsort(-error)[:8]
    ]  # fmt: skip
    heads = ("lattices", "number", "beam", "network", "covered", "bound", "rank correlation")
    return "\n".join(
        [
            "Error of C, %: median / mean / p90; the 90 % bound of the network.\n",
            table(heads, rows),
            "\nThe largest errors, %, their bounds and the domain check.\n",
            table(("lattice, target", "error", "bound", "training domain"), worst),
            f"\nRefused, too far outside the training domain: {'; '.join(refused) or 'none'}.",
        ]
    )


def prediction(network: Surrogate, lattice: Lattice) -> Prediction | None:
    """Predict a lattice; None where the network refuses it."""
    try:
        return network.predict(lattice)
    except LatticeGnnError:
        return None


def bound_columns(error: np.ndarray, bound: np.ndarray) -> tuple[str, str, str]:
    """Return coverage, median bound and rank correlation with the error, in words."""
    if not np.isfinite(bound).all():
        return "-", "-", "-"
    rank = f"{rank_correlation(error, bound):.2f}" if len(error) > 9 else "-"
    return f"{(error <= bound).sum()} of {len(error)}", f"{np.median(bound):.2f}", rank


def three_digits(value: float) -> str:
    """Return a percentage, or a dash for infinity."""
    return f"{value:.2f}" if np.isfinite(value) else "-"


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).hexdigest()[:16].encode()


def main() -> None:
    """Make the lattices, or print the report and write it into the docs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("make", "report"))
    parser.add_argument("output", nargs="?", type=Path, help="file of the lattices, for make")
    parser.add_argument("--model", default="joints", help="name or file of the joint network")
    parser.add_argument("--update-docs", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    network = load_surrogate(arguments.model)
    if arguments.what == "make":
        if arguments.output is None:
            parser.error("make: expected the path of the file to write")
        make(arguments.output, network)
        return
    text = report(network)
    sys.stdout.write(f"{text}\n")
    if arguments.update_docs:
        write_section("designed", text, PAGE)


if __name__ == "__main__":
    main()
