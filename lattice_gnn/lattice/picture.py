"""Notebook view of a lattice: a wire-frame drawing beside its key numbers."""

from collections.abc import Sequence
from html import escape

import numpy as np
from jaxtyping import Float

from lattice_gnn.lattice.images import cell_edges, strut_images
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.notebook import beside, drawing, grid, line, table

SIZE = 240  #: pixels
MOST_ROWS = 10  #: of a batch
MOST_LINES = 3000  #: a drawing with more would be slow and unreadable
_MARGIN = 12
_THINNEST = 1.0
_AZIMUTH, _ELEVATION = np.radians(25.0), np.radians(20.0)
_FAR, _NEAR = np.array([190.0, 205.0, 220.0]), np.array([25.0, 60.0, 105.0])


def lattice_html(lattice: Lattice) -> str:
    """Return name, counts, density and material beside the drawing, as HTML."""
    unit = f" {lattice.units}" if lattice.units else ""
    lengths = np.linalg.norm(lattice.cell, axis=1)
    rows = [
        ("lattice", lattice.name or "unnamed"),
        ("nodes, struts", f"{lattice.num_nodes}, {lattice.num_struts} per cell"),
        ("relative density", f"{lattice.relative_density:.4g}"),
        ("cell vectors", " × ".join(f"{length:.4g}" for length in lengths) + unit),
        ("radii", _range(lattice.radii) + unit),
        ("material", f"E = {lattice.material.E:g}, nu = {lattice.material.nu:g}"),
    ]
    return beside(wireframe(lattice), table(rows))


def batch_html(
    title: str, nodes: Sequence[int], struts: Sequence[int], densities: Sequence[float]
) -> str:
    """Return a table of the first lattices of a batch: counts and relative density."""
    rows = [
        (str(b), [str(nodes[b]), str(struts[b]), f"{densities[b]:.4g}"])
        for b in range(min(len(nodes), MOST_ROWS))
    ]
    more = f"<div>... {len(nodes) - MOST_ROWS} more</div>" if len(nodes) > MOST_ROWS else ""
    return f"<div>{escape(title)}</div>" + grid(("nodes", "struts", "density"), rows) + more


def wireframe(lattice: Lattice) -> str:
    """Draw one cell as SVG in parallel projection, nearer struts darker; "" if too many struts."""
    if lattice.num_struts > MOST_LINES:
        return ""
    sources, offsets = strut_images(lattice)
    starts = (lattice.nodes[lattice.struts[sources, 0]] + offsets) @ lattice.cell
    struts = np.stack([starts, starts + lattice.strut_vectors[sources]], axis=1)
    ends = np.concatenate([struts, cell_edges(lattice.cell)]) @ _view().T
    low, high = ends.reshape(-1, 3).min(axis=0), ends.reshape(-1, 3).max(axis=0)
    scale = (SIZE - 2 * _MARGIN) / float((high - low)[:2].max())
    plane = SIZE / 2 + scale * (ends[..., :2] - (low + high)[:2] / 2) * [1.0, -1.0]
    depth = ends[: len(sources), :, 2].mean(axis=1)
    nearness = (depth - depth.min()) / max(float(np.ptp(depth)), 1e-12 * float(np.ptp(ends)))
    edge = ' stroke-dasharray="2 3"'
    shapes = [line(_points(points), "#999999", 0.8, edge) for points in plane[len(sources) :]]
    for number in np.argsort(depth, kind="stable"):
        width = max(2 * scale * float(lattice.radii[sources[number]]), _THINNEST)
        shapes.append(line(_points(plane[number]), _colour(float(nearness[number])), width))
    return drawing(SIZE, shapes, lattice.name or "lattice")


def _view() -> Float[np.ndarray, "3 3"]:
    """Return the directions right, up and towards the eye as rows; axis 3 points up."""
    sine, cosine = np.sin(_AZIMUTH), np.cos(_AZIMUTH)
    up, forward = np.cos(_ELEVATION), np.sin(_ELEVATION)
    return np.array(
        [
            [cosine, sine, 0.0],
            [-forward * sine, forward * cosine, up],
            [up * sine, -up * cosine, forward],
        ]
    )


def _points(points: Float[np.ndarray, "ends 2"]) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in points]


def _colour(nearness: float) -> str:
    red, green, blue = np.rint(_FAR + nearness * (_NEAR - _FAR)).astype(int)
    return f"#{red:02x}{green:02x}{blue:02x}"


def _range(values: Float[np.ndarray, " _"]) -> str:
    low, high = float(values.min()), float(values.max())
    return f"{low:.4g}" if high - low <= 1e-9 * high else f"{low:.4g} to {high:.4g}"
