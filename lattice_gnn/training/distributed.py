"""Data-parallel training on one or several processes.

Under ``torchrun`` every process holds the whole model and all lattices, computes its share of each
batch, and receives the sum of all gradients. The sum is over lattices, not a mean over ranks, so
shares may be unequal or empty, and the loss curve does not depend on the number of ranks.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, distributed, nn

from lattice_gnn.errors import LatticeGnnError

_PATIENCE = timedelta(days=1)  #: rank 0 may label lattices for hours while the others wait


@dataclass(frozen=True, slots=True)
class Ranks:
    """The process group of a training run, as seen by one process.

    Attributes:
        rank: Rank of this process; rank 0 writes files and reports.
        count: Number of processes.
        device: Device of this process.
    """

    rank: int
    count: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and reports."""
        return self.rank == 0

    def pieces(self, count: int, accumulate: int) -> list[np.ndarray]:
        """Indices of this rank's share of ``count`` lattices, in at most ``accumulate`` pieces."""
        mine = np.array_split(np.arange(count), self.count)[self.rank]
        return [piece for piece in np.array_split(mine, accumulate) if len(piece)]

    def sum_gradients(
        self, parameters: Iterable[nn.Parameter], loss: Float[Tensor, ""]
    ) -> Float[Tensor, ""]:
        """Replace the gradients by their sum over the ranks; returns the sum of the losses."""
        if self.count == 1:
            return loss
        parameters = list(parameters)
        # One buffer, one message. A rank without lattices has no gradients: zeros.
        parts = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        total = torch.cat([part.flatten() for part in parts])
        distributed.all_reduce(total)
        for parameter, part in zip(
            parameters, total.split([p.numel() for p in parts]), strict=True
        ):
            parameter.grad = part.view_as(parameter)
        loss = loss.clone()
        distributed.all_reduce(loss)
        return loss

    def from_first(self, make: Callable[[], Any]) -> Any:
        """What ``make`` returns on rank 0 (plain values), on every rank."""
        value = [make() if self.is_first else None]
        if self.count > 1:
            distributed.broadcast_object_list(value, src=0)
        return value[0]

    def align(self, model: nn.Module) -> None:
        """Give every rank the weights and buffers of rank 0."""
        if self.count > 1:
            for tensor in model.state_dict().values():
                distributed.broadcast(tensor, src=0)

    def check_equal(self, value: str, what: str) -> None:
        """Check that all ranks hold the same value.

        Raises:
            LatticeGnnError: On every rank, naming ``what`` differs.
        """
        values = [value] * self.count
        if self.count > 1:
            distributed.all_gather_object(values, value)
        if len(set(values)) > 1:
            raise LatticeGnnError(
                f"the {self.count} processes of this training run do not have the same {what}; "
                "start all of them with the same files and the same code"
            )


@contextmanager
def join(device: torch.device | str) -> Iterator[Ranks]:
    """Join the process group of ``torchrun``; without ``torchrun``, a group of one.

    An existing process group is used and left open.

    Args:
        device: "cpu", "cuda" or one GPU; under ``torchrun`` each rank of a machine takes its own.

    Raises:
        LatticeGnnError: If a machine has fewer GPUs than ranks.
    """
    device = torch.device(device)
    count = int(os.environ.get("WORLD_SIZE", "1"))
    own_group = count > 1 and not distributed.is_initialized()
    if device.type == "cuda" and (own_group or distributed.is_initialized()):
        local = int(os.environ.get("LOCAL_RANK", "0"))
        if local >= torch.cuda.device_count():
            raise LatticeGnnError(
                f"rank {local} of this machine has no GPU of its own "
                f"({torch.cuda.device_count()} found); lower --nproc-per-node, or --device cpu"
            )
        device = torch.device("cuda", local)
        torch.cuda.set_device(device)
    if own_group:
        backend = "nccl" if device.type == "cuda" else "gloo"
        distributed.init_process_group(backend, timeout=_PATIENCE)
    try:
        if distributed.is_initialized():
            yield Ranks(distributed.get_rank(), distributed.get_world_size(), device)
        else:
            yield Ranks(0, 1, device)
    finally:
        if own_group:
            distributed.destroy_process_group()


def is_first_process() -> bool:
    """Whether this process is the only one, or the first that ``torchrun`` started."""
    return int(os.environ.get("RANK", "0")) == 0


@contextmanager
def first_process_first() -> Iterator[None]:
    """Run the block on rank 0 first, then on the others, which find the files that it wrote."""
    several = distributed.is_initialized() and distributed.get_world_size() > 1
    if several and distributed.get_rank() > 0:
        distributed.barrier()
    yield
    if several and distributed.get_rank() == 0:
        distributed.barrier()


def choose_device(name: str) -> torch.device:
    """The device called "cpu" or "cuda"; "auto" is a GPU if there is one.

    Raises:
        LatticeGnnError: For any other name, or for "cuda" if torch finds no GPU.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise LatticeGnnError(f"device: expected auto, cpu or cuda, got {name!r}")
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise LatticeGnnError(
            f"device cuda: torch {torch.__version__} finds no GPU; "
            "use --device cpu, or install a build of torch for your GPU's driver"
        )
    return torch.device("cuda" if available and name != "cpu" else "cpu")
