"""Answers that are kept: those in which there is nothing but what stands on leaderboards.

Such an answer is true as long as its boards stay as they are. Who asks again with the same rights gets the
same bytes, after a look whether they still are: what was committed before the question is never missing.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import orjson

from resolvers import marks
from resolvers.context import Caller
from resolvers.marks import Mark
from schema.context import GraphQLContext
from schema.prepared import Operation

OVERHEAD = 1_000
"""Bytes that an answer takes beside its own and those of its variables."""


class Question(NamedTuple):
    """Whoever asks the same with the same rights gets the same answer."""

    operation: bytes
    """The operation's key: the operation itself is a thousand times as large, and may be let go."""
    variables: bytes
    rights: Caller


class Answer(NamedTuple):
    """The bytes of an answer, what it is true of, and how many fields are paid for it."""

    body: bytes
    marks: list[Mark]
    fields: int
    public: bool


def question(operation: Operation, variables: dict[str, object], caller: Caller) -> Question | None:
    """None for what has to be answered each time."""
    if not operation.of_boards:
        return None
    try:
        told = orjson.dumps(variables, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # a number or half a character that only the parser of JSON takes
        return None
    return Question(operation.key, _copied(told), caller.rights)


class Kept:
    """Answers of one server, no more than so many bytes of them: for a new one those go that nobody asked for
    longest. `hits` counts answers that were given again, `misses` those that had to be made, `forgotten`
    those that gave way."""

    def __init__(self, most: int) -> None:
        self.hits = self.misses = self.forgotten = self.bytes = 0
        self._most = most
        self._answers: OrderedDict[Question, Answer] = OrderedDict()
        self._making: dict[Question, asyncio.Event] = {}

    async def find(self, question: Question, context: GraphQLContext) -> Answer | None:
        """An answer that is true now. To look is paid for as if it were made; raises TooMany, Unreachable."""
        found = self._answers.get(question) or await self._made(question)
        if found is not None:
            boards = await marks.look(context, found.marks)
            if not marks.stand(boards, found.marks):
                found = await self._made(question)
            if found is not None and marks.stand(boards, found.marks):
                self.hits += 1
                if question in self._answers:
                    self._answers.move_to_end(question)
                return found
        self.misses += 1
        return None

    async def _made(self, question: Question) -> Answer | None:
        """What there is once nobody is making it any more: of many who ask when a board has changed, one
        makes the new answer."""
        maker = self._making.get(question)
        if maker is not None:
            await maker.wait()
        return self._answers.get(question)

    @contextmanager
    def making(self, question: Question) -> Iterator[None]:
        """While this lasts, others who ask the same wait."""
        made = self._making.setdefault(question, asyncio.Event())
        try:
            yield
        finally:
            self._making.pop(question, None)
            made.set()

    def keep(self, question: Question, answer: Answer) -> None:
        size = _size(question, answer)
        if size > self._most:
            return
        former = self._answers.pop(question, None)
        self.bytes += size - (_size(question, former) if former else 0)
        self._answers[question] = answer._replace(body=_copied(answer.body))
        while self.bytes > self._most:
            self.bytes -= _size(*self._answers.popitem(last=False))
            self.forgotten += 1


def _size(question: Question, answer: Answer) -> int:
    return OVERHEAD + len(question.variables) + len(answer.body)


def _copied(made: bytes) -> bytes:
    """What orjson makes holds more memory than its length, as long as it lives."""
    return bytes(memoryview(made))
