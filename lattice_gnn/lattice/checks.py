"""Validity checks of a lattice's fields, run on construction.

Every function raises an error of one sentence or returns clean arrays. The checks are cheap
(microseconds for a unit cell) and independent of :class:`lattice_gnn.lattice.lattice.Lattice`.
"""

import math
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from lattice_gnn.errors import LatticeGnnError

MAX_INTEGER = 10**6
"""Largest node index or shift accepted; keeps integer arithmetic far from overflow."""
SINGULAR_CELL = 1e-12
"""A cell is singular if |det| is at most this times the product of the vector lengths."""
ZERO_LENGTH = 1e-9
"""A strut shorter than this times the cube root of the cell volume has zero length."""


MOST_LENGTH = 1e30
"""Largest coordinate or cell vector, and inverse of the least extent; keeps products finite."""


MOST_UNLIKE = 1e8
"""Largest condition number of the cell vectors."""
LEAST_RADIUS = 1e-9
"""Smallest radius/length of a strut: bending stiffness scales with its square."""
MOST_RADIUS = 1000.0
"""Largest radius over the cube root of the cell's volume."""
MOST_CHARACTERS = 1000
"""Maximum length of a name or a unit."""


def check_coordinates(points: Float[np.ndarray, "points 3"]) -> None:
    """Check that points are finite, of acceptable size, and not all in one place.

    Raises:
        LatticeGnnError: Naming the size found.
    """
    most = float(np.abs(points).max(initial=0.0))
    if not most <= MOST_LENGTH:
        raise LatticeGnnError(
            f"coordinates: expected numbers up to {MOST_LENGTH:g}, got {most:g}; choose a larger "
            "unit of length"
        )
    if most > 0 and float(np.ptp(points, axis=0).max()) < 1 / MOST_LENGTH:
        raise LatticeGnnError(
            f"coordinates: expected an extent of at least {1 / MOST_LENGTH:g}, got "
            f"{float(np.ptp(points, axis=0).max()):g}; choose a smaller unit of length"
        )


def positive_number(value: Any, what: str) -> float:
    """Return ``value`` as a float; raise unless it is finite and positive."""
    number = finite_number(value, what)
    if number <= 0:
        raise LatticeGnnError(f"{what}: expected a number above 0, got {number:g}.")
    return number


def finite_number(value: Any, what: str) -> float:
    """Return ``value`` as a float; raise unless it is a finite real number (bool excluded)."""
    if isinstance(value, bool | np.bool_ | str | bytes) or value is None:
        raise LatticeGnnError(f"{what}: expected a number, got {value!r}.")
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise LatticeGnnError(f"{what}: expected a finite number, got {value!r:.60}.") from None
    if not math.isfinite(number):
        raise LatticeGnnError(f"{what}: expected a finite number, got {number}.")
    return number


def check_poisson_ratio(value: Any, what: str) -> float:
    """Return ``value`` as a float; raise unless -1 < nu < 0.5 (isotropic solid)."""
    nu = finite_number(value, what)
    if not -1 < nu < 0.5:
        raise LatticeGnnError(f"{what}: expected a Poisson's ratio between -1 and 0.5, got {nu:g}.")
    return nu


def imperfection_level(value: Any) -> float:
    """Return ``value`` as a float; raise unless it lies between 0 and 0.5 (half a cell)."""
    level = finite_number(value, "level")
    if not 0 <= level <= 0.5:
        raise LatticeGnnError(
            f"perturbed: expected a level from 0 to 0.5 (0.05 means 5 %), got {level:g}."
        )
    return level


