"""Catalogues of lattices with reference tensors, ``.lat``: the text format of the GLAMM data set.

Entries follow one another, separated by ``----- lattice_transition -----``::

    Name: ort_Z09.0_E195_p_0.0_1

    Base name: ort_Z09.0_E195
    Imperfection level: 0.0
    Imperfection kind: sphere_surf
    Normalized unit cell parameters (a,b,c,alpha,beta,gamma):
    0.27995, 0.27572, 1, 90, 90, 90

    Compliance tensors (Mandel) start (flattened upper triangular)
    -> at relative density 0.01:
    (21 numbers)
    Compliance tensors (Mandel) end

    Nodal positions:              fractional coordinates of a drawing of the cell
    Bar connectivities:           struts of that drawing, from node to node
    Fundamental edge adjacency    struts of the periodic lattice, each once
    Fundamental tesselation vectors

Cell vector a lies along x and b in the plane xy; angles are in degrees. A tessellation vector of
three integers is the cell of the strut's second end; one of six gives the cells of both ends.
Compliances are multiples of 1/E_s for nu = 0.3, in the order 11, 22, 33, 23, 13, 12. Under the
header with ``(Mandel)`` they are Mandel; without that word (or with ``(Voigt)``) they are Voigt,
where S_44 = 1/G_23. A block ``Fundamental edge radii start`` ... ``end`` may give the radius of
every strut at each density; otherwise all are equal and follow from the density,
sum(pi r^2 L)/V.

Source of the format: the ``Catalogue`` class of github.com/igrega348/lattices.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import torch
from jaxtyping import Float

from data.drawings.fold import fold_window
from data.formats.lat_text import LatText, TensorBlock, read_blocks
from data.reading import Place
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import write_whole
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.tensors.notation import (
    UPPER,
    mandel_to_voigt_compliance,
    symmetric_from_upper,
    voigt_to_mandel_compliance,
)
from lattice_gnn.tensors.stiffness import Stiffness

Notation: TypeAlias = Literal["mandel", "voigt"]

DEFAULT_DENSITY = 0.01  #: of a lattice to which the catalogue gives neither radii nor densities
_MOST_UNLIKE = 1.1  #: ratio of the density that the radii make to the one that the file names
_NU = 0.3  #: the Poisson ratio behind every tensor of a catalogue


@dataclass(frozen=True, slots=True, eq=False)
class CatalogueEntry:
    """One lattice of a catalogue and its reference tensors.

    Attributes:
        lattice: The lattice, at the first density of the entry (1 % where it names none).
        base_name: Name of the perfect lattice of which this is a copy.
        imperfection_level: Length of the nodal displacement, fractional coordinates.
        imperfection_kind: How the displacements were drawn; a label.
        references: Pairs of relative density and C / E_s.
        radii: Pairs of relative density and strut radii, where the entry gives radii.
        roundings: For each reference, half a unit in the last printed digit of its compliance, in
            Mandel notation (6, 6), 1/E_s: the uncertainty that printing left.
        notes: What the reader had to do beyond reading, one sentence each.
    """

    lattice: Lattice
    base_name: str = ""
    imperfection_level: float = 0.0
    imperfection_kind: str = ""
    references: tuple[tuple[float, Stiffness], ...] = ()
    radii: tuple[tuple[float, Float[np.ndarray, " struts"]], ...] = ()
    roundings: tuple[Float[np.ndarray, "6 6"], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of the lattice."""
        return self.lattice.name

    def at(self, relative_density: float) -> Lattice:
        """Return the lattice at a density: with its own radii there, or with all radii scaled."""
        for density, radii in self.radii:
            if density == relative_density:
                return self.lattice.with_radii(radii)
        return self.lattice.with_relative_density(relative_density)

    def reading_notes(self) -> tuple[str, ...]:
        """Return what was done to get ``lattice`` from the entry, one sentence each."""
        notes = [*self.notes]
        densities = [density for density, _ in self.radii or self.references]
        if not densities:
            notes.append(
                f"the entry gives no radii: set to a relative density of {100 * DEFAULT_DENSITY:g} "
                "%."
            )
        if len(densities) > 1:
            notes.append(
                f"the entry gives {len(densities)} relative densities: the first was taken."
            )
        if self.radii:
            told, found = densities[0], self.lattice.relative_density
            if not 1 / _MOST_UNLIKE < found / told < _MOST_UNLIKE:
                notes.append(
                    f"its radii make a relative density of {found:.4g}, where it says {told:.4g}: "
                    "the radii were taken."
                )
        return tuple(notes)

    def pairs(self) -> tuple[tuple[Lattice, Stiffness], ...]:
        """Return the lattice at every density that has a reference, with that reference."""
        return tuple((self.at(density), stiffness) for density, stiffness in self.references)


