"""Effective elasticity of strut lattices.

>>> import lattice_gnn as lg
>>> octet = lg.cell("octet", relative_density=0.1)
>>> prediction = lg.predict(octet)
>>> reference = lg.homogenise(octet, method="solid", voxels_per_diameter=4)
>>> float(lg.relative_frobenius(prediction.stiffness, reference.stiffness)) < 0.05
True

The names below are loaded when they are first used (PEP 562), so that ``import lattice_gnn`` costs
nothing: no torch, no e3nn, no PyTorch Geometric.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from data.files import read, write
    from lattice_gnn.cells.named import cell, cell_names
    from lattice_gnn.errors import LatticeGnnError
    from lattice_gnn.lattice.batch import LatticeBatch
    from lattice_gnn.lattice.lattice import Lattice, Material
    from lattice_gnn.surrogate.prediction import Prediction
    from lattice_gnn.surrogate.surrogate import Surrogate, load_surrogate
    from lattice_gnn.tensors.metrics import relative_frobenius
    from lattice_gnn.tensors.stiffness import Stiffness
    from lattice_gnn.verbs.homogenise import Homogenisation, homogenise
    from lattice_gnn.verbs.predict import predict

__version__ = "0.1.0"

__all__ = [
    "Homogenisation",
    "Lattice",
    "LatticeBatch",
    "LatticeGnnError",
    "Material",
    "Prediction",
    "Stiffness",
    "Surrogate",
    "__version__",
    "cell",
    "cell_names",
    "homogenise",
    "load_surrogate",
    "predict",
    "read",
    "relative_frobenius",
    "write",
]

_HOMES = {
    "Homogenisation": "lattice_gnn.verbs.homogenise",
    "Lattice": "lattice_gnn.lattice.lattice",
    "LatticeBatch": "lattice_gnn.lattice.batch",
    "LatticeGnnError": "lattice_gnn.errors",
    "Material": "lattice_gnn.lattice.lattice",
    "Prediction": "lattice_gnn.surrogate.prediction",
    "Stiffness": "lattice_gnn.tensors.stiffness",
    "Surrogate": "lattice_gnn.surrogate.surrogate",
    "cell": "lattice_gnn.cells.named",
    "cell_names": "lattice_gnn.cells.named",
    "homogenise": "lattice_gnn.verbs.homogenise",
    "load_surrogate": "lattice_gnn.surrogate.surrogate",
    "predict": "lattice_gnn.verbs.predict",
    "read": "data.files",
    "relative_frobenius": "lattice_gnn.tensors.metrics",
    "write": "data.files",
}


def __getattr__(name: str) -> Any:
    """Load an exported name from its module at first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the exported names, loaded or not."""
    return sorted({*globals(), *__all__})
