"""Periodic beam FEM: the stiffness of rigid-jointed frames."""

from fem_reference.beam.homogenise import (
    BeamFields,
    BeamSolution,
    RankWarning,
    homogenise_beam,
)

__all__ = ["BeamFields", "BeamSolution", "RankWarning", "homogenise_beam"]
