"""Labels of solid FEM for the lattices of a dataset, in addition to beam labels.

A label costs seconds, not microseconds. The work is done in batches of a few lattices; it can be
interrupted, distributed over processes and machines, or split into shards that are labelled
separately and merged. Every label carries an estimate of its error, and flags struts that touch.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int

from data.datasets.dataset import Dataset, Label, lattice_digests
from data.datasets.file import read_dataset
from data.datasets.joining import joined_label
from data.labelling.batches import (
    ALONE,
    OnProgress,
    Workers,
    batches,
    claim,
    finish,
    finished,
    parallel,
    parts_folder,
    remove_parts,
)
from fem_reference.solid.grid import FEWEST_VOXELS
from fem_reference.solid.homogenise import SolidSolution, homogenise_solid
from fem_reference.solid.multigrid_torch import DeviceError
from lattice_gnn import __version__
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.tensors.notation import UPPER

SOLID = "solid"
DETAILS = (
    "error",
    "softest_error",
    "volume_fraction",
    "voxels_per_diameter",
    "nodes",
    "clearance",
    "touching",
    "unresolved_gap",
)
"""What a solid label says beside the stiffness: the estimated relative errors of C and of its
smallest eigenvalue; filled share of the cell; resolution and active nodes of the fine grid; gap
between struts without a common joint over the smallest radius; 1 where such struts touch, and where
the grid may not resolve a gap, else 0. The last three are NaN where gaps could not be looked for,
as struts are too long."""
_BATCH = 4  #: lattices per batch
SOLID_GENERATOR = "data.solid_label"


@dataclass(frozen=True, slots=True)
class SolidLabelling:
    """Settings of the solid reference.

    Attributes:
        voxels_per_diameter: Resolution of the fine grid across the thinnest strut of each lattice.
        tolerance: Admissible relative error of any strain energy on its grid; far below the
            discretisation error.
        memory_limit: Memory limit, GB; lattices with larger grids get no label.
        device: Device on which the equations are solved.
    """

    voxels_per_diameter: float | int = 8
    tolerance: float = 1e-4
    memory_limit: float | int = 1
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Check what would otherwise fail for every single lattice."""
        if not self.voxels_per_diameter >= FEWEST_VOXELS:
            raise LatticeGnnError(
                f"voxels_per_diameter: expected at least {FEWEST_VOXELS:g}, got "
                f"{self.voxels_per_diameter:g}."
            )
        if not 0 < self.memory_limit < np.inf:
            raise LatticeGnnError(
                f"memory_limit: expected finite GB above 0, got {self.memory_limit:g}."
            )

    @property
    def method(self) -> str:
        """Description of the method; equal for labels that may be mixed."""
        return (
            "periodic solid FEM, union of struts, voxels with incompatible modes, "
            f"{self.voxels_per_diameter:g} a diameter, extrapolated"
        )


@dataclass(frozen=True, slots=True)
class Shard:
    """Share ``number`` (from 1) of ``count``: every ``count``-th base of a dataset."""

    number: int = 1
    count: int = 1

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not 1 <= self.number <= self.count:
            raise LatticeGnnError(
                f"shard: expected K/N with K from 1 to N, got {self.number}/{self.count}."
            )

    def of(self, dataset: Dataset) -> Int[np.ndarray, " chosen"]:
        """Return the indices of its lattices."""
        return np.flatnonzero(dataset.base % self.count == self.number - 1)


WHOLE = Shard()


def label_solid(
    lattices: Sequence[Lattice], settings: SolidLabelling
) -> tuple[Label, dict[str, str]]:
    """Label lattices by solid FEM.

    Returns:
        The labels; and, for lattices without label, the reason by name and relative density.

    Raises:
        DeviceError: If the device, rather than a lattice, is at fault.
    """
    stiffness = np.full((len(lattices), 21), np.nan)
    mask = np.zeros(len(lattices), dtype=bool)
    details = {name: np.full(len(lattices), np.nan) for name in DETAILS}
    refused: dict[str, str] = {}
    for k, lattice in enumerate(lattices):
        try:
            solution = homogenise_solid(
                lattice,
                voxels_per_diameter=settings.voxels_per_diameter,
                tolerance=settings.tolerance,
                memory_limit=1e9 * settings.memory_limit,
                device=settings.device,
            )
        except DeviceError:
            raise
        except LatticeGnnError as error:
            refused[f"{lattice.name} at density {lattice.relative_density:.6g}"] = str(error)
            continue
        stiffness[k], mask[k] = solution.stiffness.numpy()[UPPER], True
        for name, value in _details(lattice, solution).items():
            details[name][k] = value
    claimed = float(np.median(details["error"][mask])) if mask.any() else 0.0
    return Label(stiffness, mask, settings.method, claimed, details), refused


def _details(lattice: Lattice, solution: SolidSolution) -> dict[str, float]:
    contact = dict.fromkeys(("clearance", "touching", "unresolved_gap"), np.nan)
    if solution.clearance is not None:
        contact = {
            "clearance": float(solution.clearance.distance / lattice.radii.min()),
            "touching": float(solution.touching),
            "unresolved_gap": float(solution.unresolved_gap),
        }
    return {
        "error": solution.error,
        "softest_error": solution.softest_error,
        "volume_fraction": solution.volume_fraction,
        "voxels_per_diameter": solution.voxels_per_diameter,
        "nodes": float(solution.active_nodes),
        **contact,
    }


