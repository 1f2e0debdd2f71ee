"""Beam FEM of what the user named; trouble is told with the name of the file."""

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cli.terminal.inputs import Source
from cli.terminal.options import Element
from lattice_gnn.errors import LatticeGnnError

if TYPE_CHECKING:
    from fem_reference.beam.solution import BeamSolution


def solve(
    sources: Sequence[Source], element: Element = "euler-bernoulli", *, fields: bool = False
) -> "BeamSolution":
    """Homogenise a batch; the caller reads ``rank`` and tells the user.

    Raises:
        LatticeGnnError: Naming the file of a lattice whose equations cannot be solved.
    """
    from fem_reference.beam import homogenise as beam
    from fem_reference.sparse import IllConditionedError

    lattices = [source.lattice for source in sources]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", beam.RankWarning)
        try:
            return beam.homogenise_beam(lattices, element=element, fields=fields)
        except IllConditionedError as error:
            raise LatticeGnnError(
                f"{sources[error.lattice].label}: the beam equations are too ill-conditioned to be "
                "solved; expected struts of less unequal slenderness."
            ) from None
