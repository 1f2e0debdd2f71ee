"""The report page: complete, self-contained, safe, the same numbers as the document inside."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.json_file import lattice_from_dict
from lattice_gnn.lattice.lattice import Material
from lattice_gnn.reports.schema import read_document
from lattice_gnn.verbs.predict import predict
from lattice_gnn.wording import significant
from viz.web.report import MOST_LATTICES, report_page, write_report
from viz.web.results import Methods, page_report

HOSTILE = "</script><script>alert('x')</script><img src=x onerror=alert(1)>"


class Page(HTMLParser):
    """Tags, the text of every cell, and the content of scripts."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.scripts, self.words, self.styles = [], [], [], []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag):
        self._inside = ""

    def handle_data(self, data):
        places = {"script": self.scripts, "style": self.styles}
        places.get(self._inside, self.words).append(data)

    @property
    def text(self):
        return " ".join(self.words)


def test_the_stages_of_a_solid_are_told_and_a_refusal_names_the_lattice_once(octet, monkeypatch):
    def refuse(lattice, *, voxels_per_diameter, on_progress):
        on_progress("voxels", 0.25)
        raise LatticeGnnError(f"{voxels_per_diameter} voxels are too few.")

    monkeypatch.setattr("viz.web.results.homogenise_solid", refuse)
    told = []
    methods = Methods(network=False, beam=False, solid=True, voxels_per_diameter=2)
    with pytest.raises(LatticeGnnError, match=r"^octet: 2 voxels are too few\.$"):
        page_report([octet], methods, on_progress=lambda *now: told.append(now))
    assert told == [(0, 1, "octet"), (0.25, 1, "octet: voxels")]


@pytest.fixture(scope="module")
def octet():
    aluminium = Material(E=70.0, nu=0.33)
    return cell("octet", relative_density=0.1).replace(material=aluminium, units="mm")


@pytest.fixture(scope="module")
def report(octet):
    return page_report([octet], Methods(solid=True, voxels_per_diameter=4))


@pytest.fixture(scope="module")
def page(report):
    return report_page(report)


def test_the_page_loads_nothing_and_its_policy_allows_its_own_script_only(page):
    parsed = Page(page)
    for tag, attributes in parsed.tags:
        for name in ("src", "href", "action", "data", "srcset", "poster"):
            assert attributes.get(name, "data:,").startswith("data:"), (tag, attributes)
    assert "url(" not in "".join(parsed.styles)
    assert "@import" not in "".join(parsed.styles)
    (policy,) = (a["content"] for t, a in parsed.tags if a.get("http-equiv"))
    digest = base64.b64encode(hashlib.sha256(parsed.scripts[-1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; ")
    assert not [a for _, a in parsed.tags if any(name.startswith("on") for name in a)]


def test_the_document_inside_reads_back_and_holds_the_lattice_itself(page, report, octet):
    parsed = Page(page)
    inside = json.loads(parsed.scripts[0])
    assert read_document(inside) == report
    assert lattice_from_dict(inside["lattices"][0]["lattice"]) == octet
    predicted = predict(octet).to_dict()
    assert inside["lattices"][0]["prediction"]["stiffness"] == predicted["stiffness"]


def test_the_page_shows_every_method_with_its_error_and_every_kind_of_number(page, octet):
    text = Page(page).text
    prediction = predict(octet)
    moduli = prediction.report().moduli
    for said in (
        "network, solid FEM and beam FEM",
        "expected error",
        "estimated error",
        "C/E_s by network (Voigt, order 11 22 33 23 13 12)",
        "C by network in the unit of E_s = 70",
        "S E_s by solid FEM (Voigt, engineering shear strains)",
        "ν = 0.33",
        "cubic, exactly",
        "Difference from solid FEM",
        "bending and shear",
        "Provenance",
        significant(moduli.averages.K.hill),
        significant(moduli.extremes.E.max.value) + " along [",
    ):
        assert said in text, said


def test_the_page_is_small_enough_to_mail(page):
    assert len(page.encode()) < 1_000_000


def test_names_from_files_are_text_and_end_no_element(octet):
    hostile = octet.replace(name=HOSTILE[:80], units="<b>mm")
    page = report_page(page_report([hostile, hostile], Methods(network=False)))
    parsed = Page(page)
    assert len(parsed.scripts) == 2
    assert not [tag for tag, _ in parsed.tags if tag in ("img", "b", "iframe")]
    assert json.loads(parsed.scripts[0])["lattices"][0]["lattice"]["name"] == hostile.name
    assert HOSTILE[:40] in parsed.text


def test_several_lattices_are_compared_in_one_table():
    names = ("octet", "kelvin", "bcc")
    found = page_report([cell(name, relative_density=0.1) for name in names])
    text = report_page(found)
    table = re.search(r'<table class="comparison">.*?</table>', text, re.DOTALL)[0]
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', table)
    assert [name for name, _ in rows] == list(names)
    for entry, (_, row) in zip(found.lattices, rows, strict=True):
        cells = re.findall(r"<td>(.*?)</td>", row)
        assert cells[0] == "0.1"
        assert cells[1] == f"{entry.prediction.moduli.extremes.E.min.value:.3g}"
        assert cells[9] == "cubic, exactly"
    assert text.count("<article>") == 3


def test_a_singular_stiffness_is_said_to_be_so(octet):
    flat = octet.replace(
        struts=[[0, 0], [0, 0]], shifts=[[1, 0, 0], [0, 1, 0]], nodes=[[0, 0, 0]], radii=[0.1, 0.1]
    )
    text = Page(report_page(page_report([flat], Methods(network=False)))).text
    assert "The stiffness is singular, rank 3 of 6." in text
    assert "S E_s" not in text


def test_a_report_is_written_whole_with_the_right_suffix_and_number(report, tmp_path):
    path = tmp_path / "report.html"
    write_report(path, report)
    assert path.read_text(encoding="utf-8").endswith("</html>\n")
    with pytest.raises(LatticeGnnError, match=r"ends in \.html"):
        write_report(tmp_path / "report.pdf", report)
    many = type(report)(report.provenance, report.lattices * (MOST_LATTICES + 1))
    with pytest.raises(LatticeGnnError, match=f"1 to {MOST_LATTICES} lattices"):
        report_page(many)
