"""A trained network as a tool: load, predict, differentiate."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.network.base import StiffnessNetwork
from lattice_gnn.network.checkpoint import load_model, resolve_model
from lattice_gnn.reports.prediction import ExpectedError
from lattice_gnn.surrogate.domain import Domain, Membership, require_spanning
from lattice_gnn.tensors.stiffness import Stiffness

_HELD_OUT = {
    "test": "lattices that it was not trained on",
    "unseen_nets": "nets that it was not trained on",
    "known_nets": "other lattices of the nets it was trained on",
}
"""What is in each set of held-out errors that a header may have."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the network says of one lattice.

    Attributes:
        lattice: The lattice as given.
        stiffness: C / E_s, Mandel (6, 6).
        expected_error: The model's error on held-out lattices like this one; None where the lattice
            leaves the ranges of the training set, for nothing is known there.
        domain_notes: How the lattice leaves the training set; empty where it lies inside.
        model: Name of the model.
    """

    lattice: Lattice
    stiffness: Stiffness
    expected_error: ExpectedError | None
    domain_notes: tuple[str, ...]
    model: str

    @property
    def in_domain(self) -> bool:
        """Whether the lattice lies inside the training set's ranges."""
        return not self.domain_notes


class Surrogate:
    """A trained stiffness network with its training domain.

    Attributes:
        name: Name or path it was loaded from.
        model: The network.
        header: The weights' header: config, normaliser, domain, metrics, training.
        domain: Ranges of the training set.
    """

    def __init__(self, name: str, model: StiffnessNetwork, header: Mapping[str, Any]):
        self.name = name
        self.model = model.requires_grad_(False)
        self.header = header
        self.domain = Domain.from_dict(header["domain"])

    def stiffness(self, batch: LatticeBatch) -> Stiffness:
        """C / E_s of a batch, differentiable with respect to its nodes, cells, radii, E and nu.

        The training domain is not looked at; ``predict`` does.
        """
        return Stiffness(self.model(batch))

    def predict(
        self,
        lattices: Sequence[Lattice] | Lattice,
        *,
        batch_size: int = 64,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> list[Prediction]:
        """Predict the stiffness of lattices.

        Args:
            lattices: One or many.
            batch_size: Lattices that go through the network at once.
            on_progress: Called with the number done and the number in all.

        Raises:
            LatticeGnnError: If a net does not span space, where C would be singular.
        """
        lattices = [lattices] if isinstance(lattices, Lattice) else list(lattices)
        for number, lattice in enumerate(lattices):
            name = f" ({lattice.name})" if lattice.name else ""
            require_spanning(lattice, f"lattice {number}{name}")
        predictions: list[Prediction] = []
        for start in range(0, len(lattices), batch_size):
            predictions += self._predict_batch(lattices[start : start + batch_size])
            if on_progress is not None:
                on_progress(len(predictions), len(lattices))
        return predictions

    def _predict_batch(self, lattices: Sequence[Lattice]) -> list[Prediction]:
        """Predict lattices that span space."""
        simplified = [lattice.simplified() for lattice in lattices]
        batch = LatticeBatch.from_lattices(simplified)
        with torch.no_grad():
            C = Stiffness(self.model.stiffness(batch))
        density = batch.relative_density.tolist()
        memberships = self.domain.compare(simplified, batch)
        return [
            Prediction(
                lattice=lattice,
                stiffness=C[b],
                expected_error=self._expected_error(memberships[b], density[b]),
                domain_notes=memberships[b].notes + _component_notes(lattice),
                model=self.name,
            )
            for b, lattice in enumerate(lattices)
        ]

    def _expected_error(self, membership: Membership, density: float) -> ExpectedError | None:
        """Held-out error at this density: on known nets, or on nets that are new to the model.

        Where the header has none of the kind, the error on what it has; None for a lattice outside
        the ranges of the training set.
        """
        if not membership.in_ranges:
            return None
        wanted = "known_nets" if membership.known_net else "unseen_nets"
        metrics = self.header["metrics"]
        kind = next((kind for kind in (wanted, *_HELD_OUT) if kind in metrics), None)
        if kind is None:
            return None
        rows = metrics[kind]["by_density"]
        row = next((row for row in rows if density < row["density"][1]), rows[-1])
        low, high = row["density"]
        return ExpectedError(
            median=row["relative_frobenius"]["median"],
            p90=row["relative_frobenius"]["p90"],
            basis=f"{row['count']} held-out labels: {_HELD_OUT[kind]}, "
            f"density {low:.3g} to {high:.3g}",
        )


def load_surrogate(
    name_or_path: str | Path = "default", *, dtype: torch.dtype = torch.float32
) -> Surrogate:
    """Load a shipped model by name, or any weights file by path; no network connection is used.

    Args:
        name_or_path: "default", or the path of a ``.safetensors`` file written by training.
        dtype: Precision of the network (the positive map works in float64 always).

    Raises:
        LatticeGnnError: If there is no such model, or its file is damaged or of another format.
    """
    model, header = load_model(resolve_model(name_or_path))
    missing = {"domain", "metrics"} - set(header)
    if missing:
        raise LatticeGnnError(
            f"{name_or_path}: header lacks {', '.join(sorted(missing))}; "
            "train with `lattice-gnn train`"
        )
    return Surrogate(str(name_or_path), model.to(dtype), header)


def _component_notes(lattice: Lattice) -> tuple[str, ...]:
    count = len(lattice.connectivity().components)
    return () if count == 1 else (f"it has {count} components, trained on one",)
