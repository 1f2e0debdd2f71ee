"""What a user is warned of, on lattices made to have one flaw."""

import numpy as np
import pytest

from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.findings import findings, warnings
from lattice_gnn.lattice.lattice import Lattice


def _two_nets(gap):
    shifts = np.vstack([np.eye(3), np.eye(3)])
    struts = [[0, 0]] * 3 + [[1, 1]] * 3
    return Lattice(np.eye(3), [[0, 0, 0], [gap, gap, gap]], struts, shifts, 0.05)


def _dangling():
    shifts = np.vstack([np.eye(3), np.zeros(3)])
    struts = [[0, 0], [0, 0], [0, 0], [0, 1]]
    return Lattice(np.eye(3), [[0, 0, 0], [0.4, 0.4, 0.4]], struts, shifts, 0.02)


def _layer():
    return Lattice(np.eye(3), [[0, 0, 0]], [[0, 0], [0, 0]], np.eye(3)[:2], 0.05)


@pytest.mark.parametrize(
    ("lattice", "kind", "words"),
    [
        (_layer(), "net", "do not span space"),
        (_two_nets(0.5), "net", "2 separate nets interpenetrate"),
        (_two_nets(0.05), "contact", "touch or overlap"),
        (cell("octet", radius=0.09), "slenderness", "24 of 24 struts are too thick"),
        (_dangling(), "dangling", "node 1:"),
        (cell("bcc", radius=5e-7), "thinness", "is lost to rounding"),
        (cell("isotruss", radius=0.02), "collinear", "3 nodes merely split"),
        (cell("octet", radius=0.02).rotated(-np.eye(3)), "handedness", "left-handed"),
    ],
    ids=lambda x: x if isinstance(x, str) and x.isalpha() else "",
)
def test_findings_name_the_flaw(lattice, kind, words):
    found = {finding.kind: finding.text for finding in findings(lattice)}
    assert words in found[kind]


def test_a_slender_octet_has_none():
    assert findings(cell("octet", relative_density=0.05)) == ()


def test_what_changes_no_result_is_no_warning():
    mirrored = cell("isotruss", radius=0.02).rotated(-np.eye(3))
    kinds = [finding.kind for finding in findings(mirrored)]
    assert kinds == ["collinear", "handedness"]
    assert warnings(mirrored) == ()


def test_a_tapered_strut_counts_with_its_thicker_end():
    sc = cell("sc", radius=0.05)
    assert findings(sc) == ()
    ends = np.array([0.05, 0.05, 0.12])
    (finding,) = findings(sc.replace(end_radii=ends))
    assert finding.kind == "slenderness"
    assert "1 of 3 struts is too thick" in finding.text
    assert "up to 0.12" in finding.text


def test_too_many_struts_are_not_taken_for_long_ones(monkeypatch):
    monkeypatch.setattr("lattice_gnn.lattice.contacts._MAX_IMAGES", 27 * 60)
    found = {x.kind: x.text for x in findings(cell("bcc", radius=0.05).supercell(2))}
    assert "too many struts to look for contacts (64, at most 60)" in found["contact"]
