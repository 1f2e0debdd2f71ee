"""Decks of Abaqus and CalculiX as their users write them: right values, or a refusal by name."""

import numpy as np
import pytest

from data.formats import kind_of, read_any, read_with_report, write_any
from data.formats.options import ReadOptions
from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.json_file import lattice_to_dict

QUADRATIC = (
    "*NODE, NSET=NALL\n1, 0., 0., 0.\n2, 1., 0., 0.\n3, 0., 1., 0.\n4, 0., 0., 1.\n"
    "5, 0.5, 0., 0.\n6, 0., 0.5, 0.\n7, 0., 0., 0.5\n{filler}"
    "*ELEMENT, TYPE={kind}, ELSET=EALL\n1, 1, 5, 2\n2, 1, 6, 3\n3, 1, 7, 4\n"
    "*MATERIAL, NAME=AL\n*ELASTIC\n70000., 0.3\n"
    "*BEAM SECTION, ELSET=EALL, MATERIAL=AL, SECTION=CIRC{more}\n{size}\n0., 1., 1.\n"
)
LINEAR = (
    "*NODE\n1, 0., 0., 0.\n2, 1., 0., 0.\n3, 0., 1., 0.\n4, 0., 0., 1.\n"
    "*ELEMENT, TYPE={kind}, ELSET=ALL\n1, 1, 2\n2, 1, 3\n3, 1, 4\n{rest}"
)
STEEL = "*MATERIAL, NAME=AL\n*ELASTIC\n70000., 0.3\n"
SECTION = "*BEAM SECTION, SECTION=CIRC, ELSET=ALL, MATERIAL=AL\n0.05\n0., 0., -1.\n"


def read(tmp_path, text, **options):
    path = tmp_path / "x.inp"
    path.write_text(text)
    return read_with_report(path, options=ReadOptions(**options))


def stiffness(lattice):
    C = homogenise_beam([lattice]).stiffness.mandel[0].numpy()
    return [C[0, 0], C[1, 1], C[2, 2]]


def is_cubic(reading, radius=0.05):
    """Simple cubic, edge 1: C11 = pi r^2, density 3 pi r^2."""
    (lattice,) = reading.lattices
    assert (lattice.num_nodes, lattice.num_struts) == (1, 3)
    assert np.allclose(lattice.radii, radius, rtol=1e-6)
    assert np.allclose(stiffness(lattice), np.pi * radius**2, rtol=1e-6)
    return lattice


def quadratic(size, kind="B32R", filler="", more=""):
    return QUADRATIC.format(size=size, kind=kind, filler=filler, more=more)


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        (quadratic("0.1, 0.1"), "calculix"),
        (quadratic("0.1, 0.1", filler="** filler\n" * 20_000), "calculix"),
        (quadratic("** a comment between\n0.1D0, 1.D-1", kind="B32"), "calculix"),
        (quadratic("0.1"), "calculix"),
        (quadratic("0.1", kind="B32") + "*STEP\n*STATIC, SOLVER=PASTIX\n*END STEP\n", "calculix"),
        (quadratic("0.1", kind="B32", more=", OFFSET1=0"), "calculix"),
        (quadratic("0.1", kind="B32") + "** dialect: calculix\n", "calculix"),
        (quadratic("0.05", kind="B32") + "** dialect: abaqus\n", "abaqus"),
        (quadratic("0.05", kind="B32H"), "abaqus"),
        (quadratic("0.05", kind="B32", more=", TEMPERATURE=GRADIENTS"), "abaqus"),
        (quadratic("0.05", kind="B32") + "*OUTPUT, FIELD\n", "abaqus"),
        (LINEAR.format(kind="B31", rest=STEEL + SECTION), "abaqus"),
        (LINEAR.format(kind="B33", rest=STEEL + SECTION + "** for CalculiX, says someone\n"),
         "abaqus"),
    ],
)  # fmt: skip
def test_the_whole_deck_tells_whose_it_is(tmp_path, text, dialect):
    reading = read(tmp_path, text)
    is_cubic(reading)
    assert reading.kind == dialect == kind_of(tmp_path / "x.inp")
    assert any("CalculiX" in x for x in reading.sentences()) == (dialect == "calculix")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (quadratic("0.1", kind="B32"), "nothing in it says which"),
        (quadratic("0.1", kind="B32") + "** made for ccx\n", "a comment that names CalculiX"),
        (LINEAR.format(kind="B31", rest="** FreeCAD\n" + STEEL + SECTION), "a comment that names"),
        (quadratic("0.1, 0.1", more=", TEMPERATURE=GRADIENTS"), "speak for Abaqus"),
    ],
)
def test_where_the_dialect_stays_unclear_the_user_is_asked(tmp_path, text, why):
    with pytest.raises(LatticeGnnError, match=r"radius in Abaqus.*diameter in CalculiX") as caught:
        read(tmp_path, text)
    assert why in str(caught.value)
    assert "--dialect calculix" in str(caught.value)
    with pytest.raises(LatticeGnnError, match="--dialect"):
        kind_of(tmp_path / "x.inp")
    size = 0.05 if "ALL\n1, 1, 2\n" in text else 0.1
    for dialect, factor in (("abaqus", 1), ("calculix", 0.5)):
        is_cubic(read(tmp_path, text, dialect=dialect), size * factor)
        is_cubic(read_with_report(tmp_path / "x.inp", dialect), size * factor)


