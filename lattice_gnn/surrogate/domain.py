"""Training domain of a model, and whether a lattice lies inside it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.coordination import net_fingerprint
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.network.layers.joint_pairs import JointPairs

_SLACK = 1e-9
_DIGITS = 8  #: hexadecimal digits of a net's fingerprint that are kept
_SLENDER = ("relative density", "radius/length")
MANY_NETS = 100
"""Models trained on at least this many nets are not warned about a new net: the held-out errors
cover new nets."""


@dataclass(frozen=True, slots=True)
class Membership:
    """Whether a lattice lies inside a training set.

    Attributes:
        in_ranges: Whether every measured quantity lies in its range in the training set.
        known_net: Whether its net is in the training set.
        notes: One sentence for every way in which it lies outside the training set. Models trained
            on at least ``MANY_NETS`` nets are not warned about a new net.
    """

    in_ranges: bool
    known_net: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Domain:
    """Ranges and nets of a training set.

    Attributes:
        ranges: Smallest and largest value of each measured quantity.
        nets: The first 8 hexadecimal digits of the fingerprint of each net in the training set.
    """

    ranges: Mapping[str, tuple[float, float]]
    nets: frozenset[str]

    @classmethod
    def of(cls, lattices: Sequence[Lattice]) -> "Domain":
        """Return the domain spanned by the given lattices."""
        simplified = [x.simplified() for x in lattices]
        return cls.of_batch(
            LatticeBatch.from_lattices(simplified), (net_fingerprint(x) for x in simplified)
        )

    @classmethod
    def of_batch(cls, batch: LatticeBatch, nets: Iterable[str]) -> "Domain":
        """Return the domain spanned by the (simplified) lattices of a batch.

        Args:
            batch: The lattices.
            nets: Fingerprints of their nets in any order; repetitions are allowed.
        """
        ranges = {
            name: (float(low.min()), float(high.max()))
            for name, (low, high) in _measures(batch).items()
        }
        return cls(ranges, frozenset(net[:_DIGITS] for net in nets))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Domain":
        """Build from the header of a weights file.

        Older headers map fingerprints to names and have fewer ranges.
        """
        nets = values["nets"]
        prints = nets["hashes"].split() if "hashes" in nets else nets
        ranges = {str(k): (float(v[0]), float(v[1])) for k, v in values["ranges"].items()}
        if not all(low <= high for low, high in ranges.values()):
            raise ValueError("ranges: expected the smallest value, then the largest")
        return cls(ranges, frozenset(net[:_DIGITS] for net in prints))

    def down_to_slender(self) -> "Domain":
        """Return the domain extended to zero density and radius/length, for joint models.

        The correction of joint models vanishes with radius/length by construction.
        """
        low = {name: (0.0, self.ranges[name][1]) for name in _SLENDER}
        return Domain({**self.ranges, **low}, self.nets)

    def to_dict(self) -> dict[str, Any]:
        """Return the domain for the header of a weights file: 9 characters per net."""
        return {
            "ranges": {name: list(limits) for name, limits in self.ranges.items()},
            "nets": {"count": len(self.nets), "hashes": " ".join(sorted(self.nets))},
        }

    def knows_net(self, lattice: Lattice) -> bool:
        """Return whether the (simplified) lattice's net was in the training set.

        False positives occur for one in 2^32 / (number of nets) other nets, because hashes are
        truncated.
        """
        return net_fingerprint(lattice)[:_DIGITS] in self.nets

    def compare(self, lattices: Sequence[Lattice], batch: LatticeBatch) -> list[Membership]:
        """Compare (simplified) lattices with the training set.

        Args:
            lattices: The lattices.
            batch: The same lattices.
        """
        out_of_range: list[list[str]] = [[] for _ in lattices]
        for name, (lows, highs) in _measures(batch).items():
            if name not in self.ranges:  # a header from before this quantity was measured
                continue
            limits = zip(lows.tolist(), highs.tolist(), strict=True)
            for notes, (low, high) in zip(out_of_range, limits, strict=True):
                if (note := _range_note(name, (low, high), self.ranges[name])) is not None:
                    notes.append(note)
        return [
            self._membership(tuple(notes), self.knows_net(lattice))
            for notes, lattice in zip(out_of_range, lattices, strict=True)
        ]

    def _membership(self, out_of_range: tuple[str, ...], known_net: bool) -> Membership:
        notes = out_of_range
        if not known_net and len(self.nets) < MANY_NETS:
            notes = (*notes, f"its net is none of the {len(self.nets)} nets in the training set")
        return Membership(in_ranges=not out_of_range, known_net=known_net, notes=notes)

    def notes(self, lattice: Lattice) -> tuple[str, ...]:
        """Return one sentence per way in which the (simplified) lattice leaves the training set."""
        return self.compare([lattice], LatticeBatch.from_lattices([lattice]))[0].notes


def _range_note(name: str, values: tuple[float, float], trained: tuple[float, float]) -> str | None:
    (low, high), (bottom, top) = values, trained
    if low >= bottom - _SLACK * abs(bottom) and high <= top + _SLACK * abs(top):
        return None
    got = f"{low:.4g}" if high - low < 1e-9 * abs(high) else f"{low:.4g} to {high:.4g}"
    return f"{name} is {got}, trained on {bottom:.4g} to {top:.4g}"


def require_spanning(lattice: Lattice, label: str) -> None:
    """Check that the net of a lattice spans space, as all networks require.

    Raises:
        LatticeGnnError: If it does not, so that C is singular. The message starts with the label.
    """
    net = lattice.connectivity()
    if not net.spans_space:
        rank = max(component.rank for component in net.components)
        raise LatticeGnnError(
            f"{label}: the struts connect the cell with its images in {rank} of 3 dimensions, but "
            "the network predicts lattices that span space; `lattice-gnn homogenise` gives the "
            "singular stiffness."
        )


_Limits = tuple[Float[Tensor, " lattices"], Float[Tensor, " lattices"]]


def _measures(batch: LatticeBatch) -> dict[str, _Limits]:
    """Return the range of every bounded quantity in each (simplified) lattice.

    None depends on the choice of cell, so supercells give the same values.
    """
    count, owner = len(batch), batch.strut_lattice
    struts = batch.strut_offsets.diff()
    lengths = batch.lengths
    thick, thin = torch.maximum(batch.radii, batch.end_radii), batch.radii.minimum(batch.end_radii)
    degrees = torch.bincount(batch.struts.flatten(), minlength=len(batch.nodes)).double()

    def mean(values: Tensor) -> Tensor:
        return (values.new_zeros(count).index_add(0, owner, values) / struts)[owner]

    def limits(low: Tensor, high: Tensor | None = None, group: Tensor = owner) -> _Limits:
        start = low.new_empty(count)
        return (
            start.scatter_reduce(0, group, low, "amin", include_self=False),
            start.scatter_reduce(
                0, group, low if high is None else high, "amax", include_self=False
            ),
        )

    mean_radius = mean((batch.radii + batch.end_radii) / 2)
    mean_degree = 2.0 * struts / batch.node_offsets.diff()
    density = batch.relative_density
    return {
        "relative density": (density, density),
        "radius/length": limits(thin / lengths, thick / lengths),
        "length/mean length": limits(lengths / mean(lengths)),
        "radius/mean radius": limits(thin / mean_radius, thick / mean_radius),
        "taper end radius/start radius": limits(thick / thin),
        "bore/outer radius": limits(batch.inner_radii / batch.radii),
        "strut E/E_s": limits(batch.E),
        "Poisson's ratio": limits(batch.nu),
        "struts at a node": limits(degrees, group=batch.node_lattice),
        "mean struts at a node": (mean_degree, mean_degree),
        **_joint_measures(batch),
    }


def _joint_measures(batch: LatticeBatch) -> dict[str, _Limits]:
    """Return the smallest angle (degrees) and largest radius ratio of strut pairs at joints."""
    pairs = JointPairs.of(batch)
    owner = torch.repeat_interleave(torch.arange(len(batch)), pairs.offsets.diff())
    a, b = pairs.radius[pairs.ends]
    ratio = torch.maximum(a / b, b / a)
    start = batch.cells.new_ones(len(batch))
    cosine = (-start).scatter_reduce(0, owner, pairs.cosine, "amax").clamp(max=1)
    angle = torch.rad2deg(torch.acos(cosine))
    largest = start.scatter_reduce(0, owner, ratio, "amax")
    return {
        "smallest angle at a joint (degrees)": (angle, angle),
        "ratio of radii at a joint": (largest, largest),
    }
