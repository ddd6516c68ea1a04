"""Asks Claude about pictures, several at a time; the only module that knows Anthropic's SDK.

Requests run in an event loop of their own thread, so that a request in flight, or one that waits
for the server's ``retry-after``, can be given up at any moment.
"""

import asyncio
import base64
import re
import threading
from collections.abc import Awaitable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, TypeVar

from labeling.answers import ANSWER_SCHEMA, FEWEST_TAGS, Answer, InvalidAnswer, read_answer
from labeling.labeler import Labeling, LabelingFailed, Picture, Refused, Unusable, Usage
from labeling.prompts import system_texts, user_text

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic
    from anthropic.types import Message
    from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
    from anthropic.types.output_config_param import OutputConfigParam

T = TypeVar("T")
ANTHROPIC = "https://api.anthropic.com"
# Room for models that think before they answer; a caption itself takes a tenth of it.
MAX_TOKENS = 4096
# How often a picture is asked about at most: once more after an answer that cannot be used.
TRIES = 2
# How long leaving waits for the event loop, which may be importing the SDK just then: with
# one_by_one.POLL_S less than a cancelled job is given before its process is killed.
PATIENCE_S = 0.8


def import_sdk() -> None:
    """About 3000 modules, a second, 75 MB."""
    import anthropic  # noqa: F401


@dataclass(frozen=True)
class ClaudeConfig:
    """effort: how long the model thinks (low … max); empty for its own default.

    max_retries: by the SDK, which waits as long as the server's retry-after says. timeout_s: for
    one answer. deadline_s: for one picture with all its retries.
    """

    api_key: str = field(repr=False)
    model: str
    base_url: str = ""
    effort: str = ""
    max_retries: int = 5
    timeout_s: float = 120.0
    deadline_s: float = 600.0


