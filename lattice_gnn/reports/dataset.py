"""Documents of datasets: statistics, labels, checks. They are filled by code in ``data``."""

from dataclasses import dataclass
from typing import Any, ClassVar

from lattice_gnn.reports.document import Document


@dataclass(frozen=True, slots=True)
class Distribution:
    """Distribution of one quantity over a population.

    Attributes:
        min: Minimum.
        p10: 10th percentile.
        median: Median.
        mean: Mean.
        p90: 90th percentile.
        max: Maximum.
    """

    min: float
    p10: float
    median: float
    mean: float
    p90: float
    max: float


@dataclass(frozen=True, slots=True)
class LabelFacts:
    """Labels of one kind.

    Attributes:
        count: Number of labelled lattices.
        method: Method by which they were computed.
        error: Relative error estimated by the method.
        C: Mean eigenvalue of C / E_s over the relative density: 1/6 if every strut stretches
            affinely and bending is negligible; absent without labels.
        anisotropy: Largest over smallest eigenvalue; absent without labels.
    """

    count: int
    method: str
    error: float
    C: Distribution | None = None
    anisotropy: Distribution | None = None


@dataclass(frozen=True, kw_only=True)
class DatasetFacts:
    """Statistics of a dataset.

    Attributes:
        lattices: Number of lattices.
        bases: Number of base lattices.
        nets: Number of different nets.
        space_groups: Number of different space groups.
        systems: Number of base lattices by crystal system.
        levels: Node displacements of the perturbed copies; 0 for base lattices.
        labels: Labels by kind.
        nodes: Nodes per cell of the base lattices.
        struts: Struts per cell of the base lattices.
        connectivity: Strut ends per node of the base lattices.
        relative_density: Relative density of all lattices.
        slenderness: Largest radius/length of each lattice.
    """

    lattices: int
    bases: int
    nets: int
    space_groups: int
    systems: dict[str, int]
    levels: tuple[float, ...]
    labels: dict[str, LabelFacts]
    nodes: Distribution
    struts: Distribution
    connectivity: Distribution
    relative_density: Distribution
    slenderness: Distribution


@dataclass(frozen=True, kw_only=True)
class _File(Document):
    """The first key of a report."""

    file: str


@dataclass(frozen=True, kw_only=True)
class DatasetReport(DatasetFacts, _File):
    """Contents of a dataset.

    Attributes:
        file: The file.
        made: All settings of each source of the lattices and labels; in ``data info`` only.
    """

    SCHEMA: ClassVar[str] = "dataset/1"

    made: tuple[dict[str, Any], ...] | None = None


@dataclass(frozen=True, slots=True)
class DatasetCheckReport(Document):
    """Problems found in a dataset.

    Attributes:
        file: The file.
        lattices: Number of lattices.
        problems: One sentence per problem; empty if there are none.
        relabelled: Number of lattices whose beam label was recomputed.
        largest_difference: Largest relative Frobenius difference between recomputed and stored.
    """

    SCHEMA: ClassVar[str] = "dataset-check/1"

    file: str
    lattices: int
    problems: tuple[str, ...]
    relabelled: int
    largest_difference: float


@dataclass(frozen=True, slots=True)
class MedianAndP90:
    """Median and 90th percentile of one quantity over labels.

    Attributes:
        median: Median.
        p90: 90th percentile.
    """

    median: float
    p90: float


@dataclass(frozen=True, slots=True)
class SolidLabelReport(Document):
    """The solid labels of a dataset.

    Attributes:
        file: The file.
        lattices: Number of lattices.
        labelled: Number of lattices with a solid label.
        touching: Number of labels of lattices with touching struts.
        unresolved_gap: Number of labels with a gap that the grid may not resolve.
        error: Estimated relative error of C.
        softest_error: Estimated relative error of the smallest eigenvalue.
        nodes: Active nodes of the fine grid.
        refused: Reasons why lattices have no label, with name and density.
    """

    SCHEMA: ClassVar[str] = "solid-labels/1"

    file: str
    lattices: int
    labelled: int
    touching: int
    unresolved_gap: int
    error: MedianAndP90
    softest_error: MedianAndP90
    nodes: MedianAndP90
    refused: dict[str, str]
