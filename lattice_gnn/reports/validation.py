"""Documents of validations: a method against the reference tensors of a catalogue."""

from dataclasses import dataclass
from typing import ClassVar

from fem_reference.validate import Comparison, Outlier
from lattice_gnn.reports.document import Document
from lattice_gnn.reports.errors import Summary, summary


@dataclass(frozen=True, slots=True)
class ReferenceSelection:
    """Selection of the tensors of a catalogue that were compared; null means all.

    Attributes:
        lowest: Number of lowest densities of each entry.
        highest: Number of highest densities of each entry.
        limit: Maximum number of lattices, drawn at random.
        seed: Random seed of that draw.
    """

    lowest: int | None
    highest: int | None
    limit: int | None
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationReport(Document):
    """A method against the reference tensors of a catalogue; differences are fractions.

    Attributes:
        catalogue: The catalogue, as given.
        method: ``beam``, ``solid`` or ``network``.
        voxels_per_diameter: Resolution of solids; null for other methods.
        element: Beam theory; null for other methods.
        model: Name or path of the network; for that method only.
        selection: Options that select the lattices.
        lattices: Number of compared lattices.
        seconds: Wall time of the solver, in seconds.
        stiffness: |C - C_ref| / |C_ref|.
        compliance: |S - S_ref| / |S_ref| of the inverse S.
        softest: Relative difference of the smallest eigenvalue of C.
        rounding_floor: Change of C caused by rounding the reference to its printed digits.
        grid_error: Estimated discretisation error of C; for solids only.
        grid_softest_error: Estimated discretisation error of the smallest eigenvalue; for solids
            only.
        worst: Lattices with the largest differences of C.
        without_reference: Names of entries without tensors.
        refused: One sentence per lattice that was skipped.
        notes: Assumptions and repairs made while reading the file.
    """

    SCHEMA: ClassVar[str] = "validation/1"

    catalogue: str
    method: str
    voxels_per_diameter: int | None
    element: str | None
    model: str | None = None
    selection: ReferenceSelection
    lattices: int
    seconds: float
    stiffness: Summary
    compliance: Summary
    softest: Summary
    rounding_floor: Summary
    grid_error: Summary | None = None
    grid_softest_error: Summary | None = None
    worst: tuple[Outlier, ...]
    without_reference: tuple[str, ...]
    refused: tuple[str, ...]
    notes: tuple[str, ...]


def differences(comparison: Comparison) -> dict[str, Summary]:
    """Summarise each kind of difference."""
    return {
        "stiffness": summary(comparison.stiffness),
        "compliance": summary(comparison.compliance),
        "softest": summary(comparison.softest),
        "rounding_floor": summary(comparison.rounding_floor),
    }
