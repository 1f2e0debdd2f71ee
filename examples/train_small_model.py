"""Train a small network on random nets labelled by beam FEM, and test it on nets of its own.

Minutes on a laptop make no good model; the shipped `relaxation` saw 26,000 lattices. The gain over
the affine bound, the stiffness if all nodes moved with the mean strain, shows that it learns.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from data.populations.nets import NetSampling, sample_net
from fem_reference.beam.affine import affine_stiffness
from lattice_gnn.network.equivariant import ModelConfig
from lattice_gnn.tensors.metrics import log_euclidean
from lattice_gnn.training.config import TrainConfig
from lattice_gnn.training.labelled import LabelledLattices
from lattice_gnn.training.loop import Progress, train

SMALL = ModelConfig(channels=4, hidden=8, readout_channels=4)


def labelled(first: int, count: int, seed: int = 1) -> LabelledLattices:
    """Random nets at 5 % relative density, with their beam stiffness."""
    nets = [sample_net(NetSampling(), seed, first + k) for k in range(count)]
    return LabelledLattices.by_beams([net.with_relative_density(0.05) for net in nets])


def report(progress: Progress) -> None:
    """One line per validation."""
    if progress.validation is not None:
        error = progress.validation["log_euclidean"]["median"]
        print(f"step {progress.step:4d}   loss {progress.loss:8.3f}   validation {error:.3f}")


def main(count: int = 200, steps: int = 300) -> None:
    """Train, and compare with the affine bound on 40 nets that were never seen."""
    data = labelled(0, count), labelled(count, 20)
    config = TrainConfig(
        steps=steps, checkpoint_steps=steps // 3, batch_size=16, learning_rate=1e-2, average=0.98
    )
    with TemporaryDirectory() as folder:
        model = train(SMALL, config, data, Path(folder), on_progress=report)
    test = labelled(count + 20, 40)
    ours, affine = (
        float(log_euclidean(C, test.stiffness).median())
        for C in (model(test.batch).detach(), affine_stiffness(test.batch))
    )
    print(f"|log C - log C_ref| on unseen nets: affine {affine:.2f}, network {ours:.2f}")
    assert ours < 0.6 * affine


if __name__ == "__main__":
    main()
