"""Line meshes of viewers and mesh tools: VTU, VTP, legacy VTK, XDMF and Gmsh.

Struts are line cells (lines, poly-lines, higher edges through all their points) with cell data
``radius`` (radius at the first point) and, where the lattice has them, ``end_radius``,
``inner_radius``, ``E`` and ``nu``; radii and diameters are understood under other names too, and as
point data. Our own files also carry ``cell_vectors`` (nine numbers, the same for every strut) and
the point data ``node`` and ``image`` (node of the periodic lattice, and the cell that the point
lies in), from which the periodic lattice comes back; names and units are lost. Other line meshes
are folded like any drawing. Cells that are no lines are skipped, which is said.

The readers are our own: they read within limits whatever a stranger's file declares. meshio writes.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from data.drawings.drawing import Drawing, draw, images
from data.drawings.fold_report import Fold, FoldReport
from data.formats import columns, gmsh, vtk_legacy, vtk_xml, xdmf
from data.formats.line_mesh import LineMesh
from data.formats.options import ReadOptions, fold_file, only_one, several_solids
from data.reading import read_bytes
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import replacing
from lattice_gnn.lattice.lattice import Lattice, Material

if TYPE_CHECKING:
    import meshio

SUFFIXES = {"vtu": ".vtu", "vtk": ".vtk", "xdmf": ".xdmf", "gmsh": ".msh"}
_SOLID_FIELDS = ("E", "nu", "E_s", "nu_s")
_OURS = ("node", "image", "cell_vectors")
_BOOKKEEPING = ("gmsh:physical", "gmsh:geometrical", "gmsh:dim_tags", "GlobalNodeId")


def _reader(head: bytes) -> Callable[[bytes, str], LineMesh] | None:
    """Name the reader of a file by its first bytes; None if it is not a mesh."""
    if head.startswith(b"# vtk DataFile"):
        return vtk_legacy.read
    if b"<VTKFile" in head[:4096]:
        return vtk_xml.read
    if b"<Xdmf" in head[:4096]:
        return xdmf.read
    return gmsh.read if head.startswith((b"$MeshFormat", b"$Comments")) else None


def read(path: Path, options: ReadOptions) -> list[Fold]:
    """Read the lines of a mesh.

    Raises:
        LatticeGnnError: Naming the file and what is wrong.
    """
    content, where = read_bytes(path), path.name
    reader = _reader(content[:4096])
    if reader is None:
        raise LatticeGnnError(f"{where}: not a VTU, VTP, VTK, XDMF or Gmsh mesh.")
    try:
        mesh = reader(content, where)
        drawing, notes = _drawing(mesh, path)
    except (ValueError, IndexError, TypeError, OverflowError) as error:
        if isinstance(error, LatticeGnnError):
            raise
        raise LatticeGnnError(f"{where}: damaged: its arrays do not fit one another.") from None
    vectors = mesh.cell_data.get("cell_vectors")
    if options.cell is None and vectors is not None:
        _require_one(vectors[mesh.cells], "cell_vectors", where, "give the cell vectors")
    original = _periodic(mesh, drawing) if options.cell is None else None
    if original is not None:
        return [Fold(original, FoldReport(notes=tuple(notes)))]
    if options.cell is None and vectors is not None and vectors.shape[1] == 9:
        options = dataclasses.replace(options, cell=vectors[mesh.cells[0]].reshape(3, 3))
    return [fold_file(where, drawing, None, options, notes=notes)]


def _drawing(mesh: LineMesh, path: Path) -> tuple[Drawing, list[str]]:
    """Return the lines of a mesh, what is known about their sections, and what was left out."""
    where = path.name
    notes = list(mesh.notes)
    if mesh.skipped:
        kinds = ", ".join(f"{count} {name}" for name, count in sorted(mesh.skipped.items()))
        notes.append(f"cells that are no lines were skipped: {kinds[:200]}.")
    sizes = _MeshSizes.of(mesh, where)
    values, notes = sizes.values, [*notes, *sizes.notes]
    for name in _SOLID_FIELDS:
        if name in mesh.cell_data:
            values[name] = _column(mesh.cell_data[name], name, where)[mesh.cells]
    at_cells = {*sizes.at_cells, *_SOLID_FIELDS, *_OURS, *_BOOKKEEPING}
    at_points = {*sizes.at_points, *_OURS, *_BOOKKEEPING}
    skipped = [name for name in mesh.cell_data if name not in at_cells]
    skipped += [name for name in mesh.point_data if name not in at_points]
    notes += columns.skipped_note(skipped)
    _check_numbers(mesh.points, values, where)
    E, nu = values.get("E"), values.get("nu")
    E_s, nu_s = values.get("E_s", E), values.get("nu_s", nu)  # of the solid that C is relative to
    for name in {"E_s", "nu_s"} & values.keys():
        _require_one(values[name], name, where, "write each lattice into a file of its own")
    solid = Material(1.0 if E_s is None else float(E_s[0]), 0.3 if nu_s is None else float(nu_s[0]))
    alike = [x is None or np.ptp(x) == 0 for x in (E, nu)]
    if not all(alike) and "E_s" not in values:
        notes.append(several_solids(solid))
    drawing = Drawing(
        points=mesh.points,
        bars=mesh.bars,
        radii=values.get("radius"),
        end_radii=values.get("end_radius"),
        inner_radii=values.get("inner_radius"),
        E=None if E is None or np.all(solid.E == E) else E,
        nu=None if nu is None or np.all(solid.nu == nu) else nu,
        material=solid,
        name=path.stem,
    )
    return drawing, notes


@dataclass(frozen=True, slots=True)
class _MeshSizes:
    """Radii of all bars, by the key of their column, and which arrays give them."""

    values: dict[str, np.ndarray]
    at_cells: set[str]
    at_points: set[str]
    notes: list[str]

    @classmethod
    def of(cls, mesh: LineMesh, where: str) -> "_MeshSizes":
        """Take them from cell data, or else from point data."""
        try:
            cells = columns.sizes_among(mesh.cell_data, "")
            points = columns.sizes_among(mesh.point_data, "", columns.OF_NODES)
        except LatticeGnnError as error:
            raise LatticeGnnError(f"{where}: {error}.") from None
        values = {
            key: factor * _column(mesh.cell_data[name], name, where)[mesh.cells]
            for key, (name, factor) in cells.columns.items()
        }
        if values or not points.columns:
            notes = [columns.OWN_RADII] if points.columns else []
            return cls(values, cells.names, points.names, [*cells.notes, *notes])
        name, factor = points.columns["radius"]
        column = factor * _column(mesh.point_data[name], name, where)
        values["radius"], last = columns.from_nodes(column, mesh.bars)
        if last is not None:
            values["end_radius"] = last
        return cls(values, cells.names, points.names, points.notes)


def _column(values: np.ndarray, name: str, where: str) -> np.ndarray:
    if values.shape[1] != 1:
        raise LatticeGnnError(
            f"{where}: {name[:40]!r}: expected one number for each entry, got {values.shape[1]}."
        )
    return values[:, 0]


def _require_one(values: np.ndarray, name: str, where: str, remedy: str) -> None:
    """Refuse data of a whole lattice that are not the same at all struts."""
    if (values != values[:1]).any():
        raise LatticeGnnError(f"{where}: {name!r} differs from strut to strut; {remedy}.")


def _check_numbers(
    points: Float[np.ndarray, "points 3"], values: dict[str, np.ndarray], where: str
) -> None:
    if not np.isfinite(points).all():
        raise LatticeGnnError(f"{where}: a coordinate is not finite.")
    least = {"radius": 0.0, "end_radius": 0.0, "E": 0.0, "nu": -1.0, "E_s": 0.0, "nu_s": -1.0}
    for name in least.keys() & values.keys():
        if not (np.isfinite(values[name]) & (values[name] > least[name])).all():
            raise LatticeGnnError(
                f"{where}: cell data {name!r}: expected finite numbers above {least[name]:g}."
            )
    if "nu" in values and values["nu"].max() >= 0.5:
        raise LatticeGnnError(f"{where}: cell data 'nu': expected numbers below 0.5.")


def _periodic(mesh: LineMesh, drawing: Drawing) -> Lattice | None:
    """Return the periodic lattice that our own point and cell data describe, None if they do not.

    They must fit the coordinates: another program may have changed these.
    """
    vectors = mesh.cell_data.get("cell_vectors")
    if vectors is None or not {"node", "image"} <= mesh.point_data.keys():
        return None
    if drawing.radii is None or vectors.shape[1] != 9:
        return None
    node = mesh.point_data["node"]
    image = np.rint(mesh.point_data["image"])
    if node.shape[1] != 1 or image.shape[1] != 3:
        return None
    if not (np.abs(node) < 1e9).all() or not (np.abs(image) < 1e9).all():
        return None
    node, image = np.rint(node[:, 0]).astype(np.int64), image.astype(np.int64)
    cell = vectors[mesh.cells[0]].reshape(3, 3)
    _, first, number = np.unique(node, return_index=True, return_inverse=True)
    try:
        fractions = drawing.points @ np.linalg.inv(cell) - image
        home = fractions[first]
        if not np.abs(fractions - home[number]).max() <= 1e-5:
            return None
        i, j = drawing.bars.T
        return Lattice(
            cell=cell,
            nodes=home,
            struts=number.reshape(-1)[drawing.bars],
            shifts=image[j] - image[i],
            radii=np.asarray(drawing.radii),
            end_radii=drawing.end_radii,
            inner_radii=drawing.inner_radii,
            E=drawing.E,
            nu=drawing.nu,
            name=drawing.name,
            material=drawing.material,
        )
    except (np.linalg.LinAlgError, LatticeGnnError):
        return None


def write(path: Path, lattices: Sequence[Lattice], kind: str = "") -> None:
    """Write one lattice as a line mesh.

    Args:
        path: The file; its suffix tells the kind if that is not given.
        lattices: One lattice.
        kind: "vtu", "vtk", "xdmf" or "gmsh".

    Raises:
        LatticeGnnError: There are several, or the file cannot be written.
    """
    lattice = only_one(path, lattices, "a mesh format")
    kind = kind or {v: k for k, v in SUFFIXES.items()}.get(path.suffix.lower(), "vtu")
    import meshio

    mesh = _mesh(lattice)
    with replacing(path) as part:
        if kind == "xdmf":
            meshio.xdmf.write(str(part), mesh, data_format="XML")
        elif kind == "gmsh":
            meshio.gmsh.write(str(part), mesh, "4.1", binary=True)
        else:
            module = meshio.vtu if kind == "vtu" else meshio.vtk
            module.write(str(part), mesh)


def _mesh(lattice: Lattice) -> "meshio.Mesh":
    import meshio

    drawing = draw(lattice)
    node, image = images(lattice)
    count = lattice.num_struts
    columns = {
        "radius": lattice.radii,
        "end_radius": lattice.end_radii,
        "inner_radius": lattice.inner_radii,
        "E": lattice.sections.E,
        "nu": lattice.sections.nu,
        "E_s": np.full(count, lattice.material.E),
        "nu_s": np.full(count, lattice.material.nu),
        "cell_vectors": np.tile(lattice.cell.reshape(9), (count, 1)),
    }
    return meshio.Mesh(
        drawing.points,
        [("line", drawing.bars)],
        point_data={"node": node.astype(np.float64), "image": image.astype(np.float64)},
        cell_data={name: [np.array(x)] for name, x in columns.items() if x is not None},
    )
