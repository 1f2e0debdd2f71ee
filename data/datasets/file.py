"""Datasets as one HDF5 file of flat arrays; ``docs/data.md`` describes it."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from data.datasets.dataset import SECTIONS, Bases, Dataset, Label
from data.datasets.probe import check_readable, with_checksum
from lattice_gnn import __version__
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import reading, replacing
from lattice_gnn.lattice.checks import MOST_LENGTH, MOST_UNLIKE, check_cell

SCHEMA = "lattice-gnn/dataset/1"
NOTATION = "Mandel, order 11 22 33 23 13 12, factors 1, sqrt 2, 2; upper triangle, row by row"
UNITS = "lengths: one free unit a lattice; stiffness: C / E_s; moduli of struts: E / E_s"
_LATTICES = {
    "cells": ("f8", (3, 3)),
    "node_offsets": ("i8", ()),
    "strut_offsets": ("i8", ()),
    "nodes": ("f8", (3,)),
    "struts": ("i4", (2,)),
    "shifts": ("i2", (3,)),
    "radii": ("f8", ()),
    "poisson": ("f8", ()),
    "base": ("i4", ()),
    "levels": ("f8", ()),
}
_BASES = {"names": "S", "shapes": "S", "nets": "S", "space_groups": "i2"}
_MOST_STIFF = 1e6  #: largest entry of C / E_s; struts may be stiffer than the solid
_LARGEST_RATIO = 1000  #: largest admissible ratio of declared to stored bytes


def write_dataset(path: Path, dataset: Dataset, *, compressed: bool = False) -> None:
    """Write a dataset atomically.

    Equal datasets give identical bytes. ``compressed`` saves about a third.

    Raises:
        LatticeGnnError: If the file cannot be written; an existing one is left intact.
    """
    # In memory first: on a full disk the library itself crashes the process.
    with h5py.File("dataset", "w", driver="core", backing_store=False) as file:
        _fill(file, dataset, {"compression": "gzip", "shuffle": True} if compressed else {})
        file.flush()
        content = with_checksum(file.id.get_file_image())
    with replacing(path) as part, part.open("rb+") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _fill(file: h5py.File, dataset: Dataset, options: Mapping[str, Any]) -> None:
    file.attrs["schema"] = SCHEMA
    file.attrs["notation"] = NOTATION
    file.attrs["units"] = UNITS
    file.attrs["code_version"] = __version__
    file.attrs["provenance"] = json.dumps(dataset.provenance, sort_keys=True)
    seeds = [p["seed"] for p in dataset.provenance if "seed" in p]
    file.attrs["seeds"] = np.array(seeds, dtype=np.int64)
    lattices = file.create_group("lattices")
    for name, (kind, _) in _LATTICES.items():
        lattices.create_dataset(name, data=getattr(dataset, name).astype(kind), **options)
    for name, column in dataset.sections.items():
        lattices.create_dataset(f"strut_{name}", data=column, **options)
    bases = file.create_group("bases")
    for name, kind in _BASES.items():
        values = getattr(dataset.bases, name)
        values = values if kind == "S" else values.astype(kind)
        bases.create_dataset(name, data=values, **options)
    labels = file.create_group("labels")
    for kind, label in dataset.labels.items():
        group = labels.create_group(kind)
        group.attrs["method"] = label.method
        group.attrs["error"] = label.error
        group.create_dataset("stiffness", data=label.stiffness, **options)
        group.create_dataset("mask", data=label.mask, **options)
        for name, column in label.details.items():
            group.create_dataset(f"details/{name}", data=column, **options)


def read_dataset(path: Path, *, values: bool = True) -> Dataset:
    """Read a dataset into memory; a file not written by this program is first probed.

    Args:
        path: The file.
        values: Refuse numbers that no lattice and no stiffness can have; without, leave them to
            :func:`data.datasets.check.check_dataset`, which lists all problems.

    Raises:
        LatticeGnnError: If the file is missing, damaged, of another schema, or inconsistent; the
            message names the array.
    """
    with reading(path):
        check_readable(path)
    try:
        with h5py.File(path, "r") as file:
            return _Reader(path, file).dataset(values=values)
    except LatticeGnnError:
        raise
    except MemoryError:
        raise LatticeGnnError(f"{path}: not a readable HDF5 file (too large for memory).") from None
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError) as error:
        reason = " ".join(str(error).split())
        raise LatticeGnnError(f"{path}: not a readable HDF5 file ({reason}).") from None


class _Reader:
    """Reader of one open file that checks each array."""

    def __init__(self, path: Path, file: h5py.File):
        self.path = path
        self.file = file

    def fail(self, what: str) -> LatticeGnnError:
        return LatticeGnnError(f"{self.path}: {what}.")

    def dataset(self, *, values: bool) -> Dataset:
        schema = self.text("schema")
        if schema != SCHEMA:
            raise self.fail(f"schema: expected {SCHEMA!r}, got {schema!r}")
        notation = self.file.attrs.get("notation", NOTATION)
        if notation != NOTATION:
            raise self.fail(f"notation: expected {NOTATION!r}, got {notation!r:.80}")
        known = {*_LATTICES, *(f"strut_{name}" for name in SECTIONS)}
        if unknown := sorted(set(self.group("lattices")) - known):
            raise self.fail(f"lattices/{unknown[0]}: not known here; remove it if it says nothing")
        columns = {n: self.array(f"lattices/{n}", *spec) for n, spec in _LATTICES.items()}
        sections = {
            name: self.array(f"lattices/strut_{name}", "f8", ())
            for name in SECTIONS
            if f"lattices/strut_{name}" in self.file
        }
        bases = {n: self.array(f"bases/{n}", kind, ()) for n, kind in _BASES.items()}
        kinds = sorted(self.group("labels")) if "labels" in self.file else []
        labels = {kind: self.label(kind) for kind in kinds}
        self.check_lengths(columns, sections, bases, labels)
        self.check_numbers(columns, bases)
        if values:
            self.check_values(columns, sections, bases, labels)
        return Dataset(
            **columns,
            bases=Bases(**bases),
            sections=sections,
            labels={kind: Label(**label) for kind, label in labels.items()},
            provenance=self.provenance(),
        )

    def text(self, name: str) -> str:
        value: Any = self.file.attrs.get(name)
        if not isinstance(value, str):
            raise self.fail(
                f"the attribute {name!r} is missing or not text; is this a dataset of lattice-gnn"
            )
        return value

    def provenance(self) -> tuple[dict[str, Any], ...]:
        try:
            values = json.loads(self.text("provenance"))
        except json.JSONDecodeError:
            values = None
        if not isinstance(values, list) or not all(isinstance(v, dict) for v in values):
            raise self.fail("the attribute 'provenance' is not a JSON list of objects")
        return tuple(values)

    def group(self, name: str) -> h5py.Group:
        found = self.hard(name)
        if not isinstance(found, h5py.Group):
            raise self.fail(f"{name}: expected a group")
        return found

    def hard(self, name: str) -> Any:
        """Return an object of this file; links are refused."""
        parent, _, last = name.rpartition("/")
        group = self.group(parent) if parent else self.file
        if last not in group:
            raise self.fail(f"{name}: missing")
        if not isinstance(group.get(last, getlink=True), h5py.HardLink):
            raise self.fail(f"{name}: a link; expected an array or group of the file itself")
        return group[last]

    def array(self, name: str, kind: str, inner: tuple[int, ...]) -> np.ndarray:
        found = self.hard(name)
        if not isinstance(found, h5py.Dataset) or found.ndim != 1 + len(inner):
            raise self.fail(f"{name}: expected an array of {1 + len(inner)} dimension(s)")
        right_kind = found.dtype.kind == "S" if kind == "S" else found.dtype == np.dtype(kind)
        if not right_kind or found.shape[1:] != inner:
            raise self.fail(
                f"{name}: expected {kind} of shape (any{''.join(f', {n}' for n in inner)}), "
                f"got {found.dtype} of shape {found.shape}"
            )
        if found.external is not None or found.is_virtual:
            raise self.fail(f"{name}: its values lie in other files; expected them in this one")
        if found.nbytes > _LARGEST_RATIO * found.id.get_storage_size():
            raise self.fail(f"{name}: declares {found.nbytes} bytes and stores far fewer")
        values: np.ndarray = found[()]
        return values

    def label(self, kind: str) -> dict[str, Any]:
        group = self.group(f"labels/{kind}")
        method, error = group.attrs.get("method"), group.attrs.get("error")
        if not isinstance(method, str) or not isinstance(error, float):
            raise self.fail(f"labels/{kind}: the attributes 'method' and 'error' are missing")
        place = f"labels/{kind}/details"
        names = sorted(self.group(place)) if "details" in group else []
        return {
            "stiffness": self.array(f"labels/{kind}/stiffness", "f8", (21,)),
            "mask": self.array(f"labels/{kind}/mask", "?", ()),
            "method": method,
            "error": float(error),
            "details": {name: self.array(f"{place}/{name}", "f8", ()) for name in names},
        }

    def check_lengths(
        self,
        columns: Mapping[str, np.ndarray],
        sections: Mapping[str, np.ndarray],
        bases: Mapping[str, np.ndarray],
        labels: Mapping[str, Mapping[str, Any]],
    ) -> None:
        """Check that arrays of the same kind of object have equal length."""
        count, struts = len(columns["cells"]), len(columns["radii"])
        if count == 0:
            raise self.fail("lattices/cells: holds no lattice")
        expected = {f"lattices/{n}": (columns[n], count) for n in ("poisson", "base", "levels")}
        expected |= {f"lattices/{n}": (columns[n], struts) for n in ("struts", "shifts")}
        expected |= {f"lattices/strut_{n}": (x, struts) for n, x in sections.items()}
        expected |= {f"bases/{n}": (x, len(bases["names"])) for n, x in bases.items()}
        for kind, label in labels.items():
            arrays = {n: label[n] for n in ("stiffness", "mask")}
            arrays |= {f"details/{n}": column for n, column in label["details"].items()}
            expected |= {f"labels/{kind}/{n}": (array, count) for n, array in arrays.items()}
        for name, (array, length) in expected.items():
            if len(array) != length:
                raise self.fail(f"{name}: expected {length} rows, got {len(array)}")

    def check_numbers(
        self, columns: Mapping[str, np.ndarray], bases: Mapping[str, np.ndarray]
    ) -> None:
        """Check that all indices are within bounds."""
        count = len(columns["cells"])
        for name, members in (("node_offsets", "nodes"), ("strut_offsets", "radii")):
            offsets, total = columns[name], len(columns[members])
            if len(offsets) != count + 1 or offsets[0] != 0 or offsets[-1] != total:
                raise self.fail(
                    f"lattices/{name}: expected {count + 1} numbers from 0 to {total} "
                    f"(length of {members}), got {len(offsets)}"
                )
            if np.diff(offsets).min(initial=1) < 1:
                raise self.fail(f"lattices/{name}: does not increase at every lattice")
        sizes = np.repeat(np.diff(columns["node_offsets"]), np.diff(columns["strut_offsets"]))
        ends = columns["struts"]
        if ((ends < 0) | (ends >= sizes[:, None])).any():
            raise self.fail("lattices/struts: a node number is out of range of its lattice")
        base = columns["base"]
        if count and not 0 <= base.min() <= base.max() < len(bases["names"]):
            raise self.fail("lattices/base: a base number is out of range")

    def check_values(
        self,
        columns: Mapping[str, np.ndarray],
        sections: Mapping[str, np.ndarray],
        bases: Mapping[str, np.ndarray],
        labels: Mapping[str, Mapping[str, Any]],
    ) -> None:
        """Every number is one that a lattice, or the stiffness of one, can have."""
        cells, nu = columns["cells"], columns["poisson"]
        groups = bases["space_groups"]
        i, j = columns["struts"].T
        rules = {
            "lattices/cells: not finite": bool(np.isfinite(cells).all()),
            "lattices/nodes: not finite": bool(np.isfinite(columns["nodes"]).all()),
            "lattices/levels: infinite": not np.isinf(columns["levels"]).any(),  # NaN: not known
            "lattices/radii: not all above 0": bool(_above_zero(columns["radii"])),
            "lattices/poisson: not all between -1 and 0.5": bool(((nu > -1) & (nu < 0.5)).all()),
            "lattices/struts: a strut joins a node to itself in the same cell": not bool(
                ((i == j) & (columns["shifts"] == 0).all(axis=1)).any()
            ),
            "bases/space_groups: not all from 0 to 230": bool(
                ((groups >= 0) & (groups <= 230)).all()
            ),
        }
        for name, column in sections.items():
            rules[f"lattices/strut_{name}: not finite"] = bool(np.isfinite(column).all())
        for kind, label in labels.items():
            values = label["stiffness"][label["mask"]]
            rules[f"labels/{kind}/stiffness: not finite, or above {_MOST_STIFF:g}"] = bool(
                (np.abs(values) <= _MOST_STIFF).all()
            )
            rules[f"labels/{kind}: error is no number from 0 on"] = 0 <= label["error"] < np.inf
        for text, holds in rules.items():
            if not holds:
                raise self.fail(text)
        lengths = np.linalg.norm(cells, axis=2).max(axis=1)
        sane = (lengths > 1 / MOST_LENGTH) & (lengths < MOST_LENGTH)
        sane[sane] = np.linalg.cond(cells[sane]) < MOST_UNLIKE
        for number in np.flatnonzero(~sane):
            try:
                check_cell(cells[number])
            except LatticeGnnError as error:
                raise self.fail(f"lattice {number}: {str(error).rstrip('.')}") from None


def _above_zero(values: np.ndarray) -> bool:
    return bool((np.isfinite(values) & (values > 0)).all())
