"""``lattice_gnn.predict``: the effective stiffness by the trained network."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Literal, overload

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.lattice.sequence import as_list
from lattice_gnn.network.checkpoint import resolve_model
from lattice_gnn.reports.rows import Results
from lattice_gnn.surrogate.prediction import Prediction
from lattice_gnn.surrogate.surrogate import Surrogate, load_surrogate
from lattice_gnn.verbs.homogenise import Homogenisation, homogenise

Model = Surrogate | str | Path
OnProgress = Callable[[int, int], None]


@overload
def predict(
    lattices: Lattice,
    *,
    model: Model = ...,
    fidelity: Literal["solid"] = ...,
    batch_size: int = ...,
    on_progress: OnProgress | None = ...,
) -> Prediction: ...


@overload
def predict(
    lattices: Iterable[Lattice],
    *,
    model: Model = ...,
    fidelity: Literal["solid"] = ...,
    batch_size: int = ...,
    on_progress: OnProgress | None = ...,
) -> Results[Prediction]: ...


@overload
def predict(
    lattices: Lattice, *, fidelity: Literal["beam"], on_progress: OnProgress | None = ...
) -> Homogenisation: ...


@overload
def predict(
    lattices: Iterable[Lattice],
    *,
    fidelity: Literal["beam"],
    on_progress: OnProgress | None = ...,
) -> Results[Homogenisation]: ...


def predict(
    lattices: Lattice | Iterable[Lattice],
    *,
    model: Model = "default",
    fidelity: Literal["solid", "beam"] = "solid",
    batch_size: int = 64,
    on_progress: OnProgress | None = None,
) -> Prediction | Homogenisation | Results[Prediction] | Results[Homogenisation]:
    """Predict the stiffness of one lattice, or of a sequence (a list of predictions).

    The list has ``to_dataframe()``, which makes it a table.

    The weights are loaded at the first call and cached until their file changes.

    Args:
        lattices: One lattice, or a sequence of lattices.
        model: Name of a shipped model, path of a weights file, or a loaded surrogate.
        fidelity: "solid" for the network; "beam" for beam FEM, exact at this fidelity and without a
            network: the result is that of ``homogenise``.
        batch_size: Lattices per batch.
        on_progress: Called with the number done and the total.

    Raises:
        LatticeGnnError: For anything other than lattices, a net that does not span space, an
            unknown model or fidelity, or a model for beams.
    """
    if fidelity == "beam":
        if model != "default":
            raise LatticeGnnError(
                "predict: model is an option of fidelity 'solid', beams need none; leave it out"
            )
        return homogenise(lattices, on_progress=on_progress)
    if fidelity != "solid":
        raise LatticeGnnError(f"predict: expected fidelity 'solid' or 'beam', got {fidelity!r:.60}")
    several = as_list(lattices, "predict")
    if not isinstance(model, Surrogate | str | Path):
        raise LatticeGnnError(
            "predict: expected model as the name of a shipped model, a path or a Surrogate, got "
            f"{type(model).__name__}"
        )
    surrogate = model if isinstance(model, Surrogate) else _loaded(model)
    found = surrogate.predict(several, batch_size=batch_size, on_progress=on_progress)
    return found[0] if isinstance(lattices, Lattice) else found


def _loaded(model: str | Path) -> Surrogate:
    file = resolve_model(model)
    if not file.is_file():
        return load_surrogate(model)  # which says what is wrong
    found = file.stat()
    return _load_once(str(model), found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=4)
def _load_once(model: str, changed: int, size: int) -> Surrogate:
    """Load a model; a changed file has a different cache key."""
    return load_surrogate(model)
