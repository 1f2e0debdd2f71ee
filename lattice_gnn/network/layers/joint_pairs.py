"""Strut ends, the pairs of ends that meet at a joint, and the invariants of these pairs.

A strut has two ends, end 2 s at its node i and 2 s + 1 at its node j. Two ends at one node are a
pair, stored once; quantities of a pair have a leading axis of 2 for its directions, (a, b) and
(b, a), so that reversal is a flip. t is the unit direction of a strut away from the joint,
c = t_a . t_b. Everything here is dimensionless, invariant under rotation and inversion, and smooth
where struts are collinear: directions across a strut are not normalised.
"""

import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.layers.joint_kernel import kernel_for

Directed = Float[Tensor, "2 pairs"]  #: a number for either direction of a pair

_HALF = 0.3  #: rho^3 E_b / E_a at which a neighbour has half the influence of a very thick one
_KINK, _STEP, _COMPANY = 0.1, 0.05, 1.0  #: scales of ``transparency``
_AZIMUTHS = ((0.0,), (60.0, -60.0), (120.0, -120.0), (180.0,))  #: degrees, counted from b
_SHARPEST = 0.005  #: added to 1 - c: bounds the profile of coincident struts
_CORNER = 0.05  #: rounds the profile where a strut leaves the half-space of another
_COLLINEAR = 0.02  #: s^2 below which the azimuth of b fades
_POWER = 8  #: exponent of the power mean that approximates the maximum; its root is three roots
_FLOOR = 0.05  #: below this the profile counts as zero
_CHAIN = 4  #: maximum number of cuts of one straight strut that are followed
_TRIPLES = 8_192  #: triples per chunk, so that they stay in the cache


