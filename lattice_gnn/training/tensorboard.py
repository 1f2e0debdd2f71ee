"""Training curves for TensorBoard (optional dependency)."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lattice_gnn.errors import LatticeGnnError

if TYPE_CHECKING:
    from lattice_gnn.training.loop import Progress


class TensorBoard:
    """Write the scalars of a run to a folder; use it as ``on_progress`` or call it from there.

    ``train/`` holds loss, gradient norm, learning rate and milliseconds per lattice of every step,
    ``validation/`` the mean and median of every metric.
    """

    def __init__(self, folder: Path):
        """Open the folder.

        Args:
            folder: Output folder of the event files.

        Raises:
            LatticeGnnError: If tensorboard is not installed.
        """
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise LatticeGnnError(
                "tensorboard is not installed; pip install 'lattice-gnn[tensorboard]', or do "
                "without: log.csv has the same numbers"
            ) from None
        self._new_writer = SummaryWriter
        self._folder = folder
        self._writer: Any = None

    def __call__(self, progress: "Progress") -> None:
        """Write the scalars of a step, or of a validation."""
        if self._writer is None:
            # Hide what an interrupted run wrote after its last saved state.
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
        """Flush and close the file."""
        if self._writer is not None:
            self._writer.close()
