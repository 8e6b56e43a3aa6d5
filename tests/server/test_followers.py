"""Followers of a shared execution, on a connection that flows or not as the test wants: nothing is lost, nothing
comes twice, nothing stays."""

import asyncio
import contextlib
import json
from types import SimpleNamespace

import pytest
from strawberry.types import ExecutionResult

from schema.joining import Start
from server import upstreams
from server.followers import Follower, Inquiry
from server.messages import Operation
from server.outbox import Outbox, OutboxBounds
from server.sockets import FRAMES
from server.streams import Streams
from server.upstreams import Question

QUESTION = Question("q", b"{}", None, None)


class Line:
    """Takes everything while it flows, or no more than so many writes."""

    framing, flowing, outbox = FRAMES, True, None

    def __init__(self, takes: int | None = None) -> None:
        self.sent: list[bytes] = []
        self._takes = takes

    def write(self, texts) -> None:
        self.sent += texts
        if self._takes is not None:
            self._takes -= 1
            if not self._takes:
                self.pause()

    def send_frame(self):
        return lambda frame: self.sent.append(frame[frame.index(b"{") :])

    def unsent(self) -> int:
        return 0

    def part(self, code: int, reason: str) -> None: ...

    def pause(self) -> None:
        self.flowing = False
        self.outbox.pause()

    def resume(self) -> None:
        self._takes, self.flowing = None, True
        self.outbox.resume()

    @property
    def told(self) -> list[int]:
        return [json.loads(text)["payload"]["data"]["n"] for text in self.sent]


class Stage:
    """Streams of a feed that the test plays, and those who follow it."""

    def __init__(self, start: Start) -> None:
        self.bounds = OutboxBounds(64 * 1024, 60)
        self.streams = Streams(None, self.bounds)
        self.start, self.context = start, SimpleNamespace(caller=None)

    def follow(self, line: Line, id: str = "1") -> asyncio.Task:
        outbox = line.outbox or Outbox(line, self.bounds)
        stream = self.streams._streams.get(QUESTION)
        stream = stream or self.streams._anew(QUESTION, self.start, self.context)
        follower = Follower(Inquiry("q", {}, None, self.context, None), outbox, Operation(id, {}))
        return asyncio.create_task(self.streams._share(follower, stream))


@pytest.fixture
async def make_stage(monkeypatch):
    tasks = []

    def make(start, feed):
        @contextlib.asynccontextmanager
        async def executed(_schema, inquiry):
            yield feed(inquiry.context.span)

        monkeypatch.setattr(upstreams, "executed", executed)
        monkeypatch.setattr(
            upstreams, "_everybodys", lambda _, context: Inquiry("q", {}, None, context, None)
        )
        stage = Stage(start)
        follow = stage.follow

        def followed(*arguments):
            tasks.append(follow(*arguments))
            return tasks[-1]

        stage.follow = followed
        return stage

    yield make
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def result(number: int, length: int = 0) -> ExecutionResult:
    return ExecutionResult(data={"n": number, "text": "x" * length}, errors=None)


async def ticks() -> None:
    await asyncio.sleep(0.03)


class News:
    """A feed that tells everything each time."""

    def __init__(self, length: int = 0) -> None:
        self._length = length
        self._news: asyncio.Queue[int] = asyncio.Queue()

    async def feed(self, span):
        span.begin(0, 0)
        while True:
            number = await self._news.get()
            span.position += 1
            yield result(number, self._length)

    async def tell(self, *numbers: int) -> None:
        for number in numbers:
            self._news.put_nowait(number)
            await ticks()


async def test_the_last_that_was_dropped_is_told_again(make_stage):
    """Nothing comes after it: whoever begins with what was told last must not think to have it."""
    news, line = News(40_000), Line()
    make_stage(Start.LAST, news.feed).follow(line)
    await ticks()
    await news.tell(1, 2)
    line.pause()
    await news.tell(3, 4)  # more than waits
    line.resume()
    await ticks()
    assert line.told == [1, 2, 4]


async def test_what_waits_is_not_told_again_by_another_beginning(make_stage):
    """The end of a beginning waits to be sent while more happens than is kept at hand."""
    table, more = list(range(1, 151)), asyncio.Event()

    async def feed(span):
        at, end = span.begin(0, len(table)), len(table)
        while span.joins or at < end:
            if at == len(table):
                more.clear()
                await more.wait()
            elif at == 149:
                table.extend(range(151, 551))
                more.set()
                await ticks()
            at += 1
            span.position = at
            yield result(at)
        span.reached(end)

    line = Line(takes=1)
    make_stage(Start.OWN, feed).follow(line, "i" * 1000)
    await ticks()
    await ticks()
    assert not line.flowing
    line.resume()
    await ticks()
    await ticks()
    assert line.told == list(range(1, 551))


async def test_one_that_waits_or_ends_in_the_midst_of_its_beginning_holds_up_no_other(make_stage):
    """What it had gathered is sent, though the database is away or its client wants no more of it."""

    async def feed(span):
        span.begin(0, 3)
        for number in () if span.joins else (1, 2, 3):
            span.position = number
            yield result(number)
        await asyncio.Event().wait()

    line = Line()
    following = make_stage(Start.OWN, feed).follow(line)
    await ticks()
    assert line.told == [1, 2, 3]
    following.cancel()
    await ticks()
    line.outbox.say(b"to another")
    assert line.sent[-1] == b"to another"


async def test_of_one_that_ended_nothing_stays_with_its_connection(make_stage):
    news, line = News(), Line()
    stage = make_stage(Start.LAST, news.feed)
    stage.follow(Line())
    for number in range(5):
        following = stage.follow(line)
        await ticks()
        await news.tell(number)
        assert len(line.outbox._past) == 1
        following.cancel()
        await ticks()
        assert not line.outbox._past


async def test_all_to_whom_a_filter_means_something_else_by_now_share_one_more(make_stage):
    meaning = ["before"]

    async def feed(span):
        at = span.begin(0, 0, meaning[0])
        await ticks()
        if not span.joins:
            span.reached(at)
            return
        await asyncio.Event().wait()
        yield result(0)

    stage = make_stage(Start.OWN, feed)
    stage.follow(Line())
    await ticks()
    await ticks()
    meaning[0] = "now"
    for _ in range(20):
        stage.follow(Line())
    for _ in range(6):
        await ticks()
    assert (stage.streams.shared, stage.streams.followers) == (2, 21)
