"""One rank of test_training_ranks.py: trains on the lattices of a file, folder after folder.

``python rank_worker.py LATTICES CONFIG FOLDER...``: CONFIG is JSON.
"""

import json
import sys
from pathlib import Path

import torch
from torch import distributed

from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.registry import read_model_config
from lattice_gnn.training.config import TrainConfig
from lattice_gnn.training.distributed import is_first_process
from lattice_gnn.training.labelled import LabelledLattices
from lattice_gnn.training.loop import train


def main(lattices, config, *folders):
    distributed.init_process_group("gloo")
    parts = torch.load(lattices, weights_only=True)
    data = tuple(LabelledLattices(LatticeBatch(**part), C) for part, C in parts)
    values = json.loads(config)
    model, settings = read_model_config(values["model"]), TrainConfig.from_dict(values["train"])
    for folder in map(Path, folders):
        reports = []
        trained = train(model, settings, data, folder, on_progress=reports.append)
        if bool(reports) != is_first_process():
            raise SystemExit(f"rank {distributed.get_rank()} reported {len(reports)} times")
        torch.save(trained.state_dict(), folder / f"returned.{distributed.get_rank()}.pt")


if __name__ == "__main__":
    main(*sys.argv[1:])
