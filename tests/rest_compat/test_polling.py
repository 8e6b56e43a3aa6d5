"""`device2`, the cursor of scoring programs: drain a session, then jump, and lose nothing."""

import pytest

from tests.rest_compat.conftest import AT, passing


def poll(v0, device, **params):
    answer = v0.get(f"/v0/passings/device2/{device}", **params)
    assert answer.status_code == 200, answer.text
    keys = ["description", "deviceid", "session_used", "session_label", "resumed_from", "passings", "cursor"]
    assert list(answer.json()["body"]) == keys
    return answer.json()["body"]


def numbers(answer):
    return [found["num_passing"] for found in answer["passings"]]


def follow(v0, device, cursor=None):
    """All that a client hears until there is nothing new: (session, number), and where to go on."""
    heard = []
    for _ in range(50):
        answer = poll(v0, device, **({"cursor": cursor} if cursor else {}))
        heard += [(answer["session_used"], number) for number in numbers(answer)]
        moved, cursor = answer["cursor"] != cursor, answer["cursor"]
        if not answer["passings"] and not moved:
            break
    return heard, cursor


def test_a_device_without_sessions_answers_emptily(v0):
    device = v0.bind()
    answer = poll(v0, device)
    assert answer["deviceid"] == device
    assert (answer["session_used"], answer["session_label"], answer["resumed_from"]) == (None, None, 0)
    assert answer["passings"] == []


def test_without_a_session_the_newest_one_is_read_from_its_beginning(v0):
    device = v0.bind()
    v0.sent(v0.open(device, "Race 1"), passing(1))
    second = v0.open(device, "Race 2")
    v0.sent(second, passing(9), passing(4, latitude=41.3879, longitude="2.16992", chips="E2801160"))
    answer = poll(v0, device)
    assert (answer["session_used"], answer["session_label"], answer["resumed_from"]) == (second, "Race 2", 0)
    assert answer["passings"] == [
        {
            "bib": "0042",
            "timestamp": AT,
            "num_passing": 4,
            "latitude": "41.3879",
            "longitude": "2.16992",
            "chip": "E2801160",
        },
        {
            "bib": "0042",
            "timestamp": AT,
            "num_passing": 9,
            "latitude": "0.0",
            "longitude": "0.0",
            "chip": None,
        },
    ]


def test_last_is_exclusive(v0):
    device = v0.bind()
    token = v0.open(device)
    v0.sent(token, passing(1), passing(2), passing(5))
    answer = poll(v0, device, token_session=token, last=2)
    assert (numbers(answer), answer["resumed_from"], answer["session_used"]) == ([5], 2, token)
    assert numbers(poll(v0, device, token_session=token, last=0)) == [1, 2, 5]
    assert numbers(poll(v0, device, token_session=token)) == [1, 2, 5]


def test_a_session_is_drained_before_the_jump_to_the_next(v0):
    device = v0.bind()
    first = v0.open(device, "Race 1")
    v0.sent(first, *(passing(number) for number in range(10, 14)))
    second = v0.open(device, "Race 2")
    v0.sent(second, passing(1), passing(2))
    rest = poll(v0, device, token_session=first, last=11)
    assert (rest["session_used"], numbers(rest)) == (first, [12, 13])
    jumped = poll(v0, device, token_session=first, last=13)
    assert (jumped["session_used"], jumped["session_label"]) == (second, "Race 2")
    assert (jumped["resumed_from"], numbers(jumped)) == (0, [1, 2])


def test_the_jump_goes_to_the_next_session_not_to_the_newest(v0):
    device = v0.bind()
    tokens = []
    for number in range(4):
        tokens.append(v0.open(device))
        v0.sent(tokens[-1], passing(number))
    for number, used in ((0, 1), (1, 2), (2, 3), (3, 3)):
        answer = poll(v0, device, token_session=tokens[number], last=number)
        assert answer["session_used"] == tokens[used]
        assert numbers(answer) == ([used] if used != number else [])


def test_an_empty_session_is_passed_over(v0):
    device = v0.bind()
    first = v0.open(device)
    v0.sent(first, passing(1))
    v0.open(device)
    assert poll(v0, device, token_session=first, last=1)["session_used"] == first
    third = v0.open(device)
    v0.sent(third, passing(7))
    jumped = poll(v0, device, token_session=first, last=1)
    assert (jumped["session_used"], numbers(jumped)) == (third, [7])


def test_an_exhausted_session_with_nothing_after_it_answers_emptily(v0):
    device = v0.bind()
    token = v0.open(device)
    v0.sent(token, passing(3))
    answer = poll(v0, device, token_session=token, last=3)
    assert (answer["session_used"], answer["resumed_from"], answer["passings"]) == (token, 3, [])


