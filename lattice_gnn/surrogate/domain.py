"""What a model was trained on, and whether a lattice lies inside it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.coordination import net_fingerprint
from lattice_gnn.lattice.lattice import Lattice

_SLACK = 1e-9
_DIGITS = 8  #: hexadecimal digits kept of a net's fingerprint
MANY_NETS = 100
"""A model trained on so many nets takes new ones for ordinary: the held-out errors cover them."""


@dataclass(frozen=True, slots=True)
class Domain:
    """Ranges of a training set, and which nets it has.

    Attributes:
        ranges: Smallest and largest value of each measured quantity.
        nets: The first 8 hexadecimal digits of the fingerprint of each net in the training set.
    """

    ranges: Mapping[str, tuple[float, float]]
    nets: frozenset[str]

    @classmethod
    def of(cls, lattices: Sequence[Lattice]) -> "Domain":
        """The domain that the given lattices span."""
        simplified = [x.simplified() for x in lattices]
        return cls.of_batch(
            LatticeBatch.from_lattices(simplified), (net_fingerprint(x) for x in simplified)
        )

    @classmethod
    def of_batch(cls, batch: LatticeBatch, nets: Iterable[str]) -> "Domain":
        """The domain that the (simplified) lattices of a batch span.

        Args:
            batch: The lattices.
            nets: Fingerprints of their nets, each once or more often, in any order.
        """
        ranges = {
            name: (float(low.min()), float(high.max()))
            for name, (low, high) in _measures(batch).items()
        }
        return cls(ranges, frozenset(net[:_DIGITS] for net in nets))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Domain":
        """From the header of a weights file.

        Older headers map each fingerprint to a name, and have fewer ranges.
        """
        nets = values["nets"]
        prints = nets["hashes"].split() if "hashes" in nets else nets
        return cls(
            {k: (float(v[0]), float(v[1])) for k, v in values["ranges"].items()},
            frozenset(net[:_DIGITS] for net in prints),
        )

    def to_dict(self) -> dict[str, Any]:
        """For the header of a weights file: 9 characters a net."""
        return {
            "ranges": {name: list(limits) for name, limits in self.ranges.items()},
            "nets": {"count": len(self.nets), "hashes": " ".join(sorted(self.nets))},
        }

    def knows_net(self, lattice: Lattice) -> bool:
        """Whether the (simplified) lattice's net was in the training set.

        Wrongly yes for one in 2^32 / (number of nets) of the others, because hashes are cut.
        """
        return net_fingerprint(lattice)[:_DIGITS] in self.nets

    def range_notes(self, lattice: Lattice) -> tuple[str, ...]:
        """One sentence for every range that the (simplified) lattice leaves."""
        found = []
        for name, (lows, highs) in _measures(LatticeBatch.from_lattices([lattice])).items():
            if name not in self.ranges:  # a header of before this quantity was measured
                continue
            low, high = float(lows), float(highs)
            bottom, top = self.ranges[name]
            if low < bottom - _SLACK * abs(bottom) or high > top + _SLACK * abs(top):
                got = f"{low:.4g}" if high - low < 1e-9 * abs(high) else f"{low:.4g} to {high:.4g}"
                found.append(f"{name} is {got}, trained on {bottom:.4g} to {top:.4g}")
        return tuple(found)

    def notes(self, lattice: Lattice) -> tuple[str, ...]:
        """One sentence for every way in which the (simplified) lattice leaves the training set.

        A net that is new to a model of ``MANY_NETS`` nets or more is no such way.
        """
        notes = self.range_notes(lattice)
        if len(self.nets) >= MANY_NETS or self.knows_net(lattice):
            return notes
        return (*notes, f"its net is none of the {len(self.nets)} nets in the training set")


_Limits = tuple[Float[Tensor, " lattices"], Float[Tensor, " lattices"]]


def _measures(batch: LatticeBatch) -> dict[str, _Limits]:
    """Smallest and largest value of every bounded quantity in each (simplified) lattice.

    None depends on the choice of cell, so that a supercell is as ordinary as its cell.
    """
    count, owner = len(batch), batch.strut_lattice
    struts = batch.strut_offsets.diff()
    lengths = batch.lengths()
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
    density = batch.relative_density()
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
    }
