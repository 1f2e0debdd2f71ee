"""Cards are read back by readers of this file's own, written from the solvers' manuals."""

import json
import re
import shutil
import subprocess

import numpy as np
import pytest

from data.exports.material_cards import CardInfo, write_card
from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.tensors.stiffness import Stiffness
from lattice_gnn.testing import random_lattice

ABAQUS = (
    "1111 1122 2222 1133 2233 3333 1112 2212 "
    "3312 1212 1113 2213 3313 1213 1313 1123 "
    "2223 3323 1223 1323 2323"
)
"""The data of *ELASTIC, TYPE=ANISOTROPIC, in the order of the Abaqus Keywords Reference."""
ANSYS = ["x", "y", "z", "xy", "yz", "xz"]
INFO = CardInfo(name="bcc 5 %", source="beam FEM", E=210e3)


def triclinic():
    """C / E_s without any symmetry, from a lattice without any."""
    return homogenise_beam([random_lattice(8)]).stiffness[0]


def tensor_of_abaqus(path):
    """C_ijkl of the 21 constants, by their written indices alone."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("**")]
    assert lines[0] == "*MATERIAL, NAME=BCC_5__"
    numbers = [float(word) for line in lines[2:] for word in line.split(",") if word.strip()]
    assert len(numbers) == 21
    C = np.zeros((3, 3, 3, 3))
    for name, value in zip(ABAQUS.split(), numbers, strict=True):
        i, j, k, m = (int(digit) - 1 for digit in name)
        for a, b in ((i, j), (j, i)):
            for c, d in ((k, m), (m, k)):
                C[a, b, c, d] = C[c, d, a, b] = value
    return lines[1], C


def tensor_of_ansys(path):
    """C_ijkl of the TBDATA commands: D11, D21, ..., D61, D22, ..., D66."""
    table = {}
    for line in path.read_text().splitlines():
        if line.startswith("TBDATA"):
            _, start, *values = line.split(",")
            assert len(values) <= 6
            table |= {int(start) + k: float(value) for k, value in enumerate(values)}
    assert sorted(table) == list(range(1, 22))
    numbers = iter(table[k] for k in range(1, 22))
    C = np.zeros((3, 3, 3, 3))
    pairs = [("xyz".index(name[0]), "xyz".index(name[-1])) for name in ANSYS]
    for column in range(6):
        for row in range(column, 6):
            value = next(numbers)
            for a, b in (pairs[row], pairs[row][::-1]):
                for c, d in (pairs[column], pairs[column][::-1]):
                    C[a, b, c, d] = C[c, d, a, b] = value
    return C


@pytest.mark.parametrize(
    ("kind", "keyword"),
    [("abaqus", "*ELASTIC, TYPE=ANISOTROPIC"), ("calculix", "*ELASTIC, TYPE=ANISO")],
)
def test_decks_hold_the_tensor(tmp_path, kind, keyword):
    C = triclinic()
    write_card(tmp_path / "c.inp", C, kind, INFO)
    found, again = tensor_of_abaqus(tmp_path / "c.inp")
    assert found == keyword
    assert np.allclose(again, 210e3 * C.cartesian.numpy(), rtol=1e-10, atol=1e-10)
    assert max(map(len, (tmp_path / "c.inp").read_text().splitlines())) < 200


def test_ansys_commands_hold_the_tensor(tmp_path):
    C = triclinic()
    write_card(tmp_path / "c.mac", C, "ansys", INFO)
    assert "\nTB,ANEL,1,1,21,0\n" in (tmp_path / "c.mac").read_text()
    again = tensor_of_ansys(tmp_path / "c.mac")
    assert np.allclose(again, 210e3 * C.cartesian.numpy(), rtol=1e-10, atol=1e-10)


def test_arrays_and_json_are_exact(tmp_path):
    C = triclinic()
    write_card(tmp_path / "c.npy", C, "npy", INFO)
    write_card(tmp_path / "c.json", C, "json", INFO)
    document = json.loads((tmp_path / "c.json").read_text())
    for V in (np.load(tmp_path / "c.npy"), np.array(document["voigt"])):
        assert np.allclose(Stiffness.from_voigt(V).mandel, 210e3 * C.mandel, rtol=1e-14)
    assert np.allclose(document["mandel"], 210e3 * C.mandel.numpy(), rtol=1e-14)
    assert document["E_solid"] == 210e3


def test_an_isotropic_card_has_lame_constants(tmp_path):
    """lambda and lambda + 2 mu of E = 200, nu = 0.25: 80 and 240; mu = 80."""
    write_card(tmp_path / "c.inp", Stiffness.isotropic(1.0, 0.25), "abaqus", CardInfo(E=200.0))
    numbers = re.findall(r"[-\d.]+E[+-]\d+", (tmp_path / "c.inp").read_text())
    values = [float(number) for number in numbers]
    expected = [240, 80, 240, 80, 80, 240, 0, 0, 0, 80, 0, 0, 0, 0, 80, 0, 0, 0, 0, 0, 80]
    assert values == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("kind", ["abaqus", "calculix", "ansys"])
def test_solvers_get_no_singular_stiffness(tmp_path, kind):
    C = np.diag([1.0, 1, 1, 0, 1, 1])
    with pytest.raises(LatticeGnnError, match=r"singular .* write \.npy or JSON"):
        write_card(tmp_path / "c.inp", Stiffness.from_voigt(C), kind, INFO)
    assert not (tmp_path / "c.inp").exists()


CUBE = """*NODE, NSET=N
1, 0, 0, 0
2, 1, 0, 0
3, 1, 1, 0
4, 0, 1, 0
5, 0, 0, 1
6, 1, 0, 1
7, 1, 1, 1
8, 0, 1, 1
*ELEMENT, TYPE=C3D8, ELSET=E
1, 1, 2, 3, 4, 5, 6, 7, 8
{card}*SOLID SECTION, ELSET=E, MATERIAL=BCC_5__
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("ccx") is None, reason="needs CalculiX")
def test_calculix_itself_finds_the_stiffness(tmp_path):
    """A cube under six unit strains: its stress is a column of C (CalculiX prints xy, xz, yz)."""
    C = triclinic()
    write_card(tmp_path / "c.inp", C, "calculix", INFO)
    deck = CUBE.format(card=(tmp_path / "c.inp").read_text())
    corners = re.findall(r"(?m)^(\d), ([01]), ([01]), ([01])$", deck)
    pairs = [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)]
    for i, j in pairs:
        strain = np.zeros((3, 3))
        strain[i, j] = strain[j, i] = 1e-3 if i == j else 5e-4
        deck += "*STEP\n*STATIC\n*BOUNDARY, OP=NEW\n"
        for label, *x in corners:
            u = strain @ np.array(x, dtype=float)
            deck += "".join(f"{label}, {d + 1}, {d + 1}, {u[d]:.9G}\n" for d in range(3))
        deck += "*EL PRINT, ELSET=E\nS\n*END STEP\n"
    (tmp_path / "x.inp").write_text(deck)
    subprocess.run(["ccx", "x"], cwd=tmp_path, check=True, capture_output=True)
    rows = [line.split() for line in (tmp_path / "x.dat").read_text().splitlines()]
    stress = np.array([row[2:] for row in rows if len(row) == 8], dtype=float)[::8]
    order = [0, 1, 2, 5, 4, 3]
    expected = 210e3 * C.voigt.numpy()[np.ix_(order, order)]
    assert np.allclose(stress.T / 1e-3, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
