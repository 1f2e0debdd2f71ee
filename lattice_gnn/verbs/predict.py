"""``lattice_gnn.predict``: the stiffness by the trained network, in one call."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import overload

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.lattice.sequence import as_list
from lattice_gnn.network.checkpoint import resolve_model
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
) -> list[Prediction]: ...


def predict(
    lattices: Lattice | Iterable[Lattice],
    *,
    model: Model = "default",
    batch_size: int = 64,
    on_progress: Callable[[int, int], None] | None = None,
) -> Prediction | list[Prediction]:
    """Predict the stiffness: one lattice gives one prediction, a sequence a list of them.

    The weights are read at the first call and kept while their file does not change.

    Args:
        lattices: One lattice, or a sequence of them.
        model: Name of a shipped model, path of a weights file, or a loaded surrogate.
        batch_size: Lattices that go through the network at once.
        on_progress: Called with the number done and the number in all.

    Raises:
        LatticeGnnError: For anything that is no lattice, a net that does not span space, or an
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
    """Load a model; a file that has changed is another key."""
    return load_surrogate(model)
