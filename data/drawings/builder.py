"""Collecting the points and bars of a drawing while its file is read, within limits."""

from array import array

import numpy as np
from jaxtyping import Float

from data.drawings.drawing import Drawing
from data.reading import MAX_BARS, MAX_POINTS, Place, check_count
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.lattice import Material


class DrawingBuilder:
    """Points with labels, bars between labels; grows with what is there, not what is declared."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._points = array("d")
        self._bars: list[tuple[str, str, Place]] = []
        self._radii = array("d")
        self._end_radii = array("d")
        self._rows_numbered = False

    @property
    def num_points(self) -> int:
        """Points so far."""
        return len(self._numbers)

    def add_point(self, label: str, position: tuple[float, float, float], place: Place) -> None:
        """Add a point; its label must be new."""
        if label in self._numbers:
            raise place.error(f"node {label!r} occurs twice; number the nodes differently")
        self._numbers[label] = len(self._numbers)
        check_count(len(self._numbers), MAX_POINTS, place, "nodes")
        self._points.extend(position)

    def number_rows(self) -> None:
        """Number the points from 1 where struts say so: they name the last row and never 0."""
        self._rows_numbered = True

    def _from_one(self) -> bool:
        used = {label for bar in self._bars for label in bar[:2]}
        return self._rows_numbered and "0" not in used and str(len(self._numbers)) in used

    def add_bar(
        self,
        ends: tuple[str, str],
        place: Place,
        radius: float | None = None,
        end_radius: float | None = None,
    ) -> None:
        """Add a bar; its points may come later. Radii are checked."""
        if ends[0] == ends[1]:
            raise place.error("the two ends of this strut are one point; remove it")
        for value in (radius, end_radius):
            if value is not None and value <= 0:
                raise place.error(f"expected a radius above 0, got {value:g}")
        self._bars.append((*ends, place))
        check_count(len(self._bars), MAX_BARS, place, "struts")
        given = float("nan") if radius is None else radius
        self._radii.append(given)
        self._end_radii.append(given if end_radius is None else end_radius)

    def drawing(
        self, where: str, *, name: str = "", units: str = "", material: Material | None = None
    ) -> Drawing:
        """Return the drawing.

        Args:
            where: The file, for errors.
            name: Label of the lattice.
            units: Label of the unit of length.
            material: The solid.

        Raises:
            LatticeGnnError: A bar ends at a point that is not there, only some bars have radii, or
                there is no bar.
        """
        if not self._bars:
            raise LatticeGnnError(f"{where}: holds no struts; expected at least one.")
        bars = np.empty((len(self._bars), 2), dtype=np.int64)
        if self._from_one():
            self._numbers = {str(k + 1): k for k in range(len(self._numbers))}
        for row, (first, second, place) in enumerate(self._bars):
            for column, label in enumerate((first, second)):
                if label not in self._numbers:
                    raise place.error(
                        f"a strut ends at node {label!r}, which the file does not define "
                        f"({len(self._numbers)} nodes are there)"
                    )
                bars[row, column] = self._numbers[label]
        radii, ends = self._column(self._radii), self._column(self._end_radii)
        missing = np.isnan(radii)
        if missing.any() and not missing.all():
            place = self._bars[int(np.flatnonzero(missing)[0])][2]
            raise place.error("this strut has no radius, others have one; give all or none")
        return Drawing(
            points=self._column(self._points).reshape(-1, 3),
            bars=bars,
            radii=None if missing.all() else radii,
            end_radii=None if missing.all() or np.array_equal(radii, ends) else ends,
            name=name,
            units=units,
            material=material or Material(),
        )

    @staticmethod
    def _column(values: array) -> Float[np.ndarray, " values"]:
        return np.array(values, dtype=np.float64)
