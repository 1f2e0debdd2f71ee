"""A dataset: statistics, labels, checks. The code that fills these documents is in ``data``."""

from dataclasses import dataclass
from typing import Any, ClassVar

from lattice_gnn.reports.document import Document


@dataclass(frozen=True, slots=True)
class Distribution:
    """One quantity over a population.

    Attributes:
        min: The smallest value.
        p10: A tenth of the values are below.
        median: Half of the values are below.
        mean: The mean.
        p90: Nine tenths of the values are below.
        max: The largest value.
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
        count: Number of lattices that have one.
        method: How they were computed.
        error: Relative error that the method claims.
        C: Mean eigenvalue of C / E_s over the relative density: 1/6 where every strut stretches
            affinely and bending adds nothing; left out without labels.
        anisotropy: Largest over smallest eigenvalue; left out without labels.
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
        systems: Number of bases by crystal system.
        levels: Displacements of the nodes of copies; 0 for bases.
        labels: By kind.
        nodes: Nodes per cell, of the bases.
        struts: Struts per cell, of the bases.
        connectivity: Strut ends per node, of the bases.
        relative_density: Of all lattices.
        slenderness: Largest radius over length of each lattice.
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
    """What a dataset holds.

    Attributes:
        file: The file.
        made: All settings of each source of the lattices and labels; of ``data info``.
    """

    SCHEMA: ClassVar[str] = "dataset/1"

    made: tuple[dict[str, Any], ...] | None = None


@dataclass(frozen=True, slots=True)
class DatasetCheckReport(Document):
    """What is wrong with a dataset.

    Attributes:
        file: The file.
        lattices: Number of lattices.
        problems: One sentence each; empty where all is well.
        relabelled: Number of lattices whose beam label was computed again.
        largest_difference: Largest relative Frobenius difference of these from what is stored.
    """

    SCHEMA: ClassVar[str] = "dataset-check/1"

    file: str
    lattices: int
    problems: tuple[str, ...]
    relabelled: int
    largest_difference: float


@dataclass(frozen=True, slots=True)
class MedianAndP90:
    """One quantity over labels.

    Attributes:
        median: Half of the labels have less.
        p90: Nine tenths of the labels have less.
    """

    median: float
    p90: float


@dataclass(frozen=True, slots=True)
class SolidLabelReport(Document):
    """The solid labels of a dataset.

    Attributes:
        file: The file.
        lattices: Number of lattices.
        labelled: Number of them that have a solid label.
        touching: Labels of lattices with touching struts.
        unresolved_gap: Labels with a gap that the grid may not resolve.
        error: Estimated relative error of C.
        softest_error: Estimated relative error of the smallest eigenvalue.
        nodes: Active nodes of the fine grid.
        refused: Why lattices have no label, by name and density.
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
