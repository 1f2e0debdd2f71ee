"""3MF files with the Beam Lattice extension, ``.3mf``: writing.

One mesh object a lattice: home nodes and the images that struts end at, a beam a strut with its two
radii, caps that are balls, a beam set with the lattice's name. Hollow struts become solid ones for
other programs. The lattice itself (cell, shifts, material, bores, names) stands in metadata
``lg:lattice1``, ``lg:lattice2``, ... in the namespace of this project.
"""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from data.drawings.drawing import draw, passport_text
from data.formats.threemf_elements import (
    BALLS,
    BEAMS,
    CORE,
    OURS,
    unit_of,
)
from data.formats.threemf_package import MODEL, MODEL_TYPE, RELATIONS
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import write_whole
from lattice_gnn.lattice.lattice import Lattice

_TYPES = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="model" '
    'ContentType="application/vnd.ms-package.3dmanufacturing-3dmodel+xml"/></Types>'
)
_RELS = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    f'<Relationship Target="/{MODEL}" Id="rel0" Type="{MODEL_TYPE}"/></Relationships>'
)


def write(path: Path, lattices: Sequence[Lattice], *, balls: bool = False) -> None:
    """Write lattices, one object each, and build each of them once.

    Args:
        path: The file.
        lattices: At least one, all in one unit of length; one that 3MF does not know counts as mm.
        balls: Also write a ball at every node, as wide as its widest strut.

    Raises:
        LatticeGnnError: There is none, their units differ, or the file cannot be written.
    """
    if not lattices:
        raise LatticeGnnError(f"{path}: there is no lattice to write.")
    if len({lattice.units for lattice in lattices}) > 1:
        raise LatticeGnnError(f"{path}: lattices in different units of length; write one unit.")
    unit = unit_of(lattices[0].units) or "millimeter"
    extensions = "b b2" if balls else "b"
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<model unit="{unit}" xml:lang="en-US" xmlns="{CORE}" xmlns:b="{BEAMS}" '
        f'xmlns:b2="{BALLS}" xmlns:lg="{OURS}" requiredextensions="{extensions}">',
    ]
    for order, lattice in enumerate(lattices, 1):
        text = escape(passport_text(lattice))
        lines.append(f'<metadata name="lg:lattice{order}" preserve="1">{text}</metadata>')
    lines.append("<resources>")
    for order, lattice in enumerate(lattices, 1):
        lines += _object(order, lattice, balls)
    lines += ["</resources>", "<build>"]
    for order, lattice in enumerate(lattices, 1):
        x, y, z = (_margin(lattice) - draw(lattice).points.min(axis=0)).tolist()
        transform = f"1 0 0 0 1 0 0 0 1 {_number(x)} {_number(y)} {_number(z)}"
        lines.append(f'<item objectid="{order}" transform="{transform}"/>')
    lines += ["</build>", "</model>", ""]
    write_whole(path, packed("\n".join(lines)))


def _margin(lattice: Lattice) -> float:
    return float(lattice.sections.largest_radii.max())


def _number(value: float) -> str:
    return f"{value:.12g}"


def _object(order: int, lattice: Lattice, balls: bool) -> list[str]:
    drawing = draw(lattice)
    ends = lattice.sections.end_radii
    widest = np.zeros(len(drawing.points))
    np.maximum.at(widest, drawing.bars[:, 0], lattice.radii)
    np.maximum.at(widest, drawing.bars[:, 1], ends)
    name = quoteattr(lattice.name or f"lattice {order}")
    ball = f' b2:ballmode="all" b2:ballradius="{_number(widest.max())}"' if balls else ""
    least = _number(1e-3 * lattice.lengths.min())
    lines = [f'<object id="{order}" type="model" name={name}><mesh>', "<vertices>"]
    for x, y, z in drawing.points.tolist():
        lines.append(f'<vertex x="{_number(x)}" y="{_number(y)}" z="{_number(z)}"/>')
    lines.append("</vertices>")
    lines.append(
        f'<b:beamlattice minlength="{least}" radius="{_number(lattice.radii.max())}" '
        f'cap="sphere"{ball}>'
    )
    lines.append("<b:beams>")
    rows = zip(drawing.bars.tolist(), lattice.radii.tolist(), ends.tolist(), strict=True)
    for (i, j), r1, r2 in rows:
        lines.append(f'<b:beam v1="{i}" v2="{j}" r1="{_number(r1)}" r2="{_number(r2)}"/>')
    lines.append("</b:beams>")
    if balls:
        lines.append("<b2:balls>")
        for vertex in np.unique(drawing.bars).tolist():
            lines.append(f'<b2:ball vindex="{vertex}" r="{_number(widest[vertex])}"/>')
        lines.append("</b2:balls>")
    refs = "".join(f'<b:ref index="{k}"/>' for k in range(lattice.num_struts))
    sets = f'<b:beamset name={name} identifier="lattice{order}">{refs}</b:beamset>'
    lines.append(f"<b:beamsets>{sets}</b:beamsets>")
    return [*lines, "</b:beamlattice>", "</mesh></object>"]


def packed(model: str) -> bytes:
    """Return the archive; the same model gives the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        members = (("[Content_Types].xml", _TYPES), (RELATIONS, _RELS), (MODEL, model))
        for name, text in members:
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, text.encode())
    return buffer.getvalue()
