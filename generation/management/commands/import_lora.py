from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from generation.lora_file import LoraFileError
from generation.loras import register_lora
from generation.parameters import LORA_WEIGHT, decimal_number
from imagineer.problems import Problem


class Command(BaseCommand):
    help = "Take in a LoRA's .safetensors file, as its name's next version."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--name", default="", help="Default: the file's name.")
        parser.add_argument(
            "--trigger", action="append", default=[], help="A trigger word; may be repeated."
        )
        parser.add_argument("--weight", type=float, help="Default weight, -2 to 2.")
        parser.add_argument("--description", default="")
        parser.add_argument("--private", action="store_true", help="Hide it from visitors.")

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["file"]
        try:
            if options["weight"] is not None:
                decimal_number("weight", options["weight"], *LORA_WEIGHT)
            lora = register_lora(
                file,
                name=(options["name"].strip() or file.stem)[:100],
                trigger_words=options["trigger"],
                default_weight=options["weight"],
                description=options["description"],
                is_public=not options["private"],
            )
        except FileNotFoundError:
            raise CommandError(f"There is no file {file}.") from None
        except (LoraFileError, Problem, OSError) as error:
            raise CommandError(str(error)) from error
        rank = lora.metadata.get("rank")
        kind = lora.architecture or "an unknown kind of base model"
        self.stdout.write(f"{lora}: rank {rank}, for {kind}, id {lora.pk}.")
