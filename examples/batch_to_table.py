"""A thousand imperfect lattices through the network into one table (CSV)."""

import csv
import time
from pathlib import Path

import numpy as np

import lattice_gnn as lg

COLUMNS = ("name", "relative_density", "E1", "E2", "E3", "K", "G", "nu", "expected_error", "inside")


def draw(count: int, seed: int = 0) -> list[lg.Lattice]:
    """Named cells of random density whose nodes are moved at random."""
    random = np.random.default_rng(seed)
    names = ("octet", "bcc", "kelvin", "diamond", "fluorite")
    return [
        lg.cell(names[k % len(names)], relative_density=float(random.uniform(0.01, 0.1)))
        .perturbed(0.03, seed=k)
        .replace(name=f"{names[k % len(names)]}-{k}")
        for k in range(count)
    ]


def row(prediction: lg.Prediction) -> list[str | float]:
    """Moduli over E_s along the axes, isotropic (Hill) averages, and how far to trust them."""
    C, expected = prediction.stiffness, prediction.expected_error
    moduli = [*C.young_modulus(np.eye(3)), C.bulk_modulus(), C.shear_modulus(), C.poisson_ratio()]
    error = float("nan") if expected is None else expected.median
    density = prediction.lattice.relative_density
    values = [f"{float(x):.6g}" for x in (density, *moduli, error)]
    return [prediction.lattice.name, *values, str(prediction.in_domain)]


def main(count: int = 1000, path: Path = Path("lattices.csv")) -> None:
    """Predict all, write the table, show what beam FEM alone would say."""
    lattices = draw(count)
    began = time.perf_counter()
    predictions = lg.predict(lattices, batch_size=128)
    each = 1e3 * (time.perf_counter() - began) / count
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *(row(prediction) for prediction in predictions)])
    print(f"{count} lattices, {each:.2f} ms each, written to {path}")

    beside = [
        float(lg.relative_frobenius(prediction.frame, prediction.stiffness))
        for prediction in predictions
    ]
    expected = [
        prediction.expected_error.median for prediction in predictions if prediction.in_domain
    ]
    print(f"beam FEM alone would be off by {np.median(beside):.2%}, the network by "
          f"{np.median(expected):.2%} (medians)")  # fmt: skip
    assert np.median(expected) < np.median(beside) / 3


if __name__ == "__main__":
    main()
