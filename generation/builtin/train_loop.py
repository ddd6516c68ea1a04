"""The loop that all parts of the built-in model are trained with.

AdamW, a warm-up and a cosine, clipped gradients, a moving average of the weights, and a saved
state to go on from.
"""

import copy
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

Report = Callable[[int, int, str], None]
"""Called with steps done, steps in all, and a sentence."""
Model = TypeVar("Model", bound=nn.Module)


@dataclass(frozen=True)
class Schedule:
    """How long and how fast one part learns."""

    steps: int
    learning_rate: float
    warmup: int = 100
    weight_decay: float = 1e-4
    average: float = 0.998
    """How much of the averaged weights stays at each step, once there are many steps."""
    save_every: int = 250
    bfloat16: bool = False
    """Compute in bfloat16: faster where the processor or GPU has it, much slower elsewhere."""


def device() -> torch.device:
    """Where to train: a GPU if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def rate_at(step: int, schedule: Schedule) -> float:
    """Linear warm-up, then a cosine down to 1% of the peak."""
    if step < schedule.warmup:
        return schedule.learning_rate * (step + 1) / schedule.warmup
    share = (step - schedule.warmup) / max(1, schedule.steps - schedule.warmup)
    return schedule.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, share))))


def train(
    model: Model,
    loss_of: Callable[[Model], torch.Tensor],
    schedule: Schedule,
    seed: int,
    report: Report,
    name: str,
    weights: Iterable[nn.Parameter] | None = None,
    state_file: Path | None = None,
    after_step: Callable[[int, Model], None] | None = None,
) -> Model:
    """Lower `loss_of(model)`, a scalar over a fresh batch; returns the averaged model.

    Trains `weights` only, where given. With a `state_file`, saves there and goes on from it.
    `after_step` sees the number of steps done and the averaged model.
    """
    model.to(device())
    average = copy.deepcopy(model)
    chosen = list(model.parameters() if weights is None else weights)
    optimiser = torch.optim.AdamW(chosen, betas=(0.9, 0.99), weight_decay=schedule.weight_decay)
    start = _restore(state_file, model, average, optimiser)
    torch.manual_seed(seed + start)
    running = 0.0
    for step in range(start, schedule.steps):
        for group in optimiser.param_groups:
            group["lr"] = rate_at(step, schedule)
        with torch.autocast(device().type, torch.bfloat16, enabled=schedule.bfloat16):
            loss = loss_of(model)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(chosen, 1.0)
        optimiser.step()
        average_into(average, model, min(schedule.average, (step + 1) / (step + 10)))
        running = 0.98 * running + 0.02 * loss.item() if step > start else loss.item()
        done = step + 1
        if done % 50 == 0:
            report(done, schedule.steps, f"{name}: loss {running:.4f}")
        if state_file and (done % schedule.save_every == 0 or done == schedule.steps):
            _save(state_file, done, model, average, optimiser)
        if after_step:
            after_step(done, average)
    return average.eval()


def average_into(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Move the weights of `average` towards those of `model`: keep `decay` of the old ones."""
    with torch.no_grad():
        for slow, fast in zip(average.parameters(), model.parameters(), strict=True):
            slow.lerp_(fast.detach(), 1 - decay)


def _save(
    path: Path,
    step: int,
    model: nn.Module,
    average: nn.Module,
    optimiser: torch.optim.Optimizer,
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = {"step": step, "model": model.state_dict(), "average": average.state_dict()}
    parts["optimiser"] = optimiser.state_dict()
    torch.save(parts, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


def _restore(
    path: Path | None, model: nn.Module, average: nn.Module, optimiser: torch.optim.Optimizer
) -> int:
    """Load a saved state if there is one; returns the step to go on from."""
    if path is None or not path.exists():
        return 0
    state = torch.load(path, weights_only=True, map_location=device())
    model.load_state_dict(state["model"])
    average.load_state_dict(state["average"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["step"])
