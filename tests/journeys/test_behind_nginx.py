"""Event streams through nginx as it is deployed: as they come, and on again after a break."""

import asyncio

import pytest

from tests.journeys.events import open_stream
from tests.nginx import nginx


@pytest.fixture
def proxied(tmp_path, server):
    with nginx(tmp_path, server.port, server.port) as url:
        yield url


async def test_a_follower_through_a_proxy_that_loses_it_misses_and_repeats_nothing(
    proxied, server, key, field
):
    token = await field.session("S1")
    seen, numbers = "0", []
    racing = asyncio.create_task(field.race([token], calls=40, each=5))
    while len(numbers) < 200:
        async with open_stream(proxied, key, headers={"last-event-id": seen}) as stream:
            assert (await stream.any()).retry, "the first thing comes at once, and is not kept"
            for _ in range(min(37, 200 - len(numbers))):
                seen, number = await stream.delivery()
                numbers.append(number)
    await racing
    assert numbers == list(range(200))