def label_batch(
    source: Path, chosen: Int[np.ndarray, " chosen"], settings: SolidLabelling, number: int
) -> Dataset:
    """Label batch ``number`` of the chosen lattices; its provenance says why some have no label."""
    dataset = read_dataset(source).select(chosen[number * _BATCH : (number + 1) * _BATCH])
    label, refused = label_solid(dataset.lattices(range(len(dataset))), settings)
    return replace(dataset, labels={SOLID: label}, provenance=({"refused": refused},))


def label_dataset(  # noqa: PLR0913 (one argument for each thing that a run needs)
    source: Path,
    path: Path,
    settings: SolidLabelling,
    workers: Workers = ALONE,
    *,
    shard: Shard = WHOLE,
    again: bool = False,
    on_progress: OnProgress | None = None,
) -> Dataset:
    """Add solid labels to the lattices of a dataset and write it; an interrupted run resumes.

    Lattices that cannot be labelled (not spanning, too large) get no label; the provenance of the
    result lists them, with their density and the reason. Existing labels are kept if made with the
    same method: a second run with more memory adds those of larger grids.

    Args:
        source: The dataset (HDF5).
        path: The file to write, compressed. Finished batches are stored in a folder beside it.
        settings: Settings of the solid reference.
        workers: Processes that do the work; those on other machines read ``source`` under the same
            path.
        shard: Label only this share, and write only its lattices.
        again: Whether solid labels of the source are left out, so that its lattices are labelled
            again, such as at another resolution.
        on_progress: Called with the numbers of labelled lattices and of all lattices.

    Raises:
        LatticeGnnError: If a file cannot be used, has all solid labels already or labels of another
            method, ``path`` belongs to another run, or none of the lattices can be labelled.
    """
    source = source.resolve()
    whole = read_dataset(source)
    if shard.number > len(whole.bases):
        raise LatticeGnnError(
            f"{source}: shard {shard.number}/{shard.count} holds no lattice of its "
            f"{len(whole.bases)} bases; take fewer shards."
        )
    chosen = shard.of(whole)
    dataset = whole.select(chosen)
    if again:
        dataset = _unlabelled(dataset)
    done = _known(source, dataset, settings)
    todo = np.flatnonzero(~done)
    geometry = hashlib.sha256(b"".join(lattice_digests(dataset.select(todo)))).hexdigest()
    plan = {
        "generator": SOLID_GENERATOR,
        "code_version": __version__,
        "lattices": geometry,
        "shard": f"{shard.number}/{shard.count}",
        "lattices_a_batch": _BATCH,
        **asdict(settings),
    }
    folder = parts_folder(path)
    if path.exists():
        return finished(path, lambda last: {**last, **plan} == last)
    claim(folder, plan)
    made: list[Dataset] = []
    with parallel(workers, label_batch, source, chosen[todo], settings) as run:
        for batch in batches(folder, plan, range(-(-len(todo) // _BATCH)), run):
            made.append(batch)
            if on_progress is not None:
                on_progress(min(len(made) * _BATCH, len(todo)), len(todo))
    refused = {k: why for batch in made for k, why in batch.provenance[0]["refused"].items()}
    if not any(batch.labels[SOLID].mask.any() for batch in made):
        remove_parts(folder)
        raise LatticeGnnError(
            f"{source}: none of {len(todo)} lattices can be labelled; the first: "
            f"{next(iter(refused.values()))}"
        )
    known = np.flatnonzero(done)
    parts = [dataset.select(known), *made] if len(known) else made
    label = joined_label(parts, SOLID).select(np.argsort(np.concatenate([known, todo])))
    labels = {**dataset.labels, SOLID: label}
    provenance = (*dataset.provenance, {**plan, "refused": refused})
    return finish(path, replace(dataset, labels=labels, provenance=provenance), compressed=True)


def _unlabelled(dataset: Dataset) -> Dataset:
    """Return the dataset without solid labels and without what its provenance says of them."""
    return replace(
        dataset,
        labels={kind: label for kind, label in dataset.labels.items() if kind != SOLID},
        provenance=tuple(p for p in dataset.provenance if p.get("generator") != SOLID_GENERATOR),
    )


def _known(
    source: Path, dataset: Dataset, settings: SolidLabelling
) -> Bool[np.ndarray, " lattices"]:
    """Return which lattices have a solid label already.

    Raises:
        LatticeGnnError: If all have one, or the labels were made with another method.
    """
    label = dataset.labels.get(SOLID)
    if label is None:
        return np.zeros(len(dataset), dtype=bool)
    if label.mask.all():
        raise LatticeGnnError(
            f"{source}: all of its {len(dataset)} lattices have solid labels already; label them "
            "again with --again."
        )
    if label.method != settings.method:
        raise LatticeGnnError(
            f"{source}: has solid labels of another method ({label.method}), expected "
            f"{settings.method}; choose the same settings, or replace the labels with --again."
        )
    return label.mask
