"""Atomic writes, and file errors as one sentence."""

import math
import os
import secrets
import select
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lattice_gnn.errors import LatticeGnnError

MAX_PIPED = 128 * 2**20  #: maximum number of bytes read from a pipe
_WAIT = 10.0  #: seconds to wait for data from a pipe
_MAX_YAML = 2**20
_MAX_DEPTH = 50
_MAX_VALUES = 200_000


@contextmanager
def reading(path: str | os.PathLike[str]) -> Iterator[None]:
    """Convert errors of opening and reading ``path`` into one-sentence messages.

    Raises:
        LatticeGnnError: If the file is missing, is a folder or device, or cannot be read.
    """
    try:
        if stat.S_ISCHR(mode := os.stat(path).st_mode) or stat.S_ISBLK(mode):
            raise LatticeGnnError(f"{path}: expected a file, got a device.")
        yield
    except FileNotFoundError:
        raise LatticeGnnError(f"{path}: no such file.") from None
    except IsADirectoryError:
        raise LatticeGnnError(f"{path}: expected a file, got a folder.") from None
    except OSError as error:
        raise LatticeGnnError(f"{path}: cannot be read ({error.strerror}).") from None
    except ValueError as error:
        if "null" in str(error) and not isinstance(error, LatticeGnnError):
            raise LatticeGnnError(f"{str(path)!r}: not a valid file name.") from None
        raise