@dataclass(frozen=True, slots=True)
class JointPairs:
    """Strut ends and the pairs of them that share a joint.

    Attributes:
        node: Node of each end.
        direction: t of each end.
        length: Length of its strut, unit of length.
        radius: Outer radius of each end, unit of length.
        modulus: E / E_s of its strut.
        nu: Poisson's ratio of its strut.
        ends: The two ends (a, b) of every pair; the pairs of one lattice are contiguous.
        offsets: Lattice k owns pairs ``offsets[k]:offsets[k + 1]``.
        cosine: c of every pair.
    """

    node: Int[Tensor, " ends"]
    direction: Float[Tensor, "ends 3"]
    length: Float[Tensor, " ends"]
    radius: Float[Tensor, " ends"]
    modulus: Float[Tensor, " ends"]
    nu: Float[Tensor, " ends"]
    ends: Int[Tensor, "2 pairs"]
    offsets: Int[Tensor, " lattices_plus_1"]
    cosine: Float[Tensor, " pairs"]

    @classmethod
    def of(cls, batch: LatticeBatch) -> "JointPairs":
        """The ends and pairs of (simplified) lattices; gradients reach positions and radii."""
        vectors = batch.strut_vectors
        length = vectors.norm(dim=-1)
        t = vectors / length[:, None]
        direction = torch.stack([t, -t], 1).flatten(0, 1)
        node = batch.struts.flatten()
        ends, first_node = _pairs(node, len(batch.nodes))
        count = torch.bincount(batch.node_lattice[first_node], minlength=len(batch))
        a, b = direction[ends]
        return cls(
            node=node,
            direction=direction,
            length=length.repeat_interleave(2),
            radius=torch.stack([batch.radii, batch.end_radii], 1).flatten(),
            modulus=batch.E.repeat_interleave(2),
            nu=batch.nu.repeat_interleave(2),
            ends=ends,
            offsets=torch.cat([count.new_zeros(1), count.cumsum(0)]),
            cosine=(a * b).sum(-1),
        )

    def to(self, dtype: torch.dtype) -> "JointPairs":
        """The same in another precision."""
        names = ("direction", "length", "radius", "modulus", "nu", "cosine")
        return replace(self, **{name: getattr(self, name).to(dtype) for name in names})

    def sum_over_partners(self, values: Float[Tensor, "2 pairs *rest"]) -> Tensor:
        """Sum values of the pairs (a, b) over b; one row per end a."""
        total = values.new_zeros(len(self.node), *values.shape[2:])
        return total.index_add(0, self.ends.flatten(), values.flatten(0, 1))

    def contrast(self, quantity: Float[Tensor, " ends"]) -> Directed:
        """(x_b - x_a) / (x_a + x_b): 0 if equal, -1 in the limit x_b << x_a."""
        a, b = quantity[self.ends]
        contrast = (b - a) / (a + b)
        return torch.stack([contrast, -contrast])

    def influence(self) -> Directed:
        """Influence of b on the material at the end of a: 1 for equal struts, 0 as b vanishes.

        A neighbour of radius ratio rho = r_b / r_a occupies a share rho^3 of the joint and
        constrains it in proportion to its modulus: q = rho^3 E_b / E_a, influence
        (1 + q0) q / (q + q0).
        """
        a, b = (self.radius**3 * self.modulus)[self.ends]
        return (1 + _HALF) * torch.stack([b / (b + _HALF * a), a / (a + _HALF * b)])

    def coupling(self) -> Float[Tensor, " pairs"]:
        """Displacement of one end by a force on the other, in scaled forces; 1 for equal struts.

        A force F on a body of modulus E displaces it by about F / (E r) at a distance r, so the
        coupling of two ends scales with the square root of the ratio of their E r; here
        2 sqrt(x y) / (x + y) with x, y = E r of both.
        """
        x, y = (self.radius * self.modulus)[self.ends]
        return 2 * (x * y).sqrt() / (x + y)

    def transparency(self, influence: Directed) -> Float[Tensor, " pairs"]:
        """1 for a pair that is one straight uniform strut cut by a node; 0 at ordinary joints.

        The exponential of minus the sum of 1 + c, the squared contrasts of radius, modulus and nu,
        and the influence of all others at the joint on both, each over its scale.
        """
        others = self.sum_over_partners(influence)[self.ends] - influence
        radius, modulus = self.contrast(self.radius)[0], self.contrast(self.modulus)[0]
        nu = self.nu[self.ends[0]] - self.nu[self.ends[1]]
        step = radius.square() + modulus.square() + nu.square()
        return torch.exp(
            -(1 + self.cosine) / _KINK - step / _STEP - others.sum(0).clamp(min=0) / _COMPANY
        )

    def straight_length(self, transparency: Float[Tensor, " pairs"]) -> Float[Tensor, " ends"]:
        """Straight length of the strut of each end, continued through joints that only cut it.

        L_a + sum of transparency times that of b over the partners b of the far end; chains of up
        to ``_CHAIN`` cuts are followed.
        """
        far = torch.arange(len(self.node), device=self.node.device) ^ 1
        reach = self.length
        for _ in range(_CHAIN):
            beyond = transparency * reach[self.ends.flip(0)]
            reach = self.length + self.sum_over_partners(beyond)[far]
        return reach

    def profile(self) -> Float[Tensor, "2 pairs 4"]:
        """log(1 + z / r_a), z the distance from the node where the surface of a leaves the others.

        The line on the surface of a, at the azimuth u across it, leaves a strut c of equal radius
        at z = r u.t_c / (1 - t_a.t_c), if that is positive; here r is the radius of c, times twice
        its share of the moduli of both, so that the profile of a vanishing strut vanishes. The
        largest z over all c (a power mean) at azimuths 0, +-60, +-120 and 180 degrees from b.
        """
        powers = self._sums()
        z = (powers + _FLOOR**_POWER).sqrt().sqrt().sqrt() - _FLOOR
        columns = iter(torch.log1p(z).unbind(1))
        means = [torch.stack([next(columns) for _ in azimuths]).mean(0) for azimuths in _AZIMUTHS]
        return torch.stack(means).view(len(_AZIMUTHS), 2, -1).permute(1, 2, 0)

    def _sums(self) -> Float[Tensor, "directed azimuths"]:
        """Sum of (z / r_a)^8 over all c for every azimuth."""
        kernel = kernel_for(self.direction, len(self.cosine))
        if kernel is not None:
            shape, joints = (_SHARPEST, _CORNER, _COLLINEAR), (self.node, self.ends)
            sums: Tensor = kernel.profile_sums(
                self.direction, self.radius, self.modulus, joints, shape
            )
            return sums
        a, c, pair = _triples(self)
        frames = self._frames()
        powers = self.cosine.new_zeros(self.ends.numel(), sum(map(len, _AZIMUTHS)))
        for first in range(0, len(a), _TRIPLES):
            part = slice(first, first + _TRIPLES)
            powers = powers.index_add_(
                0, pair[part], self._powers(a[part], c[part], pair[part], frames)
            )
        return powers

    def _powers(
        self,
        a: Int[Tensor, " triples"],
        c: Int[Tensor, " triples"],
        pair: Int[Tensor, " triples"],
        frames: tuple[Float[Tensor, "directed 3"], Float[Tensor, "directed 3"]],
    ) -> Float[Tensor, "triples azimuths"]:
        """(z / r_a)^8 of every triple and azimuth."""
        across, beside = frames
        toward = self.direction[c]
        p_n = (across[pair] * toward).sum(-1)
        p_w = (beside[pair] * toward).sum(-1)
        near = 1 - (self.direction[a] * toward).sum(-1) + _SHARPEST
        soft = 2 * self.modulus[c] / (self.modulus[a] + self.modulus[c])
        size = self.radius[c] / self.radius[a] / near * soft
        angle = p_n.new_tensor([math.radians(x) for group in _AZIMUTHS for x in group])
        p = p_n[:, None] * angle.cos() + p_w[:, None] * angle.sin()
        z = size[:, None] / 2 * (p + (p * p + _CORNER**2).sqrt())
        z2 = z * z
        z4 = z2 * z2
        return z4 * z4

    def _frames(self) -> tuple[Float[Tensor, "directed 3"], Float[Tensor, "directed 3"]]:
        """Directions across a, in and out of the plane of the pair; 0 for collinear pairs."""
        a, b = self.direction[self.ends]
        c = self.cosine[:, None]
        across = torch.cat([b - c * a, a - c * b])
        w = torch.linalg.cross(a, b)
        beside = torch.cat([w, -w])
        scale = (1 - c.square() + _COLLINEAR).rsqrt().repeat(2, 1)
        return across * scale, beside * scale


