"""Sections and moduli of struts with all defaults filled in."""

from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True, slots=True, eq=False)
class Sections:
    """Sections and moduli of struts.

    Attributes:
        radii: Outer radius at node i.
        end_radii: Outer radius at node j.
        bores: Bore radius over outer radius; 0 for a solid strut.
        E: Young's modulus.
        nu: Poisson's ratio.
    """

    radii: Float[np.ndarray, " struts"]
    end_radii: Float[np.ndarray, " struts"]
    bores: Float[np.ndarray, " struts"]
    E: Float[np.ndarray, " struts"]
    nu: Float[np.ndarray, " struts"]

    @property
    def table(self) -> Float[np.ndarray, "struts 5"]:
        """The five columns."""
        return np.column_stack(astuple(self))

    @property
    def largest_radii(self) -> Float[np.ndarray, " struts"]:
        """Outer radius at the thicker end."""
        return np.maximum(self.radii, self.end_radii)


def sections_of(struts: Any, count: int) -> Sections:
    """Fill in the defaults of a lattice or a drawing: no taper, no bore, its material, radius 1.

    Args:
        struts: Object with ``radii``, ``end_radii``, ``inner_radii``, ``E`` and ``nu``, arrays or
            None, and ``material``.
        count: Number of struts.
    """
    radii = np.ones(count) if struts.radii is None else struts.radii
    return Sections(
        radii=radii,
        end_radii=radii if struts.end_radii is None else struts.end_radii,
        bores=np.zeros(count) if struts.inner_radii is None else struts.inner_radii / radii,
        E=np.full(count, struts.material.E) if struts.E is None else struts.E,
        nu=np.full(count, struts.material.nu) if struts.nu is None else struts.nu,
    )


def cross_axes(
    vectors: Float[np.ndarray, "struts 3"],
) -> tuple[Float[np.ndarray, "struts 3"], Float[np.ndarray, "struts 3"]]:
    """Return two unit vectors per strut that complete its direction to a right-handed frame."""
    first = np.cross(vectors, np.eye(3)[np.argmin(np.abs(vectors), axis=1)])
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    directions = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return first, np.cross(directions, first)
