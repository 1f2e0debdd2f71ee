"""Joint models against the finest solid labels of nets that no training lattice has; their cost.

    python benchmarks/joints.py                          # accuracy, coverage and cost, some minutes
    python benchmarks/joints.py accuracy --update-docs   # the tables of docs/joints.md
    python benchmarks/joints.py cost                     # two minutes
    python benchmarks/joints.py tradeoff --update-docs   # the figure of error over cost
    python benchmarks/joints.py accuracy --model run/model.safetensors

Accuracy: relative Frobenius error of C by the beam solver, the beam solver with rigid ends (one
fitted constant), the linear joint model and the joint network, class by class, on
``data/solid_set``: the test lattices with their labels on 20 voxels per diameter where there are
some and on 12 elsewhere, and the test lattices of rare kinds; the error of the labels is estimated
from those computed twice. Cost: milliseconds per cell on one
thread, everything in one run.
"""

import argparse
import itertools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from joints_cost import cost_table, size_table, solid_table
from joints_tradeoff import draw_tradeoff, measure, tradeoff_table
from label_noise import compare
from pages import DOCS, Row, table, write_section
from rigid_ends import fitted_length, with_rigid_ends
from scipy.stats import spearmanr

from data.datasets.dataset import Dataset, lattice_digests
from data.datasets.file import read_dataset
from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.layers.joint_pairs import JointPairs
from lattice_gnn.surrogate.measures import gap_to_radius
from lattice_gnn.surrogate.surrogate import Surrogate, load_surrogate
from lattice_gnn.tensors.metrics import relative_frobenius

TESTS = ("fine_test", "test", "weak_test", "very_unequal_test", "broad_test")
"""Label files, the finest labels first."""
TRAINING = (
    "train", "weak_train", "very_unequal_train", "broad_train", "varied_train", "finer_train",
)  # fmt: skip
SETS = Path(__file__).parents[1] / "data" / "solid_set"
PAGE = DOCS / "joints.md"
MODELS = ("beam", "rigid ends", "linear", "network")
DENSITIES = (0.0, 0.03, 0.05, 0.1, 0.2, 1.0)
TRIGONAL = 143  #: number of the first trigonal space group; hexagonal and cubic ones follow
PROPERTIES: dict[str, Callable[[dict[str, np.ndarray]], np.ndarray]] = {
    "relative density above 15 %": lambda f: f["density"] > 0.15,
    "r/L above 0.15": lambda f: f["slenderness"] > 0.15,
    "more than 8 nodes": lambda f: f["nodes"] > 8,
    "trigonal, hexagonal, cubic": lambda f: f["space group"] >= TRIGONAL,
    "unequal radii": lambda f: f["ratio"] > 1.01,
    "nu other than 0.3": lambda f: f["nu"] != 0.3,
}
"""Properties by which ``solid_runs.py`` leaves lattices out of a training set."""


@dataclass(frozen=True)
class Test:
    """Held-out lattices with their labels, the predictions of every model, and their properties.

    Attributes:
        reference: C / E_s of the solid reference.
        answers: C / E_s by each of ``MODELS``.
        bounds: The network's median and 90 % bound on its error.
        facts: Numbers by which lattices are sorted into classes.
    """

    reference: torch.Tensor
    answers: dict[str, torch.Tensor]
    bounds: np.ndarray
    facts: dict[str, np.ndarray]


def finest(names: tuple[str, ...]) -> list[tuple[Dataset, np.ndarray]]:
    """Return the lattices of several label files, each with the first label found."""
    seen: set[str] = set()
    found = []
    for name in names:
        path = SETS / f"{name}.h5"
        if not path.is_file():
            continue
        dataset = read_dataset(path)
        mask = dataset.labels["solid"].mask
        digests = lattice_digests(dataset).tolist()
        new = [k for k, key in enumerate(digests) if mask[k] and key not in seen]
        seen.update(digests[k] for k in new)
        found.append((dataset, np.array(new, dtype=np.int64)))
    return found