def test_pipes_mean_the_same_in_both_dialects(tmp_path):
    text = quadratic("0.05, 0.01", kind="B32").replace("SECTION=CIRC", "SECTION=PIPE")
    (lattice,) = read(tmp_path, text).lattices
    assert np.allclose(lattice.radii, 0.05)
    assert np.allclose(lattice.inner_radii, 0.04)


def test_ellipses_are_refused_by_name(tmp_path):
    with pytest.raises(LatticeGnnError, match=r"line 17.*0\.1 and 0\.2, is an ellipse"):
        read(tmp_path, quadratic("0.1, 0.2"))


@pytest.mark.parametrize("kind", ["abaqus", "calculix"])
def test_exports_larger_than_any_buffer_come_back(tmp_path, kind):
    """Also without the description of the lattice that our own decks carry."""
    lattice = cell("bcc", radius=0.05).supercell((4, 4, 4))
    path = tmp_path / "x.inp"
    write_any(path, [lattice], kind)
    reading = read_with_report(path)
    assert path.stat().st_size > 65536
    assert lattice_to_dict(reading.lattices[0]) == lattice_to_dict(lattice)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(x for x in lines if not x.startswith("** ")))
    reading = read_with_report(path)
    assert reading.kind == kind
    assert np.allclose(reading.lattices[0].radii, 0.05)
    assert reading.lattices[0].relative_density == pytest.approx(lattice.relative_density)


GENERAL = "*BEAM GENERAL SECTION, SECTION={kind}, ELSET=ALL\n{size}\n{normal}\n70000., {G}\n"


@pytest.mark.parametrize(
    ("kind", "size"),
    [
        ("CIRC", "0.05"),
        ("GENERAL", "7.8539816e-3, 4.9087385e-6, 0., 4.9087385e-6, 9.817477e-6"),
    ],
)
@pytest.mark.parametrize("normal", ["0., 1., 1.", "", "**", ","])
@pytest.mark.parametrize(("G", "nu"), [("26923.0769", 0.3), ("29166.6667", 0.2)])
@pytest.mark.parametrize("other", ["", STEEL], ids=["alone", "with a material"])
def test_general_sections_have_moduli_of_their_own(tmp_path, kind, size, normal, G, nu, other):  # noqa: PLR0913
    rest = other + GENERAL.format(kind=kind, size=size, normal=normal, G=G)
    lattice = is_cubic(read(tmp_path, LINEAR.format(kind="B33", rest=rest)))
    assert lattice.material.E == 70000
    assert lattice.material.nu == pytest.approx(nu, abs=1e-8)
    # 549.78 is E pi r^2, the entry 1111 of a card.
    assert stiffness(lattice)[0] * lattice.material.E == pytest.approx(549.78, rel=1e-5)


