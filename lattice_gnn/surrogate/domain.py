"""Training domain of a model, and whether a lattice lies inside it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.coordination import net_fingerprint
from lattice_gnn.lattice.findings import CLOSE
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.surrogate.measures import GAP, NODES, Limits, measures

_SLACK = 0.01
"""Share of the width of a range by which its ends may be exceeded: the smallest and largest of many
random numbers lie that close to the limits that they were drawn from."""
_DIGITS = 8  #: hexadecimal digits of a net's fingerprint that are kept
_SLENDER = ("relative density", "radius/length")
"""Ranges over orders of magnitude: their ends may be exceeded by a share of the ends themselves."""
THROUGH = -1.0
"""Gap over the smallest radius below which struts run through one another: a joint that the model
does not know of, so that no error from a solid is promised."""
_SENTENCES = {
    "length/mean length": "strut lengths are {} of their mean",
    "radius/mean radius": "radii are {} of their mean",
    "taper end radius/start radius": "the larger over the smaller end radius of a strut is {}",
    "bore/outer radius": "bore over outer radius is {}",
    "strut E/E_s": "E of the struts over E_s is {}",
    "struts at a node": "nodes have {} struts",
    "mean struts at a node": "nodes have {} struts on average",
    "smallest angle at a joint (degrees)": "the smallest angle at a joint is {} degrees",
    "ratio of radii at a joint": "the largest ratio of radii at a joint is {}",
    "number of nets that span space": "{} nets span space",
    "share of strut length in parts that do not span space": (
        "{} of the strut length is in parts that do not span space"
    ),
    GAP: "the smallest gap between struts without a common joint is {} radii",
    NODES: "the closest nodes are {} radii apart",
}
"""How the value of a quantity is stated; of others as "NAME is VALUE"."""
_SOUGHT = {GAP: "gaps between struts", NODES: "distances between nodes"}
"""Quantities that are unknown where they are too many to look for, in words."""
RARE = 0.1
"""Share of the training set below which lattices with touching struts are noted."""
MANY_NETS = 100
"""Models trained on at least this many nets are not warned about a new net: the held-out errors
cover new nets."""


@dataclass(frozen=True, slots=True)
class Membership:
    """Whether a lattice lies inside a training set.

    Attributes:
        in_ranges: Whether every measured quantity lies in its range in the training set, and no
            struts run through one another without a joint, if that counts. Struts that merely touch
            may lie in the ranges, and are noted nevertheless where they are rare in the training
            set.
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
        contacts: Share of the training set in which struts that share no joint touch or overlap,
            and in which they nearly touch; None in headers from before these were counted.
        contact_counts: Whether labels depend on contact between struts that share no joint.
    """

    ranges: Mapping[str, tuple[float, float]]
    nets: frozenset[str]
    contacts: tuple[float, float] | None = None
    contact_counts: bool = True

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
        measured = measures(batch)
        ranges = {
            name: (float(low.min()), float(high.max()))
            for name, limits in measured.items()
            for low, high in [(x[~x.isnan()] for x in limits)]
            if len(low) > 0
        }
        gaps = measured[GAP][0]
        if GAP in ranges:
            ranges[GAP] = (min(ranges[GAP][0], CLOSE), ranges[GAP][1])  # wider gaps change nothing
        touching, near = gaps <= 0, (gaps > 0) & (gaps < CLOSE)
        contacts = (float(touching.double().mean()), float(near.double().mean()))
        return cls(ranges, frozenset(net[:_DIGITS] for net in nets), contacts)

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
        contacts = values.get("contacts")
        if contacts is not None:
            contacts = (float(contacts["touching"]), float(contacts["nearly touching"]))
        return cls(ranges, frozenset(net[:_DIGITS] for net in prints), contacts)

    def down_to_slender(self) -> "Domain":
        """Return the domain extended to zero density and radius/length, for joint models.

        The correction of joint models vanishes with radius/length by construction.
        """
        low = {name: (0.0, self.ranges[name][1]) for name in _SLENDER}
        return replace(self, ranges={**self.ranges, **low})

    def without_contact(self) -> "Domain":
        """Return the domain of labels by beam FEM, in which struts pass through one another."""
        ranges = {name: limits for name, limits in self.ranges.items() if name != GAP}
        return replace(self, ranges=ranges, contact_counts=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the domain for the header of a weights file: 9 characters per net."""
        plain: dict[str, Any] = {
            "ranges": {name: list(limits) for name, limits in self.ranges.items()},
            "nets": {"count": len(self.nets), "hashes": " ".join(sorted(self.nets))},
        }
        if self.contacts is not None:
            touching, near = self.contacts
            plain["contacts"] = {"touching": touching, "nearly touching": near}
        return plain

    def knows_net(self, lattice: Lattice) -> bool:
        """Return whether the (simplified) lattice's net was in the training set.

        False positives occur for one in 2^32 / (number of nets) other nets, because hashes are
        truncated.
        """
        return net_fingerprint(lattice)[:_DIGITS] in self.nets

    def compare(
        self, lattices: Sequence[Lattice], measured: Mapping[str, Limits]
    ) -> list[Membership]:
        """Compare (simplified) lattices with the training set.

        Args:
            lattices: The lattices.
            measured: Their ``measures``.
        """
        out_of_range: list[list[str]] = [[] for _ in lattices]
        for name, (lows, highs) in measured.items():
            if name not in self.ranges:  # a header from before this quantity was measured
                continue
            limits = zip(lows.tolist(), highs.tolist(), strict=True)
            for notes, (low, high) in zip(out_of_range, limits, strict=True):
                if (note := _range_note(name, (low, high), self.ranges[name])) is not None:
                    notes.append(note)
        gaps = measured[GAP][0].tolist()
        return [
            self._membership(tuple(notes), gap, self.knows_net(lattice))
            for notes, gap, lattice in zip(out_of_range, gaps, lattices, strict=True)
        ]

    def _membership(self, out_of_range: tuple[str, ...], gap: float, known_net: bool) -> Membership:
        gap = gap if self.contact_counts else math.inf
        notes = (*out_of_range, *self._gap_notes(gap))
        if not known_net and len(self.nets) < MANY_NETS:
            notes = (*notes, f"its net is none of the {len(self.nets)} nets in the training set")
        in_ranges = not out_of_range and not gap < THROUGH
        return Membership(in_ranges=in_ranges, known_net=known_net, notes=notes)

    def _gap_notes(self, gap: float) -> tuple[str, ...]:
        """Name contact where it is rare in the training set, even if it lies in the ranges."""
        touching, near = self.contacts or (math.inf, math.inf)
        if gap < THROUGH:
            return ("struts run through one another without a joint",)
        if gap <= 0 and touching < RARE:
            return ("struts that share no joint touch or overlap",)
        if 0 < gap < CLOSE and near < RARE:
            return (f"struts that share no joint nearly touch: {gap:.2g} radii apart",)
        return ()

    def notes(self, lattice: Lattice) -> tuple[str, ...]:
        """Return one sentence per way in which the (simplified) lattice leaves the training set."""
        measured = measures(LatticeBatch.from_lattices([lattice]))
        return self.compare([lattice], measured)[0].notes


