"""Recognise results of this program, which lie beside lattices in folders and are none."""

import mmap
import re
from pathlib import Path

_HEAD = 2_000  #: bytes
_SCHEMA = re.compile(rb'"schema"\s*:\s*"lattice-gnn/([a-z-]+)/')
_LATTICES = (b"lattice", b"lattices")
_CARD = b"effective stiffness by"
_FIELD = b'"von_mises_11"'


def is_result(path: Path) -> bool:
    """Return whether a file is a document, a material card or a solid field of this program."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
            suffix = path.suffix.lower()
            if suffix == ".json":
                schema = _SCHEMA.search(head)
                return schema is not None and schema[1] not in _LATTICES
            if suffix == ".inp":
                return head.startswith(b"**") and _CARD in head
            if suffix == ".vtu" and head:
                with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                    return content.find(_FIELD) >= 0
    except (OSError, ValueError):
        return False  # the reader will say what is wrong
    return False