def test_general_sections_of_tubes_and_others(tmp_path):
    R, r = 0.05, 0.04
    A, I = np.pi * (R**2 - r**2), np.pi / 4 * (R**4 - r**4)
    rest = GENERAL.format(kind="GENERAL", size=f"{A}, {I}, 0, {I}, {2 * I}", normal="", G=27000)
    (lattice,) = read(tmp_path, LINEAR.format(kind="B33", rest=rest)).lattices
    assert np.allclose(lattice.radii, R)
    assert np.allclose(lattice.inner_radii, r)
    for size in (f"{A}, {I}, 0, {2 * I}, {3 * I}", f"{A}, {A * A / 50}, 0, {A * A / 50}, 1e-9"):
        rest = GENERAL.format(kind="GENERAL", size=size, normal="", G=27000)
        with pytest.raises(LatticeGnnError, match="not those of a round section"):
            read(tmp_path, LINEAR.format(kind="B33", rest=rest))
    for moduli, words in (("70000., 20000.", "Poisson ratio 0.75"), ("", "third data line")):
        rest = f"*BEAM GENERAL SECTION, SECTION=CIRC, ELSET=ALL\n0.05\n0., 1., 1.\n{moduli}\n"
        with pytest.raises(LatticeGnnError, match=words):
            read(tmp_path, LINEAR.format(kind="B33", rest=rest))


STOREYS = (
    "*NODE\n1, 0., 0., 0.\n2, 0., 0., 0.4\n3, 0., 0., 1.\n11, 1., 0., 0.\n12, 1., 0., 0.4\n"
    "21, 0., 1., 0.\n22, 0., 1., 0.4\n*ELEMENT, TYPE=B33, ELSET=ALL\n"
)
GENERATED = {
    "ELGEN": STOREYS + "1, 1, 2\n11, 1, 11\n21, 1, 21\n"
    "*ELGEN, ELSET=ALL\n1, 2, 1, 1\n11, 2, 1, 1\n21, 2, 1, 1\n",
    "ELCOPY": STOREYS + "1, 1, 2\n2, 2, 3\n11, 1, 11\n21, 1, 21\n*ELSET, ELSET=FLOOR\n11, 21\n"
    "*ELCOPY, OLD SET=FLOOR, NEW SET=ALL, ELEMENT SHIFT=1, SHIFT NODES=1\n",
    "NGEN": "*NODE\n1, 0., 0., 0.\n6, 0., 0., 1.\n11, 1., 0., 0.\n16, 1., 0., 1.\n21, 0., 1., 0.\n"
    "26, 0., 1., 1.\n*NGEN\n1, 6\n11, 16\n21, 26, 1\n*ELEMENT, TYPE=B33, ELSET=ALL\n"
    "1, 1, 3\n2, 3, 6\n11, 1, 11\n12, 3, 13\n21, 1, 21\n22, 3, 23\n",
    "NFILL": "*NODE, NSET=LOW\n1, 0., 0., 0.\n11, 1., 0., 0.\n21, 0., 1., 0.\n"
    "*NODE, NSET=HIGH\n6, 0., 0., 1.\n16, 1., 0., 1.\n26, 0., 1., 1.\n*NFILL\nLOW, HIGH, 5, 1\n"
    "*ELEMENT, TYPE=B33, ELSET=ALL\n1, 1, 3\n2, 3, 6\n11, 1, 11\n12, 3, 13\n21, 1, 21\n22, 3, 23\n",
    "NCOPY": "*NODE, NSET=LOW\n1, 0., 0., 0.\n11, 1., 0., 0.\n21, 0., 1., 0.\n*NODE\n6, 0, 0, 1\n"
    "*NCOPY, CHANGE NUMBER=2, OLD SET=LOW, SHIFT\n0., 0., 0.4\n0,0,0,0,0,1,0\n"
    "*ELEMENT, TYPE=B33, ELSET=ALL\n1, 1, 3\n2, 3, 6\n11, 1, 11\n12, 3, 13\n21, 1, 21\n22, 3, 23\n",
    "SYSTEM": "*SYSTEM\n0., 0., 0., 0., 1., 0.\n-1., 0., 0.\n*NODE\n1, 0., 0., 0.\n2, 0., 0., .4\n"
    "3, 0., 0., 1.\n11, 1., 0., 0.\n12, 1., 0., 0.4\n*SYSTEM\n*NODE, SYSTEM=C\n21, 1., 0., 0.\n"
    "22, 1., 0., 0.4\n*ELEMENT, TYPE=B33, ELSET=ALL\n"
    "1, 1, 2\n2, 2, 3\n11, 1, 11\n12, 2, 12\n21, 1, 21\n22, 2, 22\n",
}  # fmt: skip


