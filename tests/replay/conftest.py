"""A server with moods: speaks enough of v0 to be played to, and can be busy, deaf or wrong on purpose."""

import asyncio
import itertools
import json

import pytest

from replay import wire


class Moody:
    """Stores passings by session and number. `moods` are taken one per POST of passings, until none is left.

    `busy` answers 503; `drop` hangs up without storing; `deaf` stores and hangs up; `lossy` acknowledges and
    stores nothing; `broken` answers 500.
    """

    def __init__(self) -> None:
        self.moods: list[str] = []
        self.devices: dict[str, str] = {}
        self.sessions: dict[str, dict[int, dict]] = {}
        self.arrived: list[tuple[str, list[int]]] = []
        self.ids = itertools.count(1)

    def count(self) -> int:
        return sum(len(stored) for stored in self.sessions.values())

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                method, path, _ = head.decode().split(" ", 2)
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                answer = self.answer(method, path, json.loads(await reader.readexactly(length) or b"null"))
                if answer is None:
                    break
                status, document = answer
                body = json.dumps(document).encode()
                lines = f"HTTP/1.1 {status} OK\r\nRetry-After: 0\r\nContent-Length: {len(body)}\r\n\r\n"
                writer.write(lines.encode() + body)
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    def answer(self, method: str, path: str, body: dict) -> tuple[int, dict] | None:
        match path.partition("?")[0].split("/")[2:]:
            case ["devices"]:
                known = body["serial_number"] in self.devices
                found = self.devices.setdefault(body["serial_number"], f"D{next(self.ids)}")
                return 409 if known else 201, {"description": "", "deviceid": found}
            case ["sessions"]:
                token = f"S{next(self.ids)}"
                self.sessions[token] = {}
                return 201, {"body": {"token_session": token}}
            case ["sessions", token]:
                return 200, {"result": [{"passings": len(self.sessions[token])}]}
            case ["passings"]:
                return self.passings(body["token_session"], body["passings_list"])
        return 404, {"description": "Not found"}

    def passings(self, token: str, passings: list[dict]) -> tuple[int, dict] | None:
        mood = self.moods.pop(0) if self.moods else ""
        if mood in ("busy", "broken"):
            return 503 if mood == "busy" else 500, {"description": mood}
        if mood == "drop":
            return None
        stored = self.sessions[token]
        new = {
            passing["num_passing"]: passing for passing in passings if passing["num_passing"] not in stored
        }
        if mood != "lossy":
            stored.update(new)
        if mood == "deaf":
            return None
        self.arrived.append((token, [passing["num_passing"] for passing in passings]))
        return 201, {"inserted_count": len(new), "duplicate_count": len(passings) - len(new)}


@pytest.fixture
async def moody():
    """The server, and where it is: `moody.url`, and `moody.at` with a key."""
    moody = Moody()
    async with await asyncio.start_server(moody.talk, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        moody.url = f"http://127.0.0.1:{port}"
        moody.at = wire.server(moody.url, "ror-00000000000000000000")
        yield moody
