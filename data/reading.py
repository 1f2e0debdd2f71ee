"""Safe reading of untrusted files: size limits, and errors that name the line."""

import codecs
import json
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.parsers import expat

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import reading
from lattice_gnn.lattice.json_file import unique_keys

MAX_BYTES = 128 * 2**20  #: per file, or per member of an archive after decompression
MAX_POINTS = 500_000  #: nodes per drawing
MAX_BARS = 1_000_000  #: struts per drawing
MAX_VALUES = 16_000_000  #: numbers of one array, with those that are left out
_MAX_DEPTH = 64  #: nested XML elements
_CHUNK = 65536
_NUMBER = re.compile(r"[+-]?(?:\d{1,400}\.?\d{0,400}|\.\d{1,400})(?:[eEdD][+-]?\d{1,6})?", re.ASCII)
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)
_INTEGER = re.compile(r"[+-]?\d{1,15}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file."""

    file: str
    line: int

    def error(self, message: str) -> LatticeGnnError:
        """Return the error that names this line."""
        end = "" if message.endswith("?") else "."
        return LatticeGnnError(f"{self.file}, line {self.line}: {message.rstrip('.')}{end}")


def read_bytes(path: Path) -> bytes:
    """Return the content of a file of at most ``MAX_BYTES``.

    Raises:
        LatticeGnnError: If it is missing, a folder, unreadable or too large.
    """
    pieces, total = [], 0
    with reading(path), path.open("rb") as file:
        while total <= MAX_BYTES and (piece := file.read(2**20)):
            pieces.append(piece)
            total += len(piece)
    if total > MAX_BYTES:
        raise LatticeGnnError(
            f"{path.name}: larger than {MAX_BYTES // 2**20} MiB; split it, or convert one cell."
        )
    return b"".join(pieces)


def read_text(path: Path) -> str:
    """Return the text of a file: UTF-8, UTF-16 with byte order mark, or else Windows-1252.

    Its lines end with a line feed, whatever the file ends them with.

    Raises:
        LatticeGnnError: If it cannot be read, or is not text.
    """
    content = read_bytes(path)
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = content.decode("utf-16", errors="replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp1252", errors="replace")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise Place(path.name, line).error("expected text, got binary data")
    return text


def read_lines(path: Path) -> Iterable[tuple[str, Place]]:
    """Yield the stripped lines of a text file, each with its place, empty ones too.

    Raises:
        LatticeGnnError: If it cannot be read, or is not text.
    """
    for number, line in enumerate(read_text(path).split("\n"), 1):
        yield line.strip(), Place(path.name, number)


def number(text: str, place: Place, what: str) -> float:
    """Parse a finite number in plain digits; Fortran's exponent D is accepted."""
    word = text.strip()
    if not _NUMBER.fullmatch(word):
        kind = "finite number" if _NOT_FINITE.fullmatch(word) else "number"
        raise place.error(f"{what}: expected a {kind}, got {word[:40]!r}")
    value = float(word.upper().replace("D", "E"))
    if not math.isfinite(value):
        raise place.error(f"{what}: expected a finite number, got {word[:40]!r}")
    return value


def integer(text: str, place: Place, what: str) -> int:
    """Parse a whole number of at most 15 digits."""
    word = text.strip()
    if not _INTEGER.fullmatch(word):
        raise place.error(
            f"{what}: expected a whole number of at most 15 digits, got {word[:40]!r}"
        )
    return int(word)


def check_count(count: int, limit: int, place: Place, what: str) -> None:
    """Refuse a drawing that is too large."""
    if count > limit:
        raise place.error(f"more than {limit} {what}; convert a single cell of the lattice instead")


@dataclass(slots=True)
class XmlHandler:
    """Callbacks for the parts of an XML file.

    Attributes:
        start: Called with tag, attributes and place; tags and attributes in a namespace are
            spelt ``uri name`` (with a blank).
        end: Called with the tag.
        text: Called with text between tags, in pieces.
        instruction: Called with the target and the text of a processing instruction.
        namespace: Called with the prefix of a namespace, None for the default, and its URI.
    """

    start: Callable[[str, dict[str, str], Place], None]
    end: Callable[[str], None] = lambda tag: None
    text: Callable[[str], None] = lambda piece: None
    instruction: Callable[[str, str], None] = lambda target, piece: None
    namespace: Callable[[str | None, str], None] = lambda prefix, uri: None


def parse_xml(chunks: Iterable[bytes], name: str, handler: XmlHandler) -> None:
    """Parse XML in small pieces; entities of its own are refused.

    Args:
        chunks: The file.
        name: Name of the file in errors.
        handler: The callbacks.

    Raises:
        LatticeGnnError: If it is not well-formed XML, or declares entities.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    depth = 0

    def here() -> Place:
        return Place(name, parser.CurrentLineNumber)

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _MAX_DEPTH:
            raise here().error(f"XML elements nested deeper than {_MAX_DEPTH}")
        handler.start(tag, attributes, here())

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        handler.end(tag)

    def refuse(*_: Any) -> None:
        raise here().error("declares entities, which are refused; write out what they stand for")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = handler.text
    parser.ProcessingInstructionHandler = handler.instruction
    parser.StartNamespaceDeclHandler = handler.namespace
    parser.EntityDeclHandler = parser.SkippedEntityHandler = refuse
    try:
        for chunk in chunks:
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        reason = expat.errors.messages.get(error.code, str(error))
        raise Place(name, error.lineno).error(f"not well-formed XML: {reason}") from None
    except (LookupError, ValueError) as error:  # an unknown or unsuitable encoding
        if isinstance(error, LatticeGnnError):
            raise
        raise LatticeGnnError(f"{name}: not readable as XML ({error}).") from None


def in_chunks(content: bytes) -> Iterable[bytes]:
    """Cut bytes into small pieces."""
    return (content[k : k + _CHUNK] for k in range(0, len(content), _CHUNK))


def attribute(attributes: dict[str, str], key: str, tag: str, place: Place) -> str:
    """Return a required attribute."""
    if key not in attributes:
        raise place.error(f"<{tag}>: the attribute {key!r} is missing")
    return attributes[key]


def parse_json(text: str, where: str) -> Any:
    """Parse JSON embedded in a file.

    Raises:
        LatticeGnnError: If it is not valid JSON, or a key occurs twice in one object.
    """
    try:
        return json.loads(text, object_pairs_hook=unique_keys)
    except LatticeGnnError as error:
        raise LatticeGnnError(f"{where}: {error}") from None
    except (ValueError, RecursionError):
        raise LatticeGnnError(f"{where}: not readable as JSON.") from None
