"""The Message Batches part of the local server (anthropic_server.py), as strict as the real one."""

import re
import secrets
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from anthropic.types.messages import MessageBatch, MessageBatchIndividualResponse

from labeling.tests.anthropic_server import (
    AnthropicServer,
    Reply,
    Wrong,
    check_key,
    check_params,
    error_body,
    json_in,
    message_body,
)

PATH = "/v1/messages/batches"
CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
MOST_REQUESTS = 100_000
MOST_BYTES = 256 * 1024 * 1024
Told = dict[str, Any] | list[dict[str, Any]] | Reply | None


@dataclass
class SentBatch:
    """One batch. requests: parameters by custom_id. results: lines, once it has ended."""

    requests: dict[str, dict[str, Any]]
    id: str = field(default_factory=lambda: f"msgbatch_{secrets.token_hex(8)}")
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    began: float = field(default_factory=time.monotonic)
    cancelled_at: datetime | None = None
    ended_at: datetime | None = None
    archived_at: datetime | None = None
    results: list[dict[str, Any]] = field(default_factory=list)


class Batches:
    """Batches end takes_s after they were made; a cancelled one at the next look.

    refusals: answers to the next creations. lost: of so many creations the answer is lost, though
    the batch is made. delay_s: before a creation is answered. done_at_cancel: requests that are
    answered although their batch was cancelled. cut_after: results break off after so many lines.
    """

    def __init__(self, server: AnthropicServer) -> None:
        self.server = server
        self.made: list[SentBatch] = []
        self.calls: list[str] = []
        self.takes_s = 0.0
        self.refusals: list[Reply] = []
        self.lost = 0
        self.delay_s = 0.0
        self.done_at_cancel = 0
        self.cut_after: int | None = None
        self._lock = threading.RLock()

    @property
    def answered(self) -> list[str]:
        """The custom_ids of all requests that were answered, and so paid for."""
        lines = [line for batch in self.made for line in batch.results]
        return [line["custom_id"] for line in lines if line["result"]["type"] == "succeeded"]

    def add(self, requests: dict[str, dict[str, Any]], **facts: Any) -> SentBatch:
        """A batch that somebody else made with the same key."""
        batch = SentBatch(requests, **facts)
        self.made.append(batch)
        return batch

    def answer(self, method: str, target: str, headers: Any, raw: bytes) -> Told:
        """A body, lines of results, an error; None to hang up without a word."""
        url = urlsplit(target)
        if not url.path.startswith(PATH):
            return Reply(status=404, message=f"no such path: {url.path}")
        path = [part for part in url.path.removeprefix(PATH).split("/") if part]
        try:
            check_key(headers)
            with self._lock:
                what = "batches" if not path else "batch" if len(path) == 1 else path[1]
                self.calls.append(f"{method} {what}")
                if method == "POST" and not path:
                    told = self._create(json_in(headers, raw), len(raw))
                elif method == "GET" and not path:
                    told = self._list(dict(parse_qsl(url.query)))
                else:
                    told = self._about(method, path)
        except Wrong as wrong:
            return self.server.refuse(wrong)
        if method == "POST" and not path and isinstance(told, dict):
            time.sleep(self.delay_s)
        return told

    def _create(self, body: Any, size: int) -> Told:
        if self.refusals:
            return self.refusals.pop(0)
        if set(body) != {"requests"} or not isinstance(body["requests"], list):
            raise Wrong("requests: a list is required, and nothing else")
        if size > MOST_BYTES:
            raise Wrong("batch exceeds 256 MB", 413)
        if not 1 <= len(body["requests"]) <= MOST_REQUESTS:
            raise Wrong("requests: must have 1 to 100000 items")
        requests: dict[str, dict[str, Any]] = {}
        for request in body["requests"]:
            if set(request) != {"custom_id", "params"}:
                raise Wrong("requests: custom_id and params are required, and nothing else")
            name = request["custom_id"]
            if not isinstance(name, str) or not CUSTOM_ID.fullmatch(name):
                raise Wrong(f"custom_id: {name!r} should match {CUSTOM_ID.pattern}")
            if name in requests:
                raise Wrong(f"custom_id: {name} is not unique")
            requests[name] = check_params(request["params"])
        batch = self.add(requests)
        if self.lost:
            self.lost -= 1
            return None
        return self._body(batch)

    def _list(self, query: dict[str, str]) -> Told:
        limit = query.pop("limit", "20")
        if not limit.isdecimal() or not 1 <= int(limit) <= 1000:
            raise Wrong("limit: must be between 1 and 1000")
        after = query.pop("after_id", None)
        if query:
            raise Wrong(f"extra inputs are not permitted: {', '.join(query)}")
        latest = sorted(self.made, key=lambda batch: batch.created_at, reverse=True)
        if after is not None:
            ids = [batch.id for batch in latest]
            if after not in ids:
                raise Wrong("after_id: no such batch")
            latest = latest[ids.index(after) + 1 :]
        page = latest[: int(limit)]
        return {
            "data": [self._told(batch) for batch in page],
            "has_more": len(latest) > len(page),
            "first_id": page[0].id if page else None,
            "last_id": page[-1].id if page else None,
        }

    def _about(self, method: str, path: list[str]) -> Told:
        batch = next((made for made in self.made if made.id == path[0]), None)
        if batch is None:
            return Reply(status=404, message=f"no batch {path[0]}")
        told = self._told(batch)
        if (method, path[1:]) == ("GET", []):
            return told
        if (method, path[1:]) == ("GET", ["results"]):
            if told["results_url"] is None:
                raise Wrong("results: the batch has not ended", 404)
            return batch.results[: self.cut_after]
        if (method, path[1:]) == ("POST", ["cancel"]):
            if batch.ended_at:
                return Reply(status=400, message="the batch has ended")
            batch.cancelled_at = batch.cancelled_at or datetime.now(UTC)
            return self._body(batch)
        return Reply(status=404, message="no such path")

    def _told(self, batch: SentBatch) -> dict[str, Any]:
        """The batch as it is now; looking lets time pass."""
        is_due = time.monotonic() - batch.began >= self.takes_s
        if batch.ended_at is None and (is_due or batch.cancelled_at):
            self._end(batch)
        return self._body(batch)

    def _end(self, batch: SentBatch) -> None:
        batch.ended_at = datetime.now(UTC)
        for place, (name, params) in enumerate(batch.requests.items()):
            is_cancelled = batch.cancelled_at is not None and place >= self.done_at_cancel
            result = {"type": "canceled"} if is_cancelled else self._result(params)
            line = {"custom_id": name, "result": result}
            MessageBatchIndividualResponse.model_validate(line)
            batch.results.append(line)
        # Nobody may rely on their order.
        batch.results.reverse()

    def _result(self, params: dict[str, Any]) -> dict[str, Any]:
        reply = self.server.reply(params)
        if reply.is_expired:
            return {"type": "expired"}
        if reply.status != 200:
            return {"type": "errored", "error": error_body(reply)}
        usage = self.server.usage_of(params)
        return {"type": "succeeded", "message": message_body(reply, params["model"], usage)}

    def _body(self, batch: SentBatch) -> dict[str, Any]:
        kinds = [line["result"]["type"] for line in batch.results]
        counts = {
            kind: kinds.count(kind) for kind in ("succeeded", "errored", "canceled", "expired")
        }
        ended = batch.ended_at is not None
        status = "ended" if ended else "canceling" if batch.cancelled_at else "in_progress"
        url = f"{self.server.url}{PATH}/{batch.id}/results"
        body = {
            "id": batch.id,
            "type": "message_batch",
            "processing_status": status,
            # Nothing but "processing" is told before the whole batch has ended.
            "request_counts": {"processing": 0 if ended else len(batch.requests), **counts},
            "created_at": batch.created_at.isoformat(),
            "expires_at": (batch.created_at + timedelta(hours=24)).isoformat(),
            "ended_at": batch.ended_at.isoformat() if batch.ended_at else None,
            "archived_at": batch.archived_at.isoformat() if batch.archived_at else None,
            "cancel_initiated_at": batch.cancelled_at.isoformat() if batch.cancelled_at else None,
            "results_url": url if ended and not batch.archived_at else None,
        }
        MessageBatch.model_validate(body)
        return body
