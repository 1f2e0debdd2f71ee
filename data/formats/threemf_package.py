"""The archive of a 3MF file: opened within limits, and where its model begins.

Source: 3MF core specification, section 2; Open Packaging Conventions.
"""

import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from data.reading import MAX_BYTES, Place, XmlHandler, parse_xml, read_bytes
from lattice_gnn.errors import LatticeGnnError

MODEL = "3D/3dmodel.model"
RELATIONS = "_rels/.rels"
MODEL_TYPE = "http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"
_MAX_MEMBERS = 10_000
_MAX_RATIO = 200  #: decompressed over compressed size


def open_package(path: Path) -> zipfile.ZipFile:
    """Open the archive.

    Raises:
        LatticeGnnError: It cannot be read, is damaged or holds too many files.
    """
    content = read_bytes(path)
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError):
        raise LatticeGnnError(
            f"{path.name}: not a 3MF file: the zip archive is damaged or cut short."
        ) from None
    if len(archive.namelist()) > _MAX_MEMBERS:
        raise LatticeGnnError(f"{path.name}: more than {_MAX_MEMBERS} files in the archive.")
    return archive


def model_name(archive: zipfile.ZipFile, where: str) -> str:
    """Find the model: where the relations of the package say, or at its usual place."""
    names = set(archive.namelist())
    targets: list[str] = []

    def start(tag: str, attributes: dict[str, str], place: Place) -> None:
        if attributes.get("Type") == MODEL_TYPE:
            targets.append(attributes.get("Target", "").lstrip("/"))

    if RELATIONS in names:
        parse_xml(member(archive, RELATIONS, where), where, XmlHandler(start=start))
    for name in (*targets, MODEL):
        if name in names:
            return name
    if "xl/workbook.xml" in names:
        raise LatticeGnnError(f"{where}: is an Excel workbook; save its sheets as CSV.")
    raise LatticeGnnError(f"{where}: not a 3MF file: the archive holds no 3D model.")


def member(archive: zipfile.ZipFile, name: str, where: str) -> Iterator[bytes]:
    """Yield the content of a member in pieces; stop if it grows out of proportion."""
    limit = min(MAX_BYTES, 2**20 + _MAX_RATIO * archive.getinfo(name).compress_size)
    total = 0
    try:
        with archive.open(name) as file:
            while piece := file.read(65536):
                total += len(piece)
                if total > limit:
                    raise LatticeGnnError(
                        f"{where}: {name} decompresses to more than {limit // 2**20} MiB; refused."
                    )
                yield piece
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError):
        raise LatticeGnnError(f"{where}: {name} in the archive is damaged or locked.") from None
