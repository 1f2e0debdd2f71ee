"""Lattices with reference tensors for evaluating a model: part of a dataset, or a catalogue."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

from data.datasets.file import read_dataset
from data.experiments.catalogue import choose_references, drawn, read_catalogue
from data.experiments.training_data import PARTS, DataConfig
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import reading
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.training.labelled import LabelledLattices


@dataclass(frozen=True, slots=True)
class Selection:
    """Which lattices of a file.

    Attributes:
        label: Kind of label of a dataset.
        part: "train", "validation" or "test" of a dataset; default: all of it.
        shares: Share of the bases in each of the three parts.
        split_seed: Seed of the hash that assigns a base to its part.
        lowest: Number of lowest densities of each catalogue entry to take; default: all.
        limit: Largest number of lattices to keep, drawn at random; default: all.
        seed: Random seed of that draw.
    """

    label: str = "beam"
    part: str | None = None
    shares: Mapping[str, float] | None = None
    split_seed: int = 0
    lowest: int | None = None
    limit: int | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceSet:
    """Lattices with references.

    Attributes:
        labelled: The lattices, simplified, with C / E_s.
        names: Name of each.
        rows: Position of each in the file, from 0: number of the lattice in a dataset, or of the
            entry in a catalogue.
    """

    labelled: LabelledLattices
    names: tuple[str, ...]
    rows: tuple[int, ...]

    def lattices(self, chosen: Sequence[int]) -> list[Lattice]:
        """Return the given lattices as objects, E_s = 1."""
        batch = self.labelled.batch
        return [batch[k].to_lattices()[0].replace(name=self.names[k]) for k in chosen]


def split_of(header: Mapping[str, Any]) -> tuple[dict[str, float], int] | None:
    """Return the shares and seed with which a model's recipe split its data; None without recipe.

    Args:
        header: Header of the weights.
    """
    recipe = header.get("training", {}).get("recipe", {})
    if "data" not in recipe:
        return None
    config = DataConfig.from_dict(recipe["data"])
    return asdict(config.shares), config.seed


def read_reference_set(path: Path, selection: Selection = Selection()) -> ReferenceSet:
    """Read a dataset (HDF5) or a catalogue (.lat) with reference tensors.

    Raises:
        LatticeGnnError: If the file cannot be used, lacks this label or any tensor, the selection
            does not fit its kind or is empty, or a net does not span space.
    """
    for name in ("limit", "lowest"):
        value = getattr(selection, name)
        if value is not None and value < 1:
            raise LatticeGnnError(f"{name}: expected a whole number of at least 1, got {value}.")
    with reading(path), path.open("rb"):
        is_dataset = h5py.is_hdf5(path)
    if is_dataset:
        return _from_dataset(path, selection)
    return _from_catalogue(path, selection)


def _from_dataset(path: Path, selection: Selection) -> ReferenceSet:
    if selection.lowest is not None:
        raise LatticeGnnError(
            f"{path.name}: 'lowest' picks densities of a .lat catalogue, and this is a dataset."
        )
    dataset = read_dataset(path)
    if selection.label not in dataset.labels:
        known = ", ".join(sorted(dataset.labels)) or "none"
        raise LatticeGnnError(
            f"{path.name}: no labels of kind {selection.label!r}; it has {known}."
        )
    chosen = np.arange(len(dataset))
    if selection.part is not None:
        if selection.part not in PARTS:
            raise LatticeGnnError(
                f"part: expected one of {', '.join(PARTS)}, got {selection.part!r}."
            )
        shares = selection.shares
        if shares is None or set(shares) != set(PARTS):
            raise LatticeGnnError(
                f"part {selection.part!r}: expected the shares of {', '.join(PARTS)}, got "
                f"{'none' if shares is None else ', '.join(shares) or 'none'}."
            )
        ordered = {name: shares[name] for name in PARTS}
        chosen = dataset.split(ordered, seed=selection.split_seed)[selection.part]
    chosen = chosen[dataset.labels[selection.label].mask[chosen]]
    if len(chosen) == 0:
        what = f"part {selection.part!r} of it" if selection.part is not None else "it"
        raise LatticeGnnError(
            f"{path.name}: {what} holds no lattice with a label of kind {selection.label!r}."
        )
    chosen = chosen[drawn(len(chosen), selection.limit, selection.seed)]
    labelled = LabelledLattices(*dataset.labelled(selection.label, chosen))
    rows = tuple(chosen.tolist())
    return ReferenceSet(labelled, tuple(dataset.name(k) for k in rows), rows)


def _from_catalogue(path: Path, selection: Selection) -> ReferenceSet:
    entries = read_catalogue(path, "a dataset (.h5) or a .lat catalogue")
    if selection.part is not None:
        raise LatticeGnnError(
            f"{path.name}: parts are for datasets (.h5), and this is a .lat catalogue."
        )
    if selection.label != "beam":
        raise LatticeGnnError(
            f"{path.name}: method {selection.label!r} picks labels of a dataset (.h5), and a .lat "
            "catalogue holds tensors of beam FEM; leave it out."
        )
    for entry in entries:
        net = entry.lattice.connectivity()
        if entry.references and not net.spans_space:
            raise LatticeGnnError(
                f"{path.name}: {entry.name}: expected a net that spans space, got one that does "
                f"not ({net.describe()}); take it out."
            )
    found = choose_references(
        entries, lowest=selection.lowest, limit=selection.limit, seed=selection.seed
    )
    lattices = [reference.lattice for reference in found]
    batch = LatticeBatch.from_lattices(lattices).simplified()
    C = torch.stack([reference.stiffness.mandel.detach() for reference in found])
    names = tuple(lattice.name for lattice in lattices)
    return ReferenceSet(LabelledLattices(batch, C), names, tuple(x.row for x in found))
