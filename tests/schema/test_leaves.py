"""Plain fields past the general machine: the answer is the same, key by key, and so is every error."""

import asyncio
import enum
import math

import pytest
import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from schema.leaves import Executor
from schema.scalars import CONFIG, Instant


@strawberry.enum
class Colour(enum.Enum):
    RED = "red"


def later(value):
    """No coroutine: where it is not looked at, nobody need miss it."""
    promised = asyncio.get_running_loop().create_future()
    promised.set_result(value)
    return promised


async def made_later():
    return "late"


async def thing_later():
    return Thing(name="late", other=Thing(name=None))


@strawberry.interface
class Named:
    name: str


@strawberry.type
class Thing(Named):
    text: str | None = "text"
    number: int | None = 1
    share: float | None = 0.5
    flag: bool = True
    colour: Colour | None = Colour.RED
    at: Instant | None = Instant(0)
    texts: list[str] | None = None
    other: "Thing | None" = None

    @strawberry.field
    def twice(self) -> int:
        return 2 * (self.number or 0)

    @strawberry.field
    def made(self) -> str | None:
        """At once, later, or not at all."""
        match self.name:
            case "later":
                return made_later()
            case "fails":
                raise ValueError("it failed")
        return self.text

    @strawberry.field
    def below(self) -> "Thing | None":
        match self.name:
            case "later":
                return thing_later()
            case "fails":
                raise ValueError("it failed")
        return self.other

    @strawberry.field
    def must(self) -> "Thing":
        return self.other

    @strawberry.field
    async def awaited(self, fails: bool = False) -> str | None:
        await asyncio.sleep(0)
        if fails:
            raise ValueError("it failed")
        return self.text


THINGS = {
    "usual": lambda: Thing(name="a", texts=["x"], other=Thing(name="b")),
    "empty": lambda: Thing(name="", text=None, number=None, share=None, colour=None, at=None),
    "null where it may not be": lambda: Thing(name=None, flag=None),
    "another kind of number": lambda: Thing(name="a", number="12", share="x"),
    "too large a number": lambda: Thing(name="a", number=2**40),
    "not a number": lambda: Thing(name="a", share=math.nan),
    "no colour of ours": lambda: Thing(name="a", colour="green"),
    "an error as a value": lambda: Thing(name="a", text=ValueError("bad")),
    "a value that is awaited": lambda: Thing(name="a", text=later("late")),
    "a text that is a number": lambda: Thing(name=7, text=True),
    "a method that gives it later": lambda: Thing(name="later"),
    "a method that fails": lambda: Thing(name="fails"),
    "null below where it may not be": lambda: Thing(name="a", other=Thing(name=None)),
    "another type below": lambda: Thing(name="a", other="a text"),
    "an error below": lambda: Thing(name="a", other=ValueError("bad")),
    "an object that is awaited": lambda: Thing(name="a", other=later(Thing(name="late"))),
    "no such instant": lambda: Thing(name="a", at="yesterday"),
}


@strawberry.type
class Query:
    @strawberry.field
    def thing(self, kind: str) -> Thing | None:
        return THINGS[kind]()

    @strawberry.field
    def things(self, kind: str) -> list[Thing]:
        return [THINGS["usual"](), THINGS[kind](), THINGS["usual"]()]

    @strawberry.field
    def named(self, kind: str) -> Named:
        return THINGS[kind]()


CONFIGURED = StrawberryConfig(scalar_map=CONFIG.scalar_map)
FAST, GENERAL = [
    strawberry.Schema(query=Query, config=CONFIGURED, execution_context_class=kind)
    for kind in (Executor, StrawberryGraphQLCoreExecutionContext)
]
PLAIN = "name text number share flag colour at"
DOCUMENTS = [
    f"query($k: String!) {{ thing(kind: $k) {{ {PLAIN} }} }}",
    f"query($k: String!) {{ thing(kind: $k) {{ awaited flag made twice {PLAIN} texts __typename }} }}",
    f"query($k: String!) {{ things(kind: $k) {{ {PLAIN} other {{ flag other {{ name }} name }} awaited }} }}",
    "query($k: String!) { thing(kind: $k) { a: name b: name ... on Named { name } ...F } } fragment F on Thing { at }",
    "query($k: String!) { thing(kind: $k) { name @skip(if: true) text @include(if: true) number made } }",
    "query($k: String!) { things(kind: $k) { below { name below { name awaited } } must { name } other { name at } } }",
    "query($k: String!) { thing(kind: $k) { below { awaited(fails: true) name } a: must { name } } }",
    "query($k: String!) { named(kind: $k) { __typename name ... on Thing { number awaited(fails: true) } } }",
    "query($k: String!) { things(kind: $k) { name made awaited(fails: true) } thing(kind: $k) { name twice } }",
]


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize("kind", THINGS)
async def test_both_ways_give_the_same_answer(document, kind):
    fast, general = [await schema.execute(document, {"k": kind}) for schema in (FAST, GENERAL)]
    assert repr(fast.data) == repr(general.data), "the order of the keys as well"
    told = [
        sorted((error.message, tuple(error.path)) for error in answer.errors or ())
        for answer in (fast, general)
    ]
    assert told[0] == told[1]
    if kind == "usual" and "fails" not in document and "must" not in document:
        assert fast.errors is None