def read_lat(path: str | os.PathLike[str]) -> list[CatalogueEntry]:
    """Read a catalogue.

    An entry without fundamental representation is folded: nodes of the drawing that coincide modulo
    the cell become one, struts drawn twice are kept once, halves of a strut cut by a face are
    joined. ``notes`` of the entry say so.

    Raises:
        LatticeGnnError: naming file and line, for anything that is missing or wrong.
    """
    return [_entry(block) for block in read_blocks(Path(path))]


def write_lat(
    path: str | os.PathLike[str],
    entries: Sequence[CatalogueEntry],
    notation: Notation = "mandel",
    digits: int = 17,
) -> None:
    """Write a catalogue atomically.

    A lattice whose vector a is not along x, or b not in the plane xy, is turned so that they are,
    its tensors with it. The format knows solid struts of constant section, of one material with
    nu = 0.3.

    Args:
        path: The file; an old one is replaced.
        entries: At least one.
        notation: "mandel", or "voigt" under the older header.
        digits: Significant digits of every number; the published catalogues have 5.

    Raises:
        LatticeGnnError: for a lattice that the format cannot hold, or a file that cannot be
            written.
    """
    if not entries:
        raise LatticeGnnError(f"{path}: there is no lattice to write.")
    if notation not in ("mandel", "voigt"):
        raise LatticeGnnError(f"notation: expected 'mandel' or 'voigt', got {notation!r}.")
    if not 1 <= digits <= 17:
        raise LatticeGnnError(f"digits: expected 1 to 17 significant digits, got {digits}.")
    texts = [_text(_in_standard_frame(entry), notation, digits) for entry in entries]
    write_whole(path, "".join(texts))


def _entry(text: LatText) -> CatalogueEntry:
    """Make an entry from the text blocks between two transitions."""
    cell = _cell_vectors(text.cell, text.cell_place)
    try:
        lattice, notes = _lattice(text, cell)
    except LatticeGnnError as error:
        raise text.start.error(str(error)) from None
    radii = tuple(
        (density, _strut_radii(row, place, lattice)) for density, row, place in text.radii
    )
    references, roundings = _references(text.tensors)
    densities = [density for density, _ in radii] or [density for density, _ in references]
    missing = [density for density, _ in references if radii and density not in densities]
    if missing:
        raise text.start.error(
            f"'Fundamental edge radii' lacks relative density {missing[0]:g}, at which there is a "
            "compliance tensor; give the radii there, or none at all"
        )
    if text.unread:
        lines = ", ".join(repr(title) for title in list(text.unread)[:6])
        notes = (*notes, f"lines that are not known here were skipped: {lines}.")
    entry = CatalogueEntry(
        lattice=lattice.with_relative_density(DEFAULT_DENSITY),
        base_name=text.labels.get("base name", lattice.name.partition("_p_")[0]),
        imperfection_level=text.imperfection_level,
        imperfection_kind=text.labels.get("imperfection kind", ""),
        references=references,
        radii=radii,
        roundings=roundings,
        notes=notes,
    )
    return replace(entry, lattice=entry.at(densities[0])) if densities else entry


def _lattice(text: LatText, cell: Float[np.ndarray, "3 3"]) -> tuple[Lattice, tuple[str, ...]]:
    """Return the periodic lattice, all radii equal, and what was done to get it."""
    if text.adjacency is None or text.tessellation is None:
        lattice, note = fold_window(cell, text.nodes, text.bars, name=text.name)
        return lattice, (f"{text.name}: {note}",)
    vectors = text.tessellation
    used, struts = np.unique(text.adjacency, return_inverse=True)
    lattice = Lattice(
        cell=cell,
        nodes=text.nodes[used],
        struts=struts.reshape(-1, 2),
        shifts=vectors[:, 3:] - vectors[:, :3] if vectors.shape[1] == 6 else vectors,
        radii=np.full(len(vectors), 0.01 * np.abs(cell).max()),
        name=text.name,
    )
    return lattice, ()


