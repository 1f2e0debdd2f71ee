"""Documents of comparisons of models trained on the same data with the same budget.

They are filled by code in ``data``. Numbers have five significant digits; the full report of each
model is in its run folder.
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
        median: Median.
        max: Maximum.
    """

    median: float | None
    max: float | None


@dataclass(frozen=True, slots=True)
class DensityRow:
    """Directional error over lattices in a range of densities.

    Attributes:
        range: Ends of the range of densities; null if open.
        count: Number of lattices.
        directional_error: Median and p90.
    """

    range: tuple[float, float | None]
    count: int
    directional_error: MedianAndP90


@dataclass(frozen=True, kw_only=True)
class ComparedErrors:
    """Errors of a model, defined as in an evaluation.

    Attributes:
        count: Number of lattices.
        directional_error: Summary.
        component_error: Summary.
        relative_frobenius: Summary, and shares of lattices within 5 % and 25 %.
        log_euclidean: Summary.
        softest_error: Summary.
        negative_eigenvalue_share: Share of lattices whose C has a negative eigenvalue.
        rotation_error: Equivariance error under random rotations.
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
    """A catalogue file and the lattices used from it.

    Attributes:
        name: Name of the file.
        sha256: SHA-256 of the file.
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
        catalogue: The catalogue file and the lattices used from it.
    """


@dataclass(frozen=True, slots=True)
class RateProbe:
    """A short run that helped to choose the learning rate of a model.

    Attributes:
        learning_rate: Its peak learning rate.
        steps: Number of training steps; null if the loss was not finite.
        core_minutes: CPU time of the training steps in minutes; null if the loss was not finite.
        error: Mean directional error on the validation set; null if the loss was not finite, here
            or in the whole run at this rate.
    """

    learning_rate: float
    steps: int | None
    core_minutes: float | None
    error: float | None


@dataclass(frozen=True, slots=True)
class ComparedModel:
    """One model of a comparison.

    Attributes:
        name: Name in the comparison.
        kind: Kind of network.
        parameters: Number of fitted parameters.
        labels: Number of training labels; null without training.
        steps: Number of training steps; null without any.
        core_minutes: CPU time of the training steps in minutes, without those of the probes; null
            without any.
        seed: Random seed of the training; null without training.
        learning_rate: Peak learning rate of the training; null without any.
        probes: Short runs by which the learning rate was chosen.
        settings: Hash of the settings and data of the run: a comparison with the same settings
            takes the row from the file instead of training the model.
        test: Errors on the test set.
        catalogues: Errors on further catalogues, by file name.
        forward_ms: CPU time of a prediction in ms per lattice, batch of 64, one thread; null for an
            earlier row from another computer.
        step_ms: CPU time of a training step in ms per lattice; null without training steps, and for
            an earlier row from another computer.
    """

    name: str
    kind: str
    parameters: int
    labels: int | None
    steps: int | None
    core_minutes: float | None
    seed: int | None
    learning_rate: float | None
    probes: tuple[RateProbe, ...]
    settings: str
    test: ComparedErrors
    catalogues: dict[str, CatalogueErrors]
    forward_ms: float | None
    step_ms: float | None

    @property
    def score(self) -> float:
        """Score by which models are sorted: mean directional error on the test set."""
        return rank(self.test)


def rank(errors: ComparedErrors) -> float:
    """Return the mean directional error; infinite if predictions are unusable."""
    mean = errors.directional_error.mean
    return math.inf if mean is None else mean


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One point of a learning curve.

    Attributes:
        labels: Number of training labels.
        steps: Number of training steps.
        settings: Hash of the settings and data of the run, as of a model.
        directional_error: Directional error on the test set.
        relative_frobenius: Relative Frobenius error on the test set.
    """

    labels: int
    steps: int
    settings: str
    directional_error: Summary
    relative_frobenius: TensorError


@dataclass(frozen=True, slots=True)
class PartCounts:
    """Counts for the parts of the data.

    Attributes:
        train: In the training set.
        validation: In the validation set.
        test: In the test set.
    """

    train: int
    validation: int
    test: int


@dataclass(frozen=True, slots=True)
class ComparisonData:
    """The data that all models are trained and tested on.

    Attributes:
        hash: SHA-256 of lattices and labels of the three parts, the same on every machine.
        labels: Method by which the labels were computed.
        lattices: Number of lattices.
        bases: Number of base lattices.
        share_of_test_with_unseen_net: Share of test lattices whose net is not in the training set.
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
        processor: Name of the processor.
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
        models: The models, in ascending order of the mean directional error on the test set; also
            earlier rows of the file, of models whose training with these settings is unfinished.
        curves: Learning curves by model; until all models are finished, those of the file.
        ablation: Names of the models of the second table; the first is the reference.
        unfinished: Names of models whose training is not finished.
        failed: Reason of failure, by name of the model.
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
