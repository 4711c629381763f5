"""Processes that train one model together: torch's own (torchrun, ``torch.distributed``).

The C++ trainer asks for one thing, the sum of a tensor over all processes, and gets torch's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, distributed

from . import _C
from .errors import ArgumentError, DeepBioError, WrongTypeError

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup

    Processes = tuple[int, int, Callable[[Tensor], None]]

# Commands that several processes run together; any other would run once in each of them.
COMMANDS = ("pretrain", "train", "predict", "embed")


def processes_of(group: ProcessGroup | None) -> Processes | None:
    """What ``_C`` wants to know of a process group, or None for a process by itself.

    Args:
        group: None is torch's default group, where there is one.
    """
    if group is None and not (distributed.is_available() and distributed.is_initialized()):
        return None
    if group is not None and not isinstance(group, distributed.ProcessGroup):
        raise WrongTypeError(
            f"process_group: expected a group of torch.distributed, got {type(group).__name__}"
        )
    rank, world_size = distributed.get_rank(group), distributed.get_world_size(group)
    if rank < 0:
        raise ArgumentError("process_group: expected a group that this process belongs to")
    if world_size == 1:
        return None
    if distributed.get_backend(group) == "nccl":
        raise ArgumentError(
            "Trainer: expected a process group that adds up tensors of the CPU, got nccl; "
            "init_process_group('cpu:gloo,cuda:nccl') does both"
        )

    def all_reduce(tensor: Tensor) -> None:
        try:
            distributed.all_reduce(tensor, group=group)
        except RuntimeError as error:
            # gloo's text without the place in its source, and without its advice.
            reason = str(error).strip().splitlines()[0].split("] ", 1)[-1]
            reason = reason.split(". This is typically")[0]
            raise DeepBioError(
                f"process {rank} of {world_size}: another process of the training ended or cannot "
                f"be reached ({reason})"
            ) from error

    return rank, world_size, all_reduce


def run_command(arguments: Sequence[str]) -> int:
    """Runs one of COMMANDS in each of torchrun's processes; the exit code.

    Raises:
        ArgumentError: a command that is one process's work.
    """
    if arguments[0] not in COMMANDS:
        raise ArgumentError(
            f"`{arguments[0]}` is the work of one process; torchrun starts {', '.join(COMMANDS)}"
        )
    backend = "gloo"
    if torch.cuda.is_available():
        # Each process has a GPU of its own, which `--device cuda` then means.
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)) % torch.cuda.device_count())
        backend = "cpu:gloo,cuda:nccl" if distributed.is_nccl_available() else "gloo"
    try:
        distributed.init_process_group(backend)
    except (ValueError, RuntimeError) as error:
        raise ArgumentError(
            f"the processes do not find each other: {str(error).strip().splitlines()[0]}; "
            "torchrun starts them"
        ) from error
    processes = processes_of(None)
    if processes is None:
        raise ArgumentError("expected several processes, got one")
    code = _C.run_command(["deepbio", *arguments], processes)
    if code == 0:
        distributed.destroy_process_group()
    return code