def _cell_vectors(parameters: Float[np.ndarray, "6"], place: Place) -> Float[np.ndarray, "3 3"]:
    """Cell vectors as rows, a along x, b in the plane xy, of lengths and angles in degrees."""
    a, b, c = parameters[:3]
    # Exactly 0 at 90 degrees, so that orthogonal cells stay so.
    cos_alpha, cos_beta, cos_gamma = np.where(
        parameters[3:] == 90, 0.0, np.cos(np.radians(parameters[3:]))
    )
    lengths_fit = min(a, b, c) > 0
    angles_fit = parameters[3:].min() > 0 and parameters[3:].max() < 180
    sin_gamma = np.sqrt(1 - cos_gamma**2)
    across = (cos_alpha - cos_beta * cos_gamma) / sin_gamma if sin_gamma > 0 else 0.0
    height = 1 - cos_beta**2 - across**2
    if not (lengths_fit and angles_fit and height > 0):
        raise place.error(
            f"unit cell parameters {', '.join(f'{p:g}' for p in parameters)}: expected three "
            "lengths above 0 and three angles in degrees that span a cell"
        )
    return np.array(
        [
            [a, 0, 0],
            [b * cos_gamma, b * sin_gamma, 0],
            [c * cos_beta, c * across, c * np.sqrt(height)],
        ]
    )


def _strut_radii(
    row: Float[np.ndarray, " radii"], place: Place, lattice: Lattice
) -> Float[np.ndarray, " struts"]:
    if len(row) != lattice.num_struts:
        raise place.error(f"expected {lattice.num_struts} radii, one per strut, got {len(row)}")
    if row.min() <= 0:
        raise place.error(f"expected radii above 0, got {row.min():g}")
    return row


def _references(
    block: TensorBlock | None,
) -> tuple[tuple[tuple[float, Stiffness], ...], tuple[np.ndarray, ...]]:
    """Return densities with stiffnesses, and the rounding of each compliance."""
    if block is None:
        return (), ()
    references, roundings = [], []
    for density, row, place in block.rows:
        S, half_unit = (
            _to_mandel(symmetric_from_upper(v), block.notation) for v in (row.values, row.halves)
        )
        eigenvalues = np.linalg.eigvalsh(S)
        if not eigenvalues[0] > 1e-14 * eigenvalues[-1]:
            raise place.error(
                f"the compliance at relative density {density:g} is not positive definite "
                f"(eigenvalues from {eigenvalues[0]:.3g} to {eigenvalues[-1]:.3g}); expected the "
                "upper triangle, row by row, of a compliance"
            )
        references.append((density, Stiffness.from_compliance_mandel(S)))
        roundings.append(half_unit)
    return tuple(references), tuple(roundings)


def _to_mandel(S: Float[np.ndarray, "6 6"], notation: str) -> Float[np.ndarray, "6 6"]:
    return S if notation == "mandel" else voigt_to_mandel_compliance(torch.from_numpy(S)).numpy()


def _in_standard_frame(entry: CatalogueEntry) -> CatalogueEntry:
    """Turn lattice and tensors so that cell vector a lies along x and b in the plane xy."""
    lattice = entry.lattice
    _check_representable(lattice)
    if np.linalg.det(lattice.cell) < 0:
        lattice = lattice.with_cell_vectors(np.diag([1, 1, -1]))
    if not is_in_standard_frame(lattice):
        Q, R = np.linalg.qr(lattice.cell.T)
        turn = (Q * np.where(R.diagonal() < 0, -1.0, 1.0)).T
        lattice = lattice.rotated(turn)
        entry = replace(
            entry, references=tuple((d, C.rotated(turn.copy())) for d, C in entry.references)
        )
    return replace(entry, lattice=lattice)


def is_in_standard_frame(lattice: Lattice) -> bool:
    """Whether cell vector a lies along x and b in the plane xy, so that nothing need be turned.

    A left-handed cell gets another third vector first, which turns nothing.
    """
    cell = lattice.cell.copy()
    if np.linalg.det(cell) < 0:
        cell[2] *= -1
    upper = np.abs(np.triu(cell, 1)).max() <= 1e-14 * np.abs(cell).max()
    return bool(upper and cell.diagonal().min() >= 0)


