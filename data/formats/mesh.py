"""Line meshes for viewers and mesh tools: VTU, legacy VTK, XDMF and Gmsh, through meshio.

Struts are cells of type ``line`` with cell data ``radius`` (radius at the first point) and, where
the lattice has them, ``end_radius``, ``inner_radius``, ``E`` and ``nu``. Our own files also carry
``cell_vectors`` (nine numbers, the same for every strut) and the point data ``node`` and ``image``
(node of the periodic lattice, and the cell that the point lies in), from which the periodic lattice
comes back; names and units are lost. Other line meshes are folded like any drawing. Quadratic lines
(``line3``) are two struts; other cells are skipped.
"""

import base64
import lzma
import re
import warnings
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import meshio
import numpy as np
from jaxtyping import Float
from meshio.vtu._vtu import VtuReader, vtu_to_numpy_type

from data.drawings.drawing import Drawing, draw, images
from data.drawings.fold_report import Fold, FoldReport
from data.formats.options import ReadOptions, fold_file, only_one
from data.reading import (
    MAX_BARS,
    MAX_BYTES,
    Place,
    XmlHandler,
    in_chunks,
    parse_xml,
    read_bytes,
)
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import replacing
from lattice_gnn.lattice.lattice import Lattice, Material

SUFFIXES = {"vtu": ".vtu", "vtk": ".vtk", "xdmf": ".xdmf", "gmsh": ".msh"}
_COUNTS = re.compile(
    rb'(?:NumberOf(?:Points|Cells|Elements|Nodes)|Dimensions)\s*=\s*"\s*(\d+)'
    rb"|(?:^|\n)(?:POINTS|CELLS|POINT_DATA|CELL_DATA)\s+(\d+)"
    rb"|\$(?:Nodes|Elements|ElementData|NodeData)\s+(\d+)(?: +(\d+))?"
)
_FIELDS = ("radius", "end_radius", "inner_radius", "E", "nu", "E_s", "nu_s")


def kind_of(path: Path, head: bytes) -> str | None:
    """Name the mesh format of a file by its first bytes, None if it is none of them."""
    if head.startswith(b"# vtk DataFile"):
        return "vtk"
    if b"<VTKFile" in head[:4096]:
        return "vtu"
    if b"<Xdmf" in head[:4096]:
        return "xdmf"
    return "gmsh" if head.startswith((b"$MeshFormat", b"$Comments")) else None


def read(path: Path, options: ReadOptions) -> list[Fold]:
    """Read the lines of a mesh.

    Raises:
        LatticeGnnError: Naming the file and what is wrong.
    """
    content = read_bytes(path)
    kind = kind_of(path, content[:4096])
    if kind is None:
        raise LatticeGnnError(f"{path.name}: not a VTU, VTK, XDMF or Gmsh mesh.")
    _check(content, path.name, kind)
    mesh = _meshio(path, kind)
    where = path.name
    try:
        drawing = _drawing(mesh, path)
    except (ValueError, IndexError, TypeError) as error:
        if isinstance(error, LatticeGnnError):
            raise
        raise LatticeGnnError(f"{where}: damaged: its arrays do not fit one another.") from None
    original = _periodic(mesh, drawing) if options.cell is None else None
    if original is not None:
        return [Fold(original, FoldReport())]
    vectors = mesh.cell_data_dict.get("cell_vectors", {}).get("line")
    if options.cell is None and vectors is not None and np.shape(vectors)[1:] == (9,):
        cell = np.asarray(vectors[0], dtype=np.float64).reshape(3, 3)
        options = ReadOptions(cell=cell, split=options.split)
    return [fold_file(where, drawing, None, options)]


def _check(content: bytes, where: str, kind: str) -> None:
    """Refuse what would make a reader allocate, expand or open what it should not."""
    for match in _COUNTS.finditer(content):
        for count in match.groups():
            if count is not None and int(count[:18]) > 10 * MAX_BARS:
                raise LatticeGnnError(
                    f"{where}: declares {int(count[:18])} entries; more than {10 * MAX_BARS} are "
                    "not read."
                )
    if kind not in ("vtu", "xdmf"):
        return

    def start(tag: str, attributes: dict[str, str], place: Place) -> None:
        if tag == "DataItem" and attributes.get("Format", "XML") != "XML":
            raise place.error(
                "refers to data outside of the file, which is not followed; write the data inside "
                "(Format XML)"
            )

    parse_xml(in_chunks(content), where, XmlHandler(start=start))


