"""`Stiffness`, the effective stiffness of one or many lattices in Mandel notation and float64.

It holds C/E_s (dimensionless) unless stated otherwise; every modulus has the same unit. The
formulae are in `notation`, `moduli`, `extrema`, `symmetry` and `bounds`.
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
from lattice_gnn.wording import constants_text


@dataclass(frozen=True, eq=False, repr=False)
class Stiffness:
    """A stiffness tensor, or a batch of them, in Mandel notation and float64.

    Order 11, 22, 33, 23, 13, 12. Nothing is symmetrised implicitly. All moduli are differentiable.
    Batch dimensions broadcast with those of directions and rotations, as in torch: for a batch of B
    tensors and V directions shared by all, write ``stiffness[:, None].young_modulus(directions)``.

    The other forms of the matrix are properties; inverses, decompositions and searches are
    methods. ``==`` compares shape and components exactly and returns one bool; use
    `lattice_gnn.relative_frobenius` for the distance between two tensors. ``+``, ``-`` and products
    with numbers act on components.

    Attributes:
        mandel: Shape (..., 6, 6); C/E_s unless stated otherwise.
    """

    mandel: Float[Tensor, "*batch 6 6"]

    __array_ufunc__ = None  # products with numpy scalars are left to this class

    def __post_init__(self) -> None:
        """Convert the tensor to float64 and check its shape."""
        object.__setattr__(
            self, "mandel", float64_tensor(self.mandel, 6, 6, name="a Mandel stiffness")
        )

    def __repr__(self) -> str:
        """Return one line: the batch shape, or Voigt components of a single tensor."""
        if self.batch_shape:
            return (
                f"Stiffness(batch_shape={tuple(self.batch_shape)}, mandel order 11 22 33 23 13 12)"
            )
        return f"Stiffness({constants_text(self.voigt.detach().tolist())})"

    def _repr_html_(self) -> str:
        """Return matrix, moduli and polar curves as HTML, for notebooks."""
        from lattice_gnn.tensors.picture import stiffness_html

        return stiffness_html(self)

    def __eq__(self, other: object) -> bool:
        """Return whether shape and all components are equal; gradients and devices do not count."""
        if not isinstance(other, Stiffness):
            return NotImplemented
        return torch.equal(self.mandel.detach().cpu(), other.mandel.detach().cpu())

    def __hash__(self) -> int:
        """Return a hash of the components; -0.0 equals 0.0."""
        return hash((tuple(self.batch_shape), (self.numpy() + 0.0).tobytes()))

    def __add__(self, other: object) -> "Stiffness":
        """Return the sum of two stiffnesses, component by component."""
        if not isinstance(other, Stiffness):
            return NotImplemented
        return Stiffness(self.mandel + other.mandel)

    def __sub__(self, other: object) -> "Stiffness":
        """Return the difference of two stiffnesses, possibly indefinite; ``norm()`` measures it."""
        if not isinstance(other, Stiffness):
            return NotImplemented
        return Stiffness(self.mandel - other.mandel)

    def __mul__(self, factor: ArrayLike) -> "Stiffness":
        """Return a multiple of the stiffness; see `scaled`."""
        return self.scaled(factor)

    __rmul__ = __mul__

    def __truediv__(self, divisor: ArrayLike) -> "Stiffness":
        """Return the stiffness divided by a number, or by one number per tensor of a batch."""
        return self.scaled(1.0 / float64_tensor(divisor, name="a divisor"))

    def __len__(self) -> int:
        """Return the size of the first batch dimension."""
        if not self.batch_shape:
            raise TypeError("a single Stiffness has no length")
        return self.batch_shape[0]

    def __getitem__(self, index: Any) -> "Stiffness":
        """Index the batch dimensions only, not the 6x6 matrix; ``None`` adds a dimension."""
        index = index if isinstance(index, tuple) else (index,)
        if any(part is Ellipsis for part in index):
            return Stiffness(self.mandel[(*index, slice(None), slice(None))])
        picked = sum(1 for part in index if part is not None)
        if picked > len(self.batch_shape):
            raise IndexError(f"{picked} indices for batch shape {tuple(self.batch_shape)}")
        return Stiffness(self.mandel[index])

    @classmethod
    def from_voigt(cls, voigt: ArrayLike) -> "Stiffness":
        """Build from Voigt stiffness matrices (..., 6, 6), order 11, 22, 33, 23, 13, 12."""
        voigt = float64_tensor(voigt, 6, 6, name="a Voigt stiffness")
        return cls(notation.voigt_to_mandel_stiffness(voigt))

    @classmethod
    def from_cartesian(cls, tensor: ArrayLike) -> "Stiffness":
        """Build from Cartesian components C_ijkl (..., 3, 3, 3, 3) with the minor symmetries."""
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
        """Build from Mandel compliance matrices (..., 6, 6)."""
        return cls(moduli.compliance(float64_tensor(S, 6, 6, name="a Mandel compliance")))

    @classmethod
    def from_compliance_voigt(cls, S: ArrayLike) -> "Stiffness":
        """Build from Voigt compliance matrices (..., 6, 6), where S_44 = 1/G_23."""
        S = float64_tensor(S, 6, 6, name="a Voigt compliance")
        return cls(moduli.compliance(notation.voigt_to_mandel_compliance(S)))

    @classmethod
    def isotropic(cls, E: ArrayLike = 1.0, nu: ArrayLike = 0.3) -> "Stiffness":
        """Build from Young's modulus and Poisson's ratio; tensors of either give a batch."""
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
        """Build from the three Voigt constants of a cubic tensor in its own axes."""
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
        """Return the Mandel compliance, the inverse of `mandel`; a singular stiffness raises."""
        return moduli.compliance(self.mandel)

    def compliance_voigt(self) -> Float[Tensor, "*batch 6 6"]:
        """Return the Voigt compliance, where S_44 = 1/G_23; a singular stiffness raises."""
        return notation.mandel_to_voigt_compliance(self.compliance())

    def numpy(self) -> Float[np.ndarray, "*batch 6 6"]:
        """Return the Mandel matrices as a numpy array, detached."""
        return self.mandel.detach().cpu().numpy()

    def detach(self) -> "Stiffness":
        """Return the same tensor, detached from the autograd graph."""
        return Stiffness(self.mandel.detach())

    def scaled(self, factor: ArrayLike) -> "Stiffness":
        """Multiply by a factor, such as the solid's E_s, or by one factor per tensor of a batch."""
        factor = float64_tensor(factor, name="a factor").to(self.mandel.device)
        return Stiffness(self.mandel * factor[..., None, None])

    def symmetrised(self) -> "Stiffness":
        """Return (C + C^T)/2, which has the major symmetry."""
        return Stiffness(0.5 * (self.mandel + self.mandel.mT))

    def rotated(self, R: ArrayLike) -> "Stiffness":
        """Rotate by an orthogonal matrix: C'_ijkl = R_ia R_jb R_kc R_ld C_abcd.

        R rotates vectors actively, x' = R x: the result is the stiffness of the lattice rotated by
        R. Improper R (reflections) are allowed; -R has the same effect as R.
        """
        R = self._vectors(R, 3, 3, name="a rotation")
        identity = torch.eye(3, dtype=R.dtype, device=R.device)
        if bool(((R.detach() @ R.detach().mT - identity).abs() > 1e-6).any()):
            raise LatticeGnnError("a rotation must be orthogonal, R R^T = 1, but it is not")
        Q = notation.rotation_mandel(R)
        return Stiffness(Q @ self.mandel @ Q.mT)

    def young_modulus(self, n: ArrayLike | None = None, *, average: str = "hill") -> Tensor:
        """Return Young's modulus E(n) along directions n (..., 3) of any length.

        Without a direction, return that of the isotropic ``average``: "voigt", "reuss" or "hill".
        """
        if n is None:
            return moduli.average_modulus(self.mandel, "young", average)
        return moduli.young_modulus(self.mandel, self._vectors(n, 3, name="a direction"))

    def shear_modulus(
        self, n: ArrayLike | None = None, m: ArrayLike | None = None, *, average: str = "hill"
    ) -> Tensor:
        """Return the shear modulus G(n, m); only the part of m perpendicular to n counts.

        Without directions, return that of the isotropic ``average``: "voigt" is (C_ijij -
        C_iijj/3)/10, "reuss" its analogue from the compliance, "hill" their mean.
        """
        if n is None and m is None:
            return moduli.average_modulus(self.mandel, "shear", average)
        return moduli.shear_modulus(self.mandel, *self._pair(n, m))

    def poisson_ratio(
        self, n: ArrayLike | None = None, m: ArrayLike | None = None, *, average: str = "hill"
    ) -> Tensor:
        """Return Poisson's ratio nu(n, m): stress along n, contraction along m (normal to n).

        Without directions, return that of the isotropic ``average``: "voigt", "reuss" or "hill".
        """
        if n is None and m is None:
            return moduli.average_modulus(self.mandel, "poisson", average)
        return moduli.poisson_ratio(self.mandel, *self._pair(n, m))

    def linear_compressibility(self, n: ArrayLike) -> Tensor:
        """Return the linear compressibility beta(n); its sum over three axes is 1/K_Reuss."""
        return moduli.linear_compressibility(self.mandel, self._vectors(n, 3, name="a direction"))

    def averages(self) -> Averages:
        """Return the Voigt, Reuss and Hill averages of K and G, and the E and nu that follow."""
        return moduli.averages(self.mandel)

    def bulk_modulus(self, average: str = "hill") -> Tensor:
        """Return the bulk modulus: "voigt" is 1:C:1/9, "reuss" 1/(1:S:1), "hill" their mean."""
        return moduli.average_modulus(self.mandel, "bulk", average)

    def universal_anisotropy(self) -> Tensor:
        """Return A_U (Ranganathan and Ostoja-Starzewski 2008), zero if isotropic."""
        return moduli.universal_anisotropy(self.mandel)

    def log_euclidean_anisotropy(self) -> Tensor:
        """Return the log-Euclidean anisotropy A_L (Kube 2016), zero if isotropic."""
        return moduli.log_euclidean_anisotropy(self.mandel)

    def eigenvalues(self) -> Float[Tensor, "*batch 6"]:
        """Return Kelvin's eigen-stiffnesses, ascending; see `eigen_stiffnesses` for the modes."""
        return self.eigen_stiffnesses().values

    def eigen_stiffnesses(self) -> EigenStiffnesses:
        """Return Kelvin's eigen-stiffnesses in ascending order and their unit strain tensors.

        The values are differentiable once, exactly; where eigenvalues repeat, their sum is. The
        modes carry no gradient.
        """
        return eigen_stiffnesses(self.mandel)

    def soft_mode(self) -> SoftMode:
        """Return the smallest eigen-stiffness and its unit strain tensor."""
        values, modes = self.eigen_stiffnesses()
        return SoftMode(values[..., 0], modes[..., 0, :, :])

    def is_positive_definite(self) -> Bool[Tensor, "*batch"]:
        """Return whether the smallest eigenvalue exceeds 1e-12 of the largest.

        Below that share the sign is due to rounding; `soft_mode` returns the strain in question.
        """
        return is_definite(self.mandel)

    def norm(self) -> Float[Tensor, "*batch"]:
        """Return the Frobenius norm sqrt(C_ijkl C_ijkl), which is frame-independent."""
        return torch.linalg.matrix_norm(self.mandel)

    def extrema(self, quantity: str) -> Extrema:
        """Find the global minimum and maximum of "E", "G", "nu" or "beta" and their directions.

        The values are exactly differentiable once. Singular or indefinite tensors raise.
        """
        return find_extrema(self.mandel, quantity)

    def zener(self, frame: ArrayLike | None = None) -> Tensor:
        """Return the Zener ratio 2 C44/(C11 - C12) of the nearest cubic tensor (Zener 1948).

        Meaningful where `distance("cubic")` is small.

        Args:
            frame: Cube axes as rows (..., 3, 3); found by search if omitted. ``numpy.eye(3)``
                stands for the laboratory axes and saves the search.
        """
        cubic = self._nearest("cubic", frame)
        Q = notation.rotation_mandel(cubic.frame)
        C = Q @ cubic.mandel @ Q.mT
        return C[..., 3, 3] / (C[..., 0, 0] - C[..., 0, 1])

    def nearest(self, symmetry: str, frame: ArrayLike | None = None) -> "Stiffness":
        """Return the nearest tensor (Frobenius norm) of a symmetry class, in these axes.

        Args:
            symmetry: "isotropic", "cubic", "hexagonal", "tetragonal", "trigonal", "orthotropic",
                "monoclinic" or "triclinic".
            frame: Material axes as rows (..., 3, 3); found by search if omitted.
        """
        return Stiffness(self._nearest(symmetry, frame).mandel)

    def distance(self, symmetry: str, frame: ArrayLike | None = None) -> Tensor:
        """Return the relative Frobenius distance |C - nearest|/|C| to a symmetry class."""
        return self._nearest(symmetry, frame).distance

    def classify(self, tolerance: float = 0.01) -> Classification:
        """Name the most symmetric class within a relative distance, with its frame.

        The frame holds the material axes as rows: ``C.rotated(frame)`` has the textbook form.
        """
        return classify(self.mandel, tolerance)

    def bound_ratios(
        self, volume_fraction: float | Tensor, *, E: float | Tensor = 1.0, nu: float | Tensor = 0.3
    ) -> BoundRatios:
        """Compare this stiffness with the Voigt and Hashin-Shtrikman upper bounds.

        Keep E = 1 for C/E_s. The bounds are in `lattice_gnn.tensors.bounds.upper_bounds`.
        """
        return bound_ratios(self.mandel, upper_bounds(volume_fraction, E=E, nu=nu))

    def _nearest(self, symmetry: str, frame: ArrayLike | None) -> Nearest:
        if frame is not None:
            frame = self._vectors(frame, 3, 3, name="a frame")
        return nearest(self.mandel, symmetry, frame)

    def _vectors(self, values: ArrayLike, *trailing: int, name: str) -> Tensor:
        """Return values as a tensor on this device with batch dimensions that broadcast."""
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
        """Return both directions of a modulus that takes two."""
        if n is None or m is None:
            raise LatticeGnnError(
                "expected two directions n and m, or none for the isotropic average; got one"
            )
        return self._vectors(n, 3, name="a direction"), self._vectors(m, 3, name="a direction")