def _check_representable(lattice: Lattice) -> None:
    lacks = {
        "tapered struts": lattice.end_radii is not None,
        "hollow struts": lattice.inner_radii is not None,
        "moduli of single struts": lattice.E is not None or lattice.nu is not None,
        f"a Poisson ratio other than {_NU}": lattice.material.nu != _NU,
    }
    for what, present in lacks.items():
        if present:
            raise LatticeGnnError(
                f"lattice {lattice.name!r}: a .lat catalogue cannot hold {what}; write JSON."
            )
    if not lattice.name or lattice.name.split() != [lattice.name]:
        raise LatticeGnnError(
            f"lattice {lattice.name!r}: expected a name without blanks, as .lat catalogues need."
        )


def _text(entry: CatalogueEntry, notation: Notation, digits: int) -> str:
    """Return one entry as text."""

    def numbers(values: np.ndarray, separator: str = " ") -> str:
        if digits == 17:
            return separator.join(repr(float(v)) for v in values)
        return separator.join(f"{float(v):.{digits}g}" for v in values)

    lattice = entry.lattice
    drawn = _drawing(lattice)
    lines = [
        "----- lattice_transition -----",
        f"Name: {entry.name}",
        "",
        f"Base name: {entry.base_name or entry.name}",
        f"Imperfection level: {entry.imperfection_level:.{digits}g}",
        f"Imperfection kind: {entry.imperfection_kind}",
        "Normalized unit cell parameters (a,b,c,alpha,beta,gamma):",
        numbers(_cell_parameters(lattice.cell), ", "),
        "",
    ]
    if entry.references:
        word = "(Mandel) " if notation == "mandel" else ""
        lines.append(f"Compliance tensors {word}start (flattened upper triangular)")
        for density, stiffness in entry.references:
            S = stiffness.symmetrised().compliance()
            S = S if notation == "mandel" else mandel_to_voigt_compliance(S)
            lines += [f"-> at relative density {density!r}:", numbers(S.numpy()[UPPER], ",")]
        lines += [f"Compliance tensors {word}end", ""]
    if np.ptp(lattice.radii) > 1e-12 * lattice.radii.max() or not entry.references:
        lines.append("Fundamental edge radii start")
        for density in [d for d, _ in entry.references] or [float(lattice.relative_density)]:
            radii = entry.at(density).radii if entry.references else lattice.radii
            lines += [f"-> at relative density {density!r}:", numbers(radii, ",")]
        lines += ["Fundamental edge radii end", ""]
    lines += ["Nodal positions:", *(numbers(row) for row in drawn[0]), ""]
    lines += ["Bar connectivities:", *(f"{i} {j}" for i, j in drawn[1]), ""]
    lines += ["Fundamental edge adjacency", *(f"{i} {j}" for i, j in lattice.struts), ""]
    shifts = (" ".join(str(s) for s in shift) for shift in lattice.shifts)
    lines += ["Fundamental tesselation vectors", *shifts, "", ""]
    return "\n".join(lines)


def _drawing(lattice: Lattice) -> tuple[Float[np.ndarray, "points 3"], np.ndarray]:
    """Return the home nodes, then the images that struts end at; and the struts between them."""
    points = {(n, 0, 0, 0): n for n in range(lattice.num_nodes)}
    bars = []
    for (i, j), shift in zip(lattice.struts.tolist(), lattice.shifts.tolist(), strict=True):
        bars.append((i, points.setdefault((j, *shift), len(points))))
    keys = np.array(list(points))
    return lattice.nodes[keys[:, 0]] + keys[:, 1:], np.array(bars)


def _cell_parameters(cell: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "6"]:
    """(a, b, c, alpha, beta, gamma), angles in degrees; 90 exactly where vectors are orthogonal."""
    lengths = np.linalg.norm(cell, axis=1)
    unit = cell / lengths[:, None]
    cosines = np.array([unit[1] @ unit[2], unit[0] @ unit[2], unit[0] @ unit[1]])
    sines = np.linalg.norm(np.cross(unit[[1, 0, 0]], unit[[2, 2, 1]]), axis=1)
    angles = np.where(np.abs(cosines) < 1e-15, 90.0, np.degrees(np.arctan2(sines, cosines)))
    return np.concatenate([lengths, angles])