class ClaudeClient:
    """A labeling.labeler.Labeler."""

    def __init__(self, config: ClaudeConfig) -> None:
        self.config = config
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="claude", daemon=True)
        self._sdk: AsyncAnthropic | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def submit(self, picture: Picture) -> "Future[Labeling]":
        return self.start(self._label(picture))

    def start(self, call: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine in the client's event loop; leaving the client gives it up."""
        return asyncio.run_coroutine_threadsafe(call, self._loop)

    def __exit__(self, *exc: object) -> None:
        asyncio.run_coroutine_threadsafe(self._give_up(), self._loop)
        self._thread.join(timeout=PATIENCE_S)
        if not self._thread.is_alive():
            self._loop.close()

    async def _give_up(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._sdk is not None:
            await self._sdk.close()
        self._loop.stop()

    def sdk(self) -> "AsyncAnthropic":
        if self._sdk is None:
            from anthropic import AsyncAnthropic

            self._sdk = AsyncAnthropic(
                api_key=self.config.api_key,
                base_url=self.config.base_url or ANTHROPIC,
                max_retries=self.config.max_retries,
                timeout=self.config.timeout_s,
            )
        return self._sdk

    async def _label(self, picture: Picture) -> Labeling:
        """Ask, and once more if the answer is not of the agreed shape."""
        usage = Usage()
        try:
            async with asyncio.timeout(self.config.deadline_s):
                message = await self._ask(picture)
                usage = usage_of(message)
                try:
                    return labeling_of(message, usage)
                except InvalidAnswer:
                    message = await self._ask(picture)
                    usage += usage_of(message)
                # A caption with too few tags twice over is still worth keeping.
                return labeling_of(message, usage, fewest_tags=1)
        except LabelingFailed as error:
            error.usage = usage
            raise
        except InvalidAnswer as error:
            sentence = f"Claude's answer could not be used, twice over: {error}."
            raise LabelingFailed(sentence, usage) from error
        except TimeoutError:
            minutes = self.config.deadline_s / 60
            sentence = f"Claude gave no answer within {minutes:.0f} minutes of trying."
            raise LabelingFailed(sentence, usage) from None

    async def _ask(self, picture: Picture) -> "Message":
        return await self.called(self.sdk().messages.create(**request_for(picture, self.config)))

    async def called(self, call: Awaitable[T]) -> T:
        """What the SDK's call yields. Raises LabelingFailed or Unusable for the SDK's exceptions,
        which stand behind them as their cause.
        """
        import anthropic

        try:
            return await call
        except anthropic.AnthropicError as error:
            raise self._worded(error) from error

    def _worded(self, error: Exception) -> Exception:
        """The exception to raise for one of the SDK's: what happened, and what to do."""
        import anthropic

        if isinstance(error, anthropic.APIStatusError):
            return _worded_status(error, self.config)
        host = self.config.base_url or ANTHROPIC
        if isinstance(error, anthropic.APITimeoutError):
            return LabelingFailed(f"{host} did not answer within {self.config.timeout_s:.0f} s.")
        if isinstance(error, anthropic.APIConnectionError):
            return LabelingFailed(f"{host} could not be reached: {error.__cause__ or error}.")
        return LabelingFailed(f"Anthropic's answer could not be read: {error}")


def request_for(picture: Picture, config: ClaudeConfig) -> "MessageCreateParamsNonStreaming":
    """What is sent about one picture, alone or in a batch.

    A prefix of a request is cached up to the block that is marked, so all that a run's pictures
    share comes first. The cache lives five minutes from its last use; a prefix that is shorter
    than the model caches (512 tokens for current ones) is sent as if it were not marked.
    """
    shared, own = system_texts(picture.instructions)
    data = base64.standard_b64encode(picture.jpeg).decode("ascii")
    output: OutputConfigParam = {"format": {"type": "json_schema", "schema": ANSWER_SCHEMA}}
    if config.effort and takes_effort(config.model):
        output["effort"] = config.effort  # type: ignore[typeddict-item]
    return {
        "model": config.model,
        "max_tokens": MAX_TOKENS,
        "system": [
            {"type": "text", "text": shared},
            {"type": "text", "text": own, "cache_control": {"type": "ephemeral"}},
        ],
        "messages": [
            {
                "role": "user",
                "content": [
                    {
                        "type": "image",
                        "source": {"type": "base64", "media_type": "image/jpeg", "data": data},
                    },
                    {"type": "text", "text": user_text(picture.found)},
                ],
            }
        ],
        "output_config": output,
    }


_WITHOUT_EFFORT = re.compile(r"claude-(3|(sonnet|haiku)-4-5|(opus|sonnet)-4-([01]\b|20))")


def takes_effort(model: str) -> bool:
    """Whether the model knows the parameter; those before Claude Opus 4.5 refuse it."""
    return _WITHOUT_EFFORT.search(model) is None


def usage_of(message: "Message") -> Usage:
    spent = message.usage
    return Usage(
        spent.input_tokens,
        spent.output_tokens,
        spent.cache_read_input_tokens or 0,
        spent.cache_creation_input_tokens or 0,
    )


def labeling_of(message: "Message", usage: Usage, *, fewest_tags: int = FEWEST_TAGS) -> Labeling:
    """Raises Refused, or InvalidAnswer for what a second try may mend."""
    answer = _answer(message, fewest_tags)
    return Labeling(
        model=message.model,
        caption=answer.caption,
        rating=answer.rating,
        tags=answer.tags,
        confidence=answer.confidence,
        usage=usage,
    )


def _answer(message: "Message", fewest_tags: int) -> Answer:
    if message.stop_reason == "refusal":
        details = message.stop_details
        said = f" It says: {details.explanation}" if details and details.explanation else ""
        raise Refused(f"Claude declines to describe this picture.{said}")
    if message.stop_reason == "max_tokens":
        raise InvalidAnswer(f"it is longer than {MAX_TOKENS} tokens")
    text = "".join(block.text for block in message.content if block.type == "text")
    return read_answer(text, fewest_tags)


def _worded_status(error: Any, config: ClaudeConfig) -> Exception:
    """The exception for an HTTP status that the SDK's retries did not get past."""
    status, said = error.status_code, (error.api_message or "").rstrip(".")
    if status == 401:
        return Unusable("Anthropic does not accept the API key. Check ANTHROPIC_API_KEY.")
    if status == 402 or error.type == "billing_error" or "credit balance" in said:
        return Unusable(f"Anthropic's account cannot pay for this: {said or 'billing error'}.")
    if status == 403:
        return Unusable(
            f"This API key may not use {config.model}: {said or 'permission denied'}. "
            "Check ANTHROPIC_API_KEY and CLAUDE_MODEL."
        )
    if status == 404:
        return Unusable(f"Anthropic knows no model “{config.model}”. Check CLAUDE_MODEL.")
    if status == 413:
        return LabelingFailed("The picture is too large for Anthropic's API.")
    if status == 429:
        return LabelingFailed(
            f"Anthropic's rate limit still held after {config.max_retries} retries. Retry later, "
            "or lower LABELING_CONCURRENCY."
        )
    if status == 529:
        return LabelingFailed(
            f"Anthropic was still overloaded after {config.max_retries} retries. Retry later."
        )
    if status >= 500:
        return LabelingFailed(
            f"Anthropic's server failed (status {status}), also after {config.max_retries} retries."
        )
    return LabelingFailed(
        f"Anthropic refused the request (status {status}): {said or 'no reason'}."
    )
