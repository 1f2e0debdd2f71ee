"""Probe whether the HDF5 library can read a file, by its checksum or in a separate process.

A damaged file can send the library into an endless loop, or make it allocate all memory. Files
written by this program end with a checksum of their bytes; if it is correct, the library reads what
it once wrote. Every other file is first read in a separate process, with limits on time and memory.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from lattice_gnn.errors import LatticeGnnError

_MARK = b"\nlattice-gnn sha256 "
_LENGTH = len(_MARK) + 64 + 1
_SECONDS = 6.0
_SECONDS_PER_BYTE = 1e-6
_MEMORY = 2**30
_CHUNK = 2**20

_TRY = f"""
import sys
try:
    import resource
    resource.setrlimit(resource.RLIMIT_DATA, ({_MEMORY}, {_MEMORY}))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
except (ImportError, ValueError, OSError):
    pass
import h5py
def visit(name, found):
    dict(found.attrs)
    if isinstance(found, h5py.Dataset) and found.external is None and not found.is_virtual:
        if found.nbytes <= max(2**20, 1000 * found.id.get_storage_size()):
            found[()]
with h5py.File(sys.argv[1], "r") as file:
    dict(file.attrs)
    file.visititems(visit)
"""


def with_checksum(content: bytes) -> bytes:
    """Return the bytes of a file with their checksum at the end, which HDF5 ignores."""
    return content + _MARK + hashlib.sha256(content).hexdigest().encode() + b"\n"


def has_checksum(path: Path) -> bool:
    """Return whether a file ends with the checksum of all preceding bytes."""
    size = path.stat().st_size - _LENGTH
    if size < 0:
        return False
    digest = hashlib.sha256()
    with path.open("rb") as file:
        left = size
        while left and (piece := file.read(min(_CHUNK, left))):
            digest.update(piece)
            left -= len(piece)
        return file.read() == _MARK + digest.hexdigest().encode() + b"\n"


def check_readable(path: Path) -> None:
    """Refuse a file on which the library hangs or crashes.

    Errors that the library reports are left to the reader.

    Raises:
        LatticeGnnError: If it took too long or too much memory, or crashed the library.
    """
    if has_checksum(path):
        return
    limit = _SECONDS + _SECONDS_PER_BYTE * path.stat().st_size
    command = [sys.executable, "-I", "-c", _TRY, os.fspath(path.resolve())]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            command, timeout=limit, capture_output=True, check=False, env=environment
        )
    except subprocess.TimeoutExpired:
        raise LatticeGnnError(
            f"{path}: not a readable HDF5 file (damaged: the library does not finish within "
            f"{limit:.0f} s)."
        ) from None
    if done.returncode < 0 or b"MemoryError" in done.stderr:
        raise LatticeGnnError(
            f"{path}: not a readable HDF5 file (damaged: it crashes the library, or requires more "
            f"than {_MEMORY // 2**30} GiB)."
        )