@contextmanager
def seekable(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Provide a seekable file with the content of ``path``.

    This is the file itself; the content of a pipe (``/dev/stdin``, which ``-`` stands for, process
    substitution) is first copied to a temporary file of the same name.

    Raises:
        LatticeGnnError: If no data arrives through the pipe, or more than ``MAX_PIPED``.
    """
    path = Path("/dev/stdin" if str(path) == "-" else path)
    if not _is_pipe(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="lattice-gnn-") as folder:
        copy = Path(folder) / (path.name or "pipe")
        copy.write_bytes(_from_pipe(path))
        yield copy


def _is_pipe(path: Path) -> bool:
    try:
        return stat.S_ISFIFO(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def _from_pipe(path: Path) -> bytes:
    pieces, total, deadline = [], 0, time.monotonic() + _WAIT
    with reading(path):
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            while True:
                select.select([descriptor], [], [], 1.0)
                try:
                    piece = os.read(descriptor, 2**20)
                except BlockingIOError:  # a writer is connected, but no data yet
                    continue
                if piece:
                    pieces.append(piece)
                    total += len(piece)
                elif pieces or time.monotonic() > deadline:
                    break
                else:
                    time.sleep(0.05)
                if total > MAX_PIPED:
                    raise LatticeGnnError(
                        f"{path}: more than {MAX_PIPED // 2**20} MiB came through the pipe; "
                        "save it to a file."
                    )
        finally:
            os.close(descriptor)
    if not pieces:
        raise LatticeGnnError(f"{path}: no data came through this pipe within 10 s.")
    return b"".join(pieces)


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Provide a temporary file beside ``path`` and rename it to ``path`` on success.

    The temporary name is random, exclusive and keeps the suffix in lower case. If anything fails,
    an existing file is left unchanged and the temporary file is deleted. If ``path`` is a link, its
    target is replaced.

    Raises:
        LatticeGnnError: If the file cannot be written, or is a device or a pipe.
    """
    check_writable(path)
    place = Path(path)
    try:
        if place.is_symlink():
            place = place.resolve()
        part = _exclusive(place)
        try:
            yield part
            if place.exists():
                part.chmod(stat.S_IMODE(place.stat().st_mode))
            os.replace(part, place)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or " ".join(str(error).split())
        raise LatticeGnnError(
            f"{path}: cannot be written ({reason}); name a place that exists and is writable."
        ) from error


def _exclusive(place: Path) -> Path:
    """Create an empty file with a random name beside ``place``."""
    stem = place.stem.encode("utf-8", "replace")[:80].decode("utf-8", "ignore")
    suffix = place.suffix.lower() if len(place.suffix) < 20 else ""  # writers depend on it
    part = place.with_name(f".{stem}.{secrets.token_hex(8)}.part{suffix}")
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    return part


def check_writable(path: str | os.PathLike[str]) -> None:
    """Check that a file can be written at ``path``.

    Raises:
        LatticeGnnError: If it has no name or is called ``-``, its folder is missing or not
            writable, or it is a folder, a device or a pipe.
    """
    place = Path(path)
    if not place.name or "\0" in str(place):
        raise LatticeGnnError(f"{place}: cannot be written; give the name of a file.")
    if str(path) == "-":
        raise LatticeGnnError("-: stands for no output; give the name of a file (./- is one).")
    try:
        if not place.parent.is_dir():
            raise LatticeGnnError(
                f"{place}: cannot be written, there is no folder {place.parent}; make it first."
            )
        if place.is_dir():
            raise LatticeGnnError(f"{place}: cannot be written, it is a folder; name a file.")
        if place.exists() and not place.is_file():
            raise LatticeGnnError(
                f"{place}: cannot be written, it is a device or a pipe, which is never replaced; "
                "name a file."
            )
        folder = place.resolve().parent if place.is_symlink() else place.parent
    except (OSError, ValueError) as error:
        if isinstance(error, LatticeGnnError):
            raise
        raise LatticeGnnError(f"{str(place)!r}: cannot be written ({error}).") from None
    if not os.access(folder, os.W_OK):
        raise LatticeGnnError(
            f"{place}: cannot be written, the folder is not writable; choose another."
        )


def write_whole(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Write bytes, or text as UTF-8, atomically.

    Raises:
        LatticeGnnError: If the file cannot be written; an existing file is left unchanged.
    """
    if isinstance(content, str):
        content = content.encode("utf-8", "backslashreplace")
    with replacing(path) as part:
        part.write_bytes(content)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds a mapping.

    Raises:
        LatticeGnnError: If it cannot be read, is not YAML, repeats a name, or holds something else.
    """
    import yaml

    with seekable(path) as real, reading(path):
        if real.stat().st_size > _MAX_YAML:
            raise LatticeGnnError(f"{path}: larger than {_MAX_YAML // 2**20} MiB.")
        content = real.read_bytes()
    try:
        text = content.decode("utf-8-sig")
        _refuse_depth(text, path)
        values = yaml.load(text, Loader=_plain_loader(path))
    except LatticeGnnError:
        raise
    except Exception as error:  # the loader raises many types on damaged files
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise LatticeGnnError(f"{path}: not YAML: {reason}.") from None
    if not isinstance(values, dict):
        raise LatticeGnnError(f"{path}: expected names with values, got {type(values).__name__}.")
    _refuse_odd(values, path)
    return values


def _refuse_depth(text: str, path: Path) -> None:
    """Raise for tags and deep nesting before the loader recurses into them."""
    import yaml

    depth = 0
    for token in yaml.scan(text):
        if isinstance(token, yaml.TagToken):
            raise LatticeGnnError(
                f"{path}, line {token.start_mark.line + 1}: tags such as !!int are not supported; "
                "write plain values."
            )
        name = type(token).__name__
        depth += name.endswith("StartToken") - name.endswith("EndToken")
        if depth > _MAX_DEPTH:
            raise LatticeGnnError(f"{path}: nested deeper than {_MAX_DEPTH}.")


def _plain_loader(path: Path) -> Any:
    """Return a loader that reads dates as text, and refuses a name that occurs twice."""
    import yaml

    class Plain(yaml.SafeLoader):
        """SafeLoader without time stamps and repeated names."""

        def compose_mapping_node(self, anchor: str | None) -> Any:
            """Build the node of a mapping; YAML itself forbids repeated names."""
            node = super().compose_mapping_node(anchor)
            seen: set[str] = set()
            for key, _ in node.value:
                if isinstance(key, yaml.ScalarNode) and key.value in seen:
                    raise LatticeGnnError(
                        f"{path}, line {key.start_mark.line + 1}: the name {key.value[:60]!r} "
                        "occurs twice; keep one."
                    )
                seen.add(str(key.value))
            return node

    Plain.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in pairs if not tag.endswith(":timestamp")]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    return Plain


def _refuse_odd(values: dict[Any, Any], path: Path) -> None:
    """Raise for keys that are not strings, invalid numbers, and excessive alias expansion."""
    waiting: list[tuple[Any, str]] = [(values, str(path))]
    for _ in range(_MAX_VALUES):
        if not waiting:
            return
        value, where = waiting.pop()
        if isinstance(value, dict):
            for key, inner in value.items():
                if not isinstance(key, str):
                    raise LatticeGnnError(
                        f"{where}: expected names that are text, got {key!r:.60}."
                    )
                waiting.append((inner, f"{where}: {key[:60]}"))
        elif isinstance(value, list):
            waiting += [(inner, where) for inner in value]
        elif isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**63:
            raise LatticeGnnError(f"{where}: expected a number below 2^63.")
        elif isinstance(value, float) and not math.isfinite(value):
            raise LatticeGnnError(f"{where}: expected a finite number, got {value}.")
        elif value is not None and not isinstance(value, str | int | float | bool):
            raise LatticeGnnError(f"{where}: expected text, a number or a list.")
    raise LatticeGnnError(f"{path}: more than {_MAX_VALUES} values after expanding aliases.")