def whole_number(value: Any, what: str, least: int = 0) -> int:
    """Return ``value`` as an int; raise unless it is whole and at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise LatticeGnnError(f"{what}: expected a whole number >= {least}, got {value!r:.60}.")
    return int(value)


def orthogonal_matrix(value: Any, what: str) -> Float[np.ndarray, "3 3"]:
    """Return ``value`` as a 3x3 array; raise unless it is orthogonal to 1e-9."""
    R = float_array(value, what, (3, 3))
    if np.abs(R @ R.T - np.eye(3)).max() > 1e-9:
        raise LatticeGnnError(f"{what}: expected an orthogonal matrix, R R^T = 1 to 1e-9.")
    return R


def float_array(value: Any, what: str, shape: tuple[int | None, ...]) -> Float[np.ndarray, "..."]:
    """Return a read-only float64 copy, all finite; None in ``shape`` means any length."""
    array = _plain_array(value, what, shape)
    if not np.isfinite(array).all():
        place = tuple(int(k) for k in np.argwhere(~np.isfinite(array))[0])
        raise LatticeGnnError(
            f"{what}{_place(place)}: expected a finite number, got {array[place]}."
        )
    array.setflags(write=False)
    return array


def integer_array(value: Any, what: str, shape: tuple[int | None, ...]) -> Int[np.ndarray, "..."]:
    """Return a read-only int64 copy, |k| <= 10**6; integer-valued floats are accepted."""
    array = _plain_array(value, what, shape)
    wrong = ~((np.abs(array) <= MAX_INTEGER) & (np.floor(array) == array))
    if wrong.any():
        place = tuple(int(k) for k in np.argwhere(wrong)[0])
        raise LatticeGnnError(
            f"{what}{_place(place)}: expected an integer of at most {MAX_INTEGER} in magnitude, "
            f"got {array[place]:g}."
        )
    whole = array.astype(np.int64)
    whole.setflags(write=False)
    return whole


def _plain_array(value: Any, what: str, shape: tuple[int | None, ...]) -> np.ndarray:
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "iuf" and array.size:
            raise TypeError(array.dtype)
        array = np.array(array, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise LatticeGnnError(f"{what}: expected numbers of shape {_shape_text(shape)}.") from None
    except RuntimeError:  # of torch
        raise LatticeGnnError(
            f"{what}: expected plain numbers, got a tensor with gradients or on another device; "
            "detach it (x.detach().cpu()), or compute with a LatticeBatch."
        ) from None
    fits = array.ndim == len(shape) and all(
        want in (None, got) for want, got in zip(shape, array.shape, strict=True)
    )
    if not fits:
        raise LatticeGnnError(f"{what}: expected shape {_shape_text(shape)}, got {array.shape}.")
    return array


def _shape_text(shape: tuple[int | None, ...]) -> str:
    inside = ", ".join("any" if length is None else str(length) for length in shape)
    return f"({inside},)" if len(shape) == 1 else f"({inside})"


def _place(place: tuple[int, ...]) -> str:
    return "".join(f"[{index}]" for index in place)


def check_cell(cell: Float[np.ndarray, "3 3"]) -> None:
    """Check that the cell vectors span space and are of acceptable size; may be left-handed."""
    most = float(np.abs(cell).max())
    if not 1 / MOST_LENGTH <= most <= MOST_LENGTH:
        raise LatticeGnnError(
            f"cell: its largest entry is {most:g}; expected {1 / MOST_LENGTH:g} to "
            f"{MOST_LENGTH:g}; choose another unit of length, or a larger or smaller cell."
        )
    determinant = float(np.linalg.det(cell / most))
    product = float(np.prod(np.linalg.norm(cell / most, axis=1)))
    if not abs(determinant) > SINGULAR_CELL * product:
        raise LatticeGnnError(
            f"cell: its three vectors do not span space (determinant {determinant:g}); "
            "expected linearly independent vectors."
        )
    if not np.linalg.cond(cell) <= MOST_UNLIKE:
        raise LatticeGnnError(
            "cell: its three vectors differ too much in length, or are nearly parallel "
            f"(condition number above {MOST_UNLIKE:g}); choose other cell vectors."
        )


def check_proportions(
    nodes: Float[np.ndarray, "nodes 3"],
    radii: Float[np.ndarray, " struts"] | None,
    lengths: Float[np.ndarray, " struts"],
    volume: float,
) -> None:
    """Check that fractional coordinates and radii are meaningful relative to the cell."""
    if radii is None:
        return
    far = np.flatnonzero(np.abs(nodes).max(axis=1) > MAX_INTEGER)
    if len(far):
        raise LatticeGnnError(
            f"nodes[{far[0]}]: {np.abs(nodes[far[0]]).max():g} cells away; nodes are given in "
            f"fractions of the cell vectors, expected less than {MAX_INTEGER}."
        )
    thin = int(np.argmin(radii / lengths))
    if radii[thin] < LEAST_RADIUS * lengths[thin]:
        raise LatticeGnnError(
            f"radii[{thin}]: {radii[thin]:g} is less than {LEAST_RADIUS:g} of the strut's length "
            f"{lengths[thin]:g}, which is zero to rounding; give a larger radius."
        )
    thick = int(np.argmax(radii))
    size = volume ** (1 / 3)
    if radii[thick] > MOST_RADIUS * size:
        raise LatticeGnnError(
            f"radii[{thick}]: {radii[thick]:g} is more than {MOST_RADIUS:g} times the size of the "
            f"cell, {size:g}; expected radii and cell in the same unit of length."
        )


def text_label(value: Any, what: str) -> str:
    """Return a label as one printable line without lone surrogates."""
    if not isinstance(value, str):
        raise LatticeGnnError(f"{what}: expected a string, got {type(value).__name__}.")
    if len(value) > MOST_CHARACTERS:
        raise LatticeGnnError(
            f"{what}: expected at most {MOST_CHARACTERS} characters, got {len(value)}."
        )
    if value.isprintable():
        return value
    whole = value.encode("utf-8", "replace").decode("utf-8")
    return "".join(x if x.isprintable() else " " for x in whole)


def check_topology(
    num_nodes: int, struts: Int[np.ndarray, "struts 2"], shifts: Int[np.ndarray, "rows 3"]
) -> None:
    """Check node indices, that every node is used, and that no strut occurs twice."""
    if len(struts) == 0:
        raise LatticeGnnError("struts: expected at least one strut, got none.")
    if len(shifts) != len(struts):
        raise LatticeGnnError(f"shifts: expected one per strut ({len(struts)}), got {len(shifts)}.")
    outside = (struts < 0) | (struts >= num_nodes)
    if outside.any():
        strut, end = (int(k) for k in np.argwhere(outside)[0])
        raise LatticeGnnError(
            f"struts[{strut}]: node index {struts[strut, end]} is out of range; "
            f"the lattice has {num_nodes} nodes, 0 to {num_nodes - 1}."
        )
    unused = np.flatnonzero(np.bincount(struts.ravel(), minlength=num_nodes) == 0)
    if len(unused):
        raise LatticeGnnError(
            f"nodes[{unused[0]}]: no strut ends at this node; remove it or join it to the lattice."
        )
    first, second = first_duplicate(struts, shifts)
    if second >= 0:
        i, j = struts[second]
        raise LatticeGnnError(
            f"struts[{second}]: the same strut as struts[{first}] "
            f"(node {i} to node {j}, shift {shifts[second].tolist()}); remove one of them."
        )


def canonical_struts(
    struts: Int[np.ndarray, "struts 2"], shifts: Int[np.ndarray, "struts 3"]
) -> Int[np.ndarray, "struts 5"]:
    """Return rows (i, j, shift), oriented so that (i, j, s) and (j, i, -s) give equal rows."""
    turn = ~is_forward(struts[:, 0], struts[:, 1], shifts)
    return np.column_stack(
        [np.where(turn[:, None], struts[:, ::-1], struts), np.where(turn[:, None], -shifts, shifts)]
    )


def is_forward(
    i: Int[np.ndarray, " pairs"], j: Int[np.ndarray, " pairs"], shifts: Int[np.ndarray, "pairs 3"]
) -> Bool[np.ndarray, " pairs"]:
    """Return whether (i, j, s) is the canonical one of (i, j, s) and (j, i, -s)."""
    x, y, z = shifts.T
    positive = (x > 0) | ((x == 0) & ((y > 0) | ((y == 0) & (z > 0))))
    forward: Bool[np.ndarray, " pairs"] = (i < j) | ((i == j) & positive)
    return forward


def first_duplicate(
    struts: Int[np.ndarray, "struts 2"], shifts: Int[np.ndarray, "struts 3"]
) -> tuple[int, int]:
    """Return the numbers of two identical struts, or (-1, -1)."""
    rows = canonical_struts(struts, shifts)
    order = np.lexsort(rows.T)
    same = np.flatnonzero((rows[order[1:]] == rows[order[:-1]]).all(axis=1))
    if len(same) == 0:
        return -1, -1
    pair = sorted((int(order[same[0]]), int(order[same[0] + 1])))
    return pair[0], pair[1]


def check_lengths(lengths: Float[np.ndarray, " struts"], volume: float) -> None:
    """Check that every strut has a finite length, not negligible relative to the cell."""
    if not np.isfinite(lengths).all():
        worst = int(np.flatnonzero(~np.isfinite(lengths))[0])
        raise LatticeGnnError(
            f"struts[{worst}]: its length overflows; choose a larger unit of length."
        )
    worst = int(np.argmin(lengths))
    if lengths[worst] <= ZERO_LENGTH * volume ** (1 / 3):
        raise LatticeGnnError(
            f"struts[{worst}]: zero length ({lengths[worst]:g}); its two ends must lie apart."
        )


def strut_values(value: Any, what: str, num_struts: int, above: float) -> np.ndarray:
    """Return one finite number per strut, each > ``above``; a single number is broadcast."""
    if np.ndim(value) == 0:
        value = np.full(num_struts, finite_number(value, what))
    array = float_array(value, what, (num_struts,))
    worst = int(np.argmin(array))
    if array[worst] <= above:
        raise LatticeGnnError(
            f"{what}[{worst}]: expected a number above {above:g}, got {array[worst]:g}."
        )
    return array


def bore_radii(value: Any, radii: Float[np.ndarray, " struts"]) -> Float[np.ndarray, " struts"]:
    """Return one bore radius per strut, 0 <= bore < radius."""
    if np.ndim(value) == 0:
        value = np.full(len(radii), finite_number(value, "inner_radii"))
    bores = float_array(value, "inner_radii", radii.shape)
    wrong = np.flatnonzero((bores < 0) | (bores >= radii))
    if len(wrong):
        strut = int(wrong[0])
        raise LatticeGnnError(
            f"inner_radii[{strut}]: expected 0 <= inner radius < radius {radii[strut]:g}, "
            f"got {bores[strut]:g}."
        )
    return bores


def poisson_ratios(value: Any, num_struts: int) -> Float[np.ndarray, " struts"]:
    """Return one Poisson's ratio per strut, each -1 < nu < 0.5."""
    nu = strut_values(value, "nu", num_struts, above=-1.0)
    worst = int(np.argmax(nu))
    if nu[worst] >= 0.5:
        raise LatticeGnnError(
            f"nu[{worst}]: expected a Poisson's ratio between -1 and 0.5, got {nu[worst]:g}."
        )
    return nu
