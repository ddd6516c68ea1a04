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
from generation.builtin.train_vae import Report, learning_rate


@dataclass(frozen=True)
class TextConfig:
    """How the text encoder is prepared."""

    steps: int = 400
    batch: int = 32
    learning_rate: float = 2e-3
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


def prepare_text_encoder(
    text_encoder: CLIPTextModel, tokenizer: CLIPTokenizer, config: TextConfig, report: Report
) -> float:
    """Train until the mean of all positions tells the wish; returns the share of right answers."""
    torch.manual_seed(config.seed)
    rng, wish = random.Random(config.seed), Wish()
    heads = nn.ModuleList(nn.Linear(TEXT_WIDTH, size) for size in wish.sizes())
    weights = [*text_encoder.parameters(), *heads.parameters()]
    optimiser = torch.optim.AdamW(weights, betas=(0.9, 0.99), weight_decay=1e-3)
    right = 0.0
    for step in range(config.steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, config.steps, config.learning_rate, 50)
        texts, classes = wish_batch(wish, config.batch, rng)
        tokens = tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt")
        pooled = text_encoder(tokens.input_ids)[0].mean(1)
        answers = [head(pooled) for head in heads]
        losses = [functional.cross_entropy(a, c) for a, c in zip(answers, classes.T, strict=True)]
        optimiser.zero_grad()
        torch.stack(losses).sum().backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        hits = [a.argmax(1) == c for a, c in zip(answers, classes.T, strict=True)]
        right = 0.9 * right + 0.1 * torch.stack(hits).all(0).float().mean().item()
        if (step + 1) % 50 == 0:
            report(step + 1, config.steps, f"text encoder reads {right:.0%} of prompts wholly")
    return right
