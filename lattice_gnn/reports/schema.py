"""JSON schemas of all documents, generated from the dataclasses; reading documents back."""

import dataclasses
import inspect
import json
import re
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.reports.cell import CellReport, CellReports
from lattice_gnn.reports.comparison import ComparisonReport
from lattice_gnn.reports.dataset import DatasetCheckReport, DatasetReport, SolidLabelReport
from lattice_gnn.reports.design import DesignReport
from lattice_gnn.reports.document import Document
from lattice_gnn.reports.evaluation import EvaluationReport
from lattice_gnn.reports.homogenisation import HomogenisationReport, HomogenisationReports
from lattice_gnn.reports.lattice import LatticeReport, LatticeReports
from lattice_gnn.reports.page import PageReport
from lattice_gnn.reports.prediction import PredictionReport, PredictionReports
from lattice_gnn.reports.validation import ValidationReport

DOCUMENTS: dict[type[Document], str] = {
    PredictionReport: "`predict` of one lattice, `Prediction.to_dict()`",
    PredictionReports: "`predict` of several lattices",
    HomogenisationReport: "`homogenise` of one lattice, `Homogenisation.to_dict()`",
    HomogenisationReports: "`homogenise` of several lattices",
    LatticeReport: "`info` of one lattice",
    LatticeReports: "`info` of several lattices",
    PageReport: "`report`, inside the page in the element `#report`",
    CellReport: "`cells NAME`",
    CellReports: "`cells`",
    DesignReport: "`design`, `DesignResult.to_dict()`",
    ValidationReport: "`validate`",
    EvaluationReport: "`evaluate`",
    ComparisonReport: "`compare`, and the file `comparison.json`",
    DatasetReport: "`generate`, `data info`",
    DatasetCheckReport: "`data check`",
    SolidLabelReport: "`label`",
}
"""Every document, and which command prints it as JSON."""


def find_document(name: str) -> type[Document]:
    """Return the class of a document.

    Args:
        name: Name of the schema: "prediction", "prediction/1" or "lattice-gnn/prediction/1".

    Raises:
        LatticeGnnError: If the name is unknown.
    """
    short = name.removeprefix("lattice-gnn/")
    for kind in DOCUMENTS:
        if short in (kind.SCHEMA, kind.SCHEMA.partition("/")[0]):
            return kind
    known = ", ".join(kind.SCHEMA for kind in DOCUMENTS)
    raise LatticeGnnError(f"schema {name!r}: unknown document; expected one of {known}.")


