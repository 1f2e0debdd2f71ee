"""Evaluation documents of models whose errors are known by construction."""

import json
import math

import numpy as np
import pytest
import torch

from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.cells.named import cell
from lattice_gnn.network.base import StiffnessNetwork
from lattice_gnn.network.equivariant import ModelConfig
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.reports.document import plain
from lattice_gnn.reports.evaluation import evaluation_facts
from lattice_gnn.training.evaluation import judge
from lattice_gnn.training.labelled import LabelledLattices

FACTORS = (1.02, 1.2, 1.5)


class Beam(StiffnessNetwork):
    """Beam FEM times a factor that depends on the density, as a model."""

    def __init__(self, factors=(1.0, 1.0, 1.0)):
        super().__init__(ModelConfig(), Normaliser())
        self.factors = factors

    def forward(self, batch):
        C = homogenise_beam(batch).stiffness.mandel
        density = batch.relative_density
        factor = torch.full_like(density, self.factors[2])
        factor[density < 0.05] = self.factors[1]
        factor[density < 0.005] = self.factors[0]
        return factor[:, None, None] * C


def labelled(lattices):
    return LabelledLattices.by_beams(lattices)


@pytest.fixture(scope="module")
def cells():
    """Cubic, orthotropic and triclinic lattices at densities of 0.2, 2 and 20 %."""
    stretched = cell("kelvin", radius=0.01).strained(np.diag([1.0, 1.2, 1.5]))
    skewed = cell("bcc", radius=0.01).strained(
        np.array([[1.0, 0.3, 0.1], [0.0, 0.8, 0.2], [0.0, 0.0, 1.3]])
    )
    lattices = [
        lattice.with_relative_density(density)
        for lattice in (cell("octet", radius=0.01), stretched, skewed)
        for density in (0.002, 0.02, 0.2)
    ]
    return labelled(lattices)


def report(model, labelled, names=None):
    return plain(evaluation_facts(judge(model, labelled, names=names)))


def test_known_errors_fall_into_their_rows(cells):
    found = report(Beam(FACTORS), cells, names=[f"l{k}" for k in range(9)])
    assert found["count"] == 9
    for metric in ("directional_error", "relative_frobenius"):
        assert found[metric]["median"] == pytest.approx(0.2)
        assert found[metric]["max"] == pytest.approx(0.5)
        rows = {row["label"]: row for row in found["by_density"]}
        assert list(rows) == ["0 to 0.003", "0.01 to 0.03", "0.1 to 0.3"]
        for row, factor in zip(rows.values(), FACTORS, strict=True):
            assert row["count"] == 3
            assert row[metric]["p90"] == pytest.approx(factor - 1)
    assert found["relative_frobenius"]["within_5_percent"] == pytest.approx(1 / 3)
    assert found["relative_frobenius"]["within_25_percent"] == pytest.approx(2 / 3)
    assert found["softest_error"]["mean"] == pytest.approx(np.mean(FACTORS) - 1)
    assert found["log_euclidean"]["max"] == pytest.approx(6**0.5 * math.log(1.5))
    for name in ("E", "G", "K"):
        assert found["moduli"][name]["median"] == pytest.approx(0.2)
    assert found["moduli"]["nu"]["max"] == pytest.approx(0, abs=1e-9)
    assert found["negative_eigenvalue_share"] == 0.0
    assert 0 < found["seconds_per_lattice"] == found["seconds"] / 9
    assert {row["name"] for row in found["worst"][:3]} == {"l2", "l5", "l8"}  # equal to rounding
    assert found["worst"][0]["relative_density"] == pytest.approx(0.2)
    json.dumps(found, allow_nan=False)


def test_rows_by_symmetry_and_size(cells):
    found = report(Beam(FACTORS), cells)
    assert [(row["label"], row["count"]) for row in found["by_symmetry"]] == [
        ("cubic", 3), ("orthotropic", 3), ("triclinic", 3),
    ]  # fmt: skip
    sizes = {row["label"]: row["count"] for row in found["by_size"]}
    assert sizes == {"1 to 5": 6, "11 to 20": 3}  # octet 4 nodes, Kelvin 12, BCC 2
    assert sum(row["count"] for row in found["by_size"]) == found["count"]


def test_indefinite_predictions_are_counted_and_written_as_none(cells):
    class Indefinite(Beam):
        def forward(self, batch):
            C = super().forward(batch)
            return C - 2 * torch.linalg.eigvalsh(C)[:, :1, None] * torch.eye(6)

    found = report(Indefinite(), cells)
    assert found["negative_eigenvalue_share"] == 1.0
    assert found["log_euclidean"]["median"] is None
    assert found["softest_error"]["median"] == pytest.approx(2.0)
    json.dumps(found, allow_nan=False)