def _pairs(
    node: Int[Tensor, " ends"], num_nodes: int
) -> tuple[Int[Tensor, "2 pairs"], Int[Tensor, " pairs"]]:
    """All pairs of ends at one node, each once, in the order of the nodes; and their nodes."""
    order = torch.argsort(node, stable=True)
    valence = torch.bincount(node, minlength=num_nodes)
    place = torch.arange(len(node), device=node.device)
    last = valence.cumsum(0)[node[order]]
    later = last - place - 1  # ends of the same node that follow
    first = place.repeat_interleave(later)
    step = torch.arange(len(first), device=node.device) - (later.cumsum(0) - later)[first]
    second = first + 1 + step
    return torch.stack([order[first], order[second]]), node[order[first]]


def _triples(
    pairs: JointPairs,
) -> tuple[Int[Tensor, " triples"], Int[Tensor, " triples"], Int[Tensor, " triples"]]:
    """All ends c other than a at the joint of each directed pair (a, b): a, c, pair index."""
    node = pairs.node
    order = torch.argsort(node, stable=True)
    valence = torch.bincount(node)
    start = valence.cumsum(0) - valence
    a = pairs.ends.flatten()
    count = valence[node[a]]
    pair = torch.arange(len(a), device=a.device).repeat_interleave(count)
    step = torch.arange(len(pair), device=a.device) - (count.cumsum(0) - count)[pair]
    a = a[pair]
    c = order[start[node[a]] + step]
    other = c != a
    return a[other], c[other], pair[other]
