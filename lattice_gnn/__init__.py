"""Effective elasticity of strut lattices.

>>> import lattice_gnn as lg
>>> octet = lg.cell("octet", relative_density=0.1)
>>> prediction = lg.load_surrogate().predict([octet])[0]  # doctest: +SKIP

The names below are loaded when they are first used (PEP 562), so that ``import lattice_gnn`` costs
nothing: no torch, no e3nn, no PyTorch Geometric.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lattice_gnn.cells.named import cell, cell_names
    from lattice_gnn.errors import LatticeGnnError
    from lattice_gnn.lattice.batch import LatticeBatch
    from lattice_gnn.lattice.json_file import read_lattices, write_lattices
    from lattice_gnn.lattice.lattice import Lattice, Material
    from lattice_gnn.surrogate.surrogate import Prediction, Surrogate, load_surrogate
    from lattice_gnn.tensors.metrics import relative_frobenius
    from lattice_gnn.tensors.stiffness import Stiffness

__version__ = "0.1.0"

__all__ = [
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
    "load_surrogate",
    "read_lattices",
    "relative_frobenius",
    "write_lattices",
]

_HOMES = {
    "Lattice": "lattice.lattice",
    "LatticeBatch": "lattice.batch",
    "LatticeGnnError": "errors",
    "Material": "lattice.lattice",
    "Prediction": "surrogate.surrogate",
    "Stiffness": "tensors.stiffness",
    "Surrogate": "surrogate.surrogate",
    "cell": "cells.named",
    "cell_names": "cells.named",
    "load_surrogate": "surrogate.surrogate",
    "read_lattices": "lattice.json_file",
    "relative_frobenius": "tensors.metrics",
    "write_lattices": "lattice.json_file",
}


def __getattr__(name: str) -> Any:
    """Load an exported name from its module at first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the exported names, loaded or not."""
    return sorted({*globals(), *__all__})
