"""Models without gradient descent: the affine stiffness, and a linear fit of polynomial features.

    affine   C = P, the stiffness under affine nodal motion (M = 0)
    ridge    A_nl(i; u) = mean over struts at i of  r_n(strut) sum_m Y_lm(t) Y_lm(u)
             products of up to ``order`` of these functions on the sphere u, mean over nodes,
             projected on degree l = 0, 2, 4;  M_l = features_l . weights_l,  C = prior map(M)

r_n are a few products of the standardised strut features. Each degree of M in 2x0e + 2x2e + 1x4e
has its own weights, shared by all its components, so that M is equivariant;
``lattice_gnn.training.ridge_fit`` finds them in closed form.

Reference:
    Drautz, *Atomic cluster expansion*, Phys. Rev. B 99 (2019) 014104: density, products, linear
    fit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import ClassVar, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.base import ModelSettings, StiffnessNetwork, check_config
from lattice_gnn.network.layers.readout import symmetric_matrix_basis
from lattice_gnn.network.layers.sphere import degree_slice, quadrature, spherical_harmonics
from lattice_gnn.network.layers.struts import DirectedStruts
from lattice_gnn.network.layers.tables import ExactTables
from lattice_gnn.network.normaliser import Normaliser

COPIES = {0: 2, 2: 2, 4: 1}
"""Multiplicity of each degree in a symmetric 6x6 matrix."""
_LMAX = 4
_DEGREES = _LMAX + 1
_RADIAL = {1: 10, 2: 6, 3: 2}
"""Number of radial functions in products of each order."""
LATTICES_AT_ONCE = 4
"""Lattices per batch, limited by memory."""


@dataclass(frozen=True, slots=True)
class AffineConfig(ModelSettings):
    """The affine stiffness has no settings.

    Attributes:
        positive_map: "prior".
        kind: Name of the architecture.
    """

    positive_map: Literal["prior"] = "prior"
    kind: Literal["affine"] = "affine"


class AffineModel(StiffnessNetwork):
    """C is the affine stiffness, the starting point of networks with the prior map."""

    equivariant: ClassVar[bool] = True

    @property
    def dtype(self) -> torch.dtype:
        """Float64: there are no weights."""
        return torch.float64

    def matrix(self, batch: LatticeBatch) -> Float[Tensor, "lattices 6 6"]:
        """M = 0."""
        return batch.cells.new_zeros(len(batch), 6, 6)


@dataclass(frozen=True, slots=True)
class RidgeConfig(ModelSettings):
    """Configuration of the linear fit.

    Attributes:
        order: Number of struts per product, 1, 2 or 3.
        positive_map: "prior".
        kind: Name of the architecture.
    """

    order: int = 3
    positive_map: Literal["prior"] = "prior"
    kind: Literal["ridge"] = "ridge"

    def __post_init__(self) -> None:
        check_config(self, {"order": 1})
        if self.order > max(_RADIAL):
            raise LatticeGnnError(f"model.order: expected 1, 2 or 3, got {self.order}")


class SphereFeatures(ExactTables):
    """Products of the densities of struts at a node, projected on degrees 0, 2 and 4."""

    Y: Float[Tensor, "points degrees"]
    to_coefficients: Float[Tensor, "degrees points"]

    def __init__(self, order: int):
        points, weights = quadrature((order + 1) * _LMAX)  # exact for all products with Y_4
        Y = spherical_harmonics(_LMAX, points)
        super().__init__(Y=Y, to_coefficients=Y.T * weights)
        self.factors = [
            torch.tensor([f for f in _products(k) if any(couples(f, l) for l in COPIES)])
            for k in range(1, order + 1)
        ]
        every = [f for group in self.factors for f in group.tolist()]
        #: Columns of each degree.
        self.columns = {l: torch.tensor([couples(f, l) for f in every]) for l in COPIES}

    def forward(
        self, normaliser: Normaliser, batch: LatticeBatch
    ) -> dict[int, Float[Tensor, "lattices components features"]]:
        """Features of each degree."""
        values = self._densities(normaliser, batch)
        counts = batch.node_offsets.diff().to(values)[:, None, None]
        means = []
        for order, factors in enumerate(self.factors, start=1):
            used = values[:, :, : _RADIAL[order] * _DEGREES]
            rest = torch.ones_like(used[:, :, :1]) if order == 1 else used
            if order == 3:
                pairs = torch.combinations(torch.arange(used.shape[2]), with_replacement=True)
                first, second = pairs.to(used.device).unbind(1)
                rest = used.index_select(2, first) * used.index_select(2, second)
            total = used @ rest.mT  # sums over the nodes: lattices, points, functions, rest
            places = _places(factors, used.shape[2]).to(total.device)
            means.append(total.flatten(2).index_select(2, places) / counts)
        coefficients = self.to_coefficients @ torch.cat(means, -1)
        return {
            l: coefficients[:, degree_slice(l)][..., mask.to(coefficients.device)]
            for l, mask in self.columns.items()
        }

    def _densities(
        self, normaliser: Normaliser, batch: LatticeBatch
    ) -> Float[Tensor, "lattices points functions most_nodes"]:
        """A_nl(i; u), number n (lmax + 1) + l; lattices are padded with nodes of zeros."""
        struts = DirectedStruts(batch)
        Y = spherical_harmonics(_LMAX, struts.vectors)
        terms = radial_functions(normaliser(struts.features))[:, :, None] * Y[:, None]
        nodes = len(batch.nodes)
        degree = torch.bincount(struts.here, minlength=nodes).to(terms)
        A = terms.new_zeros(nodes, *terms.shape[1:]).index_add(0, struts.here, terms)
        A = (A / degree[:, None, None]).to(self.Y)
        number = torch.arange(nodes, device=A.device) - batch.node_offsets[batch.node_lattice]
        padded = A.new_zeros(len(batch), int(number.max()) + 1, *A.shape[1:])
        padded = padded.index_put((batch.node_lattice, number), A).permute(0, 2, 3, 1)
        parts = [degree_slice(l) for l in range(_DEGREES)]
        values = torch.stack([self.Y[:, s] @ padded[:, :, s] for s in parts], 3)
        return values.movedim(2, 1).flatten(2, 3)


def _products(order: int) -> list[tuple[int, ...]]:
    """Factors A_nl of every product of an order, by their index n (lmax + 1) + l, ascending."""
    return list(combinations_with_replacement(range(_RADIAL[order] * _DEGREES), order))


def _places(factors: Int[Tensor, "products order"], count: int) -> Int[Tensor, " products"]:
    """Positions of products in the table of the first factor times the rest."""
    order = factors.shape[1]
    if order == 1:
        return factors[:, 0]
    if order == 2:
        return factors[:, 0] * count + factors[:, 1]
    _, j, k = factors.unbind(1)
    pair = j * count - j * (j - 1) // 2 + k - j
    return factors[:, 0] * (count * (count + 1) // 2) + pair


def couples(factors: Sequence[int], l: int) -> bool:
    """Whether a product of functions A_nl has a component of degree l.

    The sum of all degrees must be even and none may exceed the sum of the others.
    """
    every = [*(f % _DEGREES for f in factors), l]
    return sum(every) % 2 == 0 and 2 * max(every) <= sum(every)


def radial_functions(x: Float[Tensor, "edges features"]) -> Float[Tensor, "edges functions"]:
    """Constant, mean log r/L, log L/l0, their products, then taper, E, nu and bore."""
    length, here, there, modulus, nu, bore = x.unbind(-1)
    radius = (here + there) / 2
    one = torch.ones_like(length)
    products = [one, radius, length, radius * radius, radius * length, length * length]
    return torch.stack([*products, here - there, modulus, nu, bore], -1)


class RidgeModel(StiffnessNetwork):
    """Linear in its features; its weights come from ``lattice_gnn.training.ridge_fit``."""

    equivariant: ClassVar[bool] = True
    config: RidgeConfig
    basis: Float[Tensor, "21 6 6"]

    def __init__(self, config: RidgeConfig, normaliser: Normaliser):
        super().__init__(config, normaliser)
        self.features = SphereFeatures(config.order).double()
        self.output = ExactTables(basis=symmetric_matrix_basis()).double()
        for l, copies in COPIES.items():
            count = int(self.features.columns[l].sum())
            weight = torch.randn(count, copies, dtype=torch.float64) / count
            self.register_buffer(f"weight_{l}", weight)

    @property
    def dtype(self) -> torch.dtype:
        """The precision of the weights."""
        return self.weights(0).dtype

    def weights(self, l: int) -> Float[Tensor, "features copies"]:
        """Weights of one degree."""
        return self.get_buffer(f"weight_{l}")

    def matrix(self, batch: LatticeBatch) -> Float[Tensor, "lattices 6 6"]:
        """The symmetric matrix M that the positive map receives; ``batch`` is simplified."""
        components = []
        for part in batch.split(LATTICES_AT_ONCE):
            features = self.features(self.normaliser, part)
            degrees = [(f @ self.weights(l)).mT.flatten(1) for l, f in features.items()]
            components.append(torch.cat(degrees, 1))
        basis = self.output.get_buffer("basis")
        return torch.einsum("bk,kij->bij", torch.cat(components), basis)
