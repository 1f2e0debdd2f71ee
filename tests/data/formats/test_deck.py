"""Decks, solved by a beam code of this file's own, which knows nothing of ours."""

import shutil
import subprocess

import numpy as np
import pytest

from data.formats import read_with_report, write_any
from data.formats.abaqus_write import DeckOptions, write_deck
from data.formats.options import ReadOptions
from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.testing import random_lattice, same_structure

ORDER = [0, 1, 2, 5, 4, 3]
"""Abaqus numbers 11, 22, 33, 12, 13, 23 of our 11, 22, 33, 23, 13, 12, and back."""


def parse(path):
    """Keywords with data lines; the words of a line without blanks."""
    blocks = []
    for line in path.read_text().splitlines():
        if line.startswith("**"):
            continue
        if line.startswith("*"):
            blocks.append((line.replace(" ", "").upper().split(","), []))
        else:
            blocks[-1][1].append([word.strip() for word in line.split(",")])
    return blocks


def beam_matrix(x, y, radius, bore, E, nu):
    """Euler-Bernoulli stiffness of one beam, rows u, theta at x, then at y.

    Energy of end displacements from the textbook 4 x 4 bending matrix (Przemieniecki 1968, 5.116).
    """
    L = np.linalg.norm(y - x)
    axis = (y - x) / L
    A, I = np.pi * (radius**2 - bore**2), np.pi / 4 * (radius**4 - bore**4)
    K = np.zeros((12, 12))
    for stiffness, offset in ((E * A / L, 0), (E / (2 + 2 * nu) * 2 * I / L, 3)):
        row = np.zeros(12)
        row[offset : offset + 3], row[6 + offset : 9 + offset] = -axis, axis
        K += stiffness * np.outer(row, row)
    bending = np.array(
        [[12, 6 * L, -12, 6 * L], [6 * L, 4 * L**2, -6 * L, 2 * L**2],
         [-12, -6 * L, 12, -6 * L], [6 * L, 2 * L**2, -6 * L, 4 * L**2]]
    ) * E * I / L**3  # fmt: skip
    side = np.linalg.svd(axis[None])[2][1:]
    for v in side:
        w = np.cross(axis, v)  # rotation about w turns the axis towards v
        T = np.zeros((4, 12))
        T[0, :3], T[1, 3:6], T[2, 6:9], T[3, 9:] = v, w, v, w
        K += T.T @ bending @ T
    return K


def solve(path):  # noqa: C901 (one branch a keyword)
    """Return the answers at the reference nodes in every step, six by six, and the volume."""
    blocks = parse(path)
    nodes, elements, sections, solids, equations = {}, {}, {}, {}, []
    held, steps, material, refs = [], [], "", []
    quadratic = False
    for (keyword, *parameters), lines in blocks:
        options = dict(p.split("=") for p in parameters if "=" in p)
        if keyword == "*NODE":
            nodes |= {int(w[0]): np.array(w[1:4], dtype=float) for w in lines}
        elif keyword == "*NSET" and options["NSET"] == "REF":
            refs = [int(word) for word in lines[0]]
        elif keyword == "*ELEMENT":
            assert options["TYPE"] in ("B31", "B33", "B32R")
            quadratic = options["TYPE"] == "B32R"
            elements |= {(options["ELSET"], int(w[0])): (int(w[1]), int(w[-1])) for w in lines}
        elif keyword == "*BEAMSECTION":
            sizes = [float(word) for word in lines[0]]
            assert quadratic or abs(np.linalg.norm([float(w) for w in lines[1]]) - 1) < 1e-9
            radius = sizes[0] / 2 if quadratic else sizes[0]
            bore = radius - sizes[1] if options["SECTION"] == "PIPE" else 0.0
            sections[options["ELSET"]] = (radius, bore, options["MATERIAL"])
        elif keyword == "*MATERIAL":
            material = options["NAME"]
        elif keyword == "*ELASTIC":
            solids[material] = tuple(float(word) for word in lines[0])
        elif keyword == "*EQUATION":
            words = [word for line in lines[1:] for word in line]
            assert len(words) == 3 * int(lines[0][0])
            assert all(len(word) <= 20 for word in words)
            terms = zip(words[::3], words[1::3], words[2::3], strict=True)
            equations.append([(int(n), int(d), float(c)) for n, d, c in terms])
        elif keyword == "*STEP":
            steps.append({"prescribed": [], "forces": []})
        elif keyword == "*BOUNDARY":
            target = steps[-1]["prescribed"] if steps else held
            for words in lines:
                value = float(words[3]) if len(words) > 3 else 0.0
                dofs = range(int(words[1]), int(words[2]) + 1)
                target += [(int(words[0]), dof, value) for dof in dofs]
        elif keyword == "*CLOAD":
            steps[-1]["forces"] += [(int(n), int(d), float(f)) for n, d, f in lines]
    return _answers(nodes, elements, sections, solids, equations, held, steps, refs)


