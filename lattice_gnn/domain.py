"""What a model was trained on, and whether a lattice lies inside it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lattice_gnn.coordination import net_fingerprint
from lattice_gnn.lattice import Lattice

_SLACK = 1e-9


def _measures(lattice: Lattice) -> dict[str, tuple[float, float]]:
    """Smallest and largest value of every bounded quantity in one (simplified) lattice."""
    ends = lattice.radii if lattice.end_radii is None else lattice.end_radii
    lengths = lattice.lengths
    both = np.stack([lattice.radii, ends])
    bores = np.zeros(1) if lattice.inner_radii is None else lattice.inner_radii / lattice.radii
    E = np.ones(1) if lattice.E is None else lattice.E / lattice.material.E
    nu = np.array([lattice.material.nu]) if lattice.nu is None else lattice.nu
    density = np.array([lattice.relative_density])
    values = {
        "relative density": density,
        "radius/length": both / lengths,
        "length/mean length": lengths / lengths.mean(),
        "radius/mean radius": both / both.mean(),
        "taper end radius/start radius": np.maximum(both[0], both[1]) / both.min(0),
        "bore/outer radius": bores,
        "strut E/E_s": E,
        "Poisson's ratio": nu,
        "struts at a node": lattice.degrees,
    }
    return {name: (float(x.min()), float(x.max())) for name, x in values.items()}


@dataclass(frozen=True, slots=True)
class Domain:
    """Ranges of a training set.

    Attributes:
        ranges: Smallest and largest value of each measured quantity.
        nets: Name of each net in the training set, by fingerprint.
    """

    ranges: Mapping[str, tuple[float, float]]
    nets: Mapping[str, str]

    @classmethod
    def of(cls, lattices: Sequence[Lattice]) -> "Domain":
        """The domain that the given lattices span."""
        ranges: dict[str, tuple[float, float]] = {}
        nets: dict[str, str] = {}
        for lattice in (x.simplified() for x in lattices):
            for name, (low, high) in _measures(lattice).items():
                known = ranges.get(name, (low, high))
                ranges[name] = (min(low, known[0]), max(high, known[1]))
            nets.setdefault(net_fingerprint(lattice), lattice.name)
        return cls(ranges, nets)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Domain":
        """From the header of a weights file."""
        return cls({k: (v[0], v[1]) for k, v in values["ranges"].items()}, dict(values["nets"]))

    def to_dict(self) -> dict[str, Any]:
        """For the header of a weights file."""
        return asdict(self)

    def knows_net(self, lattice: Lattice) -> bool:
        """Whether the (simplified) lattice's net was in the training set."""
        return net_fingerprint(lattice) in self.nets

    def range_notes(self, lattice: Lattice) -> tuple[str, ...]:
        """One sentence for every range that the (simplified) lattice leaves."""
        found = []
        for name, (low, high) in _measures(lattice).items():
            bottom, top = self.ranges[name]
            if low < bottom - _SLACK * abs(bottom) or high > top + _SLACK * abs(top):
                got = f"{low:.4g}" if high - low < 1e-9 * abs(high) else f"{low:.4g} to {high:.4g}"
                found.append(f"{name} is {got}, trained on {bottom:.4g} to {top:.4g}")
        return tuple(found)

    def notes(self, lattice: Lattice) -> tuple[str, ...]:
        """One sentence for every way in which the (simplified) lattice leaves the training set."""
        notes = self.range_notes(lattice)
        if self.knows_net(lattice):
            return notes
        return (*notes, f"its net is none of the {len(self.nets)} nets in the training set")
