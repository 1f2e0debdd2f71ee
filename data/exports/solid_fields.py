"""Displacement and stress in a homogenised solid as a hexahedral mesh (VTU, for ParaView).

One load case per unit strain of the Mandel basis, named by its component: 11, 22, 33, 23, 13, 12. A
unit shear is eps_23 = eps_32 = 1/sqrt(2), so that eps : eps = 1 in every case.

- Point data ``displacement_11`` ...: strain . x + fluctuation, three components, unit of length.
- Cell data ``stress_11`` ...: stress over E_s in the solid at the centre of the voxel, which is its
  mean over the voxel; six components in the order of VTK's symmetric tensors, xx yy zz xy yz xz,
  without the factors of Mandel.
- Cell data ``von_mises_11`` ...: of this stress, over E_s.
- Cell data ``volume_fraction``: filled share of the voxel. Voxels without solid are left out.
"""

from pathlib import Path

import meshio
import numpy as np
from jaxtyping import Float

from fem_reference.solid.fields import SolidFields
from lattice_gnn.files import replacing
from lattice_gnn.tensors.notation import COMPONENTS

_VTK_ORDER = [0, 1, 2, 5, 3, 4]  #: Mandel components in the order xx yy zz xy yz xz
_FACTORS = np.array([1.0, 1.0, 1.0, 0.5**0.5, 0.5**0.5, 0.5**0.5])


def write_fields(path: Path, fields: SolidFields) -> None:
    """Write the fields of a solid atomically.

    Args:
        path: The file, usually with the suffix ``.vtu``; an existing one is replaced.
        fields: Displacement and stress under the six unit strains.

    Raises:
        LatticeGnnError: If the file cannot be written.
    """
    displacement, stress, equivalent = {}, {}, {}
    for k, case in enumerate(COMPONENTS):
        displacement[f"displacement_{case}"] = fields.displacement[:, :, k]
        stress[f"stress_{case}"] = [fields.stress[:, _VTK_ORDER, k] * _FACTORS]
        equivalent[f"von_mises_{case}"] = [von_mises(fields.stress[:, :, k])]
    mesh = meshio.Mesh(
        fields.points,
        [("hexahedron", fields.hexahedra)],
        point_data=displacement,
        cell_data={"volume_fraction": [fields.weights], **equivalent, **stress},
    )
    with replacing(path) as part:
        meshio.vtu.write(str(part), mesh)


def von_mises(stress: Float[np.ndarray, "voxels 6"]) -> Float[np.ndarray, " voxels"]:
    """Compute the equivalent stress sqrt(3/2 s : s), s the deviator, from Mandel components."""
    deviator = stress.copy()
    deviator[:, :3] -= stress[:, :3].mean(axis=1, keepdims=True)
    return np.sqrt(1.5 * (deviator**2).sum(axis=1))
