"""Wigner 3j symbols in e3nn's real basis.

e3nn computes them. Importing it takes longer than a prediction, so the few symbols that all models
of degree 4 need are stored next to this file, entry by entry as computed by e3nn.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.files import write_whole

STORED = Path(__file__).with_name("couplings.json")
STORED_DEGREES = (
    *((l - 1, 1, l) for l in range(1, 5)),  # spherical harmonics, degree by degree
    *((1, 1, 0), (0, 0, 0), (2, 2, 0), (0, 2, 2), (2, 2, 2), (2, 2, 4)),  # the readout
)
"""Degrees l1, l2, l3 of the stored symbols."""

Coupling = Float[Tensor, "orders_1 orders_2 orders_3"]


def coupling(l1: int, l2: int, l3: int) -> Coupling:
    """The symbol (l1 l2 l3; m1 m2 m3), float64, every m from -l to l."""
    entries = _stored().get(_key(l1, l2, l3))
    if entries is None:
        return e3nn_coupling(l1, l2, l3)
    symbol = torch.zeros(2 * l1 + 1, 2 * l2 + 1, 2 * l3 + 1, dtype=torch.float64)
    for a, b, c, value in entries:
        symbol[a, b, c] = value
    return symbol


def e3nn_coupling(l1: int, l2: int, l3: int) -> Coupling:
    """The same, computed by e3nn."""
    from e3nn import o3  # imports torch's compiler, which takes a second

    symbol: Tensor = o3.wigner_3j(l1, l2, l3, dtype=torch.float64)
    return symbol


def store_couplings(path: Path = STORED) -> None:
    """Write the non-zero entries of the stored symbols, computed by e3nn."""
    rows = []
    for degrees in STORED_DEGREES:
        symbol = e3nn_coupling(*degrees)
        entries = [[*place, float(symbol[tuple(place)])] for place in symbol.nonzero().tolist()]
        rows.append(f'"{_key(*degrees)}": {json.dumps(entries)}')
    write_whole(path, ("{\n" + ",\n".join(rows) + "\n}\n").encode())


def _key(l1: int, l2: int, l3: int) -> str:
    return f"{l1} {l2} {l3}"


@cache
def _stored() -> dict[str, Any]:
    """Rows of three indices and a value, by degrees."""
    symbols: dict[str, Any] = json.loads(STORED.read_text(encoding="utf-8"))
    return symbols
