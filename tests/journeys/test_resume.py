"""Coming back: what was missed first, then what is live; no gap, no repeat, in order, whatever happened
between."""

import asyncio

from tests.journeys.conftest import new_key
from tests.journeys.sockets import open_socket


async def test_what_was_missed_comes_first_then_what_is_live(server, key, field):
    token = await field.session("S1")
    async with open_socket(server.ws_url, key) as socket:
        await socket.follow(after="0")
        await field.send(token, 0, 1, 2)
        cursor = [await socket.delivery() for _ in range(3)][1][0]
    await field.send(token, 3, 4)
    async with open_socket(server.ws_url, key) as socket:
        await socket.follow(after=cursor)
        assert await socket.numbers(3) == [2, 3, 4]
        await field.send(token, 5)
        assert await socket.numbers(1) == [5]


async def test_a_reader_that_keeps_losing_its_connection_under_load_misses_and_repeats_nothing(
    server, key, field
):
    tokens = [await field.session(f"S{number}") for number in range(4)]
    total = 4 * 40 * 5
    racing = asyncio.create_task(field.race(tokens, calls=40, each=5))
    cursor, numbers, cursors, visits = "0", [], [], 0
    while len(numbers) < total:
        visits += 1
        async with open_socket(server.ws_url, key) as socket:
            await socket.follow(after=cursor)
            for _ in range(min(1 + visits * 7 % 90, total - len(numbers))):
                cursor, number = await socket.delivery()
                numbers.append(number)
                cursors.append(int(cursor))
            if visits % 2:
                socket.connection.transport.abort()
    await racing
    assert visits > 5
    assert sorted(numbers) == sorted(place * 100_000 + n for place in range(4) for n in range(200))
    assert cursors == sorted(set(cursors))


async def test_many_readers_that_start_while_it_rains_all_see_the_same(server, key, field):
    tokens = [await field.session(f"S{number}") for number in range(4)]
    total = 4 * 25 * 4
    racing = asyncio.create_task(field.race(tokens, calls=25, each=4))

    async def read(delay: float) -> list[tuple[str, int]]:
        await asyncio.sleep(delay)
        async with open_socket(server.ws_url, key) as socket:
            await socket.follow(after="0")
            return [await socket.delivery() for _ in range(total)]

    seen = await asyncio.gather(*(read(0.02 * number) for number in range(15)))
    await racing
    assert all(each == seen[0] for each in seen)
    assert len({number for _, number in seen[0]}) == total


async def test_a_restart_in_the_middle_is_no_gap(make_server, make_field):
    first = make_server()
    key = await asyncio.to_thread(new_key, first)
    field = make_field(first.url, key)
    token = await field.session("S1")
    async with open_socket(first.ws_url, key) as socket:
        await socket.follow(after="0")
        await field.send(token, *range(10))
        cursor = [await socket.delivery() for _ in range(6)][-1][0]
    await field.send(token, *range(10, 15))
    await asyncio.to_thread(first.stop)

    second = make_server()
    field = make_field(second.url, key)
    async with open_socket(second.ws_url, key) as socket:
        await socket.follow(after=cursor)
        assert await socket.numbers(9) == list(range(6, 15))
        await field.send(token, 14, 15, 16)
        assert await socket.numbers(2) == [15, 16]


async def test_a_reader_that_stops_reading_gets_everything_once_it_reads_again(server, key, field):
    """So much that no buffer on the way holds it: the feed itself must wait and read on from the table."""
    tokens = [await field.session(f"S{number}") for number in range(4)]
    each, calls = 500, 10
    total = 4 * each * calls
    async with open_socket(server.ws_url, key, max_queue=1) as slow:
        await slow.follow(after="0")
        await field.send(tokens[0], 99_000)
        assert await slow.numbers(1) == [99_000]
        await field.race(tokens, calls, each)
        async with open_socket(server.ws_url, key) as quick:
            await quick.follow(after="0")
            expected = await quick.numbers(1 + total)
        assert await slow.numbers(total) == expected[1:]


async def test_the_same_reader_twice_on_one_socket_does_not_mix(server, key, field):
    token = await field.session("S1")
    await field.send(token, 0, 1, 2, 3)
    async with open_socket(server.ws_url, key) as socket:
        await socket.follow("a", after="0")
        assert await socket.numbers(4) == [0, 1, 2, 3]
        await socket.follow("b", after="2")
        assert await socket.numbers(2) == [2, 3]
        await field.send(token, 4)
        messages = [await socket.receive() for _ in range(2)]
        assert {message["id"] for message in messages} == {"a", "b"}
        assert all(m["payload"]["data"]["passings"]["passing"]["number"] == 4 for m in messages)
