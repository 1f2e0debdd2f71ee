"""Two processes train as one does."""

import csv
import json
import os
import socket
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from data.populations.varied_cells import CellSampling, sample_cells
from lattice_gnn.network.registry import read_model_config
from lattice_gnn.training.config import TrainConfig
from lattice_gnn.training.distributed import Ranks
from lattice_gnn.training.labelled import LabelledLattices
from lattice_gnn.training.loop import train

ROOT = Path(__file__).parents[3]
MODEL = {"channels": 2, "hidden": 4, "readout_channels": 2, "correlation": 2}
# Nine lattices make batches of 3, 2, 2 and 2, in shares of 2 and 1, or 1 and 1; with three
# pieces some are empty.
TRAIN = {"epochs": 2, "batch_size": 3, "accumulate": 3, "rotate": True, "patience": 5}


@pytest.fixture(scope="module")
def data():
    cells = ("bcc", "octet", "sc")
    options = {"cells": cells, "densities": (0.01, 0.1)}
    return tuple(
        LabelledLattices.by_beams(sample_cells(CellSampling(count=count, seed=count, **options)))
        for count in (9, 3)
    )


class InterruptError(Exception):
    pass


def run_ranks(*words, count=2):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shared = {
        "WORLD_SIZE": str(count),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
    }
    script = Path(__file__).with_name("rank_worker.py")
    ranks = [
        subprocess.Popen(
            [sys.executable, str(script), *map(str, words)],
            env=os.environ | shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(count)
    ]
    for rank in ranks:
        errors = rank.communicate(timeout=200)[1]
        assert rank.returncode == 0, errors


def curve(folder):
    with (folder / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    return np.array([[float(x["loss"]), float(x["directional_error.mean"])] for x in rows])


def test_two_ranks_have_the_loss_curve_of_one_and_go_on_where_it_stopped(tmp_path, data):
    model, config = read_model_config(MODEL), TrainConfig.from_dict(TRAIN)
    alone = train(model, config, data, tmp_path / "alone")

    def interrupt(progress):
        if progress.step == 6:
            raise InterruptError

    with pytest.raises(InterruptError):
        train(model, config, data, tmp_path / "resumed", on_progress=interrupt)
    parts = [
        ({f.name: getattr(part.batch, f.name) for f in fields(part.batch)}, part.stiffness)
        for part in data
    ]
    torch.save(parts, tmp_path / "lattices.pt")
    values = json.dumps({"model": MODEL, "train": TRAIN})
    folders = [tmp_path / name for name in ("two", "resumed")]
    run_ranks(tmp_path / "lattices.pt", values, *folders)

    for folder in folders:
        np.testing.assert_allclose(curve(folder), curve(tmp_path / "alone"), rtol=1e-4)
        first, second = (
            torch.load(folder / f"returned.{k}.pt", weights_only=True) for k in range(2)
        )
        for name, tensor in alone.state_dict().items():
            assert torch.equal(first[name], second[name])
            torch.testing.assert_close(first[name], tensor, rtol=1e-3, atol=1e-4)


def test_the_pieces_of_all_ranks_are_the_batch():
    for count in (1, 2, 3, 7):
        for lattices in (1, 5, 12):
            for accumulate in (1, 2, 4):
                pieces = [
                    piece
                    for rank in range(count)
                    for piece in Ranks(rank, count, torch.device("cpu")).pieces(
                        lattices, accumulate
                    )
                ]
                assert list(np.concatenate(pieces)) == list(range(lattices))


@pytest.mark.slow
def test_torchrun_trains_from_the_command_line(tmp_path):
    recipe = {
        "model": MODEL,
        "train": {"epochs": 2, "batch_size": 8},
        "data": {
            "cells": {"count": 30, "densities": [0.01, 0.1], "cells": ["bcc", "octet"]},
            "shares": {"train": 0.5, "validation": 0.25, "test": 0.25},
        },
    }
    config, folder = tmp_path / "recipe.yaml", tmp_path / "run"
    config.write_text(yaml.safe_dump(recipe))
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command = [*launch, "-m", "cli.start", "train", str(config), "-o", str(folder)]
    done = subprocess.run(
        command,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(folder / "model.safetensors")]
    assert [line for line in done.stderr.splitlines() if line.startswith("epoch 2 of 2: loss ")]
    assert len(curve(folder)) == 2
