"""Read a lattice that a CAD program drew, fold it into its periodic cell, export a material card.

CAD programs draw the closed cube: struts in its faces appear on both sides. Reading merges them.
"""

import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import lattice_gnn as lg
from data.exports.material_cards import CardInfo, write_card
from data.files import ReadWarning

DRAWING = Path(__file__).with_name("octet_drawing.inp")
"""An Abaqus deck of 14 nodes and 36 beams, edge 10 mm, radius 0.5 mm."""


def main() -> None:
    """Fold, homogenise in MPa, write Abaqus and Ansys cards."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ReadWarning)
        lattice = lg.read(DRAWING)
    print(told[0].message)
    print(lattice)
    assert (lattice.num_nodes, lattice.num_struts) == (4, 24)

    titanium = lg.Material(E=114_000.0, nu=0.34)  # MPa
    result = lg.homogenise(lattice.replace(material=titanium))
    C = result.in_units()
    print(f"E1 = {C.young_modulus([1.0, 0.0, 0.0]):.0f} MPa, symmetry {C.classify().name}")

    with TemporaryDirectory() as folder:
        card = Path(folder, "octet_card.inp")
        info = CardInfo("OCTET", "octet, beam FEM", E=titanium.E)
        write_card(card, result.stiffness, "abaqus", info)
        write_card(Path(folder, "octet_card.mac"), result.stiffness, "ansys", info)
        text = card.read_text(encoding="utf-8")
    print(text)

    constants = [line for line in text.splitlines() if line and not line.startswith("*")]
    D1111 = float(constants[0].split(",")[0])
    assert abs(D1111 / C.voigt[0, 0] - 1) < 1e-6
    same = lg.cell("octet", radius=0.05)  # edge 1, so radius 0.5 / 10
    assert lg.relative_frobenius(lg.homogenise(same).stiffness, result.stiffness) < 0.02


if __name__ == "__main__":
    main()
