"""Who comes late begins by itself and then hears what all hear: without a gap, and nothing twice."""

import asyncio
import itertools
import random

import pytest

from tests.conftest import Desk, passing
from tests.journeys.sockets import FOLLOW, open_socket
from tests.server.racing import Meeting

BOARD = """subscription($race: ID!, $gender: String, $top: Int = 3) {
  leaderboard(raceId: $race, gender: $gender, top: $top) {
    revision snapshot removed standings { key place bib name time } counts { finished } } }"""
PERSON = 'subscription($race: ID!) { participant(raceId: $race, bib: "1") { bib place time } }'
RACE = "subscription($race: ID!) { race(raceId: $race) { state counts { finished } } }"


class Screen:
    """What one follower of a board shows."""

    def __init__(self, socket) -> None:
        self.socket = socket
        self.lines, self.revision, self.finished, self.snapshots = {}, 0, 0, 0

    async def hear(self) -> None:
        message = await asyncio.wait_for(self.socket.receive(), 10)
        assert message["type"] == "next" and "errors" not in message["payload"], message
        update = message["payload"]["data"]["leaderboard"]
        if update["snapshot"]:
            self.lines, self.snapshots = {}, self.snapshots + 1
        else:
            assert update["revision"] == self.revision + 1
        self.revision, self.finished = update["revision"], update["counts"]["finished"]
        for key in update["removed"]:
            del self.lines[key]
        self.lines |= {line["key"]: line for line in update["standings"]}

    async def until(self, finished: int) -> None:
        while self.finished < finished:
            await self.hear()

    @property
    def shown(self) -> list[str]:
        return [line["bib"] for line in sorted(self.lines.values(), key=lambda line: line["place"])]


@pytest.fixture
async def make_meeting(make_crowd):
    """A race with people from 1 on, on a server of its own."""

    async def make(people: int, name: str = "N", **settings):
        crowd = await make_crowd(leaderboard_interval=0.02, **settings)
        desk = Desk(crowd.server, crowd.key)
        crowd.stack.callback(desk.http.close)
        meeting = await asyncio.to_thread(Meeting, desk)
        entered = [
            {"bib": str(n), "name": f"{name} {n}", "gender": "FM"[n % 2]} for n in range(1, people + 1)
        ]
        await asyncio.to_thread(meeting.enter, *entered)
        return crowd, meeting

    return make


def ran(meeting, *bibs: int):
    """Each finishes in as many minutes as its bib says, and so keeps its place."""
    return asyncio.to_thread(lambda: [meeting.run(str(bib), 0, bib * 30, bib * 60) for bib in bibs])


async def test_who_comes_late_to_a_board_gets_a_snapshot_and_then_the_same_frames(make_meeting):
    crowd, meeting = await make_meeting(9)
    async with crowd.stack:
        first = Screen(await crowd.follow(BOARD, race=meeting.id))
        await first.hear()
        await ran(meeting, 3, 2)
        await first.until(2)
        late = Screen(await crowd.follow(BOARD, id="late", race=meeting.id))
        await late.hear()
        assert (late.lines, late.revision, late.snapshots) == (first.lines, first.revision, 1)
        assert await crowd.counts() == (1, 2, 0)
        await ran(meeting, 1, 4)
        for screen in (first, late):
            await screen.until(4)
            assert screen.shown == ["1", "2", "3"] and screen.snapshots == 1
        other = Screen(await crowd.follow(BOARD, race=meeting.id, gender="F"))
        await other.hear()
        assert other.shown == ["2", "4", "6"] and await crowd.counts() == (2, 3, 0)


async def test_many_come_and_go_while_a_board_changes(make_meeting):
    """Each has every revision since its snapshot, and in the end the same lines."""
    crowd, meeting = await make_meeting(60)
    chance = random.Random(7)
    async with crowd.stack:
        running = asyncio.create_task(ran(meeting, *chance.sample(range(1, 61), 60)))

        async def come_and_go(stays: float) -> None:
            async with open_socket(crowd.server.ws_url, crowd.key) as socket:
                await socket.ask(BOARD, race=meeting.id, top=50)
                screen = Screen(socket)
                until = asyncio.get_running_loop().time() + stays
                while asyncio.get_running_loop().time() < until:
                    await screen.hear()
                await screen.until(60)
                assert screen.shown == [str(n) for n in range(1, 51)]

        async def pass_by() -> None:
            async with open_socket(crowd.server.ws_url, crowd.key) as socket:
                await socket.ask(BOARD, race=meeting.id, top=50)
                await Screen(socket).hear()

        for _ in range(6):
            staying = [come_and_go(0) for _ in range(3)] if running.done() else []
            await asyncio.gather(*staying, *(pass_by() for _ in range(5)))
        await running
        await asyncio.gather(*(come_and_go(0) for _ in range(10)))
        await crowd.until(lambda counts: counts == (0, 0, 0))


@pytest.mark.parametrize(("query", "end"), [(PERSON, {"time": 60.0}), (RACE, {"state": "FINISHED"})])
async def test_who_comes_late_to_what_tells_everything_gets_what_was_told_last(make_meeting, query, end):
    crowd, meeting = await make_meeting(2)
    async with crowd.stack:
        first = await crowd.follow(query, race=meeting.id)
        await ran(meeting, 1)
        while True:
            last = (await asyncio.wait_for(first.receive(), 10))["payload"]["data"]
            if end.items() <= next(iter(last.values())).items():
                break
        late = await crowd.follow(query, race=meeting.id)
        assert (await asyncio.wait_for(late.receive(), 10))["payload"]["data"] == last
        assert await crowd.counts() == (1, 2, 0)


