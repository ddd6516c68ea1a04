"""LoRA training on a diffusion UNet, in a process of its own.

An engine: no Django, no queue. ``python -m training.lora_trainer task.json`` trains and speaks
JSON lines on standard output, one event each (see :class:`Events`). SIGINT or SIGTERM stop it
after the step it is in; what was learned is kept and the same command goes on from there.

Everything random is drawn from the seed and the step's number, so a training that was killed
and resumed ends, on the same machine, with the same weights as one that was not.
"""

import json
import math
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

import torch
from diffusers import DDPMScheduler
from peft import LoraConfig
from torch.nn import functional

from generation import diffusion_pipeline
from training import checkpoints
from training.config import TARGETS, TrainingConfig
from training.latents import Cache, build_cache

AMP_TYPES = {"fp16": torch.float16, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class Task:
    """What one process is asked to train.

    base_model: a diffusers folder, a Hugging Face repository or a single ``.safetensors`` file;
    pictures: a flat folder as :mod:`training.export` writes it; work: a folder for checkpoints;
    output: the finished LoRA; title, session (the run's own id, so that no two runs write the same
    bytes) and trigger_word go into the file's header.
    """

    base_model: str
    pictures: str
    work: str
    output: str
    title: str = "LoRA"
    session: str = ""
    base_model_name: str = ""
    trigger_word: str = ""
    dataset_digest: str = ""
    device: str = "auto"
    config: TrainingConfig = field(default_factory=TrainingConfig)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def read_task(path: Path) -> Task:
    values = json.loads(path.read_text("utf-8"))
    return Task(**{**values, "config": TrainingConfig(**values["config"])})


class Events:
    """Where a training reports. One JSON object a line:

    ``{"event": "message", "text"}`` what it is busy with; ``{"event": "start", "step", "losses"}``
    how much was done earlier; ``{"event": "step", "step", "total", "loss"}``;
    ``{"event": "checkpoint", "step", "file"}``; and at the end one of
    ``{"event": "done", "file", "loss"}``, ``{"event": "stopped", "step"}``,
    ``{"event": "failed", "text"}``.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def __call__(self, event: str, **values: Any) -> None:
        self.stream.write(json.dumps({"event": event, **values}) + "\n")
        self.stream.flush()


Report = Callable[..., None]


def load_base(source: str, device: str) -> Any:
    """The pipeline whose UNet is trained; ValueError for another family of models.

    Raises generation's DrawingError where the model cannot be loaded.
    """
    pipeline = diffusion_pipeline.load(source, device).pipeline
    # It gets a LoRA, so nobody else may draw with it.
    diffusion_pipeline.release()
    if getattr(pipeline, "text_encoder_2", None) is not None or not hasattr(pipeline, "unet"):
        raise ValueError(
            "LoRAs are trained for Stable Diffusion 1 and 2 and for the built-in model."
        )
    if pipeline.scheduler.config.prediction_type not in ("epsilon", "v_prediction"):
        raise ValueError("This base model predicts neither noise nor velocity; choose another.")
    for part in (pipeline.vae, pipeline.text_encoder, pipeline.unet):
        part.requires_grad_(False).eval()
    # Half precision is not enough for the autoencoder's sums.
    pipeline.vae.to(torch.float32)
    return pipeline


def learning_rate(step: int, config: TrainingConfig) -> float:
    """The rate of a step (from 0): a linear warm-up, then half a cosine down to a hundredth."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    rest = max(1, config.steps - config.warmup_steps)
    done = (step - config.warmup_steps) / rest
    return config.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))


def loss_weights(scheduler: Any, timesteps: torch.Tensor, gamma: float) -> torch.Tensor:
    """Min-SNR-γ weights (B,) of timesteps (B,); ones for γ = 0.

    Hang et al. 2023 (arXiv 2303.09556): min(SNR, γ) ÷ SNR for noise prediction and
    min(SNR, γ) ÷ (SNR + 1) for velocity prediction. SNR is zero at the last step of a schedule
    with zero terminal SNR.
    """
    if not gamma:
        return torch.ones(len(timesteps))
    signal_share: torch.Tensor = scheduler.alphas_cumprod.cpu()[timesteps.cpu()]
    snr = signal_share / (1 - signal_share)
    if scheduler.config.prediction_type == "v_prediction":
        return snr.clamp(max=gamma) / (snr + 1)
    return (gamma / snr.clamp(min=1e-8)).clamp(max=1.0)


