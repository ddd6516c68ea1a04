"""/api/jobs/{id}/events: nothing lost, nothing twice, nothing for visitors that is not theirs."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.test import AsyncClient

from imagineer.jobs import events, log, states
from imagineer.jobs.events import Position
from imagineer.jobs.models import Job, Status
from imagineer.jobs.tests.factories import make_job

pytestmark = pytest.mark.django_db(transaction=True)


def running_job() -> Job:
    job = make_job()
    held = states.claim(job.pk, "worker")
    assert held
    return held


def admin_client() -> AsyncClient:
    client = AsyncClient()
    client.force_login(get_user_model().objects.create_superuser("boss", "", "pass"))
    return client


def parsed(block: str) -> tuple[str, dict[str, Any], str]:
    """Name, data and id of one event."""
    fields = dict(line.split(": ", 1) for line in block.strip().splitlines())
    return fields["event"], json.loads(fields["data"]), fields["id"]


async def told(client: AsyncClient, job: Job, **headers: str) -> list[tuple[str, Any, str]]:
    """All events until the stream ends."""
    response: Any = await client.get(f"/api/jobs/{job.pk}/events", headers=headers)
    assert response["Content-Type"] == "text/event-stream"
    text = "".join([part.decode() async for part in response.streaming_content])
    return [parsed(block) for block in text.split("\n\n") if "event:" in block]


def run(scenario: Any) -> Any:
    async def limited() -> Any:
        return await asyncio.wait_for(scenario, 60)

    return asyncio.run(limited())


def end(job: Job, status: Status = Status.COMPLETED) -> None:
    states.finish(job.pk, job.claim, status, result={"n": 1}, progress=(3, 3, "done"))


def test_an_admin_gets_every_line_then_the_end() -> None:
    job, client = running_job(), admin_client()
    for number in range(events.BATCH + 50):
        log.append(job.pk, f"line {number}")
    end(job)
    seen = run(told(client, job))
    assert seen[0][0] == "progress"
    texts = [data["text"] for name, data, _ in seen if name == "log"]
    assert texts == [f"line {number}" for number in range(events.BATCH + 50)]
    name, data, identity = seen[-1]
    assert (name, data["status"], identity) == ("end", "completed", f"{len(texts)}-end")


def test_a_visitor_gets_states_and_counts_only() -> None:
    job = running_job()
    log.append(job.pk, "secret line")
    end(job)
    seen = run(told(AsyncClient(), job))
    assert [name for name, _, _ in seen] == ["progress", "end"]
    assert "secret" not in json.dumps(seen)
    assert "title" not in seen[0][1]


def test_it_follows_a_running_job_to_its_end() -> None:
    job, client = running_job(), admin_client()

    async def scenario() -> list[tuple[str, Any, str]]:
        async def work() -> None:
            for number in range(3):
                await sync_to_async(log.append)(job.pk, f"line {number}")
                await sync_to_async(states.report)(job.pk, job.claim, number, 3, "")
                await asyncio.sleep(events.LOOK_EVERY * 1.5)
            await sync_to_async(end)(job)

        _, seen = await asyncio.gather(work(), told(client, job))
        return list(seen)

    seen = run(scenario())
    assert [data["text"] for name, data, _ in seen if name == "log"] == [
        "line 0", "line 1", "line 2",
    ]  # fmt: skip
    assert [data["progress_done"] for name, data, _ in seen if name == "progress"][-1] == 3


def test_it_goes_on_after_the_last_line_that_a_browser_has_seen() -> None:
    job, client = running_job(), admin_client()
    for number in range(1, 6):
        log.append(job.pk, f"line {number}")
    end(job)
    seen = run(told(client, job, **{"Last-Event-ID": "3"}))
    assert [data["seq"] for name, data, _ in seen if name == "log"] == [4, 5]


def test_a_browser_that_has_seen_the_end_is_told_to_stay_away() -> None:
    job, client = running_job(), admin_client()
    end(job)

    async def scenario() -> int:
        response = await client.get(
            f"/api/jobs/{job.pk}/events", headers={"Last-Event-ID": "0-end"}
        )
        return response.status_code

    assert run(scenario()) == 204


def test_silence_is_filled_with_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_EVERY", 0.0)
    job = running_job()

    async def scenario() -> str:
        response: Any = await AsyncClient().get(f"/api/jobs/{job.pk}/events")
        stream: AsyncIterator[bytes] = aiter(response.streaming_content)
        parts = [(await anext(stream)).decode() for _ in range(3)]
        await stream.aclose()  # type: ignore[attr-defined]
        return parts[-1]

    assert run(scenario()) == ": still here\n\n"


def test_too_many_streams_are_refused_and_closed_ones_do_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(events, "MAX_STREAMS", 1)
    job = running_job()

    async def scenario() -> list[int]:
        address = f"/api/jobs/{job.pk}/events"
        first: Any = await AsyncClient().get(address)

        async def watch() -> None:
            async for _ in first.streaming_content:
                pass

        watching = asyncio.create_task(watch())
        second = await AsyncClient().get(address)
        # What Django does when a browser goes away.
        watching.cancel()
        await asyncio.wait([watching])
        third: Any = await AsyncClient().get(address)
        return [first.status_code, second.status_code, third.status_code]

    assert run(scenario()) == [200, 503, 200]


@pytest.mark.parametrize(
    ("header", "position"),
    [
        ("", Position(0)),
        ("12", Position(12)),
        ("12-end", Position(12, ended=True)),
        ("0-end", Position(0, ended=True)),
        ("-end", Position(0)),
        ("-5", Position(0)),
        ("99999999999999999999", Position(0)),
        ("²", Position(0)),
        ("x; DROP", Position(0)),
    ],
)
def test_positions(header: str, position: Position) -> None:
    assert Position.parse(header) == position
