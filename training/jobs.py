"""Running a LoRA training: freeze, export, train in a child process, register.

Every step leaves something that a second attempt finds: the dataset version, the exported folder,
the trainer's saved state, the finished file, the LoRA's row. So a run that was killed anywhere goes
on from there.
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from generation.base_model import model_source
from generation.lora_file import LoraFileError
from generation.loras import register_lora
from generation.models import ModelVersion
from imagineer.jobs.registry import JobContext, JobFailed
from imagineer.problems import Problem
from training import trainer_process
from training.config import TrainingConfig
from training.datasets import freeze
from training.export import MissingPicture, export
from training.losses import thin_out
from training.models import Checkpoint, DatasetVersion, TrainingRun

OUTPUT = "lora.safetensors"
PICTURES = "pictures"


def run_training(context: JobContext) -> dict[str, Any]:
    """The runner of ``training.run``."""
    run = TrainingRun.objects.select_related("base_model", "dataset", "output_model").get(
        job=context.job
    )
    if run.output_model is None:
        dataset = _dataset(run, context)
        context.check_cancelled()
        run.folder.mkdir(parents=True, exist_ok=True)
        if not (run.folder / OUTPUT).exists():
            _export(run, dataset, context)
            context.check_cancelled()
            _train(run, dataset, context)
        lora = _register(run, dataset)
        context.log(f"{lora} is ready: {lora.file}")
    else:
        lora = run.output_model
    _tidy(run)
    return {"lora": lora.pk, "name": str(lora), "loss": lora.metrics.get("loss")}


def _dataset(run: TrainingRun, context: JobContext) -> DatasetVersion:
    if run.dataset is not None:
        return run.dataset
    try:
        dataset = freeze(run.name, list(run.albums.all()), run.created_by)
    except Problem as problem:
        raise JobFailed(problem.message) from problem
    run.dataset = dataset
    run.save(update_fields=["dataset"])
    stats = dataset.stats
    context.log(
        f"Dataset {dataset}: {stats['pictures']} pictures, {stats['left_out']} left out "
        "because they have no caption"
    )
    return dataset


def _export(run: TrainingRun, dataset: DatasetVersion, context: JobContext) -> None:
    def report(done: int, total: int) -> None:
        context.progress(0, run.steps, f"Preparing picture {done} of {total}")

    try:
        export(dataset, run.folder / PICTURES, run.trigger_word, report)
    except MissingPicture as error:
        raise JobFailed(str(error)) from error


def _train(run: TrainingRun, dataset: DatasetVersion, context: JobContext) -> None:
    # Memory is for one model at a time. Loaded or not is asked without loading torch for it.
    pipeline = sys.modules.get("generation.diffusion_pipeline")
    if pipeline is not None:
        pipeline.release()
    task = {
        "base_model": model_source(run.base_model),
        "base_model_name": run.base_model.name,
        "pictures": str(run.folder / PICTURES),
        "work": str(run.folder),
        "output": str(run.folder / OUTPUT),
        "title": run.name,
        "session": str(run.job_id),
        "trigger_word": run.trigger_word,
        "dataset_digest": dataset.digest,
        "device": settings.DEVICE,
        "config": TrainingConfig(**run.config).as_dict(),
    }
    file = run.folder / "task.json"
    file.write_text(json.dumps(task, indent=2), "utf-8")
    progress = trainer_process.Progress(context, run.steps, lambda losses: _keep(run, losses))
    try:
        trainer_process.run(file, run.folder / "trainer.log", progress)
    finally:
        _keep(run, progress.losses)
        _record_checkpoints(run)


def _keep(run: TrainingRun, losses: list[float]) -> None:
    if losses:
        TrainingRun.objects.filter(pk=run.pk).update(loss_history=thin_out(losses))


def _record_checkpoints(run: TrainingRun) -> None:
    """A row for every checkpoint file that has none; the file was there first."""
    for path in sorted(run.folder.glob("step-*.safetensors")):
        relative = path.relative_to(settings.MODELS_DIR).as_posix()
        step = int(path.stem.removeprefix("step-"))
        Checkpoint.objects.get_or_create(run=run, step=step, defaults={"file": relative})


def _register(run: TrainingRun, dataset: DatasetVersion) -> ModelVersion:
    """The LoRA's row and the run's link to it, together: a run never has two."""
    run.refresh_from_db(fields=["loss_history", "output_model"])
    history = run.loss_history
    config = TrainingConfig(**run.config)
    last = history[-max(1, len(history) // 10) :]
    loss = sum(point[1] for point in last) / len(last) if last else None
    try:
        with transaction.atomic():
            lora = register_lora(
                run.folder / OUTPUT,
                name=run.name,
                base_model=run.base_model,
                trigger_words=[run.trigger_word] if run.trigger_word else [],
                is_public=run.is_public,
                metadata={
                    "alpha": config.alpha,
                    "steps": config.steps,
                    "dataset": str(dataset),
                    "dataset_digest": dataset.digest,
                    "pictures": dataset.stats.get("pictures"),
                },
                metrics={"loss": loss},
            )
            TrainingRun.objects.filter(pk=run.pk).update(output_model=lora)
    except LoraFileError as error:
        raise JobFailed(f"The trained file cannot be used: {error}") from error
    return lora


def _tidy(run: TrainingRun) -> None:
    """Remove what was needed for training alone; the checkpoints' LoRA files stay."""
    shutil.rmtree(run.folder / PICTURES, ignore_errors=True)
    for name in (OUTPUT, "resume.pt", "task.json"):
        Path(run.folder / name).unlink(missing_ok=True)
