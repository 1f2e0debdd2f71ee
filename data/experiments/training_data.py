"""Lattices of a recipe: generated or read, labelled, split into training and held-out sets."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from data.datasets.dataset import Bases, Dataset, Label
from data.datasets.file import read_dataset, write_dataset
from data.datasets.grid_bias import GridBias
from data.datasets.joining import concatenate
from data.labelling.batches import Workers
from data.labelling.beam import BEAM, label_beam
from data.labelling.generate import generate
from data.populations.identity import crystal_symmetry
from data.populations.population import Population
from data.populations.varied_cells import CellSampling, sample_cells
from fem_reference.loading import pinned
from lattice_gnn import __version__
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.coordination import net_fingerprint
from lattice_gnn.settings import read_settings
from lattice_gnn.surrogate.domain import Domain
from lattice_gnn.training.labelled import LabelledLattices

PARTS = ("train", "validation", "test")
_CHUNK = 1024  #: cells labelled together
_ORDER_SEED = "labels"  #: seed of the hash that orders the bases of a restricted training set


@dataclass(frozen=True, slots=True)
class Shares:
    """Share of the bases in each part; they add up to 1."""

    train: float = 0.8
    validation: float = 0.1
    test: float = 0.1

    def __post_init__(self) -> None:
        """Check the sum."""
        values = (self.train, self.validation, self.test)
        if min(values) <= 0 or abs(sum(values) - 1) > 1e-9:
            raise LatticeGnnError(
                f"data.shares: expected three shares above 0 that add up to 1, got {values}."
            )


@dataclass(frozen=True, slots=True)
class DataConfig:
    """Sources of the lattices, and their split; several sources are combined.

    Attributes:
        population: Generated nets; beam labels.
        cells: Randomly varied copies of named cells; beam labels.
        file: A dataset (HDF5); a relative path starts at the file of the recipe.
        more_files: Further datasets beside ``file``, such as labels on finer grids.
        correct_grids: Whether solid labels on coarse grids are corrected for their mean error,
            which lattices with labels on two grids give (``data/datasets/grid_bias.py``).
        label: The kind of label to train on.
        shares: Share of the bases in each part. A hash of its shape assigns a base to a part, so no
            base is in two parts. Every varied cell counts as a base of its own.
        seed: Seed of that hash.
        labels: Largest number of training labels, whole bases only; null takes all. Smaller sets
            are subsets of larger ones.
    """

    population: Population | None = None
    cells: CellSampling | None = None
    file: str | None = None
    more_files: tuple[str, ...] = ()
    correct_grids: bool = False
    label: str = BEAM
    shares: Shares = field(default_factory=Shares)
    seed: int = 0
    labels: int | None = None

    def __post_init__(self) -> None:
        """Check what would otherwise fail only after labelling."""
        if self.population is None and self.cells is None and self.file is None:
            raise LatticeGnnError("data: expected at least one of population, cells, file.")
        if self.more_files and self.file is None:
            raise LatticeGnnError(
                f"data.more_files: expected data.file too, to which these are added; name "
                f"{self.more_files[0]} there."
            )
        if self.labels is not None and self.labels < 1:
            raise LatticeGnnError(f"data.labels: expected at least 1, got {self.labels}.")
        if self.label != BEAM and (self.population is not None or self.cells is not None):
            raise LatticeGnnError(
                f"data.label: generated lattices have labels of kind {BEAM!r} only, "
                f"got {self.label!r}; read others with data.file."
            )
        if self.correct_grids and self.label == BEAM:
            raise LatticeGnnError(
                f"data.correct_grids: labels of kind {BEAM!r} have no grid; leave it out, or name "
                "the kind of solid labels with data.label."
            )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "DataConfig":
        """Build from a mapping, such as that of a YAML file; unknown keys are refused."""
        read = dict(values)
        if read.get("population") is not None:
            read["population"] = Population.from_dict(read["population"])
        if read.get("cells") is not None:
            read["cells"] = CellSampling.from_dict(read["cells"], "data.cells")
        return read_settings(cls, read, "data")


@dataclass(frozen=True, slots=True)
class Labelling:
    """Where labelled lattices are kept, and the processes that label them.

    Attributes:
        folder: Holds one HDF5 file per population or set of cells, named after a hash of its
            settings: runs that share the folder share the labels.
        workers: Number of processes.
        on_progress: Called with the numbers of labelled bases and of all bases.
    """

    folder: Path
    workers: Workers = field(default_factory=Workers)
    on_progress: Callable[[int, int], None] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """Labelled lattices in three parts.

    Attributes:
        dataset: All lattices.
        chosen: Indices of the lattices of each of ``PARTS``, ascending; all are labelled.
        parts: The same lattices with their labels, simplified.
        method: How the labels were computed, in words.
        kind: Their kind, a key of ``dataset.labels``.
        grid_bias: What the labels on coarse grids were corrected for, if they were.
    """

    dataset: Dataset
    chosen: Mapping[str, Int[np.ndarray, " part"]]
    parts: Mapping[str, LabelledLattices]
    method: str
    kind: str
    grid_bias: GridBias | None = None

    def fingerprint(self) -> str:
        """Return the SHA-256 of the geometry and labels of the three parts, bit for bit."""
        digest = hashlib.sha256()
        for name in PARTS:
            digest.update(self.parts[name].fingerprint().encode())
        return digest.hexdigest()

    def rounded_fingerprint(self) -> str:
        """Return a SHA-256 of the three parts that is the same on every machine.

        Labels differ in their last digits from processor to processor. It covers the kind of the
        labels, the shape of the base of every lattice, and the sums of the relative densities and
        of the labels to six digits.
        """
        digest = hashlib.sha256(self.kind.encode())
        for name in PARTS:
            part, shapes = self.parts[name], self.dataset.bases.shapes
            digest.update(shapes[self.dataset.base[self.chosen[name]]].tobytes())
            for sums in (part.batch.relative_density.sum(), part.stiffness.sum((0, 1, 2))):
                digest.update(f" {float(sums):.6g}".encode())
        return digest.hexdigest()

    def bases(self, part: str) -> Int[np.ndarray, " bases"]:
        """Return the indices of the bases of a part, ascending."""
        return np.unique(self.dataset.base[self.chosen[part]])

    def domain(self) -> Domain:
        """Return the ranges that the training part spans."""
        nets = self.dataset.bases.nets[self.bases("train")].tolist()
        return Domain.of_batch(self.parts["train"].batch, (net.decode() for net in nets))

    def has_known_net(self, part: str) -> np.ndarray:
        """Return, for each lattice of a part, whether the training part contains its net."""
        nets = self.dataset.bases.nets[self.dataset.base]
        return np.isin(nets[self.chosen[part]], nets[self.chosen["train"]])

    def names(self, part: str) -> list[str]:
        """Return the names of the lattices of a part."""
        return [self.dataset.name(int(k)) for k in self.chosen[part]]

    def space_groups(self, part: str) -> Int[np.ndarray, " lattices"]:
        """Return the international number of the space group of each lattice's base."""
        numbers: np.ndarray = self.dataset.bases.space_groups[self.dataset.base[self.chosen[part]]]
        return numbers

    def restricted(self, labels: int | None) -> "TrainingData":
        """Restrict the training part to at most the given number of labels, whole bases only.

        Raises:
            LatticeGnnError: If there are fewer labels, or a single base has more.
        """
        if labels is None:
            return self
        everything = self.chosen["train"]
        if labels > len(everything):
            raise LatticeGnnError(
                f"data.labels: expected at most {len(everything)}, the size of the training part, "
                f"got {labels}; lower it or make more lattices."
            )
        shapes = self.dataset.bases.shapes
        draws = [hashlib.sha256(f"{_ORDER_SEED}:{s.decode()}".encode()).digest() for s in shapes]
        order = sorted(self.bases("train").tolist(), key=lambda base: draws[base])
        counts = np.bincount(self.dataset.base[everything], minlength=len(shapes))
        taken = order[: int(np.searchsorted(np.cumsum(counts[order]), labels, side="right"))]
        if not taken:
            raise LatticeGnnError(
                f"data.labels: expected at least the {counts[order[0]]} labels of one base, "
                f"got {labels}."
            )
        within = np.flatnonzero(np.isin(self.dataset.base[everything], taken))
        return replace(
            self,
            chosen={**self.chosen, "train": everything[within]},
            parts={**self.parts, "train": self.parts["train"].select(within)},
        )


