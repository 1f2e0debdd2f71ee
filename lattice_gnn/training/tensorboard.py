"""Curves of a training run for TensorBoard, which is an optional install."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lattice_gnn.errors import LatticeGnnError

if TYPE_CHECKING:
    from lattice_gnn.training.loop import Progress


class TensorBoard:
    """Writes a run's scalars to a folder; call it as, or from, ``on_progress``.

    ``train/`` has loss, gradient norm, learning rate and milliseconds per lattice after every step,
    ``validation/`` the mean and median of every metric.
    """

    def __init__(self, folder: Path):
        """Get ready to write.

        Args:
            folder: Gets the event files.

        Raises:
            LatticeGnnError: If tensorboard is not installed.
        """
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise LatticeGnnError(
                "tensorboard is not installed; pip install 'lattice-gnn[tensorboard]', or leave "
                "it out: log.csv has the same numbers"
            ) from None
        self._new_writer = SummaryWriter
        self._folder = folder
        self._writer: Any = None

    def __call__(self, progress: "Progress") -> None:
        """Write the scalars of a step, or of a validation."""
        if self._writer is None:
            # What an interrupted run wrote after its last saved state is hidden.
            self._writer = self._new_writer(str(self._folder), purge_step=progress.step)
        if progress.validation is None:
            for name in ("loss", "gradient_norm", "learning_rate", "ms_per_lattice"):
                self._writer.add_scalar(f"train/{name}", getattr(progress, name), progress.step)
            return
        for metric, summary in progress.validation.items():
            for name in ("mean", "median"):
                self._writer.add_scalar(f"validation/{metric}.{name}", summary[name], progress.step)
        self._writer.flush()

    def close(self) -> None:
        """Write what is left."""
        if self._writer is not None:
            self._writer.close()
