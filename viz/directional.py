"""Surfaces of elastic quantities by direction: the radius in direction n is the value there.

Young's modulus and linear compressibility depend on n alone. The shear modulus and Poisson's ratio
also depend on a direction m perpendicular to n: their smallest and largest values over m are the
eigenvalues of a quadratic form in the plane across n (Marmier et al., Comput. Phys. Commun. 181,
2010, 2102). Where a value is negative, the radius is its magnitude.
"""

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch
from jaxtyping import Float

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.tensors.moduli import ComplianceForm, compliance_form, dilatation
from lattice_gnn.tensors.notation import dyad_mandel
from lattice_gnn.tensors.rotations import perpendicular_pair
from lattice_gnn.tensors.stiffness import Stiffness
from viz.mesh import Surface
from viz.sphere import edges_of, icosphere, split_edges


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity by direction.

    Attributes:
        title: Title of its picture.
        symbol: Symbol with its unit, for the scale.
        modulus: Name of the modulus for ``Stiffness.extrema``.
        end: "min" or "max" over the direction across n; "" if there is none.
    """

    title: str
    symbol: str
    modulus: str
    end: str = ""


QUANTITIES = MappingProxyType(
    {
        "E": Quantity("Young's modulus by direction, E(n)/E_s", "E/E_s", "E"),
        "beta": Quantity("linear compressibility, beta(n) E_s", "beta E_s", "beta"),
        "G-min": Quantity("smallest shear modulus, min G(n, m)/E_s", "G/E_s", "G", "min"),
        "G-max": Quantity("largest shear modulus, max G(n, m)/E_s", "G/E_s", "G", "max"),
        "nu-min": Quantity("smallest Poisson's ratio, min nu(n, m)", "nu", "nu", "min"),
        "nu-max": Quantity("largest Poisson's ratio, max nu(n, m)", "nu", "nu", "max"),
    }
)
"""Quantities that can be drawn."""


def values_along(
    stiffness: Stiffness, directions: Float[np.ndarray, "directions 3"], quantity: str = "E"
) -> Float[np.ndarray, " directions"]:
    """Evaluate a quantity of one positive definite stiffness along unit vectors.

    Raises:
        LatticeGnnError: For an unknown quantity.
    """
    if quantity not in QUANTITIES:
        raise LatticeGnnError(f"quantity {quantity!r}: expected one of {', '.join(QUANTITIES)}.")
    C = stiffness.detach().mandel.cpu()
    n = torch.from_numpy(np.ascontiguousarray(directions))
    form = compliance_form(C)
    nn = dyad_mandel(n, n)
    load = form(nn, nn)
    what, end = QUANTITIES[quantity].modulus, QUANTITIES[quantity].end
    if what == "E":
        found = 1.0 / load
    elif what == "beta":
        found = form(nn, dilatation(C).expand_as(nn))
    else:
        a, b = perpendicular_pair(n)
        found = _across(form, (n, a, b), load, what, largest=end == "max")
    values: Float[np.ndarray, " directions"] = found.numpy()
    return values


def _across(
    form: ComplianceForm,
    frame: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    load: torch.Tensor,
    what: str,
    *,
    largest: bool,
) -> torch.Tensor:
    """Return the extremal G or nu over the directions across n."""
    n, a, b = frame
    nn = dyad_mandel(n, n)
    if what == "G":
        na, nb = dyad_mandel(n, a), dyad_mandel(n, b)
        aa, ab, bb = form(na, na), form(na, nb), form(nb, nb)
    else:
        pairs = ((a, a), (a, b), (b, b))
        aa, ab, bb = (form(dyad_mandel(p, q), nn) for p, q in pairs)
    mean, reach = (aa + bb) / 2, torch.hypot((aa - bb) / 2, ab)
    if what == "G":
        return 0.25 / (mean - reach if largest else mean + reach)
    return -(mean - reach if largest else mean + reach) / load


def directional_surface(
    stiffness: Stiffness, quantity: str = "E", tolerance: float = 2e-3
) -> Surface:
    """Build the surface of radius |value| in every direction, refined at sharp peaks.

    Edges that deviate from the true surface, or are long, are halved up to eight times: the peaks
    of slender lattices are narrower than a degree. A singular stiffness has no moduli in general
    directions: its surface is a point.

    Args:
        stiffness: One stiffness, not a batch.
        quantity: Name in ``QUANTITIES``.
        tolerance: Admissible distance of the midpoint of an edge from the surface, relative to the
            largest radius; edges may be 15 times as long.
    """
    directions, faces = icosphere(5)
    if not bool(stiffness.is_positive_definite()):
        return Surface(0.0 * directions, faces, np.zeros(len(directions)))
    values = values_along(stiffness, directions, quantity)
    for _ in range(8):
        points = directions * np.abs(values)[:, None]
        edges, member = edges_of(faces)
        middle = directions[edges].sum(axis=1)
        middle /= np.linalg.norm(middle, axis=1, keepdims=True)
        radius = np.abs(values_along(stiffness, middle, quantity))
        gap = radius[:, None] * middle - points[edges].mean(axis=1)
        length = np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1)
        error = np.maximum(np.linalg.norm(gap, axis=1), length / 15)
        marked = (error > tolerance * np.abs(values).max())[member]
        if not marked.any():
            break
        directions, faces = split_edges(directions, faces, marked)
        new = values_along(stiffness, directions[len(values) :], quantity)
        values = np.concatenate([values, new])
    return Surface(points=directions * np.abs(values)[:, None], faces=faces, values=values)