def _answers(nodes, elements, sections, solids, equations, held, steps, refs):  # noqa: PLR0913
    """Solve by Lagrange multipliers; every deck node has six unknowns, a spring where unused."""
    number = {label: 6 * k for k, label in enumerate(nodes)}
    size = 6 * len(nodes)
    K = np.zeros((size, size))
    for (name, _), (first, last) in elements.items():
        radius, bore, solid = sections[name]
        dofs = np.r_[number[first] : number[first] + 6, number[last] : number[last] + 6]
        K[np.ix_(dofs, dofs)] += beam_matrix(
            nodes[first], nodes[last], radius, bore, *solids[solid]
        )
    rows = [[(number[n] + d - 1, c) for n, d, c in terms] for terms in equations]
    used = {dof for row in rows for dof, _ in row}
    unused = [k for k in range(size) if not K[k].any() and k not in used]
    K[unused, unused] = 1.0
    # The same degrees of freedom are prescribed in every step, with other values.
    fixed = list(dict.fromkeys((n, d) for n, d, _ in [*held, *steps[0]["prescribed"]]))
    constraints = [*rows, *([(number[n] + d - 1, 1.0)] for n, d in fixed)]
    G = np.zeros((len(constraints), size))
    for k, row in enumerate(constraints):
        for dof, c in row:
            G[k, dof] += c
    right = np.zeros((size + len(G), len(steps)))
    for case, step in enumerate(steps):
        for n, d, value in step["prescribed"]:
            right[size + len(rows) + fixed.index((n, d)), case] = value
        for n, d, force in step["forces"]:
            right[number[n] + d - 1, case] += force
    system = np.block([[K, G.T], [G, np.zeros((len(G), len(G)))]])
    solution = np.linalg.solve(system, right)
    targets = [(n, d) for n in refs for d in (1, 2, 3)]
    if steps[0]["forces"]:
        return solution[[number[n] + d - 1 for n, d in targets]]
    return -solution[[size + len(rows) + fixed.index(target) for target in targets]]


def expected(lattice):
    """C in the order of Abaqus, Voigt, times E of the material."""
    C = homogenise_beam([lattice]).stiffness.voigt[0].numpy() * lattice.material.E
    return C[np.ix_(ORDER, ORDER)]


CASES = {
    "bcc": cell("bcc", radius=0.05),
    "kelvin": cell("kelvin", radius=0.03),
    "two nets": cell("bcc", radius=0.03).supercell((1, 1, 2)),
    "skewed": random_lattice(11),
    "hollow": random_lattice(12).replace(inner_radii=random_lattice(12).radii * 0.6),
    "several solids": random_lattice(14, sections=True).replace(end_radii=None),
}


@pytest.mark.parametrize("name", CASES)
def test_abaqus_decks_have_the_stiffness_of_the_lattice(tmp_path, name):
    lattice = CASES[name]
    write_any(tmp_path / "x.inp", [lattice])
    C = solve(tmp_path / "x.inp") / lattice.volume
    assert np.linalg.norm(C - expected(lattice)) < 1e-8 * np.linalg.norm(C)


@pytest.mark.parametrize("name", ["bcc", "skewed"])
def test_calculix_decks_have_its_compliance(tmp_path, name):
    lattice = CASES[name]
    write_deck(tmp_path / "x.inp", lattice, DeckOptions("calculix", elements=2))
    S = solve(tmp_path / "x.inp")
    C = expected(lattice)
    assert np.linalg.norm(S @ C - np.eye(6)) < 1e-5


def test_tapers_become_steps_that_converge(tmp_path):
    lattice = random_lattice(3, num_nodes=2)
    lattice = lattice.replace(end_radii=lattice.radii * 1.3)
    errors = []
    for elements in (8, 16):
        write_deck(tmp_path / "x.inp", lattice, DeckOptions(elements=elements))
        C = solve(tmp_path / "x.inp") / lattice.volume
        C_ref = expected(lattice)
        errors.append(np.linalg.norm(C - C_ref) / np.linalg.norm(C_ref))
    assert errors[1] < errors[0] < 0.01