def read_document(values: Mapping[str, Any]) -> Document:
    """Build a document from its JSON.

    Raises:
        LatticeGnnError: If its schema is unknown, or a value is missing or of another type.
    """
    from pydantic import TypeAdapter, ValidationError

    kind = find_document(str(values.get("schema")))
    inner = {key: value for key, value in values.items() if key not in ("schema", "version")}
    try:
        found: Document = TypeAdapter(kind).validate_json(json.dumps(inner), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise LatticeGnnError(f"{kind.SCHEMA}: {place}: {first['msg']}.") from None
    return found


def json_schema(kind: type[Document]) -> dict[str, Any]:
    """Return the JSON schema of a document, with a description of every key."""
    from pydantic import TypeAdapter

    schema = TypeAdapter(kind).json_schema()
    parts = {part.__name__: part for part in _dataclasses(kind)}
    for name, entry in schema.get("$defs", {}).items():
        _describe(entry, parts[name])
    _describe(schema, kind)
    head = {
        "schema": {"const": f"lattice-gnn/{kind.SCHEMA}"},
        "version": {"type": "string", "description": "Version of lattice-gnn."},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": f"lattice-gnn/{kind.SCHEMA}",
        "properties": head | schema["properties"],
        "required": [*head, *schema["required"]],
    }


def _describe(entry: dict[str, Any], kind: type) -> None:
    """Complete pydantic's schema of a dataclass: descriptions, required keys, no others."""
    said = attributes(kind)
    entry["description"] = summary_of(kind)
    entry["additionalProperties"] = False
    optional = {item.name for item in _fields(kind) if item.default is None}
    entry["required"] = [name for name in entry["properties"] if name not in optional]
    for name, found in entry["properties"].items():
        found.pop("title", None)
        found.pop("default", None)
        if name in optional:  # omitted, never null
            choices = [choice for choice in found.pop("anyOf") if choice != {"type": "null"}]
            found.update(choices[0] if len(choices) == 1 else {"anyOf": choices})
        found["description"] = said[name]


def markdown() -> str:
    """Return the page ``docs/json.md``: every document and every part of one, key by key."""
    used = {part for kind in DOCUMENTS for part in _dataclasses(kind)}
    parts = {part.__name__: part for part in used if part not in DOCUMENTS}
    lines = [
        "# JSON",
        "",
        "The documents that commands print with `--json` and that `to_dict()` returns in Python. "
        "Every document has `schema` and `version` (of lattice-gnn) at its head. Keys marked "
        "*optional* are omitted where they do not apply; all others are always present. "
        "`lattice-gnn schema NAME` prints the JSON schema of a document. This page is generated by "
        "`lattice-gnn schema --markdown`.",
        "",
        "Matrices are in Voigt notation unless a key says Mandel, order 11 22 33 23 13 12; moduli "
        "are multiples of E_s, the Young's modulus of the solid; errors are fractions, not per "
        "cent; infinite values are null.",
    ]
    for kind, printed_by in DOCUMENTS.items():
        lines += ["", f"## {kind.SCHEMA}", "", f"{summary_of(kind)} Printed by {printed_by}."]
        lines += ["", *_table(kind)]
    lines += ["", "# Parts of documents"]
    for name in sorted(parts):
        lines += ["", f"## {name}", "", summary_of(parts[name]), "", *_table(parts[name])]
    return "\n".join(lines) + "\n"


def _table(kind: type) -> list[str]:
    said = attributes(kind)
    lines = ["| key | type | meaning |", "|---|---|---|"]
    for item in _fields(kind):
        of = _type_name(item.type, optional=item.default is None)
        meaning = said[item.name].replace("|", "\\|").replace("``", "`")
        lines.append(f"| `{item.name}` | {of} | {meaning} |")
    return lines


_PLAIN = {float: "number", int: "integer", str: "string", bool: "true or false", Any: "anything"}


def _type_name(hint: Any, *, optional: bool = False) -> str:
    """Return a type in words; parts of documents are links."""
    if hint in _PLAIN:
        return _PLAIN[hint]
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        kinds = [x for x in inner if x is not types.NoneType and not (x is int and float in inner)]
        name = " or ".join(_type_name(x) for x in kinds)
        if types.NoneType not in inner:
            return name
        return f"{name}, *optional*" if optional else f"{name} or null"
    if origin is tuple:
        if inner[-1] is Ellipsis:
            return f"list of {_type_name(inner[0])}"
        names = list(dict.fromkeys(_type_name(x) for x in inner))
        return f"{len(inner)} x {names[0]}" if len(names) == 1 else f"[{', '.join(names)}]"
    if origin is dict:
        return f"object of {_type_name(inner[1])}"
    name = getattr(hint, "SCHEMA", hint.__name__)
    return f"[{name}](#{name.lower().replace('/', '')})"


def summary_of(kind: type) -> str:
    """Return the first paragraph of the docstring of a dataclass."""
    return " ".join((inspect.getdoc(kind) or "").split("\n\n")[0].split()).replace("``", "`")


def attributes(kind: type) -> dict[str, str]:
    """Return the field descriptions in the docstrings of a dataclass and its bases."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        text = inspect.cleandoc(base.__doc__ or "")
        _, _, section = text.partition("Attributes:\n")
        for name, said in re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", section, re.MULTILINE):
            found[name] = " ".join(said.split())
    return found


def _fields(kind: Any) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(kind)


def _dataclasses(kind: type) -> Iterator[type]:
    """Iterate over the dataclasses inside a document, excluding itself."""
    seen: set[Any] = set()

    def walk(hint: Any) -> Iterator[Any]:
        if dataclasses.is_dataclass(hint) and hint not in seen:
            seen.add(hint)
            yield hint
            for item in _fields(hint):
                yield from walk(item.type)
        for argument in typing.get_args(hint):
            yield from walk(argument)

    return (part for part in walk(kind) if part is not kind)
