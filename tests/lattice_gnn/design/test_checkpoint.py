"""Checkpoints: an interrupted search continues where it was; foreign files are refused."""

import numpy as np
import pytest

from lattice_gnn.cells.named import cell
from lattice_gnn.design.elastic import E
from lattice_gnn.design.geometric import relative_density
from lattice_gnn.design.run import run
from lattice_gnn.design.settings import DesignSettings
from lattice_gnn.design.task import Task
from lattice_gnn.errors import LatticeGnnError


def task(path, **changes):
    values = {
        "start": cell("kelvin", relative_density=0.05),
        "objective": E([0, 0, 1]),
        "aim": "maximise",
        "constraints": (relative_density <= 0.05,),
        "vary": ("radii",),
        "keep_symmetry": False,
        "starts": 3,
        "settings": DesignSettings(
            max_steps=60, method="batched", polish=0, reference="none", checkpoint=path
        ),
    }
    return Task(**{**values, **changes})


def test_an_interrupted_batched_search_resumes_to_the_same_result(tmp_path):
    whole = run(task(tmp_path / "whole.npz"))

    def stop(step):
        if step.step == 9:
            raise KeyboardInterrupt

    path = tmp_path / "parts.npz"
    assert run(task(path), stop).status == "interrupted"
    resumed = run(task(path))
    assert len(resumed.history) == len(whole.history) - 8 + 1  # 8 steps done, the best seen again
    assert np.array_equal(resumed.lattice.radii, whole.lattice.radii)


def test_a_checkpoint_of_another_task_is_refused(tmp_path):
    path = tmp_path / "design.npz"
    run(task(path))
    with pytest.raises(LatticeGnnError, match="another design task"):
        run(task(path, seed=1))


def test_a_damaged_checkpoint_is_refused(tmp_path):
    path = tmp_path / "design.npz"
    path.write_bytes(b"PK no archive")
    with pytest.raises(LatticeGnnError, match="no checkpoint"):
        run(task(path))


def test_an_unwritable_checkpoint_is_refused_before_the_search(tmp_path):
    with pytest.raises(LatticeGnnError, match="folder"):
        run(task(tmp_path / "missing" / "design.npz"))
