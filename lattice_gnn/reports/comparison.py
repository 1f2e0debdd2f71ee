"""Models that were trained on the same data with the same budget.

The code that fills these documents is in ``data``. Numbers have five significant digits; the full
report of each model stays with its run.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

from lattice_gnn.reports.dataset import MedianAndP90
from lattice_gnn.reports.document import Document
from lattice_gnn.reports.errors import Summary
from lattice_gnn.reports.evaluation import TensorError


@dataclass(frozen=True, slots=True)
class RotationError:
    """|Q^T f(Qx) Q - f(x)| / |f(x)| under random rotations.

    Attributes:
        median: Half of the lattices have less.
        max: The largest.
    """

    median: float | None
    max: float | None


@dataclass(frozen=True, slots=True)
class DensityRow:
    """Directional error over lattices of some densities.

    Attributes:
        range: Ends of the range of densities; null where it has no end.
        count: Number of lattices.
        directional_error: Median and p90.
    """

    range: tuple[float, float | None]
    count: int
    directional_error: MedianAndP90


@dataclass(frozen=True, kw_only=True)
class ComparedErrors:
    """Errors of a model; the keys mean what they mean in an evaluation.

    Attributes:
        count: Number of lattices.
        directional_error: Summary.
        component_error: Summary.
        relative_frobenius: Summary, and shares within 5 and 25 per cent.
        log_euclidean: Summary.
        softest_error: Summary.
        negative_eigenvalue_share: Share of lattices of which some strain would release energy.
        rotation_error: How well predictions turn with the lattice.
        by_density: Directional error by relative density.
    """

    count: int
    directional_error: Summary
    component_error: Summary
    relative_frobenius: TensorError
    log_euclidean: Summary
    softest_error: Summary
    negative_eigenvalue_share: float
    rotation_error: RotationError
    by_density: tuple[DensityRow, ...]


@dataclass(frozen=True, slots=True)
class CatalogueFacts:
    """Which lattices of which file.

    Attributes:
        name: Of the file.
        sha256: Of the file.
        lowest: Number of lowest densities of each entry; null for all.
    """

    name: str
    sha256: str
    lowest: int | None


@dataclass(frozen=True, kw_only=True)
class _Catalogue:
    """The first key of errors on a catalogue."""

    catalogue: CatalogueFacts


@dataclass(frozen=True, kw_only=True)
class CatalogueErrors(ComparedErrors, _Catalogue):
    """Errors of a model on a further catalogue.

    Attributes:
        catalogue: Which lattices of which file.
    """


@dataclass(frozen=True, slots=True)
class ComparedModel:
    """One model of a comparison.

    Attributes:
        name: Its name in the comparison.
        kind: Of network.
        parameters: Number of fitted numbers.
        labels: Training labels; null where nothing was trained.
        steps: Training steps; null where there are none.
        core_minutes: Processor time of the training steps; null where there are none.
        seed: Random seed of the training; null where nothing was trained.
        test: Errors over the test part.
        catalogues: Errors on further catalogues, by file name.
        forward_ms: Processor milliseconds per lattice of a prediction in a batch of 64, one thread.
        step_ms: Processor milliseconds per lattice of a training step; null where there are none.
    """

    name: str
    kind: str
    parameters: int
    labels: int | None
    steps: int | None
    core_minutes: float | None
    seed: int | None
    test: ComparedErrors
    catalogues: dict[str, CatalogueErrors]
    forward_ms: float | None
    step_ms: float | None

    @property
    def score(self) -> float:
        """What models are sorted by: mean directional error over the test part."""
        return rank(self.test)


def rank(errors: ComparedErrors) -> float:
    """Return the mean directional error; infinite if predictions are unusable."""
    mean = errors.directional_error.mean
    return math.inf if mean is None else mean


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One point of a learning curve.

    Attributes:
        labels: Training labels.
        steps: Training steps.
        directional_error: Over the test part.
        relative_frobenius: Over the test part.
    """

    labels: int
    steps: int
    directional_error: Summary
    relative_frobenius: TensorError


@dataclass(frozen=True, slots=True)
class PartCounts:
    """A count for each part of the data.

    Attributes:
        train: Trained on.
        validation: Watched during training.
        test: Held out.
    """

    train: int
    validation: int
    test: int


@dataclass(frozen=True, slots=True)
class ComparisonData:
    """The data that all models are trained and tested on.

    Attributes:
        hash: SHA-256 of lattices and labels of the three parts.
        labels: How the labels were computed.
        lattices: Number of lattices.
        bases: Number of base lattices.
        share_of_test_with_unseen_net: Share of the test lattices whose net no training lattice has.
    """

    hash: str
    labels: str
    lattices: PartCounts
    bases: PartCounts
    share_of_test_with_unseen_net: float


@dataclass(frozen=True, slots=True)
class Machine:
    """The computer.

    Attributes:
        processor: Its name.
        cores: Number of cores.
        torch: Version of PyTorch.
    """

    processor: str
    cores: int
    torch: str


@dataclass(frozen=True, slots=True)
class ComparisonReport(Document):
    """Models that were trained on the same data with the same budget.

    Attributes:
        data: The data.
        budget_minutes: Core-minutes of training steps for each model.
        machine: The computer.
        models: Least mean directional error over the test part first.
        curves: Learning curves by model.
        ablation: Names of the models of the second table, the first of which is the reference.
        unfinished: Names of models that are not finished.
        failed: Why models failed, by name.
    """

    SCHEMA: ClassVar[str] = "comparison/1"

    data: ComparisonData
    budget_minutes: float
    machine: Machine
    models: tuple[ComparedModel, ...]
    curves: dict[str, tuple[CurvePoint, ...]]
    ablation: tuple[str, ...]
    unfinished: tuple[str, ...]
    failed: dict[str, str]
