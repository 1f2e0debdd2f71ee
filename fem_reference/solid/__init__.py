"""Periodic solid FEM: the effective stiffness of the union of struts and joints, on voxels."""

from fem_reference.solid.homogenise import SolidSolution, homogenise_solid

__all__ = ["SolidSolution", "homogenise_solid"]
