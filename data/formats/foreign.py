"""Files of other programs that are mistaken for lattices: what they are, for the error."""

_COMPRESSED = "is compressed, and must be unpacked first"
_SURFACE = "holds a surface or a solid, of which no struts are known"
_CAD = "is a file of a CAD program, which is not read; export the struts from there"
_BEGINNINGS = {
    b"\x1f\x8b": _COMPRESSED,
    b"BZh": _COMPRESSED,
    b"\xfd7zXZ": _COMPRESSED,
    b"7z\xbc\xaf": _COMPRESSED,
    b"Rar!": _COMPRESSED,
    b"\x28\xb5\x2f\xfd": _COMPRESSED,
    b"ISO-10303-21": _CAD,
    b"3D Geometry File Format": _CAD,
    b"BLENDER": _CAD,
    b"glTF": _SURFACE,
    b"solid ": _SURFACE,
    b"\x89HDF": "is an HDF5 file; datasets are read by `lattice-gnn data`, `label` and `train`",
    b"MATLAB 5.0": "is a MATLAB file, which is not read; write tables, with writematrix",
    b"\x93NUMPY": "is an array of NumPy, which is not read; write tables",
    b"\xd0\xcf\x11\xe0": "is a file of an office program; save its sheets as CSV",
    b"%PDF": "is a PDF",
    b"\x89PNG": "is a picture",
    b"\xff\xd8\xff": "is a picture",
    b"version https://git-lfs": "is a pointer of Git LFS; fetch the file itself with git lfs pull",
}
_SUFFIXES = {
    ".stl": _SURFACE, ".ply": _SURFACE, ".glb": _SURFACE,
    ".obj": "is an OBJ file, which is not read",
    ".igs": _CAD, ".iges": _CAD, ".dxf": _CAD, ".dwg": _CAD, ".fcstd": _CAD, ".sldprt": _CAD,
}  # fmt: skip


def what_it_is(head: bytes, suffix: str) -> str:
    """Return what a file of no known format is, as the predicate of a sentence; '' if unknown.

    Args:
        head: Its first bytes.
        suffix: Of its name.
    """
    for beginning, text in _BEGINNINGS.items():
        if head.startswith(beginning):
            return text
    return _SUFFIXES.get(suffix.lower(), "")
