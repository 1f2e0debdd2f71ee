"""Atomic writes, and file errors as one sentence."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lattice_gnn.errors import LatticeGnnError


@contextmanager
def reading(path: str | os.PathLike[str]) -> Iterator[None]:
    """Convert errors of opening and reading ``path`` into one-sentence messages.

    Raises:
        LatticeGnnError: If the file is missing, is a folder or cannot be read.
    """
    try:
        yield
    except FileNotFoundError:
        raise LatticeGnnError(f"{path}: no such file.") from None
    except IsADirectoryError:
        raise LatticeGnnError(f"{path}: expected a file, got a folder.") from None
    except OSError as error:
        raise LatticeGnnError(f"{path}: cannot be read ({error.strerror}).") from None


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Provide a temporary file beside ``path`` and rename it to ``path`` on success.

    The temporary name keeps the suffix. If anything fails, an existing file is left unchanged and
    the temporary file is deleted.

    Raises:
        LatticeGnnError: If the file cannot be written.
    """
    place = Path(path)
    if not place.name:
        raise LatticeGnnError(f"{place}: expected the name of a file to write.")
    part = place.with_name(f".{place.stem}.{os.getpid()}.part{place.suffix}")
    try:
        try:
            yield part
            os.replace(part, place)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or " ".join(str(error).split())
        raise LatticeGnnError(
            f"{place}: cannot be written ({reason}); name a place that exists and is writable."
        ) from error


def write_whole(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Write bytes, or text as UTF-8, atomically.

    Raises:
        LatticeGnnError: If the file cannot be written; an existing file is left unchanged.
    """
    with replacing(path) as part:
        part.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds a mapping.

    Raises:
        LatticeGnnError: If it cannot be read, is not YAML, or holds something else.
    """
    import yaml

    try:
        with reading(path):
            values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise LatticeGnnError(f"{path}: not YAML: {' '.join(str(error).split())}.") from None
    if not isinstance(values, dict):
        raise LatticeGnnError(f"{path}: expected names with values, got {type(values).__name__}.")
    return values
