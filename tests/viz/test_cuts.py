"""Polar cuts follow the formula, in every plane."""

import numpy as np
import pytest

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.tensors.stiffness import Stiffness
from viz.cuts import PLANES, cut, cuts_figure
from viz.style import save_figure


@pytest.mark.parametrize("plane", PLANES)
def test_a_cut_of_a_cubic_stiffness_is_the_closed_form(plane):
    # 1/E = S11 - 2 (S11 - S12 - S44/2) (sin cos)^2 in a cube face.
    C = Stiffness.cubic(1.0, 0.4, 0.5)
    S = C.compliance_voigt().numpy()
    angle, E = cut(C, "E", plane)
    product = (np.sin(angle) * np.cos(angle)) ** 2
    expected = 1 / (S[0, 0] - 2 * (S[0, 0] - S[0, 1] - S[3, 3] / 2) * product)
    np.testing.assert_allclose(E, expected, rtol=1e-12)


def test_planes_are_those_of_the_axes_named():
    C = Stiffness.from_voigt(np.diag([1.0, 2.0, 3.0, 1, 1, 1]))
    for plane in PLANES:
        angle, E = cut(C, "E", plane)
        assert E[0] == pytest.approx(float(plane[0]))
        assert E[np.argmin(np.abs(angle - np.pi / 2))] == pytest.approx(float(plane[1]))


def test_curves_in_the_figure_are_the_cuts_on_one_radial_scale(cubic_stiffness, tmp_path):
    other = Stiffness(2 * cubic_stiffness.mandel)
    figure = cuts_figure([("a", cubic_stiffness), ("b", other)])
    for axes, plane in zip(figure.axes, PLANES, strict=True):
        for line, C in zip(axes.lines, (cubic_stiffness, other), strict=True):
            np.testing.assert_array_equal(line.get_ydata(), cut(C, "E", plane)[1])
        assert axes.get_rmax() >= cut(other, "E", plane)[1].max()
    assert len({axes.get_rmax() for axes in figure.axes}) == 1
    for suffix in ("png", "pdf", "svg"):
        path = save_figure(figure, tmp_path / f"cuts.{suffix}")
        again = path.read_bytes()
        save_figure(figure, path)
        assert path.read_bytes() == again or suffix == "svg"  # svg has random names of shapes


def test_one_stiffness_is_named_in_the_title_several_in_the_legend(cubic_stiffness):
    alone = cuts_figure([("octet, beam FEM", cubic_stiffness)])
    assert alone.get_suptitle().startswith("octet, beam FEM\nYoung's modulus")
    assert not alone.legends
    both = cuts_figure([(name, cubic_stiffness) for name in ("octet, beam FEM", "octet, network")])
    assert both.get_suptitle().startswith("Young's modulus")
    assert [x.get_text() for x in both.legends[0].get_texts()] == [
        "octet, beam FEM", "octet, network",
    ]  # fmt: skip


def test_negative_values_are_dotted():
    auxetic = Stiffness.isotropic(1.0, -0.4)
    figure = cuts_figure([("a", auxetic)], ("nu-min",))
    (line,) = figure.axes[0].lines
    assert line.get_linestyle() == ":"
    np.testing.assert_allclose(line.get_ydata(), 0.4)


def test_a_singular_stiffness_is_refused():
    with pytest.raises(LatticeGnnError, match="singular"):
        cuts_figure([("a", Stiffness.cubic(1.0, 1.0, 0.5))])


def test_other_suffixes_are_refused(cubic_stiffness, tmp_path):
    with pytest.raises(LatticeGnnError, match=r"\.png, \.pdf, \.svg"):
        save_figure(cuts_figure([("a", cubic_stiffness)]), tmp_path / "a.jpg")
