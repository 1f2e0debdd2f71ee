"""Periodic beam FEM: the effective stiffness of rigid-jointed frames."""

from fem_reference.beam.homogenise import RankWarning, homogenise_beam
from fem_reference.beam.solution import BeamFields, BeamSolution

__all__ = ["BeamFields", "BeamSolution", "RankWarning", "homogenise_beam"]
