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

from lattice_gnn.design.elastic_rules import InverseFactor
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
        inverse: Inverse factor of the stiffness, which rules read; None without stiffness.
        net: The net of all designs.
        struts: Geometry of the struts, which rules read; None where rules do not hold.
    """

    leaves: dict[str, Tensor]
    mandel: Float[Tensor, "designs 6 6"] | None
    state: DesignState
    solved: Bool[np.ndarray, " designs"]
    inverse: InverseFactor | None
    net: Net
    struts: StrutGeometry | None

    def term(self, quantity: Quantity) -> Term:
        """Evaluate a quantity."""
        if quantity.strut_rule is not None and self.struts is not None:
            values, partials = quantity.strut_rule(self.struts)
            return Term(values[:, None], partials)
        if quantity.elastic_rule is not None and self.inverse is not None:
            values, by_stiffness = quantity.elastic_rule(self.inverse)
            return Term(values[:, None], by_stiffness)
        graph = quantity(self.state)
        return Term(graph.detach().numpy(), graph, quantity.needs_stiffness)

    def slopes(self, terms: Sequence[Term]) -> Slopes:
        """Differentiate every value of some terms by the leaves, once: the graph is freed."""
        count = sum(one.values.shape[1] for one in terms)
        found = {name: self._zeros(name, count) for name in self.leaves}
        by_stiffness: dict[int, Float[np.ndarray, "designs 6 6"]] = {}
        rules: dict[int, Partials] = {}
        first = 0
        for one in terms:
            rows = range(first, first + one.values.shape[1])
            first = rows.stop
            if isinstance(one.source, Partials):
                rules[rows.start] = one.source
            elif isinstance(one.source, np.ndarray):
                by_stiffness[rows.start] = one.source
            elif one.source.requires_grad and one.needs_stiffness:
                by_stiffness |= self._elastic(found, rows, one.source)
            elif one.source.requires_grad:
                self._geometric(found, rows, one.source)
        if rules and self.struts is not None:
            self.net.add_slopes(found, self.struts, rules)
        if self.mandel is not None and self.mandel.requires_grad:
            self._through_evaluator(found, by_stiffness, self.mandel)
        return found

    def _zeros(self, name: str, count: int) -> Float[np.ndarray, "designs rows *rest"]:
        designs, leaf = len(self.solved), self.leaves[name]
        own = leaf.shape[1:] if name == "cells" else (len(leaf) // designs, *leaf.shape[1:])
        return np.zeros((designs, count, *own))

    def _elastic(
        self, found: Slopes, rows: range, values: Float[Tensor, "designs values"]
    ) -> dict[int, Float[np.ndarray, "designs 6 6"]]:
        """Differentiate values by the stiffness, and by the leaves not through it."""
        C, leaves = self.state.stiffness, list(self.leaves.values())
        by_stiffness = {}
        for row, column in zip(rows, values.unbind(1), strict=True):
            by_C, *others = torch.autograd.grad(
                column.sum(), [C, *leaves], retain_graph=True, allow_unused=True
            )
            _add(found, row, others)
            if by_C is not None:
                by_stiffness[row] = by_C.numpy()
        return by_stiffness

    def _geometric(
        self, found: Slopes, rows: range, values: Float[Tensor, "designs values"]
    ) -> None:
        """Differentiate values by the leaves."""
        leaves = list(self.leaves.values())
        if values.shape[1] < _BATCHED_FROM:
            for row, column in zip(rows, values.unbind(1), strict=True):
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
        for k, row in enumerate(rows):
            _add(found, row, [None if x is None else x[k] for x in given])

    def _through_evaluator(
        self,
        found: Slopes,
        by_stiffness: dict[int, Float[np.ndarray, "designs 6 6"]],
        mandel: Float[Tensor, "designs 6 6"],
    ) -> None:
        """Add the derivatives of rows by the stiffness times its own by the leaves."""
        leaves = list(self.leaves.values())
        if not self.solved.all():
            solved = self.solved[:, None, None]
            by_stiffness = {row: np.where(solved, by_C, 0.0) for row, by_C in by_stiffness.items()}
        if len(by_stiffness) <= len(_UPPER):
            for left, (row, by_C) in zip(
                reversed(range(len(by_stiffness))), by_stiffness.items(), strict=True
            ):
                _add(found, row, _gradients(mandel, leaves, torch.from_numpy(by_C), keep=left > 0))
            return
        rows = list(by_stiffness)
        once = np.stack(list(by_stiffness.values()), axis=1)
        twice = once + once.mT
        for i, j in _UPPER:
            seeds = torch.zeros_like(mandel)
            seeds[:, i, j] = 1.0
            weights = 0.5 * twice[:, :, i, j] if i == j else twice[:, :, i, j]
            given = _gradients(mandel, leaves, seeds)
            for total, values in zip(found.values(), given, strict=True):
                if values is not None:
                    each = values.numpy().reshape(len(total), 1, *total.shape[2:])
                    weighted = weights.reshape(*weights.shape, *[1] * (total.ndim - 2)) * each
                    total[:, rows] += weighted


def _gradients(
    values: Tensor, leaves: Sequence[Tensor], seeds: Tensor | None = None, *, keep: bool = True
) -> tuple[Tensor | None, ...]:
    """Differentiate by the leaves; ``keep`` the graph for another time."""
    return torch.autograd.grad(
        values, leaves, grad_outputs=seeds, retain_graph=keep, allow_unused=True
    )


def _add(found: Slopes, row: int, given: Sequence[Tensor | None]) -> None:
    """Add derivatives by the leaves, in their order, to those of a row; None is zero."""
    for total, values in zip(found.values(), given, strict=True):
        if values is not None:
            total[:, row] += values.numpy().reshape(total[:, row].shape)
