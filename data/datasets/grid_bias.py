"""The mean error of solid labels on coarse grids, from lattices labelled on two grids.

Solid FEM on few voxels is too stiff on average, even after extrapolation; about this mean the
labels scatter. A network averages the scatter, but learns the mean. It is a share of the stiffness
against each eigenstrain,

    s (1 / n_coarse - 1 / n_fine) * rho / (rho + 0.2) * y / (y + 0.05),  y = lambda / rho,

n voxels across the mean strut by volume (resolutions are given for the thinnest one), rho the
relative density, lambda the eigenvalue of C / E_s: proportional to the voxel, and nothing where
struts bend instead of stretch. s follows from lattices with labels on two grids, as the weighted
median (a few labels are far off) over those without contact, whose solid both grids resolve, of

    (<C_coarse, C_fine> / <C_fine, C_fine> - 1) / (mean share, weighted by lambda^2, for s = 1).

Labels on 8 and on 12 voxels, against 20, give about the same s (``benchmarks/label_noise.py``). The
eigenvalues of coarse labels are divided by 1 + share, so that they become those of the finer grids
on average.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from data.datasets.dataset import Dataset, lattice_digests
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch

_FINER = 1.25  #: ratio of resolutions from which on a label counts as one on a finer grid
_HALF = 0.2  #: relative density of half the final bias
_BENDING = 0.05  #: eigenvalue of C / E_s over relative density of half the bias of stretched struts
FEWEST_TWINS = 20  #: lattices labelled twice that a fit needs
_RESOLUTION = "voxels_per_diameter"


@dataclass(frozen=True, slots=True)
class GridBias:
    """How much too stiff labels on coarse grids are.

    Attributes:
        slope: s, by which labels on coarse grids are too stiff.
        finest: Voxels across the thinnest strut to which labels are corrected: the median of the
            finest grid, the twins whose finer label is within a factor of 1.25 of the finest.
            Labels on finer grids, which are few, count as right.
        lattices: Number of lattices from which s was fitted.
    """

    slope: float
    finest: float
    lattices: int

    @classmethod
    def fit(cls, dataset: Dataset, kind: str = "solid") -> "GridBias":
        """Fit s to the lattices that a dataset contains with labels on two grids.

        Raises:
            LatticeGnnError: If there are fewer than 20 of them, or labels that state no resolution.
        """
        coarse, fine = twins(dataset, kind)
        if len(coarse) < FEWEST_TWINS:
            raise LatticeGnnError(
                f"labels {kind!r}: their bias needs at least {FEWEST_TWINS} lattices without "
                f"contact that have labels on two grids, one at least {_FINER:g} times finer; got "
                f"{len(coarse)}."
            )
        C, D = dataset.stiffness(kind, coarse), dataset.stiffness(kind, fine)
        share = (C * D).sum((1, 2)) / (D * D).sum((1, 2)) - 1
        batch = dataset.to_batch(fine).simplified()
        voxels = dataset.labels[kind].detail(_RESOLUTION)
        values = np.linalg.eigvalsh(D)
        shares = _shares(batch, values, voxels[coarse], voxels[fine])
        mean = (shares * values**2).sum(1) / (values**2).sum(1)
        order = np.argsort(share / mean)
        middle = np.searchsorted(np.cumsum(mean[order]), mean.sum() / 2)  # weighted median
        slope = float((share / mean)[order[middle]])
        finest = voxels[fine][voxels[fine] > voxels[fine].max() / _FINER]
        return cls(slope, float(np.median(finest)), len(coarse))

    def corrected(
        self,
        batch: LatticeBatch,
        stiffness: Float[Tensor, "lattices 6 6"],
        voxels: Float[np.ndarray, " lattices"],
    ) -> Float[Tensor, "lattices 6 6"]:
        """Return C / E_s without the mean error; unchanged on the finest grids.

        Args:
            batch: The lattices, simplified.
            stiffness: Their labels, C / E_s in Mandel notation.
            voxels: Voxels across the thinnest strut of each.
        """
        values, strains = torch.linalg.eigh(stiffness)
        shares = self.slope * _shares(batch, values.numpy(), voxels, self.finest)
        values = values / (1 + torch.from_numpy(shares))
        return strains @ torch.diag_embed(values) @ strains.mT

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes as plain values."""
        return {"slope": self.slope, "finest": self.finest, "lattices": self.lattices}


def _shares(
    batch: LatticeBatch,
    values: Float[np.ndarray, "lattices 6"],
    coarse: Float[np.ndarray, " lattices"],
    fine: Float[np.ndarray, " lattices"] | float,
) -> Float[np.ndarray, "lattices 6"]:
    """Return the share of each eigenvalue by which it is too large, for s = 1."""
    density = batch.relative_density.numpy()
    finer = np.maximum(1 / coarse - 1 / fine, 0.0) / _mean_over_thinnest(batch)
    stretch = values / density[:, None]
    return (finer * density / (density + _HALF))[:, None] * stretch / (stretch + _BENDING)


def _mean_over_thinnest(batch: LatticeBatch) -> Float[np.ndarray, " lattices"]:
    """Return the mean strut radius, by volume, over the smallest radius."""
    owner, count = batch.strut_lattice, len(batch)
    radius = (batch.radii + batch.end_radii) / 2
    volume = radius**2 * batch.lengths
    thinnest = torch.minimum(batch.radii, batch.end_radii)
    zero = radius.new_zeros(count)
    mean = zero.index_add(0, owner, volume * radius) / zero.index_add(0, owner, volume)
    smallest = (zero + torch.inf).scatter_reduce(0, owner, thinnest, "amin")
    return (mean / smallest).numpy()


def twins(
    dataset: Dataset, kind: str
) -> tuple[Int[np.ndarray, " twins"], Int[np.ndarray, " twins"]]:
    """Return the labels of lattices labelled on two grids: the coarsest and the finest of each.

    Lattices with contact are left out: what grids make of a gap is no matter of a mean.
    """
    label = dataset.labels[kind]
    voxels = label.detail(_RESOLUTION)
    apart = ~((label.detail("touching") > 0) | (label.detail("unresolved_gap") > 0))
    usable = np.flatnonzero(label.mask & apart & np.isfinite(voxels))
    _, group = np.unique(lattice_digests(dataset)[usable], return_inverse=True)
    order = usable[np.lexsort((voxels[usable], group))]
    ends = np.flatnonzero(np.diff(np.sort(group), append=-1))
    starts = np.concatenate([[0], ends[:-1] + 1])
    coarse, fine = order[starts], order[ends]
    chosen = voxels[fine] >= _FINER * voxels[coarse]
    return coarse[chosen], fine[chosen]
