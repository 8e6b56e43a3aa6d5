"""A reader dies in the field, and the race director's screen says so, once."""

from typing import Any

from tests.journeys.sockets import Socket, open_socket

FOLLOW = """subscription { devices { alarms { edges { node { kind severity } } }
    health { reportedAt alarms { kind severity } } } }"""


Alarms = list[tuple[str, str]]


async def turns(socket: Socket, before: Alarms, after: Alarms) -> bool:
    """Whether the open alarms go from these to those and nowhere else, in as many deliveries as it takes."""
    found = before
    while found != after:
        message = await socket.receive()
        assert message["type"] == "next" and "errors" not in message["payload"], message
        device: dict[str, Any] = message["payload"]["data"]["devices"]
        found = [(edge["node"]["kind"], edge["node"]["severity"]) for edge in device["alarms"]["edges"]]
        assert found[::-1] == [(alarm["kind"], alarm["severity"]) for alarm in device["health"]["alarms"]]
        if found not in (before, after):
            return False
    return True


async def test_who_follows_devices_is_told_of_each_alarm(server, key, make_desk):
    desk = make_desk(key)
    device = desk.device()

    def report(**more: Any) -> None:
        assert desk.v0("POST", f"/devices/{device}/telemetry", more).status_code == 201

    absent, low = ("READER_ABSENT", "CRITICAL"), ("BATTERY_LOW", "WARNING")
    async with open_socket(server.ws_url, key) as socket:
        await socket.ask(FOLLOW)
        await socket.settle()
        report(mode="START", reader_connected=False)
        assert await turns(socket, [], [absent])
        report(battery_percentage=15)
        assert await turns(socket, [absent], [low, absent])
        report(reader_connected=True)
        assert await turns(socket, [low, absent], [low])
        report(battery_percentage=5)
        assert await turns(socket, [low], [("BATTERY_LOW", "CRITICAL")])
