"""Files that are there whole or not at all, and errors of files in one sentence."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lattice_gnn.errors import LatticeGnnError


@contextmanager
def reading(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn the errors of opening and reading ``path`` into one sentence.

    Raises:
        LatticeGnnError: If the file is missing, is a folder or cannot be read.
    """
    try:
        yield
    except FileNotFoundError:
        raise LatticeGnnError(f"{path}: there is no such file.") from None
    except IsADirectoryError:
        raise LatticeGnnError(f"{path}: expected a file, got a folder.") from None
    except OSError as error:
        raise LatticeGnnError(f"{path}: cannot be read ({error.strerror}).") from None


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a file beside ``path`` to write, and put it in place in one step at the end.

    The temporary name keeps the suffix. Where anything fails an old file stays whole and nothing
    is left behind.

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
    """Write bytes, or text as UTF-8, all or nothing.

    Raises:
        LatticeGnnError: If the file cannot be written; an old one stays whole.
    """
    with replacing(path) as part:
        part.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds names with values.

    Raises:
        LatticeGnnError: If it cannot be read, is no YAML, or holds something else.
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
