"""Pictures of an evaluation: files, extremes, and where the ink goes."""

import matplotlib.image
import numpy as np
import pytest
import torch

from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.training.evaluation import Judgement
from viz.evaluation import _components, _errors, _running, draw_evaluation


def judgement(errors):
    """Stiffnesses near a cubic one; lattice k is too stiff by ``errors[k]``."""
    count = len(errors)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(count, 6, 6, generator=generator, dtype=torch.float64)
    reference = torch.eye(6).double() + 0.05 * noise @ noise.mT
    factor = 1 + torch.tensor(errors, dtype=torch.float64)
    return Judgement(
        names=tuple(f"lattice {k}" for k in range(count)),
        predicted=factor[:, None, None] * reference,
        reference=reference,
        relative_density=torch.logspace(-3, -0.5, count, dtype=torch.float64),
        nodes=torch.arange(1, count + 1),
        symmetry=("triclinic",) * count,
        equivariance={},
        seconds=1.0,
    )


def test_three_pictures_are_drawn(tmp_path):
    found = judgement([0.01 * k for k in range(40)])
    worst = [cell("bcc", radius=0.05).replace(name="x" * 70) for _ in found.worst()]
    paths = draw_evaluation(tmp_path, found, worst, "model on data")
    assert sorted(tmp_path.iterdir()) == sorted(paths)  # no part files left
    for path in paths:
        image = matplotlib.image.imread(path)
        assert 0.01 < (image[..., :3].min(axis=2) < 0.9).mean() < 0.6


@pytest.mark.parametrize("errors", [[0.0], [1e6, 0.1, 1e-3]])
def test_few_lattices_and_extreme_errors_are_drawn(errors, tmp_path):
    found = judgement(errors)
    worst = [cell("bcc", radius=0.05) for _ in found.worst()]
    for path in draw_evaluation(tmp_path, found, worst, "model on data"):
        assert path.stat().st_size > 5000


def test_points_beyond_the_frame_are_counted():
    def beyond(errors):
        figure = _components(judgement(errors), "title")
        notes = [text.get_text() for axes in figure.axes for text in axes.texts]
        return sum(int(note.split()[0]) for note in notes)

    wild, calm = beyond([0.0] * 29 + [1e3]), beyond([0.0] * 30)
    assert 15 <= wild - calm <= 21  # the 21 components of the last lattice


def test_legend_gives_the_medians():
    figure = _errors(judgement([0.1] * 40 + [0.3] * 10), "title")
    entries = [text.get_text() for text in figure.axes[1].get_legend().get_texts()]
    assert entries[0] == "directional stiffness: median 10 %"
    assert entries[1] == "whole tensor (Frobenius): median 10 %"


def test_running_quartiles_of_a_power_law():
    density = np.logspace(-3, 0, 600)
    centres, (low, middle, high) = _running(density, density**0.5)
    assert len(centres) == 12
    np.testing.assert_allclose(middle, centres**0.5, rtol=1e-3)
    assert (low < middle).all()
    assert (middle < high).all()


def test_a_folder_that_is_missing_is_refused(tmp_path):
    found = judgement([0.1, 0.2])
    worst = [cell("bcc", radius=0.05) for _ in found.worst()]
    with pytest.raises(LatticeGnnError, match="cannot be written"):
        draw_evaluation(tmp_path / "none", found, worst, "title")
