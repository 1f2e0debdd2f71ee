"""Labelled lattices: the label is the beam solver's, the fingerprint that of the content."""

import numpy as np
import torch

from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.cells.named import cell
from lattice_gnn.testing import random_lattice
from lattice_gnn.training.labelled import LabelledLattices


def test_beam_labels_belong_to_simplified_lattices():
    lattices = [cell("isotruss", radius=0.02), random_lattice(3)]
    labelled = LabelledLattices.by_beams(lattices)
    assert len(labelled) == 2
    assert len(labelled.batch.nodes) == sum(x.simplified().num_nodes for x in lattices)
    expected = homogenise_beam(lattices).stiffness.mandel
    torch.testing.assert_close(labelled.stiffness, expected, rtol=1e-9, atol=1e-12)


def test_fingerprints_tell_content_apart():
    labelled = LabelledLattices.by_beams([random_lattice(k) for k in range(3)])
    order = np.array([2, 0, 1])
    turned = labelled.select(order)
    assert turned.fingerprint() != labelled.fingerprint()
    assert turned.select(np.argsort(order)).fingerprint() == labelled.fingerprint()
    other = LabelledLattices(labelled.batch, labelled.stiffness * (1 + 1e-15))
    assert other.fingerprint() != labelled.fingerprint()


def test_split_keeps_labels_with_their_lattices():
    labelled = LabelledLattices.by_beams([random_lattice(k) for k in range(5)])
    parts = list(labelled.split(2))
    assert [len(part) for part in parts] == [2, 2, 1]
    for part in parts:
        expected = homogenise_beam(part.batch).stiffness.mandel
        torch.testing.assert_close(part.stiffness, expected, rtol=1e-9, atol=1e-12)
