"""Weights on disk: one safetensors file with a JSON header that describes the model.

Header key ``lattice-gnn`` holds a JSON object with ``format`` (this file's version), ``config``,
``normaliser`` and ``checksum`` (of the weights); of a finished recipe also ``domain``
(training-domain statistics), ``metrics`` (held-out errors), ``uncertainty`` (error bounds, where
the model has them) and ``training`` (how it was made, data hash).
"""

import hashlib
import io
import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Never

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import write_whole
from lattice_gnn.network.base import StiffnessNetwork
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.network.registry import build_model, read_model_config

FORMAT = 1
_KEY = "lattice-gnn"
_EXTENSION = ".safetensors"
DEFAULT = "joints"
"""The shipped model that "default" stands for."""


def save_model(path: str | Path, model: StiffnessNetwork, facts: Mapping[str, Any]) -> None:
    """Write weights and header atomically.

    Args:
        path: The file to write.
        model: The model.
        facts: Entries of the header beside ``format``, ``config`` and ``normaliser``: plain
            values. Numbers that are not finite (an error that has no value) become null.
    """
    header = {
        **_without_infinities(facts),
        "format": FORMAT,
        "config": model.config.to_dict(),
        "normaliser": asdict(model.normaliser),
    }
    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    header["checksum"] = checksum(tensors)
    write_whole(
        path, save(tensors, metadata={_KEY: json.dumps(header, sort_keys=True, allow_nan=False)})
    )


def load_model(path: str | Path) -> tuple[StiffnessNetwork, dict[str, Any]]:
    """Read a model and its header.

    Raises:
        LatticeGnnError: If the file is missing, damaged, not a weights file or of another format.
    """
    path = Path(path)
    header = read_header(path)
    try:
        config = read_model_config(header["config"])
        normaliser = Normaliser.from_dict(header["normaliser"])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise _damaged(path, error) from error
    tensors = _read_tensors(path)
    _check_tensors(path, tensors, header)
    try:
        model = build_model(config, normaliser)
        model.load_state_dict(tensors)
    except (RuntimeError, ValueError, TypeError) as error:
        raise _damaged(path, error) from error
    return model.eval(), header


def weights_checksum(path: str | Path) -> str:
    """Return the ``checksum`` of the weights in a file, whatever its header says of them.

    Raises:
        LatticeGnnError: As for ``load_model``.
    """
    read_header(path)
    return checksum(_read_tensors(Path(path)))


def _read_tensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (KeyError, TypeError, SafetensorError, OSError) as error:
        raise _damaged(path, error) from error


def checksum(tensors: Mapping[str, torch.Tensor]) -> str:
    """Return the SHA-256 of all tensors: names, types, shapes and bits."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _check_tensors(
    path: Path, tensors: Mapping[str, torch.Tensor], header: Mapping[str, Any]
) -> None:
    """Weights are the ones that were written, and finite.

    Files of versions before the checksum have none.
    """
    if "checksum" in header and header["checksum"] != checksum(tensors):
        raise _damaged(path, ValueError("the weights do not match their checksum"))
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise _damaged(path, ValueError(f"the weights {name} are not finite"))


def read_header(path: str | Path) -> dict[str, Any]:
    """Read the JSON header only.

    Raises:
        LatticeGnnError: As for ``load_model``.
    """
    path = Path(path)
    if not path.is_file():
        raise LatticeGnnError(
            f"{path}: no such weights file; give the name of a shipped model "
            f"({', '.join(shipped_models())}) or the path of a .safetensors file"
        )
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        header = json.loads(metadata[_KEY], parse_constant=_refuse_constant)
        _check_header(header)
    except (SafetensorError, KeyError, ValueError, OSError, RecursionError) as error:
        raise _damaged(path, error) from error
    if header.get("format") != FORMAT:
        raise LatticeGnnError(
            f"{path}: weights of format {header.get('format')!r}, expected {FORMAT}; "
            "train again or use the version of lattice-gnn that wrote them"
        )
    return header


_HEADER = {
    "config": dict,
    "normaliser": dict,
    "domain": dict,
    "metrics": dict,
    "training": dict,
    "checksum": str,
}
"""Entries of the header, where they are there, and what they are."""


def _check_header(header: Any) -> None:
    """Raise a ValueError for a header that is none."""
    if not isinstance(header, dict):
        raise ValueError(f"the header is a {type(header).__name__}, expected an object")
    for name, kind in _HEADER.items():
        if name in header and not isinstance(header[name], kind):
            raise ValueError(f"{name}: expected {kind.__name__}, got {header[name]!r:.60}")


def _without_infinities(value: Any) -> Any:
    """Replace numbers that JSON does not have by None, all the way down."""
    if isinstance(value, Mapping):
        return {key: _without_infinities(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_without_infinities(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _refuse_constant(name: str) -> Never:
    raise ValueError(f"{name} is no number in JSON")


def _damaged(path: Path, error: Exception) -> LatticeGnnError:
    reason = " ".join(str(error).split())[:160]
    return LatticeGnnError(
        f"{path}: not a usable lattice-gnn weights file ({type(error).__name__}: {reason}); "
        "it is damaged or from another program; download or train it again"
    )


def weights_folder() -> Path:
    """Folder of the shipped weights."""
    return Path(__file__).parents[1] / "weights"


def shipped_models() -> list[str]:
    """Names of the models shipped with the package."""
    return sorted(path.stem for path in weights_folder().glob(f"*{_EXTENSION}"))


def model_name(name_or_path: str | Path) -> str:
    """The name that a model goes by: "default" is that of the model it stands for."""
    return DEFAULT if str(name_or_path) == "default" else str(name_or_path)


def resolve_model(name_or_path: str | Path) -> Path:
    """Path of a shipped model given by name, or the given path itself."""
    name = model_name(name_or_path)
    if name in shipped_models():
        return weights_folder() / f"{name}{_EXTENSION}"
    return Path(name_or_path)


def state_bytes(state: Mapping[str, Any]) -> bytes:
    """Serialise optimiser state for ``torch.load(weights_only=True)``."""
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    return buffer.getvalue()
