"""Validated settings from plain values, as in a YAML file."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, get_type_hints

from lattice_gnn.errors import LatticeGnnError

Settings = TypeVar("Settings")


def read_settings(kind: type[Settings], values: Any, where: str) -> Settings:
    """Build a dataclass of settings from a mapping.

    Args:
        kind: A dataclass; its own checks run too.
        values: A mapping from its fields to plain values (lists for tuples, mappings for nested
            settings).
        where: Name of the place in error messages.

    Raises:
        LatticeGnnError: For an unknown key, or a value of the wrong type or out of range.
    """
    from pydantic import TypeAdapter, ValidationError

    _refuse_unknown(kind, values, where)
    try:
        return TypeAdapter(kind).validate_python(dict(values))
    except (TypeError, RecursionError, OverflowError) as error:
        raise LatticeGnnError(f"{where}: {' '.join(str(error).split())[:100]}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in (where, *first["loc"]))
        own = first.get("ctx", {}).get("error")
        if isinstance(own, LatticeGnnError):
            raise own from None
        raise LatticeGnnError(f"{place}: {first['msg']}, got {first['input']!r:.60}.") from None


def _refuse_unknown(kind: Any, values: Any, where: str) -> None:
    if not isinstance(values, Mapping):
        raise LatticeGnnError(f"{where}: expected names with values, got {values!r:.60}.")
    known = [item.name for item in fields(kind)]
    unknown = sorted(str(key) for key in values if key not in known)
    if unknown:
        raise LatticeGnnError(
            f"{where}.{unknown[0][:60]}: unknown key; expected some of {', '.join(known)}."
        )
    for name, hint in get_type_hints(kind).items():
        if is_dataclass(hint) and name in values:
            _refuse_unknown(hint, values[name], f"{where}.{name}")
