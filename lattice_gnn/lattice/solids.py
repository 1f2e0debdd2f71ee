"""`Solids`, the shape of a lattice for computations on its union and its gaps."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int


@dataclass(frozen=True, slots=True, eq=False)
class Solids:
    """Nodes, struts and radii of a lattice as numpy arrays, with all defaults filled in.

    Attributes:
        cell: Cell vectors as rows.
        nodes: Fractional coordinates.
        struts: Node numbers (i, j).
        shifts: Cell displacement of node j.
        radii: Outer radius at node i.
        end_radii: Outer radius at node j.
        bore_ratios: Bore radius over outer radius, 0 for solid struts.
    """

    cell: Float[np.ndarray, "3 3"]
    nodes: Float[np.ndarray, "nodes 3"]
    struts: Int[np.ndarray, "struts 2"]
    shifts: Int[np.ndarray, "struts 3"]
    radii: Float[np.ndarray, " struts"]
    end_radii: Float[np.ndarray, " struts"]
    bore_ratios: Float[np.ndarray, " struts"]

    @property
    def starts(self) -> Float[np.ndarray, "struts 3"]:
        """Cartesian positions of the nodes i."""
        return self.nodes[self.struts[:, 0]] @ self.cell

    @property
    def vectors(self) -> Float[np.ndarray, "struts 3"]:
        """Cartesian strut vectors."""
        i, j = self.struts.T
        return (self.nodes[j] - self.nodes[i] + self.shifts) @ self.cell
