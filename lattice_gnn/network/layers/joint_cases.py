"""Inputs of a joint model: frame, forces and invariants, all independent of its weights."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.lattice.batch import LatticeBatch, ranges
from lattice_gnn.network.layers.joint_pairs import JointPairs
from lattice_gnn.tensors.matrix_functions import Spectrum

PAIR_FEATURES = (
    "c",
    "c^2",
    "c^3",
    "sqrt(1 - c)",
    "sqrt(1 + c)",
    "1 / (1.05 - c)",
    "radius contrast",
    "modulus contrast",
    "log(0.01 + r/L) of a",
    "log(0.01 + r/L) of b",
    "nu of a",
    "nu of b",
    *(f"profile of {end} at {azimuth}" for end in "ab" for azimuth in (0, 60, 120, 180)),
)
"""Invariants of a directed pair (a, b), in order; roots and quotients are rounded at c = +-1."""

_ROUND = 0.02  #: added to 1 - c and 1 + c before the root
_SLENDER, _SLENDER_MEAN = 0.01, -2.2  #: added to r / L; about the mean of the logarithm
_NU = 0.3  #: reference value of nu
_NU_SCALE = 5.0  #: so that its range is about 1
_PER_END = ("forces", "direction")
_PER_PAIR = ("features", "influence")


@dataclass(frozen=True, eq=False)
class JointCases:
    """Frames under six strains of equal energy, as strut ends and pairs of them at joints.

    Attributes:
        frame: The lattices.
        root: P^(1/2), P the beam stiffness C / E_s of each of these; float64.
        forces: f and m of every strut end, scaled: f / sqrt(pi r E), m / sqrt(pi r^3 E / 4), under
            the strains P^(-1/2) / sqrt(V). Squares are energies of a piece of strut whose length is
            its radius, over that of the cell.
        direction: Unit vector along the strut of every end, away from the joint.
        features: ``PAIR_FEATURES`` of every directed pair.
        influence: Influence of b on the end of a.
        coupling: Coupling of the two ends of a pair.
        cut: 1 for a pair that is one straight strut cut by a node, 0 at ordinary joints.
        ends: The two ends of every pair.
        end_offsets: Lattice k owns ends ``end_offsets[k]:end_offsets[k + 1]``.
        pair_offsets: Likewise for pairs.
    """

    frame: LatticeBatch
    root: Float[Tensor, "lattices 6 6"]
    forces: Float[Tensor, "ends 2 3 6"]
    direction: Float[Tensor, "ends 3"]
    features: Float[Tensor, "2 pairs features"]
    influence: Float[Tensor, "2 pairs"]
    coupling: Float[Tensor, " pairs"]
    cut: Float[Tensor, " pairs"]
    ends: Int[Tensor, "2 pairs"]
    end_offsets: Int[Tensor, " lattices_plus_1"]
    pair_offsets: Int[Tensor, " lattices_plus_1"]

    @classmethod
    def of(cls, batch: LatticeBatch, dtype: torch.dtype = torch.float32) -> "JointCases":
        """Solve the frames of (simplified) lattices; gradients reach nodes, cells, radii, E, nu.

        Args:
            batch: The lattices.
            dtype: Precision of everything except the roots.

        Raises:
            LatticeGnnError: For a lattice whose beam stiffness is singular.
        """
        solution = homogenise_beam(batch, fields="end_forces")
        assert solution.end_forces is not None
        P = Spectrum(solution.stiffness.mandel)
        to_energy = P("inv_sqrt") / batch.volumes.double().sqrt()[:, None, None]
        pairs = JointPairs.of(batch)
        load = to_energy[batch.strut_lattice].to(solution.end_forces)
        raw = (solution.end_forces @ load).view(-1, 2, 3, 6)  # ends, force and moment
        influence = pairs.influence()
        cut = pairs.transparency(influence)
        return cls(
            frame=batch,
            root=P("sqrt"),
            forces=(raw * end_units(batch)[:, :, None, None]).to(dtype),
            direction=pairs.direction.to(dtype),
            features=_features(pairs, cut, dtype),
            influence=influence.to(dtype),
            coupling=pairs.coupling().to(dtype),
            cut=cut.to(dtype),
            ends=pairs.ends,
            end_offsets=2 * batch.strut_offsets,
            pair_offsets=pairs.offsets,
        )

    def __len__(self) -> int:
        """Number of lattices."""
        return len(self.root)

    @cached_property
    def end_lattice(self) -> Int[Tensor, " ends"]:
        """The lattice to which each end belongs."""
        return _owners(self.end_offsets)

    @cached_property
    def pair_lattice(self) -> Int[Tensor, " pairs"]:
        """The lattice to which each pair belongs."""
        return _owners(self.pair_offsets)

    def smallest_opening(self) -> Float[Tensor, " lattices"]:
        """1 - cosine of the smallest angle between two struts of a joint."""
        cosine = self.features[0, :, PAIR_FEATURES.index("c")].double()
        largest = -torch.ones(len(self), dtype=cosine.dtype, device=cosine.device)
        return 1 - largest.scatter_reduce(0, self.pair_lattice, cosine, "amax")

    def to(self, device: torch.device) -> "JointCases":
        """The same on another device."""
        return replace(
            self, **{f.name: getattr(self, f.name).to(device=device) for f in fields(self)}
        )

    def select(self, lattices: Sequence[int] | np.ndarray) -> "JointCases":
        """The given lattices, in the given order."""
        chosen = torch.as_tensor(lattices, dtype=torch.int64, device=self.root.device)
        ends, end_offsets = ranges(self.end_offsets, chosen)
        pairs, pair_offsets = ranges(self.pair_offsets, chosen)
        moved = (end_offsets[:-1] - self.end_offsets[chosen]).repeat_interleave(pair_offsets.diff())
        return JointCases(
            frame=self.frame.select(lattices),
            root=self.root[chosen],
            **{name: getattr(self, name).index_select(0, ends) for name in _PER_END},
            **{name: getattr(self, name).index_select(1, pairs) for name in _PER_PAIR},
            coupling=self.coupling[pairs],
            cut=self.cut[pairs],
            ends=self.ends.index_select(1, pairs) + moved,
            end_offsets=end_offsets,
            pair_offsets=pair_offsets,
        )

    def parts(self, pairs: int) -> Iterator["JointCases"]:
        """Ranges of lattices with about so many pairs each, without copies."""
        total = int(self.pair_offsets[-1])
        if total <= pairs:
            yield self
            return
        marks = torch.linspace(0, total, -(-total // pairs) + 1, dtype=torch.float64)
        marks = torch.searchsorted(self.pair_offsets.double(), marks.to(self.root.device))
        for first, last in itertools.pairwise(sorted({*marks.tolist()[:-1], len(self)})):
            yield self._range(first, last)

    def _range(self, first: int, last: int) -> "JointCases":
        """Lattices first, ..., last - 1."""
        end_offsets = self.end_offsets[first : last + 1]
        pair_offsets = self.pair_offsets[first : last + 1]
        ends = slice(int(end_offsets[0]), int(end_offsets[-1]))
        pairs = slice(int(pair_offsets[0]), int(pair_offsets[-1]))
        return JointCases(
            frame=self.frame.span(first, last),
            root=self.root[first:last],
            **{name: getattr(self, name)[ends] for name in _PER_END},
            **{name: getattr(self, name)[:, pairs] for name in _PER_PAIR},
            coupling=self.coupling[pairs],
            cut=self.cut[pairs],
            ends=self.ends[:, pairs] - ends.start,
            end_offsets=end_offsets - ends.start,
            pair_offsets=pair_offsets - pairs.start,
        )

    @classmethod
    def join(cls, parts: Sequence["JointCases"]) -> "JointCases":
        """Lattices of several batches, in order."""
        counts = torch.tensor([0, *(int(part.end_offsets[-1]) for part in parts)]).cumsum(0)
        joined = {
            name: torch.cat([getattr(part, name) for part in parts], axis)
            for names, axis in (
                (("root", "coupling", "cut", *_PER_END), 0),
                (_PER_PAIR, 1),
            )
            for name in names
        }
        moved = zip(parts, counts.tolist(), strict=False)
        return cls(
            frame=LatticeBatch.join([part.frame for part in parts]),
            **joined,
            ends=torch.cat([part.ends + first for part, first in moved], 1),
            end_offsets=_chain([part.end_offsets for part in parts]),
            pair_offsets=_chain([part.pair_offsets for part in parts]),
        )


def end_units(batch: LatticeBatch) -> Float[Tensor, "ends 2"]:
    """1 / sqrt(pi r E) and 1 / sqrt(pi r^3 E / 4) of every strut end: units of scaled forces."""
    radius = torch.stack([batch.radii, batch.end_radii], 1).flatten()
    scale = torch.pi * radius * batch.E.repeat_interleave(2)
    return torch.stack([scale, scale * radius.square() / 4], 1).rsqrt()


def _features(
    pairs: JointPairs, cut: Float[Tensor, " pairs"], dtype: torch.dtype
) -> Float[Tensor, "2 pairs features"]:
    c = pairs.cosine
    shared = [
        c,
        c.square(),
        c**3,
        (1 - c + _ROUND).sqrt(),
        (1 + c + _ROUND).sqrt(),
        1 / (1.05 - c) / 5,
    ]
    nu = (pairs.nu[pairs.ends] - _NU) * _NU_SCALE
    slender = (pairs.radius / pairs.straight_length(cut) + _SLENDER).log() - _SLENDER_MEAN
    slender = slender[pairs.ends]
    profile = pairs.to(dtype).profile()
    contrasts = [2 * pairs.contrast(x) for x in (pairs.radius, pairs.modulus)]
    own = [*contrasts, slender, slender.flip(0), nu, nu.flip(0)]
    rows = [*(x.to(dtype).expand(2, -1) for x in shared), *(x.to(dtype) for x in own)]
    rows += [*profile.unbind(-1), *profile.flip(0).unbind(-1)]
    return torch.stack(rows).permute(1, 2, 0)  # numbers of all pairs are adjacent


def _owners(offsets: Int[Tensor, " groups_plus_1"]) -> Int[Tensor, " members"]:
    groups = torch.arange(len(offsets) - 1, device=offsets.device)
    return groups.repeat_interleave(offsets.diff())


def _chain(offsets: list[Int[Tensor, " groups_plus_1"]]) -> Int[Tensor, " all_groups_plus_1"]:
    counts = torch.cat([x.diff() for x in offsets])
    return torch.cat([counts.new_zeros(1), counts.cumsum(0)])
