"""The subscription `devices`: what a device leads to is known already, and only to who may see it."""

import asyncio
import contextlib
from dataclasses import replace

import pytest

from tests.subscriptions.fleet import alarmed, heard

WHOLE = """subscription { devices {
    deviceId alias bindingStatus connection lastSeenAt sessionCount passingCount
    activeSession { token device { deviceId } }
    health { mode batteryPercentage age connection report { reportedAt } alarms { kind severity } } } }"""


@pytest.fixture
async def following(machine):
    """The results of a subscription, once it is under way."""
    streams = contextlib.AsyncExitStack()

    async def start(query=WHOLE, ctx=None):
        stream = await machine.schema.subscribe(query, context_value=ctx or machine.ctx)
        await streams.enter_async_context(contextlib.aclosing(stream))
        next_ = asyncio.ensure_future(anext(stream))

        async def told():
            nonlocal next_
            result = await asyncio.wait_for(next_, 10)
            next_ = asyncio.ensure_future(anext(stream))
            return result

        async with asyncio.timeout(10):
            while not any(fleet._ready.is_set() for fleet in machine.fleets._fleets.values()):
                await asyncio.sleep(0.005)
        streams.push_async_callback(stop, lambda: next_)
        return told

    async def stop(waiting):
        waiting().cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting()

    async with streams:
        yield start


async def told_of(change, *followed):
    await change
    for told in followed:
        await told()


async def test_what_a_device_leads_to_costs_no_statement(machine, following):
    """The fleet's own reading is one; executing adds nothing to it."""
    name = await machine.device()
    token = await machine.session(name)
    await machine.record(token, 1)
    await heard(machine, name)
    followed, costs = [], []
    for query in ("subscription { devices { deviceId } }", WHOLE):
        followed.append(await following(query))
        await asyncio.sleep(0.2)  # what was told before has been read
        await machine.ctx.still()  # is believed for a while
        costs.append(
            await machine.counted(told_of(alarmed(machine, name, ("SILENT", "MOVED")[len(costs)]), *followed))
        )
    assert costs[0] == costs[1]
    await alarmed(machine, name, "BATTERY_LOW")
    data = (await followed[1]()).data["devices"]
    assert data["deviceId"] == name and data["connection"] == "CONNECTED" and data["passingCount"] == 1
    assert data["activeSession"] == {"token": token, "device": {"deviceId": name}}
    assert data["health"]["connection"] == "CONNECTED" and data["health"]["age"] >= 0
    assert len(data["health"]["alarms"]) == 3


async def test_it_is_what_the_query_says(machine, following):
    name = await machine.device()
    told = await following()
    await heard(machine, name, mode="TEST", battery_percentage=50.0)
    data = (await told()).data["devices"]
    fields = WHOLE[WHOLE.index("{ devices") + 10 :].strip()[1:].rsplit("}", 2)[0]
    asked = await machine.execute(f"query($id: String!) {{ device(deviceId: $id) {{ {fields} }} }}", id=name)
    data["health"].pop("age"), asked["device"]["health"].pop("age")
    assert data == asked["device"] and data["health"]["mode"] == "TEST"


async def test_a_key_that_may_not_see_sessions_does_not_see_the_one_that_is_known(machine, following):
    name = await machine.device()
    token = await machine.session(name)
    blind = machine.context_of(replace(machine.ctx.caller, scopes=frozenset({"devices:read"})))
    told = await following("subscription { devices { deviceId activeSession { token } } }", blind)
    await heard(machine, name)
    result = await told()
    assert result.data["devices"] == {"deviceId": name, "activeSession": None}
    assert result.errors[0].extensions["code"] == "FORBIDDEN" and token not in str(result)


async def test_another_account_is_told_nothing(machine, following):
    other = await machine.newcomer()
    name = await machine.device()
    mine, theirs = await following(), await following(ctx=other)
    await heard(machine, name)
    assert (await mine()).data["devices"]["deviceId"] == name
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await theirs()