@dataclass(frozen=True)
class Batch:
    """Latents and noise (B, C, h, w), timesteps (B,), text states (B, T, D), on the CPU."""

    latents: torch.Tensor
    noise: torch.Tensor
    timesteps: torch.Tensor
    states: torch.Tensor


def draw_batch(cache: Cache, config: TrainingConfig, number: int, timestep_count: int) -> Batch:
    """The batch with this number (from 0); a function of the seed and the number alone.

    Pictures come in a fresh order every epoch, each once an epoch.
    """
    draw = torch.Generator().manual_seed(config.seed * 1_000_003 + number)
    indices = torch.tensor(list(_positions(len(cache), config, number)))
    latents = cache.latents[indices]
    if cache.flipped is not None:
        flips = torch.rand(len(indices), generator=draw) < 0.5
        latents = torch.where(flips[:, None, None, None], cache.flipped[indices], latents)
    states = cache.embeddings[indices]
    dropped = torch.rand(len(indices), generator=draw) < config.caption_dropout
    states = torch.where(dropped[:, None, None], cache.empty, states)
    timesteps = torch.randint(timestep_count, (len(indices),), generator=draw)
    noise = torch.randn(latents.shape, generator=draw)
    return Batch(latents, noise, timesteps, states)


def _positions(count: int, config: TrainingConfig, number: int) -> Iterator[int]:
    orders: dict[int, list[int]] = {}
    for position in range(number * config.batch_size, (number + 1) * config.batch_size):
        epoch, index = divmod(position, count)
        if epoch not in orders:
            shuffle = torch.Generator().manual_seed(config.seed * 7_919 + epoch)
            orders[epoch] = torch.randperm(count, generator=shuffle).tolist()
        yield orders[epoch][index]


