"""Answers that are kept: what was committed before the question is never missing, and nobody sees what is not
for them."""

import asyncio
import gc
import itertools
import random
import weakref

import orjson
import pytest

from resolvers import events, keys
from resolvers.callers import caller_of
from resolvers.context import REFUSED, STRANGER, Caller
from resolvers.limits import Limits, Rate
from schema.prepared import Operation
from schema.relay import global_id
from server.answers import Answers
from server.asking import Asked
from tests.resolvers.day import Day
from tests.schema.machine import running

MOST = 1 << 20
BOARD = """query($race: ID!, $by: Ranking! = OVERALL, $first: Int, $search: String) { leaderboard(raceId: $race,
    ranking: $by, first: $first, search: $search) { totalCount pageInfo { endCursor }
    counts { entered finished onCourse dsq at { count checkpoint { name kind } } }
    edges { cursor node { __typename key rank place bib name gender category team state time gunTime gap lap
    projectedTime checkpoint { id name } splits { at gunTime netTime lap checkpoint { name } } members { bib } } } } }"""
_times = itertools.count(1)


@pytest.fixture
async def machine(url, broker_url):
    async with running(url, broker_url) as made:
        yield made


@pytest.fixture
async def day(machine):
    day = await Day(machine.ctx).begin()
    await day.enter("1", "2", "3", gender="F", team="A")
    await day.enter("11", "12", gender="M", team="B")
    await day.see(0, 2, "2")
    return day


@pytest.fixture
def answers(machine):
    return Answers(machine.schema, MOST)


def context(machine, caller=None):
    """That of another request."""
    return machine.context_of(machine.ctx.caller if caller is None else caller)


async def ask(machine, answers, day, caller=None, query=BOARD, **variables):
    given = {"race": str(global_id("Race", day.race.id))} | variables
    asked = Asked(query, given, None, None)
    return await answers.answer(query, asked, context(machine, caller), only_queries=True)


async def fresh(machine, answers, day, caller=None, **variables):
    """The answer to a question that nobody asked before."""
    return await ask(machine, answers, day, caller, f"{BOARD} # {next(_times)}", **variables)


async def test_who_asks_again_gets_the_same_bytes(machine, answers, day):
    first = await ask(machine, answers, day)
    assert not first.errors and (answers.kept.hits, answers.kept.misses) == (0, 1)
    again = await ask(machine, answers, day)
    assert again == first and answers.kept.hits == 1
    assert (await ask(machine, answers, day, first=2)).body != first.body
    assert (await fresh(machine, answers, day)).body == first.body


async def test_whatever_happens_is_on_the_next_answer(machine, answers, day):
    chance = random.Random(7)
    seen = set()
    for _ in range(20):
        await day.something(chance)
        for variables in ({}, {"by": "TEAM"}, {"first": 2, "search": "1"}):
            kept = await ask(machine, answers, day, **variables)
            assert kept == await ask(machine, answers, day, **variables)
            assert kept.body == (await fresh(machine, answers, day, **variables)).body
            seen.add(kept.body)
    assert len(seen) > 10 and answers.kept.hits >= 60


async def test_what_another_process_commits_is_on_the_next_answer(machine, answers, day, url, broker_url):
    """Whether anybody tells of it or not: the question itself looks."""
    async with running(url, broker_url) as other:
        away = Day(other.context_of(machine.ctx.caller))
        away.tokens, away.numbers = day.tokens, 1_000
        for bib, place in (("1", 1), ("1", 2), ("2", 2)):
            before = await ask(machine, answers, day)
            await away.see(place, 1_500 * place, bib)
            after = await ask(machine, answers, day)
            assert after.body != before.body and after.body == (await fresh(machine, answers, day)).body
        named = [edge["node"]["bib"] for edge in orjson.loads(after.body)["data"]["leaderboard"]["edges"]]
        assert named[0] in ("1", "2")
        await events.update(away.ctx, day.event.token, {"status": "PUBLISHED", "public": True})
    assert not (await ask(machine, answers, day, STRANGER)).errors


async def test_an_event_that_is_no_longer_public_is_gone_at_once(machine, answers, day):
    assert (await ask(machine, answers, day, STRANGER)).errors[0]["extensions"]["code"] == "NOT_FOUND"
    await events.update(machine.ctx, day.event.token, {"status": "PUBLISHED", "public": True})
    shown = await ask(machine, answers, day, STRANGER)
    assert shown.public and shown == await ask(machine, answers, day, STRANGER) and answers.kept.hits == 1
    await events.update(machine.ctx, day.event.token, {"public": False})
    for caller in (STRANGER, REFUSED, (await machine.newcomer()).caller):
        gone = await ask(machine, answers, day, caller)
        assert gone.errors and b"N2" not in gone.body and not gone.public
    assert not (await ask(machine, answers, day)).errors


async def test_nobody_is_given_the_answer_of_another_who_may_more(machine, answers, day):
    operator = machine.context_of(Caller(scopes=frozenset({"accounts:admin", "keys:admin"})))
    account = machine.ctx.caller.account_id
    alike, _ = await keys.create(operator, keys.NewKey(access="READ_WRITE", may_unbind=True), account)
    lesser, _ = await keys.create(operator, keys.NewKey(access="READ", scopes=("devices:read",)), account)
    whole = await ask(machine, answers, day)
    assert await ask(machine, answers, day, caller_of(alike)) == whole and answers.kept.hits == 1
    assert (await ask(machine, answers, day, caller_of(lesser))).errors[0]["extensions"][
        "code"
    ] == "FORBIDDEN"
    for caller in (STRANGER, REFUSED, (await machine.newcomer()).caller):
        assert (await ask(machine, answers, day, caller)).errors
    assert answers.kept.hits == 1


