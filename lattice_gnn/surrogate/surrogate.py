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
from lattice_gnn.surrogate.domain import Domain
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
            _require_spanning(lattice, number)
        predictions: list[Prediction] = []
        for start in range(0, len(lattices), batch_size):
            part = lattices[start : start + batch_size]
            with torch.no_grad():
                C = self.stiffness(LatticeBatch.from_lattices(part))
            predictions += [self._prediction(x, C[b]) for b, x in enumerate(part)]
            if on_progress is not None:
                on_progress(len(predictions), len(lattices))
        return predictions

    def _prediction(self, lattice: Lattice, stiffness: Stiffness) -> Prediction:
        simplified = lattice.simplified()
        net = simplified.connectivity()
        notes = self.domain.notes(simplified)
        if len(net.components) > 1:
            notes = (*notes, f"it has {len(net.components)} components, trained on one")
        return Prediction(
            lattice=lattice,
            stiffness=stiffness,
            expected_error=self.expected_error(simplified),
            domain_notes=notes,
            model=self.name,
        )

    def expected_error(self, lattice: Lattice) -> ExpectedError | None:
        """Held-out error at this density, on known nets or on others as the case may be.

        Where the header has no such lattices it is that of those it has. None for a (simplified)
        lattice outside the ranges of the training set.
        """
        if self.domain.range_notes(lattice):
            return None
        wanted = "known_nets" if self.domain.knows_net(lattice) else "unseen_nets"
        metrics = self.header["metrics"]
        kind = next((kind for kind in (wanted, *_HELD_OUT) if kind in metrics), None)
        if kind is None:
            return None
        rows = metrics[kind]["by_density"]
        density = lattice.relative_density
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


def _require_spanning(lattice: Lattice, number: int) -> None:
    net = lattice.connectivity()
    if not net.spans_space:
        name = f"lattice {number}" + (f" ({lattice.name})" if lattice.name else "")
        raise LatticeGnnError(
            f"{name}: the network predicts lattices that span space, and this one does not "
            f"({net.describe()}); `lattice-gnn homogenise` gives its singular stiffness"
        )