def test_a_cursor_brings_a_late_passing_with_a_smaller_number(v0):
    device = v0.bind()
    token = v0.open(device)
    v0.sent(token, passing(5), passing(6))
    heard, cursor = follow(v0, device)
    assert sorted(heard) == [(token, 5), (token, 6)]
    v0.sent(token, passing(2))
    assert numbers(poll(v0, device, token_session=token, last=6)) == []
    heard, cursor = follow(v0, device, cursor)
    assert heard == [(token, 2)]
    assert follow(v0, device, cursor)[0] == []


def test_a_cursor_of_an_empty_session_does_not_lead_back_to_earlier_ones(v0):
    device = v0.bind()
    v0.sent(v0.open(device), passing(1))
    second = v0.open(device)
    answer = poll(v0, device)
    assert (answer["session_used"], answer["passings"]) == (second, [])
    v0.sent(second, passing(5))
    assert follow(v0, device, answer["cursor"])[0] == [(second, 5)]


def test_a_cursor_from_a_poll_by_last_is_lossless_too(v0):
    device = v0.bind()
    token = v0.open(device)
    v0.sent(token, passing(5), passing(6))
    answer = poll(v0, device, token_session=token, last=5)
    assert numbers(answer) == [6]
    v0.sent(token, passing(1))
    assert (token, 1) in follow(v0, device, answer["cursor"])[0]


def test_a_cursor_passes_over_empty_sessions(v0):
    device = v0.bind()
    first = v0.open(device)
    v0.sent(first, passing(1))
    heard, cursor = follow(v0, device)
    v0.open(device)
    assert follow(v0, device, cursor)[0] == []
    third = v0.open(device)
    v0.sent(third, passing(9), passing(0))
    more, cursor = follow(v0, device, cursor)
    assert (heard, more) == ([(first, 1)], [(third, 9), (third, 0)])


def test_a_cursor_walks_from_session_to_session_without_a_gap(v0):
    device = v0.bind()
    expected, heard, cursor = [], [], None
    for _ in range(3):
        token = v0.open(device)
        for number in (8, 2, 5):
            v0.sent(token, passing(number))
            expected.append((token, number))
        v0.close(token)
        if cursor is None:
            heard, cursor = follow(v0, device)
    more, cursor = follow(v0, device, cursor)
    assert sorted(heard) == sorted(expected[:3])
    assert more == expected[3:]


def test_more_than_a_page_is_heard_whole(v0):
    device = v0.bind()
    first = v0.open(device)
    v0.sent(first, *(passing(number) for number in range(1, 5001)))
    v0.sent(first, *(passing(number) for number in range(5001, 5011)))
    second = v0.open(device)
    v0.sent(second, passing(1))
    page = poll(v0, device, token_session=first, last=0)
    assert numbers(page) == list(range(1, 5001))
    rest = poll(v0, device, token_session=first, last=5000)
    assert (rest["session_used"], numbers(rest)) == (first, list(range(5001, 5011)))
    heard, _ = follow(v0, device, page["cursor"])
    assert heard == [*((first, number) for number in range(5001, 5011)), (second, 1)]


def test_a_cursor_alone_hears_everything_once_page_by_page(v0):
    device = v0.bind()
    _, cursor = follow(v0, device)
    first = v0.open(device)
    expected = [(first, number) for number in range(7_000, 0, -1)]
    for start in (0, 3_500):
        v0.sent(first, *(passing(number) for _, number in expected[start : start + 3_500]))
    second = v0.open(device)
    v0.sent(second, passing(1))
    heard, cursor = follow(v0, device, cursor)
    assert heard == [*expected, (second, 1)]
    assert follow(v0, device, cursor)[0] == []


def test_from_and_to_narrow_what_is_polled(v0):
    device = v0.bind()
    token = v0.open(device)
    times = [f"2023-02-03T16:00:0{second}.000Z" for second in range(4)]
    v0.sent(token, *(passing(number, timestamp=at) for number, at in enumerate(times)))
    assert numbers(poll(v0, device, from_=times[1], to=times[2])) == [1, 2]
    assert numbers(poll(v0, device, token_session=token, last=1, from_=times[1], to=times[2])) == [2]


@pytest.mark.parametrize("number", [0, 1])
def test_a_number_of_zero_is_heard(number, v0):
    device = v0.bind()
    v0.sent(v0.open(device), passing(number))
    assert numbers(poll(v0, device)) == [number]


def test_a_session_of_another_device_is_not_found(v0):
    token, device = v0.open(), v0.bind()
    answer = v0.get(f"/v0/passings/device2/{device}", token_session=token)
    assert answer.status_code == 404
    assert answer.json()["body"] == {"description": "Session not found", "token_session": token}


@pytest.mark.parametrize("cursor", ["*", "é", "-1", "0" * 5000, "MTI=\x00"])
def test_a_made_up_cursor_is_named(cursor, v0):
    answer = v0.get(f"/v0/passings/device2/{v0.bind()}", cursor=cursor)
    assert answer.status_code == 400
    assert answer.json()["description"] == "Invalid parameter: cursor"