def facts_of(batch: LatticeBatch, dataset: Dataset, chosen: np.ndarray) -> dict[str, np.ndarray]:
    """Return numbers and marks by which lattices are sorted into classes."""
    pairs = JointPairs.of(batch)
    owner = torch.repeat_interleave(torch.arange(len(batch)), pairs.offsets.diff())
    low = torch.full((len(batch),), -1.0, dtype=torch.float64)
    cosine = low.scatter_reduce(0, owner, pairs.cosine, "amax").clamp(max=1)
    valence = torch.bincount(pairs.node, minlength=len(batch.nodes)).double()

    def most(values: torch.Tensor, owner: torch.Tensor) -> np.ndarray:
        return low.scatter_reduce(0, owner, values, "amax").numpy()

    label = dataset.labels["solid"].select(chosen)
    spread = most(batch.E, batch.strut_lattice) + most(-batch.E, batch.strut_lattice)
    return {
        "density": batch.relative_density.numpy(),
        "contact": (label.detail("touching") > 0) | (label.detail("unresolved_gap") > 0),
        "overlap": label.detail("touching") > 0,
        "angle": torch.rad2deg(torch.acos(cosine)).numpy(),
        "valence": most(valence, batch.node_lattice),
        "ratio": most(batch.radii, batch.strut_lattice)
        * most(1 / batch.radii, batch.strut_lattice),
        "nu": dataset.poisson[chosen],
        "unequal E": spread > 1e-9,
        "slenderness": most(batch.radii / batch.lengths, batch.strut_lattice),
        "nodes": batch.node_offsets.diff().numpy(),
        "space group": dataset.bases.space_groups[dataset.base[chosen]],
        "voxels": label.detail("voxels_per_diameter"),
        "noise": noise_of_stated_error() * label.detail("error"),
    }


@lru_cache(maxsize=1)
def noise_of_stated_error() -> float:
    """Return the median ratio of the error of labels on 12 voxels to the error that they state.

    The finer labels of the same lattices, on 20 voxels, count as exact.
    """
    found = compare(*(read_dataset(SETS / f"{name}.h5") for name in ("test", "fine_test")))
    return float(np.median(found["C"] / found["stated"]))


def beam_answers(batch: LatticeBatch) -> dict[str, torch.Tensor]:
    """Compute C / E_s of the frame, and of the frame with rigid ends."""
    return {
        "beam": homogenise_beam(batch).stiffness.mandel,
        "rigid ends": with_rigid_ends(batch),
    }


def network_answers(network: Surrogate, batch: LatticeBatch) -> tuple[torch.Tensor, np.ndarray]:
    """Predict C / E_s and the bounds on its error."""
    with torch.no_grad():
        answer = network.model.answer(batch)
    bounds = network.error_bounds(answer, gap_to_radius(batch), batch.relative_density)
    missing = np.full((len(batch), 2), np.nan)
    return answer.stiffness, missing if bounds is None else bounds


