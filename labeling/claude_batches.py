"""Asks Claude about many pictures at once, at half the price: Anthropic's Message Batches API.

It speaks through ``claude_client.py``, which alone knows the SDK.
"""

from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Any

from labeling.answers import InvalidAnswer
from labeling.batches import (
    Batch,
    BatchGone,
    BatchNotTaken,
    BatchResults,
    BatchTrouble,
    Said,
    Unanswered,
    Withdrawn,
)
from labeling.claude_client import ClaudeClient, labeling_of, request_for, usage_of
from labeling.labeler import Labeling, LabelingFailed, Picture, Refused, Unusable

A_PAGE = 100
# Errors of single requests that another try meets again.
LASTING = (
    "invalid_request_error", "authentication_error", "billing_error", "permission_error",
    "not_found_error", "request_too_large",
)  # fmt: skip


class ClaudeBatches(ClaudeClient):
    """A labeling.batches.BatchLabeler."""

    def send(self, requests: Sequence[tuple[str, Picture]]) -> Future[Batch]:
        return self.start(self._send(requests))

    def look(self, batch_id: str) -> Future[Batch]:
        return self.start(self._look(batch_id))

    def cancel(self, batch_id: str) -> Future[Batch]:
        return self.start(self._cancel(batch_id))

    def since(self, moment: datetime) -> Future[list[Batch]]:
        return self.start(self._since(moment))

    def results(self, batch_id: str) -> Future[BatchResults]:
        return self.start(self._results(batch_id))

    async def _send(self, requests: Sequence[tuple[str, Picture]]) -> Batch:
        # The SDK would send a batch again whose answer was lost, and both would be paid for.
        once = self.sdk().with_options(max_retries=0).messages.batches
        try:
            sent = once.create(
                requests=[
                    {"custom_id": name, "params": request_for(picture, self.config)}
                    for name, picture in requests
                ]
            )
            return _batch(await self.called(sent))
        except (LabelingFailed, Unusable) as error:
            status = _status(error)
            if status == 404:
                host = self.config.base_url or "Anthropic"
                raise Unusable(f"{host} takes no batches. Label without them.") from error
            if status == 429:
                raise BatchNotTaken(
                    "Anthropic's rate limit for batches is reached.", _retry_after(error)
                ) from error
            if isinstance(error, Unusable):
                raise
            if status and status < 500 and status not in (408, 409):
                raise Unusable(str(error)) from error
            raise BatchTrouble(str(error), _retry_after(error)) from error

    async def _look(self, batch_id: str) -> Batch:
        try:
            return _batch(await self.called(self.sdk().messages.batches.retrieve(batch_id)))
        except (LabelingFailed, Unusable) as error:
            raise _about(batch_id, error) from error

    async def _cancel(self, batch_id: str) -> Batch:
        try:
            return _batch(await self.called(self.sdk().messages.batches.cancel(batch_id)))
        except (LabelingFailed, Unusable) as error:
            raise _about(batch_id, error) from error

    async def _since(self, moment: datetime) -> list[Batch]:
        return await self.called(self._list(moment))

    async def _list(self, moment: datetime) -> list[Batch]:
        found = []
        # The latest come first.
        async for batch in self.sdk().messages.batches.list(limit=A_PAGE):
            if batch.created_at < moment:
                break
            found.append(_batch(batch))
        return found

    async def _results(self, batch_id: str) -> BatchResults:
        try:
            opened = await self.called(self.sdk().messages.batches.results(batch_id))
        except (LabelingFailed, Unusable) as error:
            raise _about(batch_id, error) from error
        return _Results(self, opened)


class _Results:
    """A labeling.batches.BatchResults over the SDK's stream of lines."""

    def __init__(self, client: ClaudeClient, opened: Any) -> None:
        self._client = client
        self._opened = opened
        self._lines: AsyncIterator[Any] = aiter(opened)

    def read(self, most: int) -> "Future[list[tuple[str, Said]]]":
        return self._client.start(self._read(most))

    def close(self) -> Future[None]:
        return self._client.start(self._opened.close())

    async def _read(self, most: int) -> list[tuple[str, Said]]:
        found: list[tuple[str, Said]] = []
        try:
            async for line in self._lines:
                found.append((line.custom_id, _said(line.result)))
                if len(found) >= most:
                    break
        except Exception as error:
            # A connection that breaks off raises what the HTTP library or the JSON reader likes.
            raise BatchTrouble(f"The results of a batch broke off: {error}.") from error
        return found


def _batch(told: Any) -> Batch:
    counts = told.request_counts
    finished = counts.succeeded + counts.errored + counts.canceled + counts.expired
    has_ended = told.processing_status == "ended"
    return Batch(
        id=told.id,
        created_at=told.created_at,
        requests=finished + counts.processing,
        finished=finished,
        is_cancelling=told.processing_status == "canceling",
        has_ended=has_ended,
        is_lost=has_ended and not told.results_url,
    )


def _said(result: Any) -> Said:
    """One request's outcome."""
    if result.type == "succeeded":
        return _answer(result.message)
    if result.type == "canceled":
        return Withdrawn("The batch was cancelled at Anthropic before this picture's turn.")
    if result.type == "expired":
        return Unanswered("Anthropic did not come to this picture within 24 hours.")
    error = result.error.error
    said = str(error.message).rstrip(".")
    if error.type in LASTING:
        return LabelingFailed(f"Anthropic refused the request ({error.type}): {said}.")
    return Unanswered(f"Anthropic's server failed at this picture ({error.type}): {said}.")


def _answer(message: Any) -> Said:
    usage = usage_of(message)
    try:
        return labeling_of(message, usage)
    except Refused as refused:
        refused.usage = usage
        return refused
    except InvalidAnswer as invalid:
        sentence = f"Claude's answer could not be used: {invalid}."
        return Unanswered(sentence, usage, _lenient(message))


def _lenient(message: Any) -> Labeling | None:
    """An answer with too few tags is worth keeping when there is none better."""
    try:
        return labeling_of(message, usage_of(message), fewest_tags=1)
    except InvalidAnswer:
        return None


def _about(batch_id: str, error: Exception) -> Exception:
    """The exception to raise for a failed call about one batch."""
    if _status(error) == 404:
        return BatchGone(f"Anthropic knows no batch {batch_id} any more.")
    if isinstance(error, Unusable):
        return error
    return BatchTrouble(str(error), _retry_after(error))


def _status(error: Exception) -> int | None:
    """The HTTP status behind a worded exception; None if no answer came."""
    status = getattr(error.__cause__, "status_code", None)
    return status if isinstance(status, int) else None


def _retry_after(error: Exception) -> float | None:
    response = getattr(error.__cause__, "response", None)
    told = response.headers.get("retry-after", "") if response is not None else ""
    return float(told) if told.replace(".", "", 1).isdecimal() else None
