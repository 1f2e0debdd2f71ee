"""Load a trained network, predict with it, differentiate it."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
import torch
from jaxtyping import Float

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.checks import whole_number
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.lattice.sequence import as_list, label
from lattice_gnn.network.answer import Answer
from lattice_gnn.network.base import StiffnessNetwork
from lattice_gnn.network.checkpoint import load_model, model_name, resolve_model
from lattice_gnn.reports.prediction import ExpectedError
from lattice_gnn.reports.rows import Results
from lattice_gnn.surrogate.domain import Domain, Membership, require_spanning
from lattice_gnn.surrogate.limits import SLACK, excess_over_solid
from lattice_gnn.surrogate.measures import GAP, measures
from lattice_gnn.surrogate.prediction import Prediction
from lattice_gnn.surrogate.uncertainty import ErrorBounds, signs_of
from lattice_gnn.tensors.stiffness import Stiffness

OnProgress = Callable[[int, int], None]

BEAM_LABELS = "beam FEM"
"""Reference of models whose labels beam FEM computed."""
_HELD_OUT = {
    "test": "lattices that it was not trained on",
    "unseen_nets": "nets that it was not trained on",
    "known_nets": "other lattices of the nets it was trained on",
}
"""Contents of each set of held-out errors in a header."""


class Surrogate:
    """A trained stiffness network and its training domain.

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
        try:
            domain = Domain.from_dict(header["domain"])
            self.domain = domain.without_contact() if self.reference == BEAM_LABELS else domain
            _check_metrics(header["metrics"])
            known = header.get("uncertainty")
            self._bounds = None if known is None else ErrorBounds.from_dict(known)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise LatticeGnnError(
                f"{name}: the header's training domain or held-out errors are damaged "
                f"({type(error).__name__}: {' '.join(str(error).split())[:80]}); fetch or train "
                "the weights again."
            ) from None

    @property
    def reference(self) -> str:
        """The method that the model imitates, by which its training labels were computed."""
        method = str(self.header.get("training", {}).get("labels", ""))
        known = ("solid FEM", BEAM_LABELS)
        return next((name for name in known if name in method), method or "its training labels")

    def __repr__(self) -> str:
        """Return one line: name, kind of network, parameters, nets of the training set."""
        return (
            f"Surrogate({self.name!r}, {type(self.model).__name__}, "
            f"{self.model.num_weights:,} parameters, "
            f"trained on {len(self.domain.nets):,} nets)"
        )

    def stiffness(self, lattices: LatticeBatch | Lattice | Iterable[Lattice]) -> Stiffness:
        """Return C / E_s: (6, 6) for one lattice, (lattices, 6, 6) for a batch or sequence.

        For a batch, differentiable with respect to its nodes, cells, radii, E and nu. Does not
        check the training domain, unlike ``predict``.

        Raises:
            LatticeGnnError: For lattices (not batches) whose net does not span space.
        """
        if isinstance(lattices, LatticeBatch):
            return Stiffness(self.model(lattices))
        batch = LatticeBatch.from_lattices(_spanning(as_list(lattices, "stiffness")))
        C = Stiffness(self.model(batch))
        return C[0] if isinstance(lattices, Lattice) else C

    @overload
    def predict(
        self, lattices: Lattice, *, batch_size: int = ..., on_progress: OnProgress | None = ...
    ) -> Prediction: ...

    @overload
    def predict(
        self,
        lattices: Iterable[Lattice],
        *,
        batch_size: int = ...,
        on_progress: OnProgress | None = ...,
    ) -> Results[Prediction]: ...

    def predict(
        self,
        lattices: Lattice | Iterable[Lattice],
        *,
        batch_size: int = 64,
        on_progress: OnProgress | None = None,
    ) -> Prediction | Results[Prediction]:
        """Predict the stiffness of one lattice, or of a sequence (a list of predictions).

        Args:
            lattices: One lattice, or a sequence of them.
            batch_size: Lattices per batch.
            on_progress: Called with the number done and the total.

        Raises:
            LatticeGnnError: If a net does not span space, so that C would be singular, or a
                prediction is not finite or above the bound of its solid.
        """
        batch_size = whole_number(batch_size, "predict: batch_size", 1)
        several = _spanning(as_list(lattices, "predict"))
        predictions: Results[Prediction] = Results()
        for start in range(0, len(several), batch_size):
            predictions += self._predict_batch(several[start : start + batch_size], start)
            if on_progress is not None:
                on_progress(len(predictions), len(several))
        return predictions[0] if isinstance(lattices, Lattice) else predictions

    def _predict_batch(self, lattices: Sequence[Lattice], first: int) -> list[Prediction]:
        """Predict lattices that span space; ``first`` is the number of the first in messages."""
        simplified = [lattice.simplified() for lattice in lattices]
        batch = LatticeBatch.from_lattices(simplified)
        with torch.no_grad():
            answer = self.model.answer(batch)
        C = Stiffness(answer.stiffness)
        _refuse_impossible(C, batch, lattices, first)
        frame = None if answer.frame is None else Stiffness(answer.frame)
        measured = measures(batch)
        bounds = self.error_bounds(answer, measured[GAP][0], batch.relative_density)
        density = batch.relative_density.tolist()
        memberships = self.domain.compare(simplified, measured)
        return [
            Prediction(
                lattice=lattice,
                stiffness=C[b],
                frame=None if frame is None else frame[b],
                expected_error=self._expected_error(memberships[b], density[b])
                if bounds is None
                else self._bounded_error(memberships[b], bounds[b]),
                domain_notes=memberships[b].notes,
                model=self.name,
            )
            for b, lattice in enumerate(lattices)
        ]

    def error_bounds(
        self,
        answer: Answer,
        gap: Float[torch.Tensor, " lattices"],
        density: Float[torch.Tensor, " lattices"],
    ) -> Float[np.ndarray, "lattices 2"] | None:
        """Return the 50 % and 90 % bounds on the relative error, if the model has them.

        Args:
            answer: The predictions.
            gap: ``measures.gap_to_radius`` of the lattices.
            density: Their relative densities.
        """
        signs = signs_of(answer, gap, density)
        return None if self._bounds is None or signs is None else self._bounds.bounds(signs)

    def _bounded_error(
        self, membership: Membership, bounds: Float[np.ndarray, " 2"]
    ) -> ExpectedError | None:
        """Return the error bounds of a prediction; None outside the ranges of the training set."""
        if not membership.in_ranges or self._bounds is None:
            return None
        return ExpectedError(
            median=float(bounds[0]),
            p90=float(bounds[1]),
            against=self.reference,
            basis=f"of this prediction, calibrated on {self._bounds.count} held-out labels",
        )

    def _expected_error(self, membership: Membership, density: float) -> ExpectedError | None:
        """Return the held-out error at this density, on known nets or on unseen nets.

        If the header lacks this set, the error on the set that it has; None for a lattice outside
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
            against=self.reference,
            basis=f"{row['count']} held-out labels: {_HELD_OUT[kind]}, "
            f"density {low:.3g} to {high:.3g}",
        )


def _check_metrics(metrics: Mapping[str, Any]) -> None:
    """Check that the rows of held-out errors are finite numbers; raise ValueError or the like."""
    for kind in _HELD_OUT:
        for row in metrics[kind]["by_density"] if kind in metrics else ():
            low, high = row["density"]
            errors = [row["relative_frobenius"][key] for key in ("median", "p90")]
            numbers = [float(x) for x in (low, high, row["count"], *errors)]
            if not all(map(math.isfinite, numbers)):
                raise ValueError(f"{kind}: a number is not finite")
        if kind in metrics and not metrics[kind]["by_density"]:
            raise ValueError(f"{kind}: no rows")


def load_surrogate(
    name_or_path: str | Path = "default", *, dtype: torch.dtype = torch.float32
) -> Surrogate:
    """Load a shipped model by name, or a weights file by path; works offline.

    Args:
        name_or_path: "default", or the path of a ``.safetensors`` file written by training.
        dtype: Precision of the network (the positive map always uses float64).

    Raises:
        LatticeGnnError: If there is no such model, or its file is damaged or has another format.
    """
    model, header = load_model(resolve_model(name_or_path))
    missing = {"domain", "metrics"} - set(header)
    if missing:
        raise LatticeGnnError(
            f"{name_or_path}: header lacks {', '.join(sorted(missing))}; "
            "train with `lattice-gnn train`"
        )
    return Surrogate(model_name(name_or_path), model.to(dtype), header)


def _spanning(lattices: list[Lattice]) -> list[Lattice]:
    """Return the lattices unchanged if all span space.

    Raises:
        LatticeGnnError: Names the first that does not.
    """
    for number, lattice in enumerate(lattices):
        require_spanning(lattice, label(number, lattice))
    return lattices


class ImpossiblePredictionError(LatticeGnnError):
    """A prediction that no lattice of this solid can have.

    Attributes:
        lattice: Number of the lattice in the sequence.
        reason: The message without the name of the lattice.
    """

    def __init__(self, number: int, lattice: Lattice, reason: str) -> None:
        super().__init__(f"{label(number, lattice)}: {reason}")
        self.lattice, self.reason = number, reason


def _refuse_impossible(
    C: Stiffness, batch: LatticeBatch, lattices: Sequence[Lattice], first: int
) -> None:
    """Refuse predictions that no lattice of this solid can have.

    Raises:
        LatticeGnnError: Names the first.
    """
    for number, excess in enumerate(excess_over_solid(C.mandel.detach(), batch).tolist()):
        if excess > SLACK:
            by = f"{excess:.3g} times" if math.isfinite(excess) else "not finite, beyond"
            raise ImpossiblePredictionError(
                first + number,
                lattices[number],
                f"the predicted stiffness is {by} the bound of its solid and density: the lattice "
                "is too far outside the training domain to be predicted; use homogenise with beam "
                "or solid FEM.",
            )
