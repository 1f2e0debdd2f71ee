"""A short run of the fuzzer, and what it found before."""

import importlib.util
from pathlib import Path

import pytest

_SPEC = importlib.util.spec_from_file_location("fuzz", Path(__file__).with_name("fuzz.py"))
fuzz = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(fuzz)


@pytest.mark.filterwarnings("ignore")
def test_damaged_files_of_every_kind_give_lattices_or_one_sentence():
    assert list(fuzz.run(seconds=60, seed=2026, rounds=3)) == []


@pytest.mark.parametrize("name", sorted(path.name for path in fuzz.CORPUS.glob("*")))
@pytest.mark.filterwarnings("ignore")
def test_what_was_found_before(name):
    path = fuzz.CORPUS / name
    assert fuzz.fault(path, fuzz._lattices) == ""