@pytest.mark.parametrize("keyword", GENERATED)
def test_generated_nodes_and_elements_are_part_of_the_lattice(tmp_path, keyword):
    """Two storeys at z = 0 and 0.4: C11 = C22 = 2 pi r^2, C33 = pi r^2."""
    text = GENERATED[keyword]
    assert f"*{keyword}" in text
    (lattice,) = read(tmp_path, text + STEEL + SECTION).lattices
    assert (lattice.num_nodes, lattice.num_struts) == (2, 6)
    assert lattice.relative_density == pytest.approx(0.0392699, rel=1e-5)
    assert np.allclose(stiffness(lattice), [0.0157080, 0.0157080, 0.0078540], rtol=1e-5)


@pytest.mark.parametrize(
    ("lines", "word"),
    [
        ("*NODE, INPUT=nodes.txt\n", "NODE: INPUT="),
        ("*ELEMENT, TYPE=B31, INPUT=elements.txt\n", "ELEMENT: INPUT="),
        ("*NMAP, NSET=A\n", "NMAP"),
        ("*PARAMETER\nr = 0.05\n", "PARAMETER"),
        ("*NGEN, LINE=C\n1, 4\n", "NGEN"),
        ("*NCOPY, OLD SET=A, REFLECT=LINE\n", "NCOPY"),
        ("*NFILL, BIAS=0.5\nA, B, 2, 1\n", "NFILL"),
        ("*NGEN\n1, 4, 2\n", "increment"),
        ("*ELGEN\n9, 2, 1, 1\n", "element 9"),
        ("*ELGEN\n1, 300000, 1, 1\n", "generated"),
        ("*ELCOPY, OLD SET=NONE, ELEMENT SHIFT=1, SHIFT NODES=1\n", "no set 'NONE'"),
        ("*INCLUDE, INPUT=x.inp\n", "INCLUDE"),
        ("*ELSET, ELSET=X, GENERATE\n1\n", "first and last label"),
        ("*ELEMENT, TYPE=B31, OFFSET=10\n9, 1, 2\n", "OFFSET="),
        ("*ELEMENT, TYPE=B31, FILE=other\n", "ELEMENT: FILE="),
        ("*SYMMETRIC MODEL GENERATION, PERIODIC=4\n", "SYMMETRIC MODEL GENERATION"),
        ("*NODE, NSET=A,\n9, 1., 1., 1.\n", "a comma at the end of a keyword line"),
        ("*ELASTIC,\n70000., 0.3\n", "remove that comma"),
        ("*ELEMENT, TYPE=B31\n9, 2, 2\n", "element 9 ends where it begins"),
        (
            "*BEAM GENERAL SECTION, SECTION=CIRC, ELSET=ALL, TAPER\n.05, .03\n\n1., .4\n",
            "TAPER is not understood",
        ),
    ],
)
def test_what_is_not_done_is_refused_by_name(tmp_path, lines, word):
    text = LINEAR.format(kind="B31", rest=STEEL + SECTION + lines)
    with pytest.raises(LatticeGnnError) as caught:
        read(tmp_path, text)
    assert word in str(caught.value)
    assert "line " in str(caught.value)


@pytest.mark.parametrize(
    ("lines", "word"),
    [
        ("*RELEASE\n1, S1, ALLM\n", "RELEASE"),
        ("*MODEL CHANGE, REMOVE\nALL\n", "MODEL CHANGE"),
        ("*BEAM SECTION OFFSET\n0.1, 0.\n", "axes run through the nodes"),
        ("*DISTRIBUTING COUPLING, ELSET=A\n1, 1.\n", "DISTRIBUTING COUPLING"),
        ("*ELEMENT, TYPE=S4R, ELSET=SKIN\n9, 1, 2, 3, 4\n", "S4R"),
    ],
)
def test_what_is_left_out_is_said(tmp_path, lines, word):
    reading = read(tmp_path, LINEAR.format(kind="B31", rest=STEEL + SECTION + lines))
    is_cubic(reading)
    assert any(word in sentence for sentence in reading.sentences())


