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
    from lattice_gnn.design.elastic import (
        E,
        G,
        average_modulus,
        bulk_modulus,
        components,
        distance,
        eigenvalue,
        eigenvalue_ratio,
        hashin_shtrikman,
        matches,
        misfit,
        poisson,
        poisson_max,
        poisson_min,
        shear_modulus,
        stiffness_function,
        universal_anisotropy,
        zener,
    )
    from lattice_gnn.design.geometric import (
        cell_volume,
        clearance,
        joint_angle,
        node_displacement,
        overhang,
        radius,
        radius_to_length,
        relative_density,
        strut_length,
        volume_fraction,
    )
    from lattice_gnn.design.manufactured import AsManufactured
    from lattice_gnn.design.printing import PRINT_PROCESSES
    from lattice_gnn.design.result import DesignResult
    from lattice_gnn.design.settings import DesignSettings
    from lattice_gnn.errors import LatticeGnnError
    from lattice_gnn.lattice.batch import LatticeBatch
    from lattice_gnn.lattice.lattice import Lattice, Material
    from lattice_gnn.surrogate.prediction import Prediction
    from lattice_gnn.surrogate.surrogate import Surrogate, load_surrogate
    from lattice_gnn.tensors.metrics import relative_frobenius
    from lattice_gnn.tensors.stiffness import Stiffness
    from lattice_gnn.verbs.homogenise import Homogenisation, homogenise
    from lattice_gnn.verbs.optimise import optimise
    from lattice_gnn.verbs.predict import predict

__version__ = "0.1.0"

__all__ = [
    "PRINT_PROCESSES",
    "AsManufactured",
    "DesignResult",
    "DesignSettings",
    "E",
    "G",
    "Homogenisation",
    "Lattice",
    "LatticeBatch",
    "LatticeGnnError",
    "Material",
    "Prediction",
    "Stiffness",
    "Surrogate",
    "__version__",
    "average_modulus",
    "bulk_modulus",
    "cell",
    "cell_names",
    "cell_volume",
    "clearance",
    "components",
    "distance",
    "eigenvalue",
    "eigenvalue_ratio",
    "hashin_shtrikman",
    "homogenise",
    "joint_angle",
    "load_surrogate",
    "matches",
    "misfit",
    "node_displacement",
    "optimise",
    "overhang",
    "poisson",
    "poisson_max",
    "poisson_min",
    "predict",
    "radius",
    "radius_to_length",
    "read",
    "relative_density",
    "relative_frobenius",
    "shear_modulus",
    "stiffness_function",
    "strut_length",
    "universal_anisotropy",
    "volume_fraction",
    "write",
    "zener",
    "zener_in",
]

_HOMES = {
    "AsManufactured": "lattice_gnn.design.manufactured",
    "DesignResult": "lattice_gnn.design.result",
    "DesignSettings": "lattice_gnn.design.settings",
    "E": "lattice_gnn.design.elastic",
    "G": "lattice_gnn.design.elastic",
    "Homogenisation": "lattice_gnn.verbs.homogenise",
    "Lattice": "lattice_gnn.lattice.lattice",
    "LatticeBatch": "lattice_gnn.lattice.batch",
    "LatticeGnnError": "lattice_gnn.errors",
    "Material": "lattice_gnn.lattice.lattice",
    "PRINT_PROCESSES": "lattice_gnn.design.printing",
    "Prediction": "lattice_gnn.surrogate.prediction",
    "Stiffness": "lattice_gnn.tensors.stiffness",
    "Surrogate": "lattice_gnn.surrogate.surrogate",
    "average_modulus": "lattice_gnn.design.elastic",
    "bulk_modulus": "lattice_gnn.design.elastic",
    "cell": "lattice_gnn.cells.named",
    "cell_names": "lattice_gnn.cells.named",
    "cell_volume": "lattice_gnn.design.geometric",
    "clearance": "lattice_gnn.design.geometric",
    "components": "lattice_gnn.design.elastic",
    "distance": "lattice_gnn.design.elastic",
    "eigenvalue": "lattice_gnn.design.elastic",
    "eigenvalue_ratio": "lattice_gnn.design.elastic",
    "hashin_shtrikman": "lattice_gnn.design.elastic",
    "homogenise": "lattice_gnn.verbs.homogenise",
    "joint_angle": "lattice_gnn.design.geometric",
    "load_surrogate": "lattice_gnn.surrogate.surrogate",
    "matches": "lattice_gnn.design.elastic",
    "misfit": "lattice_gnn.design.elastic",
    "node_displacement": "lattice_gnn.design.geometric",
    "optimise": "lattice_gnn.verbs.optimise",
    "overhang": "lattice_gnn.design.geometric",
    "poisson": "lattice_gnn.design.elastic",
    "poisson_max": "lattice_gnn.design.elastic",
    "poisson_min": "lattice_gnn.design.elastic",
    "predict": "lattice_gnn.verbs.predict",
    "radius": "lattice_gnn.design.geometric",
    "radius_to_length": "lattice_gnn.design.geometric",
    "read": "data.files",
    "relative_density": "lattice_gnn.design.geometric",
    "relative_frobenius": "lattice_gnn.tensors.metrics",
    "shear_modulus": "lattice_gnn.design.elastic",
    "stiffness_function": "lattice_gnn.design.elastic",
    "strut_length": "lattice_gnn.design.geometric",
    "universal_anisotropy": "lattice_gnn.design.elastic",
    "volume_fraction": "lattice_gnn.design.geometric",
    "write": "data.files",
    "zener": "lattice_gnn.design.elastic",
    "zener_in": "lattice_gnn.design.elastic",
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
