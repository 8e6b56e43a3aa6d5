"""A call of the public API that is sent again, whole, until the server has answered it."""

import asyncio
import dataclasses
from typing import Any

import msgspec

from replay import wire

AGAIN = {429, 502, 503, 504}
UNSURE = {502, 504}  # a proxy's: the server behind it may have acted
PATIENCE = 120.0  # seconds


class Refused(Exception):
    """The server will not play along; the message says what it answered."""


@dataclasses.dataclass
class Tally:
    """What the server acknowledged. `unanswered`: passings in calls without an answer, stored or not."""

    sent: int = 0
    inserted: int = 0
    duplicates: int = 0
    unanswered: int = 0
    retries: int = 0


class Caller:
    """A connection that does not give up while the server is busy or out of reach. For one call at a time."""

    def __init__(self, server: wire.Server, patience: float = PATIENCE) -> None:
        self.line = wire.Wire(server)
        self.patience = patience
        self.tally = Tally()

    async def call(self, method: str, path: str, body: object = None, passings: int = 0) -> dict[str, Any]:
        """The fields of a good answer; Refused on a bad one, or when none comes for `patience` seconds."""
        data = msgspec.json.encode(body) if body is not None else b""
        loop = asyncio.get_running_loop()
        until = loop.time() + self.patience
        pause = 0.1
        while True:
            try:
                answer = await self.line.ask(method, path, data)
            except wire.Dropped as drop:
                unsure, why, wait = drop.sent, str(drop), pause
            else:
                if answer.status not in AGAIN:
                    return fields(answer, f"{method} {path}")
                unsure, why = answer.status in UNSURE, f"last answer {answer.status}"
                wait = max(pause, retry_after(answer))
            self.tally.retries += 1
            self.tally.unanswered += passings if unsure else 0
            if loop.time() + wait > until:
                raise Refused(f"{method} {path}: given up after {self.patience:g} s ({why}).")
            await asyncio.sleep(wait)
            pause = min(pause * 2, 2.0)


def retry_after(answer: wire.Answer) -> float:
    text = answer.headers.get("retry-after", "")
    return float(text) if text.isdecimal() else 0.0


def fields(answer: wire.Answer, what: str) -> dict[str, Any]:
    """The answer's fields, bare or under `body`; Refused unless it says yes, or 409: this device is bound."""
    try:
        document = msgspec.json.decode(answer.body, type=dict[str, Any])
    except msgspec.MsgspecError:
        raise Refused(f"{what}: {answer.status}, and the answer is not a JSON object.") from None
    found: dict[str, Any] = document.get("body") or document
    if answer.status >= 300 and not (answer.status == 409 and "deviceid" in found):
        raise Refused(f"{what}: {answer.status} {found.get('description', '')}".rstrip())
    return found
