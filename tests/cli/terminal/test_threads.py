"""Commands use one thread for ordinary work, all cores for large work, or what the user chose."""

import json
import os
import subprocess
import sys

import pytest
import torch

from cli.terminal.threads import LARGE, available_cores, use_threads
from data.files import write
from lattice_gnn.cells.named import cell

SCRIPT = """
import json, os, sys
from cli.main import main
try:
    main(["homogenise", sys.argv[1], "--output", sys.argv[2]])
except SystemExit as done:
    import torch
    names = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY")
    facts = {"code": done.code, "threads": torch.get_num_threads()}
    sys.stderr.write(json.dumps(facts | {name: os.environ[name] for name in names}))
"""


def threads_of(lattice, folder, **environment):
    write(folder / "lattice.json", lattice)
    clean = {k: v for k, v in os.environ.items() if k not in ("OMP_NUM_THREADS", "OMP_WAIT_POLICY")}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, folder / "lattice.json", folder / "C.json"],
        env=clean | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stderr.splitlines()[-1])


def test_an_ordinary_cell_takes_one_thread_that_waits_asleep(tmp_path):
    facts = threads_of(cell("octet", relative_density=0.1), tmp_path)
    assert facts == {"code": 0, "threads": 1, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}


def test_what_the_user_chose_is_kept(tmp_path):
    facts = threads_of(
        cell("octet", relative_density=0.1), tmp_path, OMP_NUM_THREADS="2", OMP_WAIT_POLICY="ACTIVE"
    )
    assert facts == {"code": 0, "threads": 2, "OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "ACTIVE"}


@pytest.mark.parametrize(
    ("chosen", "nodes", "threads"),
    [("1", LARGE - 1, 1), ("1", LARGE, available_cores()), ("", LARGE, 1)],
)
def test_large_work_takes_all_cores_unless_the_user_chose(chosen, nodes, threads, monkeypatch):
    monkeypatch.setenv("LATTICE_GNN_CHOOSES_THREADS", chosen)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        use_threads(nodes)
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
