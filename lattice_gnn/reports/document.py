"""Base class of all documents: plain values, and a head with schema and version.

A document is a frozen dataclass of numbers, strings, tuples, mappings and further dataclasses.
Its JSON has one key per field. A field whose default is None is omitted if it is None; a field
without default is always present, null if it is None.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

from lattice_gnn import __version__


class Document:
    """A self-contained result, with ``schema`` and ``version`` at its head.

    Attributes:
        SCHEMA: Name of the schema, such as ``prediction/1``.
    """

    __slots__ = ()

    SCHEMA: ClassVar[str]

    def to_dict(self) -> dict[str, Any]:
        """Return the document as plain values, ready for JSON."""
        head = {"schema": f"lattice-gnn/{self.SCHEMA}", "version": __version__}
        return {**head, **plain(self)}


def plain(value: Any) -> Any:
    """Convert dataclasses to dictionaries and tuples to lists, recursively."""
    if dataclasses.is_dataclass(value):
        values = {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}
        left_out = {
            item.name
            for item in dataclasses.fields(value)
            if item.default is None and values[item.name] is None
        }
        return {name: plain(entry) for name, entry in values.items() if name not in left_out}
    if isinstance(value, Mapping):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, tuple | list):
        return [plain(entry) for entry in value]
    return value