@pytest.fixture
async def stream(crowd):
    """Records so many passings more in a session."""
    desk = Desk(crowd.server, crowd.key)
    crowd.stack.callback(desk.http.close)
    token = await asyncio.to_thread(lambda: desk.session(desk.device()))
    numbers = itertools.count(1)

    async def record(count: int) -> None:
        new = [passing(next(numbers)) for _ in range(count)]
        assert (await asyncio.to_thread(desk.post, token, *new)).status_code == 201

    record.token = token
    return record


async def test_resuming_from_different_places_is_one_execution(crowd, stream):
    await stream(5)
    sockets = [await crowd.follow(FOLLOW, after=str(after), session=stream.token) for after in (0, 2, 5)]
    sockets.append(await crowd.follow(FOLLOW, session=stream.token))
    await stream(3)
    assert [await socket.numbers(count) for socket, count in zip(sockets, (8, 6, 3, 3), strict=True)] == [
        list(range(first, 9)) for first in (1, 3, 6, 6)
    ]
    assert await crowd.counts() == (1, 4, 0)
    required = FOLLOW.replace("$after: String", "$after: String!")
    await crowd.follow(required, after="0", session=stream.token)
    twice = FOLLOW.replace("deviceId: $device", "deviceId: $device checkpointId: $after").replace(
        "$after: String", "$after: ID"
    )
    assert await crowd.counts() == (2, 5, 0)
    failing = await crowd.stack.enter_async_context(open_socket(crowd.server.ws_url, crowd.key))
    await failing.ask(twice, after="0")
    assert (await failing.receive())["type"] == "error"


@pytest.mark.parametrize("after", ["nonsense", "99999999"])
async def test_a_wrong_beginning_is_refused_for_its_own_follower_alone(crowd, stream, after):
    await stream(1)
    staying = await crowd.follow(FOLLOW)
    async with open_socket(crowd.server.ws_url, crowd.key) as socket:
        await socket.follow(after=after)
        assert (await socket.failure())["extensions"]["fields"].keys() == {"after"}
        assert (await socket.receive())["type"] == "complete"
    await stream(1)
    assert await staying.numbers(1) == [2]


async def test_many_resume_at_random_while_passings_arrive(crowd, stream):
    """Each has every passing once and in order, over all its connections."""
    chance, total = random.Random(3), 1500

    async def resume() -> None:
        seen, cursor = [], "0"
        while len(seen) < total:
            async with open_socket(crowd.server.ws_url, crowd.key) as socket:
                await socket.follow(after=cursor)
                for _ in range(min(chance.randrange(1, 400), total - len(seen))):
                    cursor, number = await asyncio.wait_for(socket.delivery(), 20)
                    seen.append(number)
                if chance.random() < 0.5:
                    socket.connection.transport.abort()
        assert seen == list(range(1, total + 1))

    following = asyncio.gather(*(resume() for _ in range(12)))
    for _ in range(total // 15):
        await stream(15)
    await following
    await crowd.until(lambda counts: counts == (0, 0, 0))


async def test_who_asks_after_a_serving_changed_does_not_hear_what_it_meant_before(make_meeting):
    crowd, meeting = await make_meeting(2)
    query = "subscription($event: String) { passings(eventToken: $event) { passing { bib } } }"
    async with crowd.stack:
        before = await crowd.follow(query, event=meeting.event)
        await ran(meeting, 1)
        heard = [(await before.receive())["payload"]["data"]["passings"]["passing"]["bib"] for _ in range(3)]
        assert heard == ["1"] * 3
        desk = meeting.desk
        session = await asyncio.to_thread(lambda: desk.session(desk.device("later")))
        race = "query($id: ID!) { race(id: $id) { checkpoints { id } } }"
        checkpoint = (await asyncio.to_thread(desk.data, race, id=meeting.id))["race"]["checkpoints"][0]["id"]
        serve = "mutation($i: ServeCheckpointInput!) { serveCheckpoint(input: $i) { id } }"
        wanted = {"checkpointId": checkpoint, "sessionToken": session}
        await asyncio.to_thread(desk.data, serve, i=wanted)
        after = await crowd.follow(query, event=meeting.event)
        assert (await crowd.counts())[1] == 2
        await asyncio.to_thread(desk.post, session, passing(1, "2"))
        told = await asyncio.wait_for(after.receive(), 10)
        assert told["payload"]["data"]["passings"]["passing"]["bib"] == "2"


@pytest.mark.parametrize("query", [BOARD, RACE])
async def test_nobody_who_comes_after_an_event_was_hidden_is_shown_what_others_saw(make_crowd, query):
    """Not even in the moment until those who follow it are sent off."""
    crowd = await make_crowd(leaderboard_interval=5)
    desk = Desk(crowd.server, crowd.key)
    hide = "mutation($t: String!) { updateEvent(token: $t, input: {public: false}) { token } }"
    async with crowd.stack:
        crowd.stack.callback(desk.http.close)
        meeting = await asyncio.to_thread(lambda: Meeting(desk, public=True))
        stranger = await crowd.stack.enter_async_context(open_socket(crowd.server.ws_url))
        await stranger.ask(query, race=meeting.id)
        assert (await stranger.receive())["type"] == "next"
        await asyncio.to_thread(desk.data, hide, t=meeting.event)
        await stranger.ask(query, "late", race=meeting.id)
        while (told := await asyncio.wait_for(stranger.receive(), 10))["id"] != "late":
            pass
        assert told["payload"]["data"] is None and "NOT_FOUND" in str(told)
