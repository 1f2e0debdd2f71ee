"""Pictures as binary glTF (``.glb``), which browsers, office programs and phones show.

Every view is a node of the scene, side by side; each part is a triangle mesh with normals, and with
one colour per corner where values are shown. glTF has y up: our axes x, y, z become x, -z, y there.
Titles and scales are not part of the file; ranges of values are in the ``extras`` of each node.

Source: Khronos Group, glTF 2.0 Specification, sections 3.6, 3.7, 3.9 and 4.4.
"""

import json
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Normalize, to_rgb

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import check_writable, write_whole
from viz.mesh import Surface, Tubes, joint_surface, strut_surface
from viz.picture import Part, Picture, Scale, Theme, View, camera_axes

_SPACING = 2.2  #: distance of neighbouring views, whose content has radius 1
_FLOAT, _UINT = 5126, 5125
_VERTICES, _INDICES = 34962, 34963
_MAGIC, _JSON, _BINARY = 0x46546C67, 0x4E4F534A, 0x004E4942


def write_gltf(picture: Picture, path: str | os.PathLike[str]) -> Path:
    """Write all views of a picture, atomically.

    Args:
        picture: What to write.
        path: A file that ends in .glb.

    Raises:
        LatticeGnnError: If the file cannot be written, or its name ends in something else.
    """
    target = check_gltf_path(path)
    write_whole(target, gltf_bytes(picture))
    return target


def check_gltf_path(path: str | os.PathLike[str]) -> Path:
    """Refuse a file that cannot be written, before anything is computed.

    Raises:
        LatticeGnnError: If it cannot be written, or its name does not end in .glb.
    """
    target = Path(path)
    if target.suffix.lower() != ".glb":
        raise LatticeGnnError(f"{path}: glTF is written in one file; choose a name ending in .glb.")
    check_writable(target)
    return target


def gltf_bytes(picture: Picture) -> bytes:
    """Return the file."""
    file = _File()
    for number, view in enumerate(picture.views):
        if view.parts:
            file.add(view, number % picture.columns, number // picture.columns, picture.theme)
    return file.packed()


class _File:
    """Collects the nodes, meshes and buffers of one file."""

    def __init__(self) -> None:
        self.binary = bytearray()
        self.content: dict[str, Any] = {
            "asset": {"version": "2.0", "generator": "lattice-gnn"},
            "scene": 0,
            "scenes": [{"nodes": []}],
            "nodes": [],
            "meshes": [],
            "materials": [
                {
                    "pbrMetallicRoughness": {"metallicFactor": 0.1, "roughnessFactor": 0.6},
                    "doubleSided": True,
                }
            ],
            "accessors": [],
            "bufferViews": [],
        }

    def add(self, view: View, column: int, row: int, theme: Theme) -> None:
        """Add a view as one mesh at its place."""
        right = _y_up(camera_axes()[0])
        place = _SPACING * (column * right - row * np.array([0.0, 1.0, 0.0]))
        primitives = [
            self._primitive(mesh, colours)
            for part in view.parts
            for mesh, colours in coloured_meshes(part, view.scale, theme)
        ]
        extras: dict[str, Any] = {"line": view.line}
        if view.scale is not None:
            extras |= {"values": view.scale.title, "range": list(view.scale.limits)}
        content = self.content
        content["meshes"].append({"name": view.title, "primitives": primitives})
        node = {
            "name": view.title,
            "mesh": len(content["meshes"]) - 1,
            "translation": place.tolist(),
            "extras": extras,
        }
        content["nodes"].append(node)
        content["scenes"][0]["nodes"].append(len(content["nodes"]) - 1)

    def _primitive(self, mesh: Surface, colours: np.ndarray) -> dict[str, Any]:
        normals = face_normals(mesh) if mesh.normals is None else mesh.normals
        points = _y_up(mesh.points)
        return {
            "attributes": {
                "POSITION": self._accessor(points, _FLOAT, _VERTICES, limits=True),
                "NORMAL": self._accessor(_y_up(normals), _FLOAT, _VERTICES),
                "COLOR_0": self._accessor(colours, _FLOAT, _VERTICES),
            },
            "indices": self._accessor(mesh.faces.reshape(-1), _UINT, _INDICES),
            "material": 0,
        }

    def _accessor(self, values: np.ndarray, kind: int, target: int, *, limits: bool = False) -> int:
        packed = np.ascontiguousarray(values, dtype="<f4" if kind == _FLOAT else "<u4")
        content = self.content
        content["bufferViews"].append(
            {
                "buffer": 0,
                "byteOffset": len(self.binary),
                "byteLength": packed.nbytes,
                "target": target,
            }
        )
        self.binary += packed.tobytes()
        accessor: dict[str, Any] = {
            "bufferView": len(content["bufferViews"]) - 1,
            "componentType": kind,
            "count": len(packed),
            "type": "SCALAR" if packed.ndim == 1 else "VEC3",
        }
        if limits:
            accessor |= {"min": packed.min(axis=0).tolist(), "max": packed.max(axis=0).tolist()}
        content["accessors"].append(accessor)
        return len(content["accessors"]) - 1

    def packed(self) -> bytes:
        """Return header, JSON chunk and binary chunk."""
        self.content["buffers"] = [{"byteLength": len(self.binary)}]
        text = json.dumps(self.content, ensure_ascii=True, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        binary = bytes(self.binary) + b"\0" * (-len(self.binary) % 4)
        total = 12 + 8 + len(text) + 8 + len(binary)
        return b"".join(
            (
                struct.pack("<III", _MAGIC, 2, total),
                struct.pack("<II", len(text), _JSON),
                text,
                struct.pack("<II", len(binary), _BINARY),
                binary,
            )
        )


def coloured_meshes(
    part: Part, scale: Scale | None, theme: Theme
) -> list[tuple[Surface, np.ndarray]]:
    """Return the meshes of a part, each with linear RGB of every point."""
    if isinstance(part.body, Tubes):
        meshes = [(strut_surface(part.body, 16, part.values), part.values is not None)]
        if len(part.body.joints):
            balls = joint_surface(part.body, 2, part.joint_values)
            meshes.append((balls, part.joint_values is not None))
    else:
        meshes = [(part.body, True)]
    found = []
    for mesh, has_values in meshes:
        if part.shown and has_values and scale is not None:
            share = np.asarray(Normalize(*scale.limits)(mesh.values))
            rgb = np.array(colormaps[scale.colours](share), dtype=np.float64)[:, :3]
        else:
            rgb = np.tile(to_rgb(theme.of(part.colour)), (len(mesh.points), 1))
        found.append((mesh, _linear(rgb)))
    return found


def face_normals(mesh: Surface) -> np.ndarray:
    """Return unit normals at the points: means over the faces, weighted by area."""
    a, b, c = (mesh.points[mesh.faces[:, k]] for k in range(3))
    normals = np.zeros_like(mesh.points)
    for k in range(3):
        np.add.at(normals, mesh.faces[:, k], np.cross(b - a, c - a))
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.where(length > 0, normals / np.maximum(length, 1e-300), [0.0, 0.0, 1.0])


def _y_up(vectors: np.ndarray) -> np.ndarray:
    x, y, z = np.moveaxis(vectors, -1, 0)
    return np.stack([x, z, -y], axis=-1)


def _linear(rgb: np.ndarray) -> np.ndarray:
    """Convert sRGB to linear light (IEC 61966-2-1), which glTF expects."""
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
