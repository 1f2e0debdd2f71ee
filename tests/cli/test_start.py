"""Ctrl-C is one line and exit code 130, also while the command line is imported."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli.terminal.interruption import end_when_interrupted, raise_interruptions

ROOT = Path(__file__).parents[2]
SLOW = "import sys, time\nsys.stdout.write('loading\\n')\nsys.stdout.flush()\ntime.sleep(60)\n"
# Ctrl-C is ignored in jobs of the background, which the tests may be.
START = (
    "import runpy, signal\n"
    "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "runpy.run_module('cli.start', run_name='__main__')"
)


@pytest.mark.parametrize("module", ["typer", "numpy"])
def test_an_interruption_while_modules_are_loaded_is_one_line(module, tmp_path):
    """typer: before the command begins; numpy: in the command."""
    (tmp_path / f"{module}.py").write_text(SLOW)
    process = subprocess.Popen(
        [sys.executable, "-c", START, "cells"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline() == "loading\n"
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=30)
    finally:
        process.kill()
    assert (process.returncode, error) == (130, "error: interrupted.\n")


@pytest.mark.parametrize("handler", [signal.SIG_IGN, signal.default_int_handler])
def test_what_an_interruption_did_before_is_what_it_does_in_a_command(handler):
    before = signal.signal(signal.SIGINT, handler)
    try:
        end_when_interrupted()
        assert (signal.getsignal(signal.SIGINT) is handler) == (handler is signal.SIG_IGN)
        raise_interruptions()
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, before)