class Trainer:
    """A UNet with a fresh LoRA, its optimiser, and the losses so far (one for each step)."""

    def __init__(self, task: Task, report: Report) -> None:
        self.task, self.config, self.report = task, task.config, report
        self.work = Path(task.work)
        self.work.mkdir(parents=True, exist_ok=True)
        self.losses: list[float] = []
        report("message", text="Loading the base model")
        pipeline = load_base(task.base_model, task.device)
        self.device = pipeline.device
        self.cache = build_cache(
            pipeline,
            Path(task.pictures),
            self.config.width,
            self.config.height,
            self.config.random_flip,
            lambda text: report("message", text=text),
        )
        self.scheduler = DDPMScheduler.from_config(pipeline.scheduler.config)
        self.amp_type = self._amp_type()
        self.unet = self._with_lora(pipeline.unet.to(self.amp_type or torch.float32))
        self.weights = checkpoints.trainable(self.unet)
        self.optimiser = torch.optim.AdamW(
            self.weights.values(), lr=self.config.learning_rate, weight_decay=0.01
        )
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.amp_type is torch.float16)

    def _with_lora(self, unet: Any) -> Any:
        torch.manual_seed(self.config.seed)
        unet.add_adapter(
            LoraConfig(
                r=self.config.rank,
                lora_alpha=self.config.alpha,
                init_lora_weights="gaussian",
                target_modules=list(TARGETS[self.config.targets]),
            )
        )
        for weight in unet.parameters():
            if weight.requires_grad:
                weight.data = weight.data.float()
        return unet.train()

    def _amp_type(self) -> torch.dtype | None:
        wanted = AMP_TYPES.get(self.config.mixed_precision)
        if wanted is torch.float16 and self.device.type != "cuda":
            self.report("message", text="fp16 needs a GPU; training in full precision")
            return None
        return wanted

    @property
    def fingerprint(self) -> str:
        parts = {"base": self.task.base_model_name or self.task.base_model}
        return checkpoints.fingerprint(
            {**parts, "data": self.task.dataset_digest, "config": self.config.as_dict()}
        )

    def resume(self) -> int:
        """Take up the saved state, if there is one; returns how many steps it had done."""
        state = checkpoints.load_state(self.work, self.fingerprint)
        if state is None:
            return 0
        with torch.no_grad():
            for name, weight in self.weights.items():
                weight.copy_(state["weights"][name])
        self.optimiser.load_state_dict(state["optimiser"])
        self.scaler.load_state_dict(state["scaler"])
        self.losses = state["losses"]
        return len(self.losses)

    def save(self) -> None:
        """Write a LoRA file for this step and the state to go on from."""
        step = len(self.losses)
        path = self.work / f"step-{step:06d}.safetensors"
        self.write(path)
        self.save_state()
        self.report("checkpoint", step=step, file=path.name)

    def save_state(self) -> None:
        state = {
            "fingerprint": self.fingerprint,
            "weights": {name: weight.detach().cpu() for name, weight in self.weights.items()},
            "optimiser": self.optimiser.state_dict(),
            "scaler": self.scaler.state_dict(),
            "losses": self.losses,
        }
        checkpoints.save_state(self.work, state)

    def write(self, path: Path) -> None:
        metadata = checkpoints.lora_metadata(
            title=self.task.title,
            session=self.task.session,
            trigger_word=self.task.trigger_word,
            base_model=self.task.base_model_name or self.task.base_model,
            v_prediction=self.scheduler.config.prediction_type == "v_prediction",
            pictures=len(self.cache),
            dataset_digest=self.task.dataset_digest,
            step=len(self.losses),
            config=self.config.as_dict(),
        )
        checkpoints.save_lora(self.unet, path, metadata)

    def step(self) -> float:
        """One optimiser step over the accumulated batches; returns their mean loss."""
        done = len(self.losses)
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(done, self.config)
        total = 0.0
        for part in range(self.config.gradient_accumulation):
            number = done * self.config.gradient_accumulation + part
            loss = self._loss(number) / self.config.gradient_accumulation
            self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
            total += loss.item()
        self.scaler.unscale_(self.optimiser)
        torch.nn.utils.clip_grad_norm_(self.weights.values(), 1.0)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.optimiser.zero_grad()
        if not math.isfinite(total):
            raise ValueError(
                "The loss is no longer a number: the learning rate is too high, or fp16 too coarse."
            )
        self.losses.append(total)
        return total

    def _loss(self, number: int) -> torch.Tensor:
        """Mean squared error of what the model predicts (noise or velocity), weighted."""
        count = self.scheduler.config.num_train_timesteps
        batch = draw_batch(self.cache, self.config, number, count)
        weights = loss_weights(self.scheduler, batch.timesteps, self.config.min_snr_gamma)
        latents, noise = batch.latents.to(self.device), batch.noise.to(self.device)
        timesteps = batch.timesteps.to(self.device)
        noisy = self.scheduler.add_noise(latents, noise, timesteps)
        target = noise
        if self.scheduler.config.prediction_type == "v_prediction":
            target = self.scheduler.get_velocity(latents, noise, timesteps)
        with torch.autocast(
            self.device.type, dtype=self.amp_type, enabled=self.amp_type is not None
        ):
            states = batch.states.to(self.device)
            predicted = self.unet(noisy, timesteps, encoder_hidden_states=states).sample
        errors = functional.mse_loss(predicted.float(), target, reduction="none")
        return (errors.mean(dim=(1, 2, 3)) * weights.to(self.device)).mean()


def recent_loss(losses: list[float]) -> float:
    """The mean of the last tenth: single losses jump with the noise drawn."""
    last = losses[-max(1, len(losses) // 10) :]
    return sum(last) / len(last)


def train(task: Task, report: Report, is_stopped: Callable[[], bool] = lambda: False) -> bool:
    """Train from where an earlier attempt stopped; returns whether it reached the last step."""
    trainer = Trainer(task, report)
    total = task.config.steps
    report("start", step=trainer.resume(), losses=trainer.losses)
    while len(trainer.losses) < total:
        if is_stopped():
            if trainer.losses:
                trainer.save()
            report("stopped", step=len(trainer.losses))
            return False
        loss = trainer.step()
        done = len(trainer.losses)
        report("step", step=done, total=total, loss=round(loss, 6))
        if done % task.config.checkpoint_every == 0 and done < total:
            trainer.save()
    # Written once: a second writing of the same weights may order its header differently.
    if not Path(task.output).exists():
        trainer.save_state()
        trainer.write(Path(task.output))
    report("done", file=task.output, loss=round(recent_loss(trainer.losses), 6))
    return True


def main(arguments: list[str]) -> int:
    events = Events(_own_stdout())
    stopped = False

    def stop(signal_number: int, frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True

    try:
        task = read_task(Path(arguments[0]))
        signal.signal(signal.SIGINT, stop)
        signal.signal(signal.SIGTERM, stop)
        train(task, events, lambda: stopped)
    except Exception as error:
        events("failed", text=str(error) or type(error).__name__)
        raise
    return 0


def _own_stdout() -> TextIO:
    """Standard output for our lines alone; what libraries print goes to standard error."""
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return stream


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
