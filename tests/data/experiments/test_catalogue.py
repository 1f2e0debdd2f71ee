"""Choosing among the reference tensors of a catalogue."""

import pytest

from data.experiments.catalogue import choose_references, read_catalogue
from data.formats.lat import CatalogueEntry, write_lat
from fem_reference.beam import homogenise_beam
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.json_file import write_lattices

DENSITIES = (0.1, 0.01, 0.03)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    """BCC and octet at three densities each, and an entry without tensors."""
    entries = [CatalogueEntry(cell("fcc", radius=0.02).replace(name="bare"))]
    for name in ("bcc", "octet"):
        lattice = cell(name, relative_density=0.01).replace(name=name)
        C = homogenise_beam([lattice.with_relative_density(d) for d in DENSITIES]).stiffness
        pairs = tuple((d, C[k]) for k, d in enumerate(DENSITIES))
        entries.append(CatalogueEntry(lattice, references=pairs))
    path = tmp_path_factory.mktemp("catalogue") / "three.lat"
    write_lat(path, entries)
    return path


def densities(references):
    return [round(reference.lattice.relative_density, 9) for reference in references]


def test_densities_are_chosen_by_entry_lowest_first(catalogue):
    entries = read_catalogue(catalogue)
    assert densities(choose_references(entries)) == 2 * [0.01, 0.03, 0.1]
    assert densities(choose_references(entries, lowest=2)) == 2 * [0.01, 0.03]
    assert densities(choose_references(entries, highest=1)) == 2 * [0.1]
    assert densities(choose_references(entries, lowest=2, highest=1)) == 2 * [0.03]
    assert [reference.row for reference in choose_references(entries, lowest=1)] == [1, 2]


def test_a_limit_draws_by_its_seed_and_keeps_the_order(catalogue):
    entries = read_catalogue(catalogue)
    drawn = [densities(choose_references(entries, limit=4, seed=seed)) for seed in (0, 0, 1, 2)]
    assert drawn[0] == drawn[1]
    assert len({tuple(found) for found in drawn}) > 1
    assert all(len(found) == 4 for found in drawn)


def test_what_carries_no_tensor_is_refused(catalogue, tmp_path):
    write_lattices(tmp_path / "octet.json", cell("octet", radius=0.05))
    with pytest.raises(LatticeGnnError, match=r"json carries no reference tensors.*a \.lat cat"):
        read_catalogue(tmp_path / "octet.json")
    write_lat(tmp_path / "bare.lat", [CatalogueEntry(cell("fcc", radius=0.02))])
    with pytest.raises(LatticeGnnError, match="none of its 1 entries"):
        read_catalogue(tmp_path / "bare.lat")
    with pytest.raises(LatticeGnnError, match=r"lowest: expected .* at least 1, got 0"):
        choose_references(read_catalogue(catalogue), lowest=0)
