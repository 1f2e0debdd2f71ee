import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from data.formats import lat_text, read_with_report
from data.formats.lat import CatalogueEntry, read_lat, write_lat
from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.tensors.metrics import relative_frobenius
from lattice_gnn.tensors.stiffness import Stiffness
from lattice_gnn.testing import random_lattice, random_rotation, same_structure


def entry_of(lattice, densities=(0.001, 0.02)):
    """An entry with tensors of our own FEM."""
    at = [lattice.with_relative_density(density) for density in densities]
    C = homogenise_beam(at).stiffness
    references = tuple((density, C[k]) for k, density in enumerate(densities))
    return CatalogueEntry(
        lattice=at[0],
        base_name=lattice.name.partition("_p_")[0],
        imperfection_level=0.02,
        imperfection_kind="sphere_surf",
        references=references,
    )


def skew_lattice(seed=3):
    """A triclinic lattice of equal radii, turned so that no cell vector lies along an axis."""
    lattice = random_lattice(seed).rotated(random_rotation(seed))
    return lattice.replace(radii=np.full(lattice.num_struts, 0.02), name=f"tric_{seed}_p_0.02_7")


@pytest.fixture
def kelvin_entry():
    return entry_of(cell("kelvin", relative_density=0.01).replace(name="kelvin"))


def lines_of(path):
    return path.read_text().splitlines()


