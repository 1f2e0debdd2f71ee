"""Matplotlib's pictures: windows need a toolkit, faces have the colours of their values."""

import matplotlib
import numpy as np
import pytest
from matplotlib import colormaps

from lattice_gnn.errors import LatticeGnnError
from viz.colouring import by_radius
from viz.fallback import _coloured, draw
from viz.lattice_view import lattice_view
from viz.picture import THEMES, Part, Picture


def test_a_window_without_toolkit_is_one_sentence(octet, monkeypatch):
    monkeypatch.setattr(matplotlib, "get_backend", lambda: "agg")
    monkeypatch.setattr("matplotlib.pyplot.get_backend", lambda: "agg")
    with pytest.raises(LatticeGnnError, match="no toolkit to open a window"):
        draw(Picture("", (lattice_view(octet),), 1), None, (100, 100))


def test_faces_have_the_colours_of_their_values(simple_cubic):
    tapered = simple_cubic.replace(end_radii=np.full(3, 0.3))
    view = lattice_view(tapered, colouring=by_radius(tapered))
    (struts, colours), _ = _coloured(view.parts[0], view.scale, THEMES["light"])
    values = struts.values[struts.faces].mean(axis=1)
    share = (values - 0.1) / 0.2
    np.testing.assert_allclose(colours[:, :3], colormaps["viridis"](share)[:, :3])


def test_plain_parts_have_the_colour_of_their_role(octet):
    body = lattice_view(octet).parts[0].body
    dark = THEMES["dark"]
    (_, colours), *_ = _coloured(Part(body, colour="ghost", opacity=0.5), None, dark)
    np.testing.assert_allclose(colours[0], [*matplotlib.colors.to_rgb(dark.ghost), 0.5])
