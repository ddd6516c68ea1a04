import asyncio

import pytest

from scraping.at_once import AtOnce


def test_a_host_has_so_many_places_and_others_have_their_own() -> None:
    async def run() -> dict[str, int]:
        at_once, inside, most = AtOnce(2), {"a": 0, "b": 0}, {"a": 0, "b": 0}

        async def ask(host: str) -> None:
            async with at_once.place(host):
                inside[host] += 1
                most[host] = max(most[host], inside[host])
                await asyncio.sleep(0.01)
                inside[host] -= 1

        await asyncio.gather(*(ask(host) for host in "aaaaab"))
        assert not at_once._places, "nothing is remembered of a host that nobody asks"
        return most

    assert asyncio.run(run()) == {"a": 2, "b": 1}


def test_a_place_is_given_back_by_what_fails() -> None:
    async def run() -> None:
        at_once = AtOnce(1)
        for _ in range(2):
            with pytest.raises(ValueError, match="failed"):
                async with at_once.place("a"):
                    raise ValueError("failed")

    asyncio.run(asyncio.wait_for(run(), 5))