OTHERS = {
    "lamina": "*ELASTIC, TYPE=LAMINA\n135000., 10000., 0.3, 5000., 5000., 3800.\n",
    "rubber": "*ELASTIC\n3.0, 0.5\n",
    "nothing": "*DENSITY\n1e-9\n",
}


@pytest.mark.parametrize("name", OTHERS)
def test_materials_that_no_strut_is_made_of_do_not_matter(tmp_path, name):
    other = "*MATERIAL, NAME=OTHER\n" + OTHERS[name]
    is_cubic(read(tmp_path, LINEAR.format(kind="B31", rest=other + STEEL + SECTION)))
    used = SECTION.replace("=AL\n", "=OTHER\n")
    with pytest.raises(LatticeGnnError, match="ELASTIC"):
        read(tmp_path, LINEAR.format(kind="B31", rest=other + STEEL + used))


@pytest.mark.parametrize("kind", ["PIPE", "Thick Pipe", "THICK  PIPE"])
def test_pipes_with_thick_walls_are_pipes(tmp_path, kind):
    """C11 = pi (R^2 - r^2)."""
    section = SECTION.replace("CIRC", kind).replace("\n0.05\n", "\n0.05, 0.02\n")
    (lattice,) = read(tmp_path, LINEAR.format(kind="PIPE31", rest=STEEL + section)).lattices
    assert np.allclose(lattice.inner_radii, 0.03)
    assert np.allclose(stiffness(lattice), np.pi * (0.05**2 - 0.03**2), rtol=1e-6)


def test_blanks_in_keywords_do_not_count(tmp_path):
    """As in CalculiX."""
    text = LINEAR.format(kind="B31", rest=STEEL + SECTION.replace("*BEAM SEC", "*BeamSec"))
    is_cubic(read(tmp_path, text))


def test_nodes_of_a_set_of_elements(tmp_path):
    """Simple cubic from its lower half: *NSET, ELSET takes all nodes of the elements."""
    half = LINEAR.format(kind="B31", rest="").replace("4, 0., 0., 1.", "4, 0., 0., 0.5")
    upper = (
        "*NSET, NSET=N, ELSET=ALL\n*NCOPY, OLD SET=N, CHANGE NUMBER=10, SHIFT\n0., 0., 0.5\n\n"
        "*ELCOPY, OLD SET=ALL, NEW SET=ALL, ELEMENT SHIFT=10, SHIFT NODES=10\n"
    )
    (lattice,) = read(tmp_path, half + upper + STEEL + SECTION).lattices
    assert (lattice.num_nodes, lattice.num_struts) == (2, 6)
    assert np.allclose(stiffness(lattice), np.pi * 0.05**2 * np.array([2, 2, 1]), rtol=1e-6)


def test_coordinates_left_out_are_zero(tmp_path):
    nodes = "*NODE\n1\n2, 1.\n3, , 1.\n4, , , 1.\n"
    full = LINEAR.format(kind="B33", rest=STEEL + SECTION)
    is_cubic(read(tmp_path, nodes + full[full.index("*ELEMENT") :]))


@pytest.mark.parametrize("kind", ["T3D2", "T3D2H"])
def test_trusses_are_round_struts_of_equal_area(tmp_path, kind):
    rest = STEEL + "*SOLID SECTION, ELSET=ALL, MATERIAL=AL\n0.00785398163\n"
    reading = read(tmp_path, LINEAR.format(kind=kind, rest=rest))
    is_cubic(reading)
    assert any("truss" in x and "rigid joints" in x for x in reading.sentences())
    with pytest.raises(LatticeGnnError, match="SOLID SECTION"):
        read(tmp_path, LINEAR.format(kind=kind, rest=STEEL))


