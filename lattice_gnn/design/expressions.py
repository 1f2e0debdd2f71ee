"""Quantities and constraints as text: ``E[111] >= 0.02``, ``E[100]/relative_density``.

The grammar, read by a recursive descent and never evaluated as code:

    constraint = sum ("<=" | ">=" | "==") sum
    sum        = product (("+" | "-") product)*
    product    = factor (("*" | "/") factor)*
    factor     = number | "-" factor | "(" sum ")" | name ("[" argument "]")*

Directions are written as digits, ``[111]``, ``[1-10]``, or as numbers, ``[0.5, 1, 0]``.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from lattice_gnn.design import elastic, geometric
from lattice_gnn.design.quantities import Constraint, Quantity
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.lattice import Lattice

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<argument>\[[^\[\]]*\])|(?P<sign><=|>=|==|[-+*/()<>=]))"
)
_DEEPEST = 50
"""Depth of nested parentheses that is read."""

_PLAIN = (
    geometric.relative_density,
    geometric.volume_fraction,
    geometric.cell_volume,
    geometric.radius,
    geometric.strut_length,
    geometric.radius_to_length,
    geometric.joint_angle,
    geometric.clearance,
    elastic.bulk_modulus,
    elastic.shear_modulus,
    elastic.zener,
    elastic.universal_anisotropy,
    elastic.poisson_max,
    elastic.poisson_min,
)
"""Quantities without arguments."""

_WITH_ARGUMENTS: dict[str, tuple[str, Callable[..., Quantity]]] = {
    "E": ("E[111]", lambda n: elastic.E(_direction(n))),
    "G": ("G[100][010]", lambda n, m: elastic.G(_direction(n), _direction(m))),
    "poisson": ("poisson[100][010]", lambda n, m: elastic.poisson(_direction(n), _direction(m))),
    "average_modulus": ("average_modulus[young][hill]", elastic.average_modulus),
    "distance": ("distance[isotropic]", elastic.distance),
    "eigenvalue": ("eigenvalue[1]", lambda k: elastic.eigenvalue(_whole(k))),
    "eigenvalue_ratio": ("eigenvalue_ratio[5]", lambda k: elastic.eigenvalue_ratio(_whole(k))),
    "hashin_shtrikman": ("hashin_shtrikman[young]", elastic.hashin_shtrikman),
    "overhang": ("overhang[001]", lambda n: geometric.overhang(_direction(n))),
}
"""Quantities with arguments in brackets: an example, and how they are made from texts."""

_DISPLACEMENT = "node_displacement"


def known_quantities() -> tuple[str, ...]:
    """Return how every quantity of the expressions is written."""
    plain = [quantity.name for quantity in _PLAIN]
    return (*(example for example, _ in _WITH_ARGUMENTS.values()), *plain, _DISPLACEMENT)


def read_quantity(text: str, start: Lattice | None = None) -> Quantity:
    """Read a quantity, such as ``E[111]/relative_density``.

    Args:
        text: The expression.
        start: Lattice from which ``node_displacement`` is measured.

    Raises:
        LatticeGnnError: For anything that is not an expression of known quantities.
    """
    reader = _Reader(text, start)
    found = reader.read_sum()
    if reader.next is not None:
        reader.refuse(f"expected nothing more, found {reader.next!r}")
    if not isinstance(found, Quantity):
        raise LatticeGnnError(f"{text!r:.80}: is a number; expected a quantity such as E[111]")
    return found


def read_constraint(text: str, start: Lattice | None = None) -> Constraint:
    """Read a constraint, such as ``relative_density <= 0.1``.

    Args:
        text: The expression.
        start: Lattice from which ``node_displacement`` is measured.

    Raises:
        LatticeGnnError: For anything that is not a comparison of known quantities.
    """
    reader = _Reader(text, start)
    left = reader.read_sum()
    sign = reader.next
    if sign not in _COMPARE:
        reader.refuse(f"expected <=, >= or ==, found {sign or 'the end'!r}")
    reader.advance()
    right = reader.read_sum()
    if reader.next in _COMPARE:
        reader.refuse("write a range as two constraints, such as x >= 0.01 and x <= 0.1")
    if reader.next is not None:
        reader.refuse(f"expected nothing more, found {reader.next!r}")
    if isinstance(left, float):
        if isinstance(right, float):
            reader.refuse("compares two numbers; one side must be a quantity such as E[111]")
        left, right, sign = right, left, _MIRRORED[sign]
    return _COMPARE[sign](left, right)


_COMPARE: dict[str | None, Callable[..., Constraint]] = {
    "<=": Quantity.__le__,
    ">=": Quantity.__ge__,
    "==": Quantity.__eq__,
}
_MIRRORED: dict[str | None, str] = {"<=": ">=", ">=": "<=", "==": "=="}


@dataclass(slots=True)
class _Reader:
    """Reads an expression from left to right."""

    text: str
    start: Lattice | None
    tokens: list[str]
    place: int
    depth: int

    def __init__(self, text: str, start: Lattice | None) -> None:
        self.text, self.start = text, start
        self.place = self.depth = 0
        self.tokens = []
        at, end = 0, len(text.rstrip())
        while at < end:
            found = _TOKEN.match(text, at)
            if found is None:
                self.refuse(f"{text[at:].strip()[:20]!r} cannot be read")
            self.tokens.append(found[0].strip())
            at = found.end()

    @property
    def next(self) -> str | None:
        """The next token; None at the end."""
        return self.tokens[self.place] if self.place < len(self.tokens) else None

    def advance(self) -> str:
        """Return the next token and step over it."""
        if self.place >= len(self.tokens):
            self.refuse("ends too early")
        self.place += 1
        return self.tokens[self.place - 1]

    def refuse(self, why: str) -> NoReturn:
        raise LatticeGnnError(f"{self.text!r:.80}: {why}.")

    def read_sum(self) -> Quantity | float:
        value = self.read_product()
        while self.next in ("+", "-"):
            sign, other = self.advance(), self.read_product()
            value = value + other if sign == "+" else value - other
        return value

    def read_product(self) -> Quantity | float:
        value = self.read_factor()
        while self.next in ("*", "/"):
            sign, other = self.advance(), self.read_factor()
            if sign == "/" and isinstance(other, float) and other == 0:
                self.refuse("divides by zero")
            value = value * other if sign == "*" else value / other
        return value

    def read_factor(self) -> Quantity | float:
        self.depth += 1
        if self.depth > _DEEPEST:
            self.refuse("is nested too deeply")
        token = self.advance()
        value: Quantity | float
        if token == "-":
            value = -self.read_factor()
        elif token == "(":
            value = self.read_sum()
            if self.advance() != ")":
                self.refuse("a ( is not closed")
        elif token[0].isdigit() or token[0] == ".":
            value = float(token)
            if not math.isfinite(value):
                self.refuse(f"{token} is too large")
        elif token[0].isalpha():
            value = self.read_named(token)
        else:
            self.refuse(f"expected a quantity or a number, found {token!r}")
        self.depth -= 1
        return value

    def read_named(self, name: str) -> Quantity:
        arguments = []
        while self.next is not None and self.next.startswith("["):
            arguments.append(self.advance()[1:-1].strip())
        plain = {quantity.name: quantity for quantity in _PLAIN}
        if name in plain and not arguments:
            return plain[name]
        if name in plain or (name == _DISPLACEMENT and arguments):
            self.refuse(f"{name} takes no arguments in brackets")
        if name == _DISPLACEMENT:
            if self.start is None:
                self.refuse(f"{name} needs the lattice that it is measured from")
            return geometric.node_displacement(self.start)
        if name not in _WITH_ARGUMENTS:
            self.refuse(f"unknown quantity {name}; known are {', '.join(known_quantities())}")
        example, make = _WITH_ARGUMENTS[name]
        if len(arguments) != example.count("["):
            self.refuse(f"{name} is written as {example}")
        try:
            return make(*arguments)
        except LatticeGnnError as error:
            raise LatticeGnnError(f"{self.text!r:.80}: {error}") from None


def _direction(text: str) -> tuple[float, float, float]:
    """Read a direction, ``111``, ``1-10``, ``1 0 -1`` or ``0.5, 1, 0``."""
    compact = re.fullmatch(r"(-?\d)(-?\d)(-?\d)", text)
    words = list(compact.groups()) if compact else re.split(r"\s*,\s*|\s+", text)
    try:
        x, y, z = (float(word) for word in words)
    except ValueError:
        raise LatticeGnnError(
            f"direction [{text[:40]}]: expected three numbers, such as [111], [1-10] or [0.5 1 0]"
        ) from None
    return x, y, z


def _whole(text: str) -> int:
    if not re.fullmatch(r"\d{1,3}", text):
        raise LatticeGnnError(f"[{text[:40]}]: expected a whole number")
    return int(text)
