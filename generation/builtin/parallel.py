"""Training in several processes at once, started by torchrun.

Two processes with one thread each get more done on two cores than one process with two threads,
above all beside other work: they wait for each other once a step, not at every operation. Without
torchrun everything here does nothing.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import distributed, nn


def join_others() -> None:
    """Join the processes that torchrun started; does nothing without torchrun."""
    if "LOCAL_RANK" in os.environ and not distributed.is_initialized():
        distributed.init_process_group("gloo")


def rank() -> int:
    """The number of this process, 0 for the first or only one."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def processes() -> int:
    return distributed.get_world_size() if distributed.is_initialized() else 1


@contextmanager
def first_goes_ahead() -> Iterator[None]:
    """Let the first process finish the block before the others begin it."""
    if rank() > 0:
        distributed.barrier()
    yield
    if rank() == 0 and processes() > 1:
        distributed.barrier()


def gather(mine: torch.Tensor) -> torch.Tensor:
    """The tensors of all processes, one after the other; all must have the same shape."""
    if processes() == 1:
        return mine
    parts = [torch.empty_like(mine) for _ in range(processes())]
    distributed.all_gather(parts, mine.contiguous())
    return torch.cat(parts)


def average_gradients(model: nn.Module) -> None:
    """Replace every gradient by its mean over all processes."""
    if processes() == 1:
        return
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    distributed.all_reduce(flat)
    flat /= processes()
    start = 0
    for gradient in gradients:
        gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
        start += gradient.numel()