def test_calculix_refuses_pipes(tmp_path):
    with pytest.raises(LatticeGnnError, match="hollow struts are not written for CalculiX"):
        write_any(tmp_path / "x.inp", [CASES["hollow"]], "calculix")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("ccx") is None, reason="needs CalculiX")
@pytest.mark.parametrize("name", ["bcc", "kelvin", "octet"])
def test_calculix_itself_runs_the_deck(tmp_path, name):
    """Within the error of its expanded beams; kelvin bends, where untied rotations give a half."""
    lattice = cell(name, radius=0.02)
    write_any(tmp_path / "x.inp", [lattice], "calculix")
    subprocess.run(["ccx", "x"], cwd=tmp_path, check=True, capture_output=True)
    rows = [line.split() for line in (tmp_path / "x.dat").read_text().splitlines()]
    values = [float(w) for row in rows if len(row) == 4 and row[0].isdigit() for w in row[1:]]
    C = np.linalg.inv(np.array(values).reshape(6, 6).T)
    C_ref = expected(lattice)
    assert C[0, 0] == pytest.approx(C_ref[0, 0], rel=0.03)
    assert C[0, 0] - C[0, 1] == pytest.approx(C_ref[0, 0] - C_ref[0, 1], rel=0.05)
    assert C[3, 3] == pytest.approx(C_ref[3, 3], rel=0.05)


PUBLISHED = """*Heading
** Start header
*Material, name=Material-1
*Elastic
2., 0.25
*Part, name=LATTICE
*Node
{nodes}
*Element, type=B31, elset=STRUT_0
1, 1, 3
2, 3, 2
*Element, type=B31, elset=STRUT_1
{elements}
*Elset, elset=REST, generate
3, {last}, 1
* End Part
*Part, name=INST0-REF1
*Node
  1, -0.1, -0.1, -0.1
*End Part
*Assembly, name=Assembly
{instances}
*End Assembly
*Boundary
INST0-REF1, 1, 3
"""


def published(path, instances):
    """A deck in the manner of the published data set: BCC, three elements on the first strut."""
    corners = [(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)]
    points = [(0, 0, 0), (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), *corners[1:]]
    nodes = "\n".join(f"  {k}, {x}, {y}, {z}" for k, (x, y, z) in enumerate(points, 1))
    elements = "\n".join(f"{k - 1}, 2, {k}" for k in range(4, 11))
    path.write_text(
        PUBLISHED.format(nodes=nodes, elements=elements, last=9, instances="\n".join(instances))
    )


def instance(name, radius, move="0 0 0"):
    sections = "".join(
        f"*Beam Section, elset={elset}, material=Material-1, section=CIRC\n{radius}\n"
        f"-0.24779, -0.54988,\n 0.79764\n"
        for elset in ("STRUT_0", "REST")
    )
    return f"*Instance, name={name}, part=LATTICE\n{move}\n{sections}*End Instance"


def test_decks_of_several_instances_are_several_lattices(tmp_path):
    path = tmp_path / "bcc.inp"
    published(path, [instance("INST0", 0.03), instance("INST1", 0.05, "2., 0., 0.")])
    reading = read_with_report(path)
    assert reading.kind == "abaqus"
    assert [x.name for x in reading.lattices] == ["inst0", "inst1"]
    for lattice, radius in zip(reading.lattices, (0.03, 0.05), strict=True):
        assert same_structure(
            lattice.replace(material=cell("bcc", radius=0.05).material),
            cell("bcc", radius=radius),
            any_translation=True,
        )
        assert (lattice.material.E, lattice.material.nu) == (2.0, 0.25)
    assert reading.reports[0].joined_halves == 1


def test_instances_are_moved_and_turned(tmp_path):
    path = tmp_path / "bcc.inp"
    published(path, [instance("A", 0.03, "1, 2, 3\n1, 2, 3, 1, 2, 4, 45")])
    turn = np.array([[1, -1, 0], [1, 1, 0], [0, 0, np.sqrt(2)]]) / np.sqrt(2)
    options = ReadOptions(cell=cell("bcc", radius=0.03).rotated(turn).cell)
    (lattice,) = read_with_report(path, options=options).lattices
    expected_lattice = cell("bcc", radius=0.03).rotated(turn)
    found = lattice.replace(material=expected_lattice.material)
    assert same_structure(found, expected_lattice, any_translation=True)