def load_training_data(
    config: DataConfig, labelling: Labelling, beside: Path = Path()
) -> TrainingData:
    """Load the labelled lattices, generating them if necessary, and split them.

    Interrupted labelling resumes.

    Args:
        config: Which lattices.
        labelling: Where they are kept, and the processes that label them.
        beside: Folder to which a relative ``config.file`` refers.

    Raises:
        LatticeGnnError: If a file cannot be used, has no label of this kind, or a part would be
            empty.
    """
    sources = []
    if config.file is not None:
        sources += [read_dataset(beside / name) for name in (config.file, *config.more_files)]
    if config.population is not None:
        path = _place(labelling, "nets", config.population.to_dict())
        sources.append(
            generate(config.population, path, labelling.workers, on_progress=labelling.on_progress)
        )
    if config.cells is not None:
        sources.append(_labelled_cells(config.cells, labelling))
    dataset = sources[0] if len(sources) == 1 else concatenate(sources, one_method=False)
    if config.label not in dataset.labels:
        known = ", ".join(sorted(dataset.labels)) or "none"
        raise LatticeGnnError(
            f"data.label: the lattices have no labels of kind {config.label!r}, only {known}."
        )
    label = dataset.labels[config.label]
    shares = {name: getattr(config.shares, name) for name in PARTS}
    split = dataset.split(shares, seed=config.seed)
    chosen = {name: numbers[label.mask[numbers]] for name, numbers in split.items()}
    for name, numbers in chosen.items():
        if len(numbers) == 0:
            raise LatticeGnnError(
                f"data.shares: the part {name} is empty: {len(dataset.bases)} bases are too few "
                f"for a share of {shares[name]:g}; make more lattices."
            )
    parts = {n: LabelledLattices(*dataset.labelled(config.label, k)) for n, k in chosen.items()}
    bias = GridBias.fit(dataset, config.label) if config.correct_grids else None
    if bias is not None:
        voxels = label.detail("voxels_per_diameter")
        if not np.isfinite(voxels[label.mask]).all():
            raise LatticeGnnError(
                "data.correct_grids: expected a resolution with every label, got none with "
                f"{(~np.isfinite(voxels[label.mask])).sum()} of {label.mask.sum()}; leave it out, "
                "or these labels."
            )
        parts = {
            n: LabelledLattices(p.batch, bias.corrected(p.batch, p.stiffness, voxels[chosen[n]]))
            for n, p in parts.items()
        }
    data = TrainingData(dataset, chosen, parts, label.method, config.label, bias)
    return data.restricted(config.labels)


