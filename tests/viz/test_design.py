"""Picture of a design."""

from dataclasses import replace

import pytest
from matplotlib.figure import Figure

from lattice_gnn.cells.named import cell
from lattice_gnn.design.settings import DesignSettings
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.tensors.stiffness import Stiffness
from lattice_gnn.verbs.homogenise import homogenise
from lattice_gnn.verbs.optimise import optimise
from viz.design import design_frames, draw_design, draw_history, stiffnesses_of


@pytest.fixture(scope="module")
def result():
    """Two radii of a simple cubic cell become those of a target."""
    target = homogenise(cell("sc", radius=0.12)).stiffness
    settings = DesignSettings(max_steps=15)
    return optimise(cell("sc", radius=0.1), target=target, vary="radius", settings=settings)


def test_surfaces_are_those_of_start_target_design_and_reference(result):
    names, tensors = zip(*stiffnesses_of(result), strict=True)
    assert names == ("start, by beam FEM", "target", "design, by beam FEM")
    start, target, design = tensors
    assert start == homogenise(result.start).stiffness
    assert isinstance(target, Stiffness)
    assert (design - homogenise(result.lattice).stiffness).norm().item() < 1e-12
    assert ((design - target).norm() / target.norm()).item() < 1e-2


def test_a_reference_other_than_the_evaluator_is_shown_too(result):
    by_network = replace(result, evaluator="network")
    names = [name for name, _ in stiffnesses_of(by_network)]
    assert names == ["start, by network", "target", "design, by network", "design, by beam FEM"]


def test_a_picture_of_another_kind_is_refused(result, tmp_path):
    with pytest.raises(LatticeGnnError, match="pictures are written as PNG"):
        draw_design(tmp_path / "design.pdf", result)
    assert list(tmp_path.iterdir()) == []


def test_the_history_shows_every_step(result):
    axes = Figure().subplots()
    draw_history(axes, result.history, "misfit")
    (line,) = (x for x in axes.get_lines() if len(x.get_xdata()) == len(result.history))
    assert line.get_ydata().tolist() == [step.objective for step in result.history]
    assert axes.get_ylabel() == "misfit"


def test_an_animation_runs_from_the_start_to_the_design_on_one_scale(result):
    frames = design_frames(result)
    assert 2 <= len(frames) <= 24
    assert frames[0].views[0].title.startswith("start: misfit = ")
    assert frames[-1].views[0].title.startswith("design: misfit = ")
    scales = {(frame.views[0].scale.limits, len(frame.views)) for frame in frames}
    assert len(scales) == 1


def test_a_purely_geometrical_design_has_no_surface_to_animate():
    from lattice_gnn.design.geometric import relative_density, strut_length
    from lattice_gnn.errors import LatticeGnnError

    settings = DesignSettings(max_steps=5, reference="none")
    geometrical = optimise(
        cell("sc", radius=0.1),
        minimise=relative_density,
        vary="radius",
        subject_to=strut_length >= 0.5,
        settings=settings,
    )
    with pytest.raises(LatticeGnnError, match="no changing surface"):
        design_frames(geometrical)
