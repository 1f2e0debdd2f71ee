"""Rigid ends of struts: beam FEM whose struts are rigid near their joints."""

import torch
from torch import Tensor

from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.lattice.batch import LatticeBatch

RIGID = 0.365  #: rigid length of strut ends over their radius, fitted to earlier training labels
LONGEST = 0.4  #: of a strut's length, at most, rigid at either end


def radii(batch: LatticeBatch) -> Tensor:
    """Radii of the ends of every strut."""
    return torch.stack([batch.radii, batch.end_radii], 1)


def at_most_longest(lengths: Tensor, batch: LatticeBatch) -> Tensor:
    """Limit rigid lengths of the ends of every strut to a share of the strut."""
    return torch.minimum(lengths, LONGEST * batch.lengths[:, None])


def with_rigid_ends(batch: LatticeBatch) -> Tensor:
    """C / E_s of the frame with rigid ends of the fitted length."""
    arms = at_most_longest(RIGID * radii(batch), batch)
    return homogenise_beam(batch, rigid_ends=arms).stiffness.mandel