def _place(labelling: Labelling, kind: str, settings: Mapping[str, Any]) -> Path:
    """Return the path of the file of such lattices, made by this version; its folder exists."""
    content = json.dumps({"code_version": __version__, **settings}, sort_keys=True)
    try:
        labelling.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LatticeGnnError(
            f"{labelling.folder}: cannot be made ({error.strerror}); choose another folder."
        ) from None
    return labelling.folder / f"{kind}-{hashlib.sha256(content.encode()).hexdigest()[:12]}.h5"


def _labelled_cells(sampling: CellSampling, labelling: Labelling) -> Dataset:
    """Return varied copies of named cells, each a base of its own; drawn and labelled once."""
    path = _place(labelling, "cells", sampling.to_dict())
    if path.exists():
        return read_dataset(path)
    lattices = sample_cells(sampling)
    names = [lattice.name for lattice in lattices]
    plain = {name: cell(name, radius=0.01).simplified() for name in sorted(set(names))}
    nets = {name: net_fingerprint(lattice).encode() for name, lattice in plain.items()}
    groups = {name: crystal_symmetry(lattice).space_group for name, lattice in plain.items()}
    bases = Bases(
        names=np.array([name.encode() for name in names]),
        shapes=np.array(
            [
                hashlib.sha256(f"cells/{sampling.seed}/{k}".encode()).hexdigest()[:16].encode()
                for k in range(len(names))
            ]
        ),
        nets=np.array([nets[name] for name in names]),
        space_groups=np.array([groups[name] for name in names], dtype=np.int16),
    )
    levels = np.full(len(names), np.nan)
    dataset = Dataset.from_lattices(lattices, bases, np.arange(len(names)), levels)
    labels = []
    for start in range(0, len(names), _CHUNK):
        batch = dataset.to_batch(np.arange(start, min(start + _CHUNK, len(names))))
        with pinned(len(names)):
            labels.append(label_beam(batch))
        if labelling.on_progress is not None:
            labelling.on_progress(start + len(batch), len(names))
    whole = Label(
        np.concatenate([label.stiffness for label in labels]),
        np.concatenate([label.mask for label in labels]),
        labels[0].method,
        labels[0].error,
    )
    provenance = ({"generator": "data.generate", **sampling.to_dict()},)
    dataset = replace(dataset, labels={BEAM: whole}, provenance=provenance)
    write_dataset(path, dataset)
    return dataset