def edited(path, old, new):
    """Replace text in a file, once; the old text must be there."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return path


@pytest.mark.parametrize("notation", ["mandel", "voigt"])
def test_lattice_and_tensors_survive_both_headers(tmp_path, notation):
    entry = entry_of(cell("bcc", relative_density=0.01).strained(np.diag([1, 1.2, 0.7])))
    path = tmp_path / "own.lat"
    write_lat(path, [entry], notation)
    assert ("(Mandel)" in path.read_text()) == (notation == "mandel")
    (again,) = read_lat(path)
    assert same_structure(again.lattice, entry.lattice)
    assert (again.base_name, again.imperfection_level) == (entry.base_name, 0.02)
    assert again.imperfection_kind == "sphere_surf"
    for (density, C), (density_again, C_again) in zip(
        entry.references, again.references, strict=True
    ):
        assert density_again == density
        # Inverting a compliance of condition 1e5 costs five digits.
        assert relative_frobenius(C_again.mandel[None], C.mandel[None]) < 1e-10


@pytest.mark.parametrize("notation", ["mandel", "voigt"])
def test_read_tensors_are_those_of_the_read_lattice(tmp_path, notation):
    """Frame, notation and order agree: the tensor that we solve for is the one that we read."""
    write_lat(tmp_path / "own.lat", [entry_of(skew_lattice())], notation)
    (entry,) = read_lat(tmp_path / "own.lat")
    lattices, C = zip(*entry.pairs(), strict=True)
    solved = homogenise_beam(list(lattices)).stiffness.mandel
    assert relative_frobenius(solved, torch.stack([x.mandel for x in C])).max() < 1e-10
    assert entry.lattice.cell[0, 1] == entry.lattice.cell[0, 2] == entry.lattice.cell[1, 2] == 0


def test_voigt_header_means_engineering_shear(tmp_path):
    """S_44 is 1/G under the older header, 1/(2G) in Mandel: E = 2, nu = 0.25, G = 0.8."""
    entry = entry_of(cell("octet", relative_density=0.01).replace(name="octet"))
    isotropic = Stiffness.isotropic(2.0, 0.25)
    entry = CatalogueEntry(lattice=entry.lattice, references=((0.01, isotropic),))
    printed = {}
    for notation in ("mandel", "voigt"):
        write_lat(tmp_path / "own.lat", [entry], notation, digits=5)
        lines = lines_of(tmp_path / "own.lat")
        row = lines[next(n for n, x in enumerate(lines) if x.startswith("->")) + 1]
        printed[notation] = [float(x) for x in row.split(",")]
        (again,) = read_lat(tmp_path / "own.lat")
        assert torch.allclose(again.references[0][1].mandel, isotropic.mandel, atol=1e-4)
    assert printed["mandel"][0] == printed["voigt"][0] == 0.5
    assert printed["mandel"][15] == pytest.approx(1 / 1.6)
    assert printed["voigt"][15] == pytest.approx(1 / 0.8)


def test_left_handed_cell_keeps_the_structure(tmp_path):
    lattice = skew_lattice().with_cell_vectors(np.diag([1, -1, 1]))
    assert np.linalg.det(lattice.cell) * np.linalg.det(skew_lattice().cell) < 0
    write_lat(tmp_path / "own.lat", [entry_of(lattice)])
    (entry,) = read_lat(tmp_path / "own.lat")
    lattices, C = zip(*entry.pairs(), strict=True)
    solved = homogenise_beam(list(lattices)).stiffness.mandel
    assert relative_frobenius(solved, torch.stack([x.mandel for x in C])).max() < 1e-10


def test_radii_of_single_struts_come_back_at_every_density(tmp_path):
    lattice = cell("bccz", relative_density=0.01).replace(name="bccz")
    thick = lattice.with_radii(lattice.radii * np.linspace(0.5, 2, lattice.num_struts))
    entry = entry_of(thick)
    write_lat(tmp_path / "own.lat", [entry])
    (again,) = read_lat(tmp_path / "own.lat")
    for (ours, _), (theirs, _) in zip(entry.pairs(), again.pairs(), strict=True):
        assert np.allclose(theirs.radii, ours.radii, rtol=1e-14)
        assert same_structure(theirs, ours)


def test_lattice_without_tensors_keeps_its_radii(tmp_path):
    lattice = cell("diamond", radius=0.031).replace(name="diamond")
    write_lat(tmp_path / "own.lat", [CatalogueEntry(lattice=lattice)])
    (again,) = read_lat(tmp_path / "own.lat")
    assert again.references == ()
    assert again.pairs() == ()
    assert np.allclose(again.lattice.radii, 0.031)


def test_what_is_taken_or_guessed_is_said_once(tmp_path):
    """Radii that are missing, several densities, radii that do not make the density."""
    path = tmp_path / "own.lat"
    lattice = cell("diamond", relative_density=0.05).replace(name="diamond")
    write_lat(path, [CatalogueEntry(lattice=lattice)])
    assert read_with_report(path).sentences() == ()
    text = path.read_text()
    start, end = text.index("Fundamental edge radii start"), text.index("Nodal positions")
    path.write_text(2 * (text[:start] + text[end:]))
    assert read_with_report(path).sentences() == (
        "diamond and 1 more: the entry gives no radii: set to a relative density of 1 %.",
    )
    density = text[text.index("density") : text.index(":\n", text.index("density"))]
    path.write_text(text.replace(density, "density 0.2"))
    (wrong,) = read_with_report(path).sentences()
    assert wrong == (
        "its radii make a relative density of 0.05, where it says 0.2: the radii were taken."
    )
    write_lat(path, [entry_of(lattice)])
    (several,) = read_with_report(path).sentences()
    assert "relative densities: the first was taken" in several


def without(path, *titles):
    """Cut blocks out of a catalogue, each from its title to the next blank line."""
    kept, skipping = [], False
    for line in lines_of(path):
        skipping = (skipping and line != "") or line.startswith(titles)
        if not skipping:
            kept.append(line)
    path.write_text("\n".join(kept) + "\n")
    return path


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_drawing_folds_to_the_fundamental_lattice(tmp_path_factory, seed):
    path = tmp_path_factory.mktemp("fold") / "own.lat"
    lattice = random_lattice(seed)
    lattice = lattice.replace(radii=np.full(lattice.num_struts, 0.01), name="random").simplified()
    write_lat(path, [CatalogueEntry(lattice=lattice)])
    (whole,) = read_lat(path)
    (folded,) = read_lat(without(path, "Fundamental"))
    assert (folded.lattice.num_nodes, folded.lattice.num_struts) == (
        lattice.num_nodes,
        lattice.num_struts,
    )
    ours, theirs = (
        homogenise_beam(x.lattice.with_relative_density(0.01)).stiffness.mandel
        for x in (whole, folded)
    )
    assert relative_frobenius(theirs, ours) < 1e-8
    assert "folded from a drawing" in folded.notes[0]


BCC_WINDOW = """----- lattice_transition -----
Name: bcc_cut
Normalized unit cell parameters (a,b,c,alpha,beta,gamma):
1, 1, 1, 90, 90, 90
Nodal positions:
0.5 0.5 0.5
{corners}
Bar connectivities:
{bars}
"""


def bcc_window(shift, first=0):
    """A drawing of BCC moved so that faces cut its struts (shift) or its corners are on faces."""
    corners = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)], dtype=float)
    centre = np.array([0.5 + shift, 0.5, 0.5])
    points, bars = [], []
    for corner in corners:
        end = corner + np.array([shift, 0, 0])
        if 0 <= end[0] <= 1:
            bars.append((0, 1 + len(points)))
            points.append(end)
        else:  # cut at the face x = 1, the rest begins at x = 0
            cut = centre + (end - centre) * (1 - centre[0]) / (end[0] - centre[0])
            rest = [cut - [1, 0, 0], end - [1, 0, 0]]
            bars += [(0, 1 + len(points)), (2 + len(points), 3 + len(points))]
            points += [cut, *rest]
    text = BCC_WINDOW.format(
        corners="\n".join(" ".join(f"{x:.5g}" for x in p) for p in points),
        bars="\n".join(f"{i + first} {j + first}" for i, j in bars),
    )
    return text.replace("0.5 0.5 0.5", " ".join(f"{x:.5g}" for x in centre))


@pytest.mark.parametrize("shift", [0.0, 0.125, 0.31])
@pytest.mark.parametrize("first", [0, 1])
def test_window_with_cut_struts_and_either_numbering_gives_bcc(tmp_path, shift, first):
    path = tmp_path / "bcc.lat"
    path.write_text(bcc_window(shift, first))
    (entry,) = read_lat(path)
    bcc = cell("bcc", relative_density=0.01)
    assert (entry.lattice.num_nodes, entry.lattice.num_struts) == (2, 8)
    C, expected = homogenise_beam([entry.lattice, bcc]).stiffness.mandel
    assert relative_frobenius(C[None], expected[None]) < 1e-4


def test_window_that_does_not_close_is_refused(tmp_path):
    path = tmp_path / "open.lat"
    path.write_text(
        BCC_WINDOW.format(corners="1 0.4 0.5\n0 0.6 0.5\n0.2 0.2 0.2", bars="0 1\n0 2\n0 3")
    )
    with pytest.raises(LatticeGnnError, match=r"open\.lat, line 2: .* continues them on the opp"):
        read_lat(path)


def test_rounding_is_half_a_unit_of_the_printed_digits(tmp_path):
    """Rounding to 5 digits moves no entry further than stated, and some nearly as far."""
    exact = entry_of(skew_lattice())
    for notation in ("mandel", "voigt"):
        write_lat(tmp_path / "fine.lat", [exact], notation)
        write_lat(tmp_path / "own.lat", [exact], notation, digits=5)
        (fine,), (rough,) = read_lat(tmp_path / "fine.lat"), read_lat(tmp_path / "own.lat")
        for (_, C), (_, C5), half in zip(
            fine.references, rough.references, rough.roundings, strict=True
        ):
            off = (C.compliance() - C5.compliance()).abs().numpy()
            assert (off <= half * (1 + 1e-4) + 1e-12 * off.max()).all()
            assert (off > 0.5 * half).any()


MALFORMED = {
    "no file": (None, "no such file"),
    "empty": ("", r"not a \.lat catalogue"),
    "binary": (b"PK\x03\x04\xff\xfe\x00", "line 1.*not UTF-8"),
    "prose": ("Dear reader,\nhello\n", "line 1: text outside of any entry"),
    "nothing but a name": ("Name: x\n", "line 1: x: .*'unit cell parameters'"),
    "name missing": ("Name:\n", "name is missing"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_what_is_no_catalogue_is_refused(tmp_path, case):
    content, message = MALFORMED[case]
    path = tmp_path / "bad.lat"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(LatticeGnnError, match=message):
        read_lat(path)


EDITS = {
    "word for a number": ("90, 90, 90", "90, 90, right", "finite number, got 'right'"),
    "infinite cell": ("90, 90, 90", "90, 90, inf", "finite number, got 'inf'"),
    "angle": ("90, 90, 90", "90, 90, 190", "span a cell"),
    "flat cell": ("90, 90, 90", "30, 30, 60", "span a cell"),
    "too few parameters": ("90, 90, 90", "90", "expected 6 numbers, got 4"),
    "density": ("density 0.001:", "density 7:", "between 0 and 1, got 7"),
    "density word": ("density 0.001:", "density soft:", "finite number, got 'soft'"),
    "no end": ("Compliance tensors (Mandel) end", "", "expected '-> at relative density"),
    "other notation": ("(Mandel) start", "(Kelvin) start", "'kelvin': expected"),
    "tensor short": (",", " ", None),
    "no such node": ("edge adjacency\n", "edge adjacency\n0 99999\n", "node 99999 does not exist"),
    "far node": ("edge adjacency\n", "edge adjacency\n0 999999999\n", "got 999999999"),
    "half a node": ("edge adjacency\n", "edge adjacency\n0 0.5\n", "integers"),
    "ragged": (
        "tesselation vectors\n",
        "tesselation vectors\n0 0 0 0 0 0\n",
        "numbers in this row",
    ),
    "one more vector": ("tesselation vectors\n", "tesselation vectors\n0 0 0\n", "25 tessellation"),
    "huge shift": ("tesselation vectors\n0", "tesselation vectors\n9999999999", "integers"),
    "two tables": ("Nodal positions:", "Bar connectivities:\n0 1\n\nNodal positions:", "a second"),
    "stray row": ("Nodal positions:", "1 2 3\nNodal positions:", "outside of any block"),
    "level": ("level: 0.02", "level: some", "imperfection level"),
    "no vectors": ("Fundamental tesselation vectors", "Fundamental whims", "outside|together"),
}


@pytest.mark.parametrize("case", EDITS)
def test_every_malformed_entry_is_one_sentence_with_file_and_line(tmp_path, case, kelvin_entry):
    path = tmp_path / "bad.lat"
    write_lat(path, [kelvin_entry], digits=8)
    old, new, message = EDITS[case]
    if case == "tensor short":
        lines = lines_of(path)
        n = next(n for n, line in enumerate(lines) if line.startswith("->")) + 1
        lines[n] = lines[n].rpartition(",")[0]
        path.write_text("\n".join(lines))
        message = f"line {n + 1}: row: expected 21 numbers, got 20"
    else:
        edited(path, old, new)
    with pytest.raises(LatticeGnnError, match=message) as caught:
        read_lat(path)
    assert re.match(r"bad\.lat, line \d+: ", str(caught.value))
    assert str(caught.value).count("\n") == 0


def test_compliance_must_be_positive_definite(tmp_path, kelvin_entry):
    path = tmp_path / "bad.lat"
    write_lat(path, [kelvin_entry])
    lines = lines_of(path)
    n = next(n for n, line in enumerate(lines) if line.startswith("->")) + 1
    lines[n] = "-" + lines[n]
    path.write_text("\n".join(lines))
    with pytest.raises(LatticeGnnError, match=f"line {n + 1}: .*not positive definite"):
        read_lat(path)


def test_truncated_anywhere_gives_entries_or_one_clear_error(tmp_path, kelvin_entry):
    path = tmp_path / "whole.lat"
    write_lat(path, [kelvin_entry], digits=6)
    text = path.read_text()
    cut = tmp_path / "cut.lat"
    refused = []
    for length in range(0, len(text), 97):
        cut.write_text(text[:length])
        try:
            assert len(read_lat(cut)) <= 1
        except LatticeGnnError as error:
            refused.append(str(error))
    assert len(refused) > 10
    assert all(message.startswith("cut.lat") for message in refused)


def test_hostile_sizes_are_refused_before_memory_goes(tmp_path, monkeypatch):
    monkeypatch.setattr(lat_text, "MAX_LINE", 1000)
    monkeypatch.setattr(lat_text, "MAX_ROWS", 50)
    path = tmp_path / "big.lat"
    path.write_text("Name: x\n" + "1" * 5000)
    with pytest.raises(LatticeGnnError, match="line 2: longer than 1000 characters"):
        read_lat(path)
    path.write_text("Name: x\nNodal positions:\n" + "0 0 0\n" * 100)
    with pytest.raises(LatticeGnnError, match="more than 50 lines"):
        read_lat(path)


def test_lattices_beyond_the_format_are_refused(tmp_path):
    octet = cell("octet", radius=0.03).replace(name="octet")
    beyond = {
        "hollow": octet.replace(inner_radii=octet.radii / 2),
        "tapered": octet.replace(end_radii=octet.radii * 2),
        "moduli": octet.replace(E=np.linspace(1, 2, octet.num_struts)),
        "Poisson": cell("octet", radius=0.03, nu=0.4).replace(name="octet"),
        "name": octet.replace(name="two words"),
    }
    for word, lattice in beyond.items():
        with pytest.raises(LatticeGnnError, match=word):
            write_lat(tmp_path / "own.lat", [CatalogueEntry(lattice=lattice)])
    assert not list(tmp_path.iterdir())


def test_several_entries_keep_their_order(tmp_path):
    names = ["bcc", "octet", "kelvin", "diamond"]
    entries = [entry_of(cell(n, relative_density=0.01).replace(name=n), (0.01,)) for n in names]
    write_lat(tmp_path / "own.lat", entries)
    again = read_lat(tmp_path / "own.lat")
    assert [entry.name for entry in again] == names
    assert all(isinstance(entry.lattice, Lattice) for entry in again)