def _range_note(name: str, values: tuple[float, float], trained: tuple[float, float]) -> str | None:
    """Say which end of a range is left; the other may be exact by construction, not trained on."""
    (low, high), (bottom, top) = values, trained
    if math.isnan(low):
        return (
            f"{_SOUGHT[name]} are unknown, as the struts are too many or too long to look for them"
        )
    below, above = (
        _SLACK * (abs(end) if name in _SLENDER else top - bottom + 1e-9 * abs(end))
        for end in trained
    )
    too_low, too_high = low < bottom - below, high > top + above
    if not too_low and not too_high:
        return None
    got = f"{low:.4g}" if _is_one(low, high) else f"{low:.4g} to {high:.4g}"
    stated = _SENTENCES.get(name, f"{name} is {{}}").format(got)
    if _is_one(bottom, top) and name not in (GAP, NODES):  # which are capped
        return f"{stated}, in training only {bottom:.4g}"
    if too_low and too_high:
        return f"{stated}, in training {bottom:.4g} to {top:.4g}"
    end = f"at least {bottom:.4g}" if too_low else f"at most {top:.4g}"
    return f"{stated}, in training {end}"


def _is_one(low: float, high: float) -> bool:
    """Whether a range is one number but for rounding."""
    return high - low <= 1e-9 * abs(high)


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
