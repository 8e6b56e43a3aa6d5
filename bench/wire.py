"""What goes over the wire: passings as v0 and GraphQL write them, and whole requests around them."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import orjson

Content = dict[str, str | int]
Read = tuple[int, float, str]
"""Number, seconds after START, bib."""

START = datetime(2024, 4, 15, 10, 0, tzinfo=UTC)
COUNTS = "insertedCount duplicateCount"
OUTCOMES = COUNTS + " results { number outcome }"


def v0_passing(number: int) -> Content:
    """A passing as a mat sends it: time, number, bib and chip."""
    return {"timestamp": instant(number), "num_passing": number, "bib": bib(number), "chip": chip(number)}


def graphql_passing(number: int) -> Content:
    """The same passing in the words of GraphQL."""
    return {"timestamp": instant(number), "number": number, "bib": bib(number), "chip": chip(number)}


def instant(number: int) -> str:
    moment = START + timedelta(milliseconds=37 * number)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def moment(seconds: float) -> str:
    """So long after START, to the millisecond."""
    then = START + timedelta(milliseconds=round(seconds * 1000))
    return then.strftime("%Y-%m-%dT%H:%M:%S.") + f"{then.microsecond // 1000:03d}Z"


def bib(number: int) -> str:
    return str(number % 30_000)


def chip(number: int) -> str:
    return f"E2806894{number % 30_000:016X}"


def v0_body(token: str, numbers: Iterable[int]) -> bytes:
    return orjson.dumps({"token_session": token, "passings_list": [v0_passing(number) for number in numbers]})


def v0_reads(token: str, reads: Iterable[Read]) -> bytes:
    """What a mat detected, as it sends it."""
    passings = [{"num_passing": number, "timestamp": moment(at), "bib": who} for number, at, who in reads]
    return orjson.dumps({"token_session": token, "passings_list": passings})


def graphql_body(token: str, numbers: Iterable[int], selection: str) -> bytes:
    """`recordPassings` with variables, as a client library sends it."""
    query = (
        "mutation R($t:String!,$p:[PassingInput!]!)"
        f"{{recordPassings(sessionToken:$t,passings:$p){{{selection}}}}}"
    )
    variables = {"t": token, "p": [graphql_passing(number) for number in numbers]}
    return orjson.dumps({"query": query, "variables": variables})


def post(path: str, key: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: passline\r\nx-api-key: {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: passline\r\n\r\n".encode()


def dealt(tokens: Sequence[str], numbers: Sequence[int], size: int) -> Iterator[tuple[str, Sequence[int]]]:
    """The numbers in calls of so many, dealt to the sessions in turn."""
    for turn, at in enumerate(range(0, len(numbers), size)):
        yield tokens[turn % len(tokens)], numbers[at : at + size]
