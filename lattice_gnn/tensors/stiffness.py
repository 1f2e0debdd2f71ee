"""The effective stiffness of a lattice: one value object, batched, in Mandel notation, float64.

`Stiffness` is the door to the tensor algebra of this package. It holds C/E_s (dimensionless) unless
a caller says otherwise; every modulus comes in the same unit. The formulae live next door:
`notation`, `moduli`, `extrema`, `symmetry`, `bounds`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.tensors import moduli, notation
from lattice_gnn.tensors.arrays import ArrayLike, float64_tensor
from lattice_gnn.tensors.bounds import BoundRatios, bound_ratios, upper_bounds
from lattice_gnn.tensors.eigen import EigenStiffnesses, SoftMode, eigen_stiffnesses, is_definite
from lattice_gnn.tensors.extrema import Extrema, find_extrema
from lattice_gnn.tensors.moduli import Averages
from lattice_gnn.tensors.symmetry import Classification, Nearest, classify, nearest


@dataclass(frozen=True, eq=False, repr=False)
class Stiffness:
    """A stiffness tensor, or a batch of them, in Mandel notation and float64.

    Order 11, 22, 33, 23, 13, 12. Nothing is symmetrised unasked. Autograd flows through every
    modulus. Batch dimensions broadcast against those of directions and rotations, as in torch: for
    a batch of B tensors and V directions shared by all, write
    ``stiffness[:, None].young_modulus(directions)``.

    The other forms of the matrix are properties; whatever inverts, decomposes or searches is a
    method. ``==`` compares shape and components exactly and gives one bool; use
    `lattice_gnn.relative_frobenius` for how far two tensors are apart. ``+``, ``-`` and products
    with numbers work component by component.

    Attributes:
        mandel: Shape (..., 6, 6); C/E_s unless said otherwise.
    """

    mandel: Float[Tensor, "*batch 6 6"]

    __array_ufunc__ = None  # numbers of numpy leave products to this class

    def __post_init__(self) -> None:
        """Bring the tensor to float64 and refuse other shapes."""
        object.__setattr__(
            self, "mandel", float64_tensor(self.mandel, 6, 6, name="a Mandel stiffness")
        )

    def __repr__(self) -> str:
        """One line: the batch shape, or the moduli that tell tensors apart at a glance."""
        if self.batch_shape:
            return (
                f"Stiffness(batch_shape={tuple(self.batch_shape)}, mandel order 11 22 33 23 13 12)"
            )
        C = self.voigt.detach()
        names = (("C11", 0, 0), ("C22", 1, 1), ("C33", 2, 2), ("C12", 0, 1), ("C44", 3, 3))
        return "Stiffness(" + ", ".join(f"{s}={C[i, j].item():.4g}" for s, i, j in names) + ")"

    def _repr_html_(self) -> str:
        """Matrix, moduli and polar curves, for notebooks."""
        from lattice_gnn.tensors.picture import stiffness_html

        return stiffness_html(self)

    def __eq__(self, other: object) -> bool:
        """Whether shape and all components are equal; gradients and devices do not count."""
        if not isinstance(other, Stiffness):
            return NotImplemented
        return torch.equal(self.mandel.detach().cpu(), other.mandel.detach().cpu())

    def __hash__(self) -> int:
        """Hash of the components; -0.0 equals 0.0."""
        return hash((tuple(self.batch_shape), (self.numpy() + 0.0).tobytes()))

    def __add__(self, other: object) -> "Stiffness":
        """Sum of two stiffnesses, component by component."""
        if not isinstance(other, Stiffness):
            return NotImplemented
        return Stiffness(self.mandel + other.mandel)

    def __sub__(self, other: object) -> "Stiffness":
        """Difference of two stiffnesses, which may be indefinite; ``norm()`` measures it."""
        if not isinstance(other, Stiffness):
            return NotImplemented
        return Stiffness(self.mandel - other.mandel)

    def __mul__(self, factor: ArrayLike) -> "Stiffness":
        """Multiple of the stiffness; see `scaled`."""
        return self.scaled(factor)

    __rmul__ = __mul__

    def __truediv__(self, divisor: ArrayLike) -> "Stiffness":
        """Stiffness divided by a number, or by one per tensor where batched."""
        return self.scaled(1.0 / float64_tensor(divisor, name="a divisor"))

    def __len__(self) -> int:
        """Return the size of the first batch dimension."""
        if not self.batch_shape:
            raise TypeError("a single Stiffness has no length")
        return self.batch_shape[0]

    def __getitem__(self, index: Any) -> "Stiffness":
        """Index the batch dimensions; the 6x6 matrix stays whole. ``None`` adds a dimension."""
        index = index if isinstance(index, tuple) else (index,)
        if any(part is Ellipsis for part in index):
            return Stiffness(self.mandel[(*index, slice(None), slice(None))])
        picked = sum(1 for part in index if part is not None)
        if picked > len(self.batch_shape):
            raise IndexError(f"{picked} indices for batch shape {tuple(self.batch_shape)}")
        return Stiffness(self.mandel[index])

    @classmethod
    def from_voigt(cls, voigt: ArrayLike) -> "Stiffness":
        """From Voigt stiffness matrices (..., 6, 6), order 11, 22, 33, 23, 13, 12."""
        voigt = float64_tensor(voigt, 6, 6, name="a Voigt stiffness")
        return cls(notation.voigt_to_mandel_stiffness(voigt))

    @classmethod
    def from_cartesian(cls, tensor: ArrayLike) -> "Stiffness":
        """From Cartesian components C_ijkl (..., 3, 3, 3, 3); the minor symmetries must hold."""
        tensor = float64_tensor(tensor, 3, 3, 3, 3, name="a Cartesian stiffness")
        scale = tensor.detach().abs().amax() if tensor.numel() else tensor.sum()
        for swapped in (tensor.transpose(-4, -3), tensor.transpose(-2, -1)):
            if bool(((swapped - tensor).abs() > 1e-9 * scale).any()):
                raise LatticeGnnError(
                    "a Cartesian stiffness must have C_ijkl = C_jikl = C_ijlk but these differ: "
                    "average them first"
                )
        return cls(notation.cartesian_to_mandel(tensor))

    @classmethod
    def from_compliance_mandel(cls, S: ArrayLike) -> "Stiffness":
        """From Mandel compliance matrices (..., 6, 6)."""
        return cls(moduli.compliance(float64_tensor(S, 6, 6, name="a Mandel compliance")))

    @classmethod
    def from_compliance_voigt(cls, S: ArrayLike) -> "Stiffness":
        """From Voigt compliance matrices (..., 6, 6), where S_44 = 1/G_23."""
        S = float64_tensor(S, 6, 6, name="a Voigt compliance")
        return cls(moduli.compliance(notation.voigt_to_mandel_compliance(S)))

    @classmethod
    def isotropic(cls, E: ArrayLike = 1.0, nu: ArrayLike = 0.3) -> "Stiffness":
        """From Young's modulus and Poisson's ratio; tensors of either give a batch."""
        young, poisson = float64_tensor(E, name="E"), float64_tensor(nu, name="nu")
        wrong = ~((poisson > -1.0) & (poisson < 0.5))
        if bool(wrong.any()):
            raise LatticeGnnError(
                "Poisson's ratio of an isotropic solid must lie between -1 and 0.5, not "
                f"{poisson[wrong][0].item():.6g}"
            )
        G = young / (2.0 * (1.0 + poisson))
        lame = 2.0 * G * poisson / (1.0 - 2.0 * poisson)
        return cls.cubic(lame + 2.0 * G, lame, G)

    @classmethod
    def cubic(cls, C11: ArrayLike, C12: ArrayLike, C44: ArrayLike) -> "Stiffness":
        """From the three Voigt constants of a cubic tensor in its own axes."""
        constants = torch.broadcast_tensors(
            *(float64_tensor(c, name="a cubic constant") for c in (C11, C12, C44))
        )
        patterns = constants[0].new_zeros(3, 6, 6)
        patterns[1, :3, :3] = 1.0
        patterns[0].diagonal()[:3], patterns[2].diagonal()[3:] = 1.0, 2.0
        patterns[1] -= patterns[0]
        return cls(torch.einsum("c...,cij->...ij", torch.stack(constants), patterns))

    @property
    def batch_shape(self) -> torch.Size:
        """The dimensions before the 6x6 matrix; empty for a single tensor."""
        return self.mandel.shape[:-2]

    @property
    def voigt(self) -> Float[Tensor, "*batch 6 6"]:
        """Voigt stiffness, order 11, 22, 33, 23, 13, 12."""
        return notation.mandel_to_voigt_stiffness(self.mandel)

    @property
    def cartesian(self) -> Float[Tensor, "*batch 3 3 3 3"]:
        """Cartesian components C_ijkl."""
        return notation.mandel_to_cartesian(self.mandel)

    def compliance(self) -> Float[Tensor, "*batch 6 6"]:
        """Mandel compliance, the inverse of `mandel`; a singular stiffness raises."""
        return moduli.compliance(self.mandel)

    def compliance_voigt(self) -> Float[Tensor, "*batch 6 6"]:
        """Voigt compliance, where S_44 = 1/G_23; a singular stiffness raises."""
        return notation.mandel_to_voigt_compliance(self.compliance())

    def numpy(self) -> Float[np.ndarray, "*batch 6 6"]:
        """Return the Mandel matrices as a numpy array, detached."""
        return self.mandel.detach().cpu().numpy()

    def detach(self) -> "Stiffness":
        """Return the same tensor cut from the autograd graph."""
        return Stiffness(self.mandel.detach())

    def scaled(self, factor: ArrayLike) -> "Stiffness":
        """Multiply by a factor, such as the solid's E_s; one per tensor where batched."""
        factor = float64_tensor(factor, name="a factor").to(self.mandel.device)
        return Stiffness(self.mandel * factor[..., None, None])

    def symmetrised(self) -> "Stiffness":
        """Return (C + C^T)/2, which has the major symmetry."""
        return Stiffness(0.5 * (self.mandel + self.mandel.mT))

    def rotated(self, R: ArrayLike) -> "Stiffness":
        """Turn the material by an orthogonal matrix: C'_ijkl = R_ia R_jb R_kc R_ld C_abcd.

        R rotates vectors actively, x' = R x: a lattice turned by R has this stiffness. Improper R
        (reflections) are allowed; -R does the same as R.
        """
        R = self._vectors(R, 3, 3, name="a rotation")
        identity = torch.eye(3, dtype=R.dtype, device=R.device)
        if bool(((R.detach() @ R.detach().mT - identity).abs() > 1e-6).any()):
            raise LatticeGnnError("a rotation must be orthogonal, R R^T = 1, but it is not")
        Q = notation.rotation_mandel(R)
        return Stiffness(Q @ self.mandel @ Q.mT)

    def young_modulus(self, n: ArrayLike | None = None, *, average: str = "hill") -> Tensor:
        """Young's modulus E(n) along directions n (..., 3) of any length.

        Without direction that of the isotropic ``average``: "voigt", "reuss" or "hill".
        """
        if n is None:
            return moduli.average_modulus(self.mandel, "young", average)
        return moduli.young_modulus(self.mandel, self._vectors(n, 3, name="a direction"))

    def shear_modulus(
        self, n: ArrayLike | None = None, m: ArrayLike | None = None, *, average: str = "hill"
    ) -> Tensor:
        """Shear modulus G(n, m); of m only the part perpendicular to n counts.

        Without directions that of the isotropic ``average``: "voigt" is (C_ijij - C_iijj/3)/10,
        "reuss" the same of the compliance, "hill" their mean.
        """
        if n is None and m is None:
            return moduli.average_modulus(self.mandel, "shear", average)
        return moduli.shear_modulus(self.mandel, *self._pair(n, m))

    def poisson_ratio(
        self, n: ArrayLike | None = None, m: ArrayLike | None = None, *, average: str = "hill"
    ) -> Tensor:
        """Poisson's ratio nu(n, m): stress along n, contraction along m (perpendicular part).

        Without directions that of the isotropic ``average``: "voigt", "reuss" or "hill".
        """
        if n is None and m is None:
            return moduli.average_modulus(self.mandel, "poisson", average)
        return moduli.poisson_ratio(self.mandel, *self._pair(n, m))

    def linear_compressibility(self, n: ArrayLike) -> Tensor:
        """Linear compressibility beta(n); its trace over three axes is 1/K_Reuss."""
        return moduli.linear_compressibility(self.mandel, self._vectors(n, 3, name="a direction"))

    def averages(self) -> Averages:
        """Voigt, Reuss and Hill averages of K and G, and the E and nu that follow."""
        return moduli.averages(self.mandel)

    def bulk_modulus(self, average: str = "hill") -> Tensor:
        """Bulk modulus: "voigt" is 1:C:1/9, "reuss" 1/(1:S:1), "hill" their mean."""
        return moduli.average_modulus(self.mandel, "bulk", average)

    def universal_anisotropy(self) -> Tensor:
        """Universal anisotropy A_U (Ranganathan and Ostoja-Starzewski 2008); zero if isotropic."""
        return moduli.universal_anisotropy(self.mandel)

    def log_euclidean_anisotropy(self) -> Tensor:
        """Log-Euclidean anisotropy A_L (Kube 2016); zero if isotropic."""
        return moduli.log_euclidean_anisotropy(self.mandel)

    def eigenvalues(self) -> Float[Tensor, "*batch 6"]:
        """Kelvin's eigen-stiffnesses, ascending; `eigen_stiffnesses` has the strains too."""
        return self.eigen_stiffnesses().values

    def eigen_stiffnesses(self) -> EigenStiffnesses:
        """Kelvin's eigen-stiffnesses in ascending order and their unit strain tensors.

        The values carry exact first derivatives, also through the modes held fixed: where
        eigenvalues repeat, a sum over the repeated ones does. The modes carry none.
        """
        return eigen_stiffnesses(self.mandel)

    def soft_mode(self) -> SoftMode:
        """The smallest eigen-stiffness and its unit strain tensor."""
        values, modes = self.eigen_stiffnesses()
        return SoftMode(values[..., 0], modes[..., 0, :, :])

    def is_positive_definite(self) -> Bool[Tensor, "*batch"]:
        """Whether every strain costs energy: smallest eigenvalue above 1e-12 of the largest.

        Below that share rounding decides the sign; `soft_mode` shows the strain in question.
        """
        return is_definite(self.mandel)

    def norm(self) -> Float[Tensor, "*batch"]:
        """Frobenius norm, sqrt(C_ijkl C_ijkl), the same in every frame."""
        return torch.linalg.matrix_norm(self.mandel)

    def extrema(self, quantity: str) -> Extrema:
        """True global minimum and maximum of "E", "G", "nu" or "beta", and where they occur.

        Values carry their exact first derivative. Singular or indefinite tensors raise.
        """
        return find_extrema(self.mandel, quantity)

    def zener(self, frame: ArrayLike | None = None) -> Tensor:
        """Zener ratio 2 C44/(C11 - C12) of the nearest cubic tensor (Zener 1948).

        Meaningful where `distance("cubic")` is small.

        Args:
            frame: Cube axes as rows (..., 3, 3); found by search where left out. ``numpy.eye(3)``
                says that they are the laboratory axes and saves the search.
        """
        cubic = self._nearest("cubic", frame)
        Q = notation.rotation_mandel(cubic.frame)
        C = Q @ cubic.mandel @ Q.mT
        return C[..., 3, 3] / (C[..., 0, 0] - C[..., 0, 1])

    def nearest(self, symmetry: str, frame: ArrayLike | None = None) -> "Stiffness":
        """Nearest tensor (Frobenius norm) of a symmetry class, in these axes.

        Args:
            symmetry: "isotropic", "cubic", "hexagonal", "tetragonal", "trigonal", "orthotropic",
                "monoclinic" or "triclinic".
            frame: Material axes as rows (..., 3, 3); the best ones are found where left out.
        """
        return Stiffness(self._nearest(symmetry, frame).mandel)

    def distance(self, symmetry: str, frame: ArrayLike | None = None) -> Tensor:
        """Relative Frobenius distance |C - nearest|/|C| to a symmetry class."""
        return self._nearest(symmetry, frame).distance

    def classify(self, tolerance: float = 0.01) -> Classification:
        """Name the most symmetric class within a relative distance, with its frame.

        The frame holds the material axes as rows: ``C.rotated(frame)`` has the textbook form.
        """
        return classify(self.mandel, tolerance)

    def bound_ratios(
        self, volume_fraction: float | Tensor, *, E: float | Tensor = 1.0, nu: float | Tensor = 0.3
    ) -> BoundRatios:
        """This stiffness as a share of the Voigt and Hashin-Shtrikman upper bounds.

        Leave E at 1 for C/E_s. The bounds themselves: `lattice_gnn.tensors.bounds.upper_bounds`.
        """
        return bound_ratios(self.mandel, upper_bounds(volume_fraction, E=E, nu=nu))

    def _nearest(self, symmetry: str, frame: ArrayLike | None) -> Nearest:
        if frame is not None:
            frame = self._vectors(frame, 3, 3, name="a frame")
        return nearest(self.mandel, symmetry, frame)

    def _vectors(self, values: ArrayLike, *trailing: int, name: str) -> Tensor:
        """Array-like on this tensor's device, with batch dimensions that broadcast with ours."""
        tensor = float64_tensor(values, *trailing, name=name).to(self.mandel.device)
        batch = tensor.shape[: tensor.ndim - len(trailing)]
        try:
            np.broadcast_shapes(batch, self.batch_shape)  # torch's loads sympy, 0.4 s
        except ValueError:
            raise LatticeGnnError(
                f"{name} of batch shape {tuple(batch)} does not broadcast with stiffness of batch "
                f"shape {tuple(self.batch_shape)}: index the stiffness with [:, None]"
            ) from None
        return tensor

    def _pair(self, n: ArrayLike | None, m: ArrayLike | None) -> tuple[Tensor, Tensor]:
        """Both directions of a modulus that takes two."""
        if n is None or m is None:
            raise LatticeGnnError(
                "expected two directions n and m, or none for the isotropic average; got one"
            )
        return self._vectors(n, 3, name="a direction"), self._vectors(m, 3, name="a direction")
