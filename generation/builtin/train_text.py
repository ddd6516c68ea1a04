"""Preparation of the text encoder: it learns to say what a prompt asks for.

A fresh denoiser attends to all 77 positions alike, most of which come after the end of the prompt.
If those positions already carry the wish, the denoiser finds it at once; without this it takes
thousands of steps until the prompt has any effect.
"""

import random
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional
from transformers import CLIPTextModel, CLIPTokenizer

from generation.builtin.captions import caption, empty_caption
from generation.builtin.drawing import INKS, PAPERS
from generation.builtin.networks import TEXT_WIDTH
from generation.builtin.subjects import Subject, all_subjects
from generation.builtin.train_loop import Report, Schedule, device, train


@dataclass(frozen=True)
class TextConfig:
    """How the text encoder is prepared."""

    schedule: Schedule = Schedule(400, 2e-3, warmup=50, weight_decay=1e-3, average=0.9)
    batch: int = 32
    seed: int = 0


class Wish:
    """The classes that a prompt may ask for; class 0 of each means that nothing was said."""

    def __init__(self) -> None:
        self.subjects = all_subjects()
        self.ranks = sorted({s.rank for s in self.subjects})
        self.suits = sorted({s.suit for s in self.subjects})
        self.kinds = ["card", "sign", "tarot"]
        self.inks, self.papers = list(INKS), list(PAPERS)

    def sizes(self) -> list[int]:
        groups = (self.subjects, self.ranks, self.suits, self.kinds, self.inks, self.papers)
        return [len(group) + 1 for group in groups]

    def classes(self, subject: Subject | None, ink: str, paper: str, text: str) -> list[int]:
        """Class numbers of one prompt; a colour counts only where the text names it."""
        if subject is None:
            return [0] * 6
        words = set(text.replace(",", " ").split())
        colours = [
            self.inks.index(ink) + 1 if ink in words else 0,
            self.papers.index(paper) + 1 if paper in words else 0,
        ]
        return [
            self.subjects.index(subject) + 1,
            self.ranks.index(subject.rank) + 1,
            self.suits.index(subject.suit) + 1,
            self.kinds.index(subject.kind) + 1,
            *colours,
        ]


def wish_batch(wish: Wish, count: int, rng: random.Random) -> tuple[list[str], torch.Tensor]:
    """Prompts and their class numbers (count, 6)."""
    texts, classes = [], []
    for _ in range(count):
        subject, ink, paper = (
            rng.choice(wish.subjects),
            rng.choice(wish.inks),
            rng.choice(wish.papers),
        )
        if rng.random() < 0.05:
            texts.append(empty_caption(rng))
            classes.append(wish.classes(None, ink, paper, ""))
        else:
            texts.append(caption(subject, ink, paper, rng))
            classes.append(wish.classes(subject, ink, paper, texts[-1]))
    return texts, torch.tensor(classes)


class Reader(nn.Module):
    """The text encoder with one answering head for each thing that a prompt may ask for."""

    def __init__(self, text_encoder: CLIPTextModel, sizes: list[int]) -> None:
        super().__init__()
        self.text_encoder = text_encoder
        self.heads = nn.ModuleList(nn.Linear(TEXT_WIDTH, size) for size in sizes)

    def forward(self, tokens: torch.Tensor) -> list[torch.Tensor]:
        """Answers, one (B, classes) for each head, from token ids (B, 77)."""
        pooled = self.text_encoder(tokens)[0].mean(1)
        return [head(pooled) for head in self.heads]


def prepare_text_encoder(
    text_encoder: CLIPTextModel, tokenizer: CLIPTokenizer, config: TextConfig, report: Report
) -> CLIPTextModel:
    """Train until the mean of all positions tells the wish; returns the averaged encoder."""
    torch.manual_seed(config.seed)
    rng, wish = random.Random(config.seed), Wish()

    def loss(reader: Reader) -> torch.Tensor:
        texts, classes = wish_batch(wish, config.batch, rng)
        tokens = tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt")
        answers = reader(tokens.input_ids.to(device()))
        losses = [
            functional.cross_entropy(answer.float(), wanted)
            for answer, wanted in zip(answers, classes.to(device()).T, strict=True)
        ]
        return torch.stack(losses).sum()

    reader = Reader(text_encoder, wish.sizes())
    trained = train(reader, loss, config.schedule, config.seed, report, "text encoder")
    return trained.text_encoder
