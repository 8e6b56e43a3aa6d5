"""No key is ever logged, whatever goes wrong, not even by the libraries and at the most talkative level."""

import json
import re
import signal

import httpx
import pytest
from websockets.sync.client import connect

from tests.backends import drop_table
from tests.journeys.conftest import Process

KEY = re.compile(rb"ror-[0-9a-f]{20}")


@pytest.fixture(params=["INFO", "DEBUG"])
def process(request, tmp_path, url, broker_url):
    made = Process(tmp_path, url, broker_url)
    made.environment |= {"PASSLINE_LOG_LEVEL": request.param, "PASSLINE_LOG_FORMAT": "json"}
    yield made
    made.end()


def test_no_key_is_in_the_log(process):
    key = process.new_key()
    process.start()
    wrong = "ror-" + "0" * 20
    with httpx.Client(base_url=process.url, verify=False) as http:
        for shown in (key, wrong):
            for headers in ({"x-api-key": shown}, {"api_key": shown}, {"authorization": f"Bearer {shown}"}):
                http.get("/v0/devices", headers=headers)
                http.post("/v0/passings", headers=headers, content=b"{")
                http.post("/graphql", headers=headers, json={"query": "{ devices { totalCount } }"})
        made = http.post(
            "/graphql",
            headers={"x-api-key": key},
            json={"query": "mutation { createApiKey(input: {access: READ}) { key } }"},
        )
        assert KEY.search(made.content)
        for shown in (key, wrong):
            with connect(
                process.ws_url, subprotocols=["graphql-transport-ws"], additional_headers={"x-api-key": shown}
            ):
                pass
            init = {"type": "connection_init", "payload": {"apiKey": shown}}  # compact, as browsers send it
            with connect(process.ws_url, subprotocols=["graphql-transport-ws"]) as socket:
                socket.send(json.dumps(init, separators=(",", ":")))
                try:
                    socket.recv(5)
                except Exception as error:
                    assert "4403" in str(error)
        drop_table(process.database_url, "passings")
        http.post(
            "/graphql", headers={"x-api-key": key}, json={"query": '{ passings(bib: "7") { totalCount } }'}
        )
    process.signal(signal.SIGTERM)
    process.wait()
    log = process.log.read_text()
    assert key.removeprefix("ror-") not in log, "the part that is secret; a shortened line may lack the rest"
    assert wrong.removeprefix("ror-") not in log and not KEY.search(log.encode())