PART = (
    "*Part, name=STRUT\n*Node\n1, 0., 0., 0.\n2, 1., 0., 0.\n*Element, type=B31\n1, 1, 2\n"
    "*Elset, elset=ALL\n1\n*Beam Section, elset=ALL, material=AL, section=CIRC\n0.05\n0.,0.,-1.\n"
    "*End Part\n*Assembly, name=A\n*Instance, name=X, part=STRUT\n*End Instance\n"
    "*Instance, name=Y, part=STRUT\n0., 0., 0.\n0., 0., 0., 0., 0., 1., 90.\n*End Instance\n"
    "*Instance, name=Z, part=STRUT\n0., 0., 0.\n0., 0., 0., 0., 1., 0., -90.\n*End Instance\n"
    "*Elset, elset=OUTER, instance=X\n1\n*Elset, elset=MORE\nOUTER, Y.1, Z.ALL\n*End Assembly\n"
)


def test_instances_that_differ_in_place_alone_are_one_lattice(tmp_path):
    is_cubic(read(tmp_path, PART + STEEL))


MESH = (
    "*Node\n1, 0., 0., 0.\n2, 1., 0., 0.\n3, 0., 1., 0.\n4, 0., 0., 1.\n*Element, type=B31\n"
    "1, 1, 2\n2, 1, 3\n3, 1, 4\n*Elset, elset=_PickedSet2, internal, generate\n 1, 3, 1\n"
)


@pytest.mark.parametrize(
    "name", ["_PickedSet2", "I._PickedSet2", "Part-1._PickedSet2"], ids=["plain", "I", "part"]
)
def test_independent_instances_and_qualified_names_of_sets(tmp_path, name):
    section = f"*Beam Section, elset={name}, material=AL, section=CIRC\n0.05\n0.,0.7,-1.\n"
    instance = "*Instance, name=I, part=Part-1\n{}*End Instance\n*End Assembly\n"
    start = "*Part, name=Part-1\n{}*End Part\n*Assembly, name=A\n"
    is_cubic(read(tmp_path, start.format("") + instance.format(MESH + section) + STEEL))
    is_cubic(read(tmp_path, start.format(MESH + section) + instance.format("") + STEEL))


def test_sets_inside_sets_and_later_sections_win(tmp_path):
    rest = (
        "*ELSET, ELSET=A\n1, B\n*ELSET, ELSET=B\nA, 2, 3\n" + STEEL
        + "*BEAM SECTION, SECTION=CIRC, ELSET=ALL, MATERIAL=AL\n0.01\n"
        + "*BEAM SECTION, SECTION=CIRC, ELSET=A, MATERIAL=AL\n0.05\n"
    )  # fmt: skip
    is_cubic(read(tmp_path, LINEAR.format(kind="B31", rest=rest)))


@pytest.mark.parametrize(
    "rest",
    [
        "*ELSET, ELSET=A, GENERATE\n1, 4900000, 1\n" + 300 * SECTION.replace("=ALL", "=A"),
        "*ELSET, ELSET=A, GENERATE\n1, 4000000, 1\n*ELSET, ELSET=B\n" + "A," * 2000 + "\n",
        "".join(f"*ELSET, ELSET=S{k}\nS{k + 1}, S{k + 2}\n" for k in range(2000)),
    ],
    ids=["sections", "sets", "nested"],
)
def test_bombs_of_sets_and_sections_are_harmless(tmp_path, rest):
    is_cubic(read(tmp_path, LINEAR.format(kind="B31", rest=rest + STEEL + SECTION)))


@pytest.mark.parametrize("keyword", ["HERE", "INIT", "TAKE", "LABELS", "DOC", "CLASS", "END"])
def test_keywords_never_reach_the_reader_itself(tmp_path, keyword):
    rest = f"*{keyword}\n1, 2\n*_{keyword}_\n"
    is_cubic(read(tmp_path, LINEAR.format(kind="B31", rest=STEEL + SECTION + rest)))


def test_windows_1252_comments_are_read(tmp_path):
    path = tmp_path / "x.inp"
    text = "** Größe, µm – café\n" + LINEAR.format(kind="B31", rest=STEEL + SECTION)
    path.write_bytes(text.encode("cp1252"))
    assert read_any(path)[0].num_struts == 3
