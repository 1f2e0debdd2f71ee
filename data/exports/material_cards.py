"""Export of a stiffness: Abaqus, CalculiX and Ansys material cards, ``.npy``, JSON.

All programs use engineering shear strains, hence the components of C as they are (Voigt), but each
in its own order; ours is 11, 22, 33, 23, 13, 12.

- Abaqus ``*ELASTIC, TYPE=ANISOTROPIC``: shear in the order 12, 13, 23; 21 constants D1111, D1122,
  D2222, D1133, D2233, D3333, D1112, D2212, D3312, D1212, D1113, ..., D2323: the upper triangle
  column by column, 8 per line (Abaqus Keywords Reference, ``*ELASTIC``).
- CalculiX ``*ELASTIC, TYPE=ANISO``: the same constants in the same order.
- Ansys ``TB,ANEL``: order x, y, z, xy, yz, xz; D11, D21, ..., D61, D22, D32, ..., D66: the lower
  triangle column by column, 6 per ``TBDATA`` (Ansys Material Reference, Anisotropic Elasticity).
- ``.npy``: the 6 x 6 Voigt matrix in our order.
- JSON: schema ``lattice-gnn/stiffness/1`` with order, Voigt and Mandel matrices.
"""

import io
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import write_whole
from lattice_gnn.tensors.stiffness import Stiffness

CardFormat = Literal["abaqus", "calculix", "ansys", "npy", "json"]
SUFFIXES: dict[str, CardFormat] = {
    ".inp": "abaqus",
    ".mac": "ansys",
    ".npy": "npy",
    ".json": "json",
}
_ABAQUS = [0, 1, 2, 5, 4, 3]  #: our indices of 11, 22, 33, 12, 13, 23
_ANSYS = [0, 1, 2, 5, 3, 4]  #: our indices of x, y, z, xy, yz, xz


@dataclass(frozen=True, slots=True)
class CardInfo:
    """Metadata of a card.

    Attributes:
        name: Name of the material; other characters than letters, digits and _ are replaced.
        source: Origin of the constants, one sentence.
        E: Young's modulus of the solid, in whose unit the stiffness is written.
    """

    name: str = "LATTICE"
    source: str = ""
    E: float = 1.0


def write_card(path: Path, stiffness: Stiffness, kind: CardFormat, info: CardInfo) -> None:
    """Write one stiffness.

    Args:
        path: The file; an existing one is replaced.
        stiffness: C / E_s, not a batch.
        kind: Target program or format.
        info: Name, source, and E_s: the constants written are C = (C / E_s) E.

    Raises:
        LatticeGnnError: If the stiffness is singular, which no solver accepts in a card, or the
            file cannot be written.
    """
    C = stiffness.symmetrised().scaled(info.E).voigt.detach().numpy()
    if C.shape != (6, 6) or not np.isfinite(C).all():
        raise LatticeGnnError(f"{path}: expected one finite 6 x 6 stiffness, got {C.shape}.")
    if kind in ("abaqus", "calculix", "ansys"):
        eigenvalues = np.linalg.eigvalsh(C)
        if eigenvalues[0] <= 1e-12 * eigenvalues[-1]:
            raise LatticeGnnError(
                f"{path}: the stiffness is singular (eigenvalues from {eigenvalues[0]:.3g} to "
                f"{eigenvalues[-1]:.3g}), which {kind} refuses; write .npy or JSON."
            )
    write_whole(path, _content(C, kind, info))


def _content(C: Float[np.ndarray, "6 6"], kind: CardFormat, info: CardInfo) -> bytes | str:
    if kind == "npy":
        buffer = io.BytesIO()
        np.save(buffer, C)
        return buffer.getvalue()
    if kind == "json":
        return _json(C, info)
    return _ansys(C, info) if kind == "ansys" else _abaqus(C, kind, info)


def abaqus_constants(C: Float[np.ndarray, "6 6"]) -> Float[np.ndarray, "21"]:
    """Return the 21 constants of Abaqus and CalculiX from a Voigt matrix in our order."""
    D = C[np.ix_(_ABAQUS, _ABAQUS)]
    return np.array([D[row, column] for column in range(6) for row in range(column + 1)])


def ansys_constants(C: Float[np.ndarray, "6 6"]) -> Float[np.ndarray, "21"]:
    """Return the 21 constants of Ansys from a Voigt matrix in our order."""
    D = C[np.ix_(_ANSYS, _ANSYS)]
    return np.array([D[row, column] for column in range(6) for row in range(column, 6)])


def _name(text: str) -> str:
    """Return a material name that every solver accepts: it begins with a letter."""
    plain = "".join(x if x.isascii() and (x.isalnum() or x == "_") else "_" for x in text.upper())
    return (plain if plain[:1].isalpha() else f"LATTICE_{plain}")[:38]


def _plain(text: str) -> str:
    return "".join(x if x.isascii() and x.isprintable() else "?" for x in text)


def _abaqus(C: Float[np.ndarray, "6 6"], kind: str, info: CardInfo) -> str:
    word = "ANISOTROPIC" if kind == "abaqus" else "ANISO"
    numbers = [f"{value:.11E}" for value in abaqus_constants(C)]
    rows = [", ".join(numbers[k : k + 8]) for k in range(0, 21, 8)]
    # 8 numbers of this length fit neither the 80 columns of old decks nor need to.
    return "\n".join(
        [
            f"** {_plain(info.source)}",
            "** D1111, D1122, D2222, D1133, D2233, D3333, D1112, D2212,",
            "** D3312, D1212, D1113, D2213, D3313, D1213, D1313, D1123,",
            "** D2223, D3323, D1223, D1323, D2323",
            f"*MATERIAL, NAME={_name(info.name)}",
            f"*ELASTIC, TYPE={word}",
            *(row + "," if len(row.split(",")) == 8 and kind == "abaqus" else row for row in rows),
            "",
        ]
    )


def _ansys(C: Float[np.ndarray, "6 6"], info: CardInfo) -> str:
    numbers = [f"{value:.11E}" for value in ansys_constants(C)]
    rows = [f"TBDATA,{k + 1}," + ",".join(numbers[k : k + 6]) for k in range(0, 21, 6)]
    return "\n".join(
        [
            f"! {_name(info.name)}: {_plain(info.source)}",
            "! stiffness form, order x, y, z, xy, yz, xz: D11, D21, ..., D61, D22, ..., D66",
            "TB,ANEL,1,1,21,0",
            *rows,
            "",
        ]
    )


def _json(C: Float[np.ndarray, "6 6"], info: CardInfo) -> str:
    factor = np.array([1.0] * 3 + [math.sqrt(2)] * 3)
    document = {
        "schema": "lattice-gnn/stiffness/1",
        "name": info.name,
        "source": info.source,
        "order": "11 22 33 23 13 12",
        "E_solid": info.E,
        "voigt": C.tolist(),
        "mandel": (C * np.outer(factor, factor)).tolist(),
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