def judge(files: tuple[str, ...], network: Surrogate, linear: Surrogate | None) -> Test:
    """Evaluate all models on the lattices of some label files."""
    references, bounds = [], []
    answers: dict[str, list[torch.Tensor]] = {}
    facts: dict[str, list[np.ndarray]] = {}
    for dataset, chosen in finest(files):
        for part in np.array_split(chosen, max(1, len(chosen) // 64)):
            batch, C = dataset.labelled("solid", part)
            found = beam_answers(batch)
            found["network"], bound = network_answers(network, batch)
            if linear is not None:
                found["linear"] = linear.stiffness(batch).mandel
            for name, value in found.items():
                answers.setdefault(name, []).append(value)
            for name, values in facts_of(batch, dataset, part).items():
                facts.setdefault(name, []).append(values)
            references.append(C)
            bounds.append(bound)
    return Test(
        torch.cat(references),
        {name: torch.cat(values) for name, values in answers.items()},
        np.concatenate(bounds),
        {name: np.concatenate(values) for name, values in facts.items()},
    )


def classes(f: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return which lattices belong to each row."""
    alone = ~f["contact"]
    ordinary = alone & (f["ratio"] < 1.01) & (f["nu"] == 0.3) & ~f["unequal E"]
    rows = {
        "all": np.ones(len(alone), dtype=bool),
        "no contact, density 2-30 %": alone & (f["density"] > 0.02) & (f["density"] < 0.3),
        "equal struts, nu 0.3, no contact": ordinary,
    }
    for low, high in itertools.pairwise(DENSITIES):
        name = (
            f"density {100 * low:g}-{100 * high:g} %"
            if high < 1
            else f"density above {100 * low:g} %"
        )
        rows[name] = alone & (f["density"] >= low) & (f["density"] < high)
    return (
        rows
        | {
            "struts touch or nearly": f["contact"],
            "struts overlap without a joint": f["overlap"],
            "smallest angle below 30 degrees": f["angle"] < 30,
            "12 and more struts at a joint": f["valence"] >= 12,
            "radius ratio 1.01 to 2": (f["ratio"] >= 1.01) & (f["ratio"] < 2),
            "radius ratio above 2": f["ratio"] >= 2,
            "radius ratio above 2, no contact": alone & (f["ratio"] >= 2),
            "nu below 0.25": f["nu"] < 0.25,
            "nu above 0.35": f["nu"] > 0.35,
            "nu other than 0.3, equal struts, no contact": alone
            & (f["ratio"] < 1.01)
            & (f["nu"] != 0.3)
            & ~f["unequal E"],
            "unequal moduli": f["unequal E"],
            "labels on 20 voxels": f["voxels"] > 19,
        }
        | {name: condition(f) for name, condition in PROPERTIES.items()}
    )


def accuracy_tables(test: Test) -> str:
    """Return tables of errors, soft modes and coverage by class."""
    errors = {
        name: 100 * relative_frobenius(C, test.reference).numpy()
        for name, C in test.answers.items()
    }
    names = [name for name in MODELS if name in errors]
    soft = {name: softest(C, test.reference) for name, C in test.answers.items()}
    first: list[Row] = []
    second: list[Row] = []
    third: list[Row] = []
    gains: list[Row] = []
    for title, inside in classes(test.facts).items():
        if not inside.any():
            continue
        count = f"{inside.sum()}"
        noise = f"{100 * np.median(test.facts['noise'][inside]):.2f}"
        first.append((title, count, *(three(errors[name][inside]) for name in names), noise))
        second.append((title, count, *(soft_text(soft[name][inside]) for name in names)))
        if "linear" in errors:
            gains.append((title, count, *gain(errors["linear"][inside], errors["network"][inside])))
        error, (median, bound) = errors["network"][inside], 100 * test.bounds[inside].T
        third.append((title, count, f"{100 * (error <= median).mean():.0f} %",
                      f"{100 * (error <= bound).mean():.0f} %",
                      f"{np.median(bound):.2f}", f"{np.median(bound) / ideal(error, bound):.2f}",
                      f"{rank_correlation(error, bound):.2f}"))  # fmt: skip
    heads = ("lattices", "number", *names)
    parts = [
        "Error of C, %: median / mean / p90; the estimated error of the labels, %: median. Rigid "
        f"ends of {fitted_length():.3f} r.\n",
        table((*heads, "label"), first),
        "\nSoftest eigenvalue: median of its ratio to the label's; its error, %: median / p90.\n",
        table(heads, second),
    ]
    if gains:
        parts += [
            "\nError of C by the linear model over that by the network.\n",
            table(("lattices", "number", "medians", "means", "p90"), gains),
        ]
    if np.isfinite(test.bounds).all():
        heads = ("lattices", "number", "below 50 % bound", "below 90 % bound", "bound", "width",
                 "rank correlation")  # fmt: skip
        parts += [
            "\nThe bounds of the network: how many errors are below them; the median of the 90 % "
            "bound, %; its width over that of the narrowest multiple covering 90 %; rank "
            "correlation with the error.\n",
            table(heads, third),
        ]
    return "\n".join(parts)


def fit_table(network: Surrogate, linear: Surrogate | None) -> str:
    """Return the errors on the training files; most of their bases were fitted."""
    rows: list[Row] = []
    for name in TRAINING:
        test = judge((name,), network, linear)
        alone = ~test.facts["contact"]
        for title, inside in ((name, alone), (f"{name}, struts touch or nearly", ~alone)):
            cells = [
                three(
                    100
                    * relative_frobenius(test.answers[k][inside], test.reference[inside]).numpy()
                )
                for k in MODELS
                if k in test.answers
            ]
            noise = 100 * np.median(test.facts["noise"][inside])
            rows.append((title, f"{inside.sum()}", *cells, f"{noise:.2f}"))
    names = [k for k in MODELS if k in test.answers]
    return "Error of C, %: median / mean / p90.\n\n" + table(
        ("training labels", "number", *names, "label"), rows
    )


def draw(test: Test, path: Path) -> None:
    """Error of C over relative density, one point for each lattice and model."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    for name, colour in zip(MODELS, ("0.6", "tab:orange", "tab:green", "tab:blue"), strict=True):
        if name in test.answers:
            error = 100 * relative_frobenius(test.answers[name], test.reference).numpy()
            axes.loglog(100 * test.facts["density"], error, ".", color=colour, label=name, ms=4)
    axes.set_xlabel("relative density, %")
    axes.set_ylabel("|C - C_solid| / |C_solid|, %")
    axes.legend(ncols=len(MODELS), loc="upper center", bbox_to_anchor=(0.5, 1.12), frameon=False)
    figure.savefig(path, dpi=110)


def three(error: np.ndarray) -> str:
    """Format median, mean and p90."""
    return f"{np.median(error):.2f} / {error.mean():.2f} / {np.quantile(error, 0.9):.2f}"


def gain(first: np.ndarray, second: np.ndarray) -> list[str]:
    """Return the ratios of medians, means and 90 % quantiles."""
    kinds = (np.median, np.mean, lambda error: np.quantile(error, 0.9))
    return [f"{kind(first) / kind(second):.2f}" for kind in kinds]


def softest(C: torch.Tensor, reference: torch.Tensor) -> np.ndarray:
    """Return the ratio of the smallest eigenvalues."""
    low = torch.linalg.eigvalsh(C)[:, 0] / torch.linalg.eigvalsh(reference)[:, 0]
    ratio: np.ndarray = low.numpy()
    return ratio


def soft_text(ratio: np.ndarray) -> str:
    """Format the median ratio, and the median and p90 of its error."""
    error = 100 * np.abs(ratio - 1)
    return f"{np.median(ratio):.3f}; {np.median(error):.1f} / {np.quantile(error, 0.9):.1f}"


def ideal(error: np.ndarray, bound: np.ndarray) -> float:
    """Return the median width of the multiple of these bounds that covers 90 % of these errors."""
    return float(np.median(bound) * np.quantile(error / bound, 0.9))


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Return Spearman's rank correlation; NaN for fewer than three values, or equal ones."""
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(spearmanr(a, b).statistic)


def main() -> None:
    """Print the tables, and write them into the docs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "what", nargs="?", choices=("accuracy", "cost", "tradeoff", "all"), default="all"
    )
    parser.add_argument("--model", default="joints", help="name or file of the joint network")
    parser.add_argument("--linear", default="joints-linear", help="the same of the linear model")
    parser.add_argument("--update-docs", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    network = load_surrogate(arguments.model)
    linear = None if arguments.linear == "none" else load_surrogate(arguments.linear)
    sections = {}
    if arguments.what in ("accuracy", "all"):
        test = judge(TESTS, network, linear)
        sections["accuracy"] = accuracy_tables(test)
        sections["fit"] = fit_table(network, linear)
        if arguments.update_docs:
            draw(test, DOCS / "images" / "joints-accuracy.png")
    if arguments.what in ("cost", "all"):
        tables = cost_table(network, linear), size_table(network), solid_table(network)
        sections["cost"] = "\n\n".join(tables)
    if arguments.what in ("tradeoff", "all"):
        points = measure(network, linear)
        sections["tradeoff"] = tradeoff_table(points)
        if arguments.update_docs:
            draw_tradeoff(points, DOCS / "images" / "joints-tradeoff.png")
    for name, text in sections.items():
        sys.stdout.write(f"{text}\n\n")
        if arguments.update_docs:
            write_section(name, text, PAGE)


if __name__ == "__main__":
    main()
