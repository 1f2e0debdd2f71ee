"""What a design quantity is evaluated on: lattices and their stiffness."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch


@dataclass(frozen=True, slots=True, eq=False)
class DesignState:
    """Lattices of one topology, with their stiffness where it has been computed.

    Attributes:
        batch: The lattices; every one has the same struts, so that per-strut values have the shape
            (lattices, struts).
        mandel: C / E_s of every lattice, Mandel; None where no quantity needs it.
    """

    batch: LatticeBatch
    mandel: Float[Tensor, "lattices 6 6"] | None = None

    @property
    def stiffness(self) -> Float[Tensor, "lattices 6 6"]:
        """C / E_s of every lattice, Mandel.

        Raises:
            LatticeGnnError: If the stiffness has not been computed.
        """
        if self.mandel is None:
            raise LatticeGnnError(
                "design: a quantity reads the stiffness but was declared to need none; create it "
                "with needs_stiffness=True"
            )
        return self.mandel

    def per_strut(self, values: Float[Tensor, "all_struts *rest"]) -> Tensor:
        """Reshape values of all struts to (lattices, struts, ...)."""
        return values.unflatten(0, (len(self.batch), -1))
