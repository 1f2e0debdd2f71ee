"""Derivatives of quantities by the tensors of the lattices, each on the shortest way.

Quantities read the lattices and their stiffness C, which are the leaves of their graphs. Only
derivatives by C pass backwards through the evaluator: once for every value that depends on C, and
never more often than C has components. Rules give their derivatives in closed form.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from lattice_gnn.design.quantities import Quantity
from lattice_gnn.design.state import DesignState
from lattice_gnn.design.strut_rules import Net, Partials, Slopes, StrutGeometry

_BATCHED_FROM = 4  #: values of a geometry from which one batched backward pass is cheaper
_UPPER = [(i, j) for i in range(6) for j in range(i, 6)]


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """The values of a quantity, with what their derivatives follow from.

    Attributes:
        values: The values.
        source: Their graph, or their derivatives by the struts or by the stiffness.
        needs_stiffness: Whether the quantity reads the stiffness.
    """

    values: Float[np.ndarray, "designs values"]
    source: Tensor | Partials | Float[np.ndarray, "designs 6 6"]
    needs_stiffness: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """Some designs and the graph of their stiffness, apart from those of the quantities.

    Attributes:
        leaves: The tensors of the lattices that change, by their names in ``LatticeBatch``.
        mandel: The stiffness with the graph of the evaluator; None where nothing needs it.
        state: The lattices, and their stiffness as a leaf: what quantities read.
        solved: Which stiffnesses are regular; the identity stands for the others.
        net: The net of all designs.
        struts: Geometry of the struts, which rules read; None where rules do not hold.
    """

    leaves: dict[str, Tensor]
    mandel: Float[Tensor, "designs 6 6"] | None
    state: DesignState
    solved: Bool[np.ndarray, " designs"]
    net: Net
    struts: StrutGeometry | None

    def term(self, quantity: Quantity) -> Term:
        """Evaluate a quantity."""
        if quantity.strut_rule is not None and self.struts is not None:
            values, partials = quantity.strut_rule(self.struts)
            return Term(values[:, None], partials)
        if quantity.elastic_rule is not None:
            values, by_stiffness = quantity.elastic_rule(self.state.stiffness.detach().numpy())
            return Term(values[:, None], by_stiffness)
        graph = quantity(self.state)
        return Term(graph.detach().numpy(), graph, quantity.needs_stiffness)

    def slopes(self, terms: Sequence[Term]) -> Slopes:
        """Differentiate every value of some terms by the leaves."""
        count = sum(one.values.shape[1] for one in terms)
        found = {name: self._zeros(name, count) for name in self.leaves}
        by_stiffness = np.zeros((len(self.solved), count, 6, 6))
        rules: dict[int, Partials] = {}
        first = 0
        for one in terms:
            rows = slice(first, first + one.values.shape[1])
            first = rows.stop
            if isinstance(one.source, Partials):
                rules[rows.start] = one.source
            elif isinstance(one.source, np.ndarray):
                by_stiffness[:, rows.start] = one.source
            elif one.source.requires_grad and one.needs_stiffness:
                by_stiffness[:, rows] = self._elastic(found, rows, one.source)
            elif one.source.requires_grad:
                self._geometric(found, rows, one.source)
        if rules and self.struts is not None:
            given = self.net.slopes(self.struts, list(rules.values()), tuple(found))
            for name, values in given.items():
                found[name][:, list(rules)] = values
        if self.mandel is not None and self.mandel.requires_grad:
            by_stiffness[~self.solved] = 0.0
            self._through_evaluator(found, by_stiffness, self.mandel)
        return found

    def _zeros(self, name: str, count: int) -> Float[np.ndarray, "designs rows *rest"]:
        designs, leaf = len(self.solved), self.leaves[name]
        own = leaf.shape[1:] if name == "cells" else (len(leaf) // designs, *leaf.shape[1:])
        return np.zeros((designs, count, *own))

    def _elastic(
        self, found: Slopes, rows: slice, values: Float[Tensor, "designs values"]
    ) -> Float[np.ndarray, "designs values 6 6"]:
        """Differentiate values by the stiffness, and by the leaves not through it."""
        C, leaves = self.state.stiffness, list(self.leaves.values())
        columns = []
        for row, column in zip(range(rows.start, rows.stop), values.unbind(1), strict=True):
            by_C, *others = torch.autograd.grad(
                column.sum(), [C, *leaves], retain_graph=True, allow_unused=True
            )
            _add(found, row, others)
            columns.append(torch.zeros_like(C) if by_C is None else by_C)
        return torch.stack(columns, dim=1).numpy()

    def _geometric(
        self, found: Slopes, rows: slice, values: Float[Tensor, "designs values"]
    ) -> None:
        """Differentiate values by the leaves."""
        leaves = list(self.leaves.values())
        if values.shape[1] < _BATCHED_FROM:
            for row, column in zip(range(rows.start, rows.stop), values.unbind(1), strict=True):
                _add(found, row, _gradients(column.sum(), leaves))
            return
        seeds = torch.eye(values.shape[1], dtype=values.dtype)[:, None, :]
        given = torch.autograd.grad(
            values,
            leaves,
            grad_outputs=seeds.expand(-1, len(values), -1),
            retain_graph=True,
            allow_unused=True,
            is_grads_batched=True,
        )
        for k, row in enumerate(range(rows.start, rows.stop)):
            _add(found, row, [None if x is None else x[k] for x in given])

    def _through_evaluator(
        self,
        found: Slopes,
        by_stiffness: Float[np.ndarray, "designs rows 6 6"],
        mandel: Float[Tensor, "designs 6 6"],
    ) -> None:
        """Add the derivatives by the stiffness times those of the stiffness by the leaves."""
        leaves = list(self.leaves.values())
        rows = np.flatnonzero(by_stiffness.any((0, 2, 3)))
        if len(rows) <= len(_UPPER):
            for row in rows:
                seeds = torch.from_numpy(by_stiffness[:, row].copy())
                _add(found, int(row), _gradients(mandel, leaves, seeds))
            return
        twice = by_stiffness + by_stiffness.mT
        for i, j in _UPPER:
            seeds = torch.zeros_like(mandel)
            seeds[:, i, j] = 1.0
            weights = 0.5 * twice[:, :, i, j] if i == j else twice[:, :, i, j]
            given = _gradients(mandel, leaves, seeds)
            for total, values in zip(found.values(), given, strict=True):
                if values is not None:
                    each = values.numpy().reshape(len(total), 1, *total.shape[2:])
                    total += weights.reshape(*weights.shape, *[1] * (total.ndim - 2)) * each


def _gradients(
    values: Tensor, leaves: Sequence[Tensor], seeds: Tensor | None = None
) -> tuple[Tensor | None, ...]:
    """Differentiate by the leaves and keep the graph."""
    return torch.autograd.grad(
        values, leaves, grad_outputs=seeds, retain_graph=True, allow_unused=True
    )


def _add(found: Slopes, row: int, given: Sequence[Tensor | None]) -> None:
    """Add derivatives by the leaves, in their order, to those of a row; None is zero."""
    for total, values in zip(found.values(), given, strict=True):
        if values is not None:
            total[:, row] += values.numpy().reshape(total[:, row].shape)
