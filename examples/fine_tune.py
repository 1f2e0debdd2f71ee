"""Fine-tune the joint network on 50 labels of one's own, here joints that are cast with fillets.

The labels of this example are frames whose struts are rigid over 0.6 r at their ends; measured or
computed ones of any joint shape or material serve as well. The same with one command is
`lattice-gnn train recipe.yaml --output run` with `start: joints` in the recipe's `train` section.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import lattice_gnn as lg
from fem_reference.beam import homogenise_beam
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.tensors.metrics import relative_frobenius
from lattice_gnn.training.config import TrainConfig
from lattice_gnn.training.labelled import LabelledLattices
from lattice_gnn.training.loop import train

CELLS = ("octet", "bcc", "kelvin", "diamond", "isotruss", "fluorite")


def labelled(first: int, count: int) -> LabelledLattices:
    """Imperfect cells of 2 to 10 % relative density with their labels."""
    lattices = [
        lg.cell(CELLS[k % 6], relative_density=0.02 + 0.08 * (k * 0.618 % 1)).perturbed(
            0.05, seed=k
        )
        for k in range(first, first + count)
    ]
    batch = LatticeBatch.from_lattices(lattices)
    rigid = 0.6 * batch.radii[:, None].expand(-1, 2)
    return LabelledLattices(batch, homogenise_beam(batch, rigid_ends=rigid).stiffness.mandel)


def main(steps: int = 300) -> None:
    """Train on 50 labels, and compare with the shipped weights on 40 others."""
    shipped = lg.load_surrogate("joints").model
    config = TrainConfig(
        start="joints", steps=steps, checkpoint_steps=steps // 3, batch_size=10,
        learning_rate=1e-3, average=0.98, clip=0.05, huber=0.02, log_huber=0.04, log_weight=0.15,
    )  # fmt: skip
    with TemporaryDirectory() as folder:
        data = labelled(0, 50), labelled(50, 10)
        model = train(shipped.config, config, data, Path(folder))
    test = labelled(60, 40)
    before, after = (
        float(relative_frobenius(m(test.batch).detach(), test.stiffness).median())
        for m in (shipped, model)
    )
    print(f"median error on other lattices: as shipped {before:.1%}, fine-tuned {after:.1%}")
    assert after < before / 2


if __name__ == "__main__":
    main()