async def test_only_what_everybody_may_see_is_public(machine, answers, day):
    await events.update(machine.ctx, day.event.token, {"status": "PUBLISHED", "public": True})
    token = day.event.token

    async def public(query, caller=STRANGER):
        asked = Asked(query, {}, None, None)
        return (await answers.answer(query, asked, context(machine, caller), only_queries=True)).public

    assert await public(f'{{ event(token: "{token}") {{ name races {{ name }} }} }}')
    assert await public("{ events { edges { node { name } } } __typename }")
    assert not await public(f'{{ event(token: "{token}") {{ name }} }}', machine.ctx.caller)
    assert not await public(f'{{ event(token: "{token}") {{ name }} }}', REFUSED)
    assert not await public('{ event(token: "nothing") { name } }')
    assert not await public(f'{{ event(token: "{token}") {{ name }} viewer {{ authenticated }} }}')
    assert not await public("{ devices { totalCount } }")
    assert not await public("{ nonsense }")


async def test_an_answer_that_is_given_again_costs_as_much(machine, answers, day):
    plenty = Rate(1e-9, 1_000)
    limits = Limits(lambda: 0.0, most=10, key=plenty, address=plenty, stranger=plenty, bad_key=plenty)
    left = []
    for _ in range(3):
        ctx = context(machine)
        ctx.meter = limits.meter(ctx.caller, "here")
        asked = Asked(BOARD, {"race": str(global_id("Race", day.race.id))}, None, None)
        assert not (await answers.answer(BOARD, asked, ctx, only_queries=True)).errors
        allowance = ctx.meter.allowance()
        left.append(allowance.left)
    costs = [before - after for before, after in itertools.pairwise([1_000, *left])]
    assert answers.kept.hits == 2 and costs[1] == pytest.approx(costs[2]) and costs[1] > 3
    assert costs[1] == pytest.approx(costs[0], abs=1), "the first one had a view made"
    for _ in range(1_000):
        ctx = context(machine)
        ctx.meter = limits.meter(ctx.caller, "here")
        answer = await answers.answer(BOARD, asked, ctx, only_queries=True)
        if answer.errors:
            break
    assert answer.errors[0]["extensions"]["code"] == "RATE_LIMITED"


async def test_for_new_answers_those_go_that_nobody_asked_for(machine, day):
    answers = Answers(machine.schema, 8_000)
    for first in (1, 2, 3, 1, 4, 1, 5, 1):
        await ask(machine, answers, day, first=first)
    assert answers.kept.bytes <= 8_000 and answers.kept.forgotten
    hits = answers.kept.hits
    await ask(machine, answers, day, first=1)
    assert answers.kept.hits == hits + 1
    none = Answers(machine.schema, 0)
    assert await ask(machine, none, day) == await ask(machine, none, day)
    assert none.kept.bytes == none.kept.hits == 0


async def test_a_kept_answer_does_not_keep_its_document(machine, day):
    answers, known = Answers(machine.schema, MOST), weakref.WeakSet()
    for _ in range(3):
        query = f"{BOARD} # {next(_times)} {'x' * 20_000}"
        assert not (await ask(machine, answers, day, query=query)).errors
        made = (each for each in gc.get_objects() if isinstance(each, Operation) and each.document.loc)
        known.update(each for each in made if len(each.document.loc.source.body) > 20_000)
    gc.collect()
    assert answers.kept.bytes and not known
    shown = await ask(machine, answers, day, query=query)
    assert not shown.errors and answers.kept.hits == 1, "the same text is the same question"


async def test_one_look_serves_all_who_came_before_it(machine, answers, day):
    await ask(machine, answers, day)
    (kept,) = [each for each in machine.boards._kept.values() if each.event.id == day.event.id]
    await day.see(1, 1_400, "3")
    begun = kept._begun
    told = await asyncio.gather(*(ask(machine, answers, day) for _ in range(40)))
    assert len({each.body for each in told}) == 1 and b'"projectedTime":' in told[0].body
    assert 1 <= kept._begun - begun <= 4
    assert answers.kept.misses <= 4, "one makes the new answer for the others"
    assert told[0].body == (await fresh(machine, answers, day)).body


async def test_what_cannot_be_asked_so_is_refused(machine, answers, day):
    async def refused(query, name=None, only_queries=True, **variables):
        asked = Asked(query, variables, name, None)
        answer = await answers.answer(query, asked, context(machine), only_queries=only_queries)
        assert answer.refused and b'"data"' not in answer.body and answer.errors
        assert orjson.loads(answer.body)["errors"] == answer.errors
        return answer

    mutation = 'mutation { closeSession(token: "x") { token } }'
    assert (await refused(mutation)).wrong_way
    assert (await refused("subscription { devices { id } }", only_queries=False)).wrong_way
    for query in (
        "{",
        "{ nonsense }",
        "query A { __typename } query B { __typename }",
        "fragment F on Query { a }",
    ):
        assert not (await refused(query)).wrong_way
    assert not (await refused("query A { __typename }", "B")).wrong_way
    wrong = await refused("query($n: Int!) { devices(first: $n) { totalCount } }", n="many")
    assert wrong.errors[0]["extensions"] == {
        "code": "BAD_USER_INPUT",
        "fields": {"n": wrong.errors[0]["message"]},
    }
    asked = Asked(mutation, {}, None, None)
    done = await answers.answer(mutation, asked, context(machine), only_queries=False)
    assert not done.refused and done.errors[0]["extensions"]["code"] == "NOT_FOUND"