class _Vtu(VtuReader):
    """Reader whose decompression stops where it grows out of proportion."""

    def read_compressed_binary(self, data: str, dtype: Any) -> Any:
        order = {"LittleEndian": "<", "BigEndian": ">"}.get(self.byte_order, "=")
        item = np.dtype(vtu_to_numpy_type[self.header_type]).newbyteorder(order)
        first = base64.b64decode(data[: -(-item.itemsize // 3) * 4])[: item.itemsize]
        blocks = int(np.frombuffer(first, item)[0])
        end = -(-item.itemsize * (3 + blocks) // 3) * 4
        sizes = np.frombuffer(base64.b64decode(data[:end]), item)[3 : 3 + blocks]
        packed, pieces, total, at = base64.b64decode(data[end:]), [], 0, 0
        for size in sizes.tolist():
            block = packed[at : at + size]
            at += size
            piece = _decompress(block, self.compression)
            total += len(piece)
            if total > MAX_BYTES:
                raise ValueError(f"an array decompresses to more than {MAX_BYTES // 2**20} MiB")
            pieces.append(piece)
        return np.frombuffer(b"".join(pieces), np.dtype(dtype).newbyteorder(order))


def _decompress(block: bytes, compressor: str | None) -> bytes:
    if compressor == "vtkZLibDataCompressor":
        return zlib.decompressobj().decompress(block, MAX_BYTES + 1)
    return lzma.LZMADecompressor().decompress(block, MAX_BYTES + 1)


def _meshio(path: Path, kind: str) -> meshio.Mesh:
    """Let meshio read; whatever it raises becomes one sentence."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if kind != "gmsh":  # whose reader stops at the end of every ASCII block by this warning
                warnings.filterwarnings("error", message="string or file could not be read")
            if kind == "vtu":
                reader = _Vtu(str(path))
                return meshio.Mesh(
                    reader.points,
                    reader.cells,
                    point_data=reader.point_data,
                    cell_data=reader.cell_data,
                )
            module = {"vtk": meshio.vtk, "xdmf": meshio.xdmf, "gmsh": meshio.gmsh}[kind]
            return module.read(str(path))
    except Exception as error:  # meshio raises anything on a damaged file
        reason = " ".join(str(error).split())[:100] or type(error).__name__
        raise LatticeGnnError(
            f"{path.name}: damaged, or not a mesh of the kind {kind} ({reason})."
        ) from None


def _drawing(mesh: meshio.Mesh, path: Path) -> Drawing:
    """Return the lines of a mesh with what is known of their sections."""
    where = path.name
    bars: list[np.ndarray] = []
    data: dict[str, list[np.ndarray]] = {name: [] for name in _FIELDS}
    for number, block in enumerate(mesh.cells):
        if block.type not in ("line", "line3"):
            continue
        rows = np.asarray(block.data, dtype=np.int64)
        parts = [rows] if block.type == "line" else [rows[:, [0, 2]], rows[:, [2, 1]]]
        for part in parts:
            bars.append(part)
            for name, columns in data.items():
                if name in mesh.cell_data:
                    column = np.asarray(mesh.cell_data[name][number], dtype=np.float64)
                    columns.append(column.reshape(len(part), -1)[:, 0])
    if not sum(map(len, bars)):
        raise LatticeGnnError(f"{where}: holds no lines; surfaces and solids are not read.")
    points = np.asarray(mesh.points, dtype=np.float64)
    points = np.column_stack([points, np.zeros((len(points), 3 - points.shape[1]))])
    rows = np.concatenate(bars)
    if rows.min() < 0 or rows.max() >= len(points):
        raise LatticeGnnError(f"{where}: a line ends at a point that is not there.")
    if len(rows) > MAX_BARS:
        raise LatticeGnnError(f"{where}: more than {MAX_BARS} lines; convert a single cell.")
    values = {name: np.concatenate(column) for name, column in data.items() if column}
    _check_numbers(points, values, where)
    E, nu = values.get("E"), values.get("nu")
    E_s, nu_s = values.get("E_s", E), values.get("nu_s", nu)  # of the solid that C is relative to
    solid = Material(1.0 if E_s is None else float(E_s[0]), 0.3 if nu_s is None else float(nu_s[0]))
    return Drawing(
        points=points,
        bars=rows,
        radii=values.get("radius"),
        end_radii=values.get("end_radius"),
        inner_radii=values.get("inner_radius"),
        E=None if E is None or np.all(solid.E == E) else E,
        nu=None if nu is None or np.all(solid.nu == nu) else nu,
        material=solid,
        name=path.stem,
    )


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


def _periodic(mesh: meshio.Mesh, drawing: Drawing) -> Lattice | None:
    """Return the periodic lattice that our own point and cell data describe, None if they do not.

    They must fit the coordinates: another program may have changed these.
    """
    vectors = mesh.cell_data_dict.get("cell_vectors", {}).get("line")
    if vectors is None or not {"node", "image"} <= set(mesh.point_data):
        return None
    node = np.rint(np.asarray(mesh.point_data["node"], dtype=np.float64).ravel()).astype(np.int64)
    image = np.rint(np.asarray(mesh.point_data["image"], dtype=np.float64)).astype(np.int64)
    vectors = np.asarray(vectors, dtype=np.float64)
    count = len(drawing.points)
    if image.shape != (count, 3) or node.shape != (count,) or vectors.shape[1:] != (9,):
        return None
    cell = vectors[0].reshape(3, 3)
    _, first, number = np.unique(node, return_index=True, return_inverse=True)
    try:
        fractions = drawing.points @ np.linalg.inv(cell) - image
        home = fractions[first]
        if np.abs(fractions - home[number]).max() > 1e-5:
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
    mesh = _mesh(lattice)
    with replacing(path) as part:
        if kind == "xdmf":
            meshio.xdmf.write(str(part), mesh, data_format="XML")
        elif kind == "gmsh":
            meshio.gmsh.write(str(part), mesh, "4.1", binary=True)
        else:
            module = meshio.vtu if kind == "vtu" else meshio.vtk
            module.write(str(part), mesh)


def _mesh(lattice: Lattice) -> meshio.Mesh:
    drawing = draw(lattice)
    node, image = images(lattice)
    count = lattice.num_struts
    E = np.full(count, lattice.material.E) if lattice.E is None else lattice.E
    nu = np.full(count, lattice.material.nu) if lattice.nu is None else lattice.nu
    columns = {
        "radius": lattice.radii,
        "end_radius": lattice.end_radii,
        "inner_radius": lattice.inner_radii,
        "E": E,
        "nu": nu,
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
