"""Runs on solid labels: which labels they get, and averages of their errors."""

from dataclasses import replace

import numpy as np
import pytest

from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.training.labelled import LabelledLattices


@pytest.fixture(scope="module")
def runs(benchmark):
    return benchmark("solid_runs")


@pytest.fixture(scope="module")
def file(benchmark):
    return benchmark("results_file")


@pytest.fixture(scope="module")
def six(runs):
    """Six lattices of three bases, two of other Poisson's ratios."""
    lattices = [cell("bcc", radius=0.02 + 0.01 * k) for k in range(6)]
    facts = {"base": np.array([0, 0, 1, 1, 2, 2]), "nu": np.array([0.3, 0.3, 0.3, 0.3, 0.0, 0.45])}
    return runs.Lattices(LabelledLattices.by_beams(lattices), facts)


class Doubled:
    """A model that is off by a factor of two."""

    def stiffness(self, batch):
        return 2 * homogenise_beam(batch).stiffness.mandel


def radii(part):
    return sorted(round(float(x), 3) for x in part.batch.radii[part.batch.strut_offsets[:-1]])


def test_a_run_without_a_kind_has_none_of_it(runs, six):
    part = runs.part_of(runs.Run("network", 0, "nu other than 0.3"), six)
    assert radii(part) == [0.02, 0.03, 0.04, 0.05]


def test_few_labels_are_those_of_few_bases_and_depend_on_the_seed(runs, six):
    pairs = {(0.02, 0.03), (0.04, 0.05), (0.06, 0.07)}
    found = {tuple(radii(runs.part_of(runs.Run("network", k, None, 2), six))) for k in range(20)}
    assert found == pairs
    assert len(runs.part_of(runs.Run("network"), six)) == 6


def test_a_run_is_made_again_when_its_settings_or_labels_have_changed(runs, six, tmp_path):
    made = []

    def fit(run, part, validation):
        made.append(len(part))
        return Doubled(), 0

    test = runs.Lattices(six.labelled, {})
    path, run = tmp_path / "results.json", runs.Run("twice")

    def compute(settings, training):
        kinds = {"twice": runs.Kind(fit, settings)}
        return runs.compute([run], kinds, (training, six, test), path).runs[run]

    result = compute({"rate": 1}, six)
    assert result.errors == [10_000] * 6  # twice the stiffness, in units of 0.01 %
    assert result.validation is None
    assert compute({"rate": 1}, six) == result
    assert made == [6]
    compute({"rate": 2}, six)
    four = np.arange(4)
    facts = {name: values[four] for name, values in six.facts.items()}
    compute({"rate": 2}, runs.Lattices(six.labelled.select(four), facts))
    assert made == [6, 6, 4]


def test_short_runs_keep_the_error_that_they_are_chosen_by(runs, file, six, tmp_path):
    kind = runs.Kind(lambda run, part, validation: (Doubled(), 0), {}, is_probe=True)
    sets, run = (six, six, runs.Lattices(six.labelled, {})), runs.Run("twice")
    made = runs.compute([run], {"twice": kind}, sets, tmp_path / "new.json").runs[run]
    assert made.validation == pytest.approx(100)
    assert file.read_solid(tmp_path / "new.json").runs[run] == made


def test_runs_of_another_file_replace_the_same_runs_and_leave_the_rest(runs, file, six, tmp_path):
    kinds = {
        name: runs.Kind(lambda run, part, validation: (Doubled(), 0), {"rate": 1})
        for name in ("twice", "other")
    }
    sets = (six, six, runs.Lattices(six.labelled, {}))
    seeds = [runs.Run("twice", seed, None, 2) for seed in (0, 1)]
    stored = runs.compute([*seeds, runs.Run("other")], kinds, sets, tmp_path / "results.json")
    new = tmp_path / "new.json"
    (again,) = runs.compute(seeds[:1], kinds, sets, new).runs.values()
    again = replace(again, core_minutes=7.0)
    file.store_results([again], new)
    found = runs.added(stored, new, lambda _: kinds, sets)
    assert found.runs == stored.runs | {seeds[0]: again}

    def refused(words, kinds_of=lambda _: kinds, path=new, stored=stored):
        with pytest.raises(LatticeGnnError, match=words) as caught:
            runs.added(stored, path, kinds_of, sets)
        assert str(caught.value).startswith(f"{path}: ")

    refused("there is no run on solid labels", path=tmp_path / "none.json")
    refused("'twice' is no model of this comparison", lambda _: {"other": kinds["other"]})
    changed = {**kinds, "twice": replace(kinds["twice"], settings={"rate": 2})}
    refused("2 labels, seed 0 was made of other labels or with other settings", lambda _: changed)
    earlier = replace(stored.runs[seeds[1]], made_of={"settings": {"rate": 3}})
    refused(
        "choose another recipe, but it lacks twice, 2 labels, seed 1",
        stored=replace(stored, runs=stored.runs | {seeds[1]: earlier}),
    )


def test_statistics_are_means_over_the_runs_that_are_done(runs, file):
    three = [runs.Run("network", k) for k in range(3)]
    stored = file.SolidResults({run: file.Result(run, 0.2, 1, None, {}, [100 * (k + 1)] * 4, [])
                                for k, run in enumerate(three[:2])})  # fmt: skip
    assert runs.statistics(stored, three, np.array([True] * 4)) == "1.50 / 1.50 / 1.50"
    assert runs.statistics(file.SolidResults(), three, np.array([True] * 4)) == "-"
