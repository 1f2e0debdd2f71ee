"""One training on one or many processes: what a rank computes, and what the ranks tell each other.

Started by ``torchrun`` every process holds the whole model and all lattices, computes its share of
each batch, and gets the sum of all gradients. The sum is over lattices, not a mean over ranks, so
shares may be unequal, or empty, and any number of ranks gives the loss curve of one.
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
    """This process among those that train together.

    Attributes:
        rank: Its number; rank 0 writes files and reports.
        count: How many there are.
        device: Where it computes.
    """

    rank: int
    count: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and reports."""
        return self.rank == 0

    def pieces(self, count: int, accumulate: int) -> list[np.ndarray]:
        """Which of ``count`` lattices this rank computes, in at most ``accumulate`` pieces."""
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
        """Refuse to go on where the ranks do not hold the same value.

        Raises:
            LatticeGnnError: On every rank; ``what`` says what differs.
        """
        values = [value] * self.count
        if self.count > 1:
            distributed.all_gather_object(values, value)
        if len(set(values)) > 1:
            raise LatticeGnnError(
                f"the {self.count} processes of this training do not hold the same {what}; "
                "start all of them with the same files and the same code"
            )


@contextmanager
def join(device: torch.device | str) -> Iterator[Ranks]:
    """Join the processes that ``torchrun`` started; alone, without it, as the only rank.

    A process group that exists already is used and left as it is.

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
    """Rank 0 runs the block alone, then the others do and find what it has written."""
    several = distributed.is_initialized() and distributed.get_world_size() > 1
    if several and distributed.get_rank() > 0:
        distributed.barrier()
    yield
    if several and distributed.get_rank() == 0:
        distributed.barrier()


def choose_device(name: str) -> torch.device:
    """The device of a name: "cpu", "cuda", or "auto" for a GPU where there is one.

    Raises:
        LatticeGnnError: For another name, or "cuda" where torch finds no GPU.
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
