"""Space groups: operations, random cells of the crystal systems, orbits, special points.

Operations act on fractional coordinates, x -> R x + t, in the standard setting of each group
(unique axis b, hexagonal axes, first origin), from the database of spglib.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float, Int

from lattice_gnn.lattice.space_group import ask_spglib

SYSTEMS = (
    "triclinic",
    "monoclinic",
    "orthorhombic",
    "tetragonal",
    "trigonal",
    "hexagonal",
    "cubic",
)
"""The crystal systems, in the order of the space-group numbers."""

_LAST_NUMBER = (2, 15, 74, 142, 167, 194, 230)
_SAME_POINT = 1e-6  #: distance in fractional coordinates below which two points coincide
_WIDEST_BETA = 120.0  #: largest monoclinic angle, degrees
_GRID = 24  #: multiple of all denominators of special coordinates


@dataclass(frozen=True, slots=True, eq=False)
class SpaceGroup:
    """One group in its standard setting.

    Attributes:
        number: International number, 1 to 230.
        rotations: The matrices R.
        translations: The vectors t.
    """

    number: int
    rotations: Int[np.ndarray, "operations 3 3"]
    translations: Float[np.ndarray, "operations 3"]

    @property
    def system(self) -> str:
        """Name of the crystal system."""
        return crystal_system(self.number)


def crystal_system(number: int) -> str:
    """Name the crystal system of a space-group number."""
    return SYSTEMS[int(np.searchsorted(_LAST_NUMBER, number))]


@cache
def space_groups(system: str) -> tuple[SpaceGroup, ...]:
    """Return all groups of a crystal system."""
    found: dict[int, SpaceGroup] = {}
    for hall_number in range(1, 531):
        number = int(ask_spglib("get_spacegroup_type", hall_number).number)
        if number not in found and crystal_system(number) == system:
            database = ask_spglib("get_symmetry_from_database", hall_number)
            found[number] = SpaceGroup(
                number,
                np.asarray(database["rotations"], dtype=np.int64),
                np.asarray(database["translations"], dtype=np.float64),
            )
    return tuple(found.values())


def random_cell(system: str, aspect: float, rng: np.random.Generator) -> Float[np.ndarray, "3 3"]:
    """Draw cell vectors (rows) that a crystal system allows; the longest has length 1.

    Args:
        system: One of ``SYSTEMS``.
        aspect: Largest ratio of two edges; ratios are log-uniform.
        rng: Source of randomness.
    """
    a, b, c = np.exp(rng.uniform(-np.log(aspect), 0, 3))
    alpha = beta = gamma = 90.0
    if system in ("tetragonal", "trigonal", "hexagonal"):
        b = a
    elif system == "cubic":
        b = c = a
    if system in ("trigonal", "hexagonal"):
        gamma = 120.0
    elif system == "monoclinic":
        beta = rng.uniform(90, _WIDEST_BETA)
    elif system == "triclinic":
        alpha, beta, gamma = rng.uniform(75, 105, 3)
    cosines = [0.0 if angle == 90 else np.cos(np.radians(angle)) for angle in (alpha, beta, gamma)]
    cos_alpha, cos_beta, cos_gamma = cosines
    sin_gamma = np.sqrt(1 - cos_gamma**2)
    across = (cos_alpha - cos_beta * cos_gamma) / sin_gamma
    height = np.sqrt(1 - cos_beta**2 - across**2)
    rows = [[a, 0, 0], [b * cos_gamma, b * sin_gamma, 0], [c * cos_beta, c * across, c * height]]
    return np.array(rows) / max(a, b, c)


def orbit(point: Float[np.ndarray, "3"], group: SpaceGroup) -> Float[np.ndarray, "points 3"]:
    """Return all images of a point in one cell, coordinates in [0, 1)."""
    images = np.einsum("gij,j->gi", group.rotations, point) + group.translations
    images -= np.floor(images + _SAME_POINT)
    _, first = np.unique(np.rint(images / _SAME_POINT).astype(np.int64), axis=0, return_index=True)
    images = images[np.sort(first)]
    if len(images) == 1:
        return images
    apart = images[:, None] - images
    apart -= np.rint(apart)
    twin = np.tril(np.abs(apart).max(-1) < 10 * _SAME_POINT, -1).any(1)
    return images[~twin]


def special_point(
    group: SpaceGroup, steps: int, rng: np.random.Generator
) -> Float[np.ndarray, "3"]:
    """Draw a point and move it onto symmetry elements.

    The point is drawn from a grid of 24ths or from the whole cell, with equal probability. In each
    step an operation is drawn; if some lattice translate of it has fixed points (no screw, no
    glide), the point is replaced by the mean of its images under the powers of the translate
    nearest to it, which is a fixed point.

    Args:
        group: The space group.
        steps: Number of operations to try.
        rng: Source of randomness.
    """
    on_grid = rng.random() < 0.5
    point = rng.integers(0, _GRID, 3) / _GRID if on_grid else rng.random(3)
    for _ in range(steps):
        number = int(rng.integers(len(group.rotations)))
        R, t = group.rotations[number], group.translations[number]
        t = t + np.rint(point - R @ point - t)
        total, image = point.copy(), R @ point + t
        power, order = R, 1
        while not np.array_equal(power, np.eye(3)):
            total += image
            image = R @ image + t
            power, order = power @ R, order + 1
        centre = total / order
        if np.abs(R @ centre + t - centre).max() < 1e-9:
            point = centre
    return point
