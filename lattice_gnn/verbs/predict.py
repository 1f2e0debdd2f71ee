"""``lattice_gnn.predict``: the effective stiffness by the trained network."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import overload

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.lattice.sequence import as_list
from lattice_gnn.network.checkpoint import resolve_model
from lattice_gnn.reports.rows import Results
from lattice_gnn.surrogate.prediction import Prediction
from lattice_gnn.surrogate.surrogate import Surrogate, load_surrogate

Model = Surrogate | str | Path


@overload
def predict(
    lattices: Lattice,
    *,
    model: Model = ...,
    batch_size: int = ...,
    on_progress: Callable[[int, int], None] | None = ...,
) -> Prediction: ...


@overload
def predict(
    lattices: Iterable[Lattice],
    *,
    model: Model = ...,
    batch_size: int = ...,
    on_progress: Callable[[int, int], None] | None = ...,
) -> Results[Prediction]: ...


def predict(
    lattices: Lattice | Iterable[Lattice],
    *,
    model: Model = "default",
    batch_size: int = 64,
    on_progress: Callable[[int, int], None] | None = None,
) -> Prediction | Results[Prediction]:
    """Predict the stiffness of one lattice, or of a sequence (a list of predictions).

    The list has ``to_dataframe()``, which makes it a table.

    The weights are loaded at the first call and cached until their file changes.

    Args:
        lattices: One lattice, or a sequence of lattices.
        model: Name of a shipped model, path of a weights file, or a loaded surrogate.
        batch_size: Lattices per batch.
        on_progress: Called with the number done and the total.

    Raises:
        LatticeGnnError: For anything other than lattices, a net that does not span space, or an
            unknown model.
    """
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
