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
    from lattice_gnn.cells import cell, cell_names
    from lattice_gnn.elasticity import Stiffness
    from lattice_gnn.errors import LatticeGnnError
    from lattice_gnn.graph import LatticeBatch
    from lattice_gnn.lattice import Lattice, Material
    from lattice_gnn.lattice_io import read_lattices, write_lattices
    from lattice_gnn.surrogate import Prediction, Surrogate, load_surrogate

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
    "write_lattices",
]

_HOMES = {
    "Lattice": "lattice",
    "LatticeBatch": "graph",
    "LatticeGnnError": "errors",
    "Material": "lattice",
    "Prediction": "surrogate",
    "Stiffness": "elasticity",
    "Surrogate": "surrogate",
    "cell": "cells",
    "cell_names": "cells",
    "load_surrogate": "surrogate",
    "read_lattices": "lattice_io",
    "write_lattices": "lattice_io",
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
