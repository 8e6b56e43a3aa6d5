"""Missing numbers: those in flight are not, whatever order and pace they come in."""

from hypothesis import given
from hypothesis import strategies as st

from timing.clocks import SECOND
from timing.numbering import LOOKS_APART, OLD, YOUNG, Numbering, missing_below

NOW = 1_000 * SECOND


def look(numbering: Numbering, at: int, came: dict[int, int]) -> tuple[int | None, int | None]:
    """How many are missing for OLD and YOUNG long, of those that came until then: number to moment."""
    there = {number for number, moment in came.items() if moment <= at}
    last = max(moment for moment in came.values() if moment <= at)
    found = numbering.mark(at, max(there), last)
    return tuple(
        None
        if highest is None
        else missing_below(min(there), highest, len(there), sum(number > highest for number in there))
        for highest in found
    )  # type: ignore[return-value]


def test_a_hole_is_old_after_half_a_minute():
    numbering, came = Numbering(1), {1: NOW, 2: NOW, 4: NOW}
    assert look(numbering, NOW, came) == (None, None)
    assert look(numbering, NOW + YOUNG - 1, came) == (None, None)
    assert look(numbering, NOW + YOUNG, came) == (None, 1)
    assert look(numbering, NOW + OLD - 1, came) == (None, 1)
    assert look(numbering, NOW + OLD, came) == (1, 1)


def test_a_session_that_is_quiet_for_long_is_known_at_the_first_look():
    assert look(Numbering(1), NOW + OLD, {1: NOW, 5: NOW}) == (3, 3)


def test_a_hole_is_as_old_as_the_first_higher_number():
    came = {1: NOW, 3: NOW} | {3 + n: NOW + n * SECOND for n in range(1, 60)}
    numbering = Numbering(1)
    for second in range(0, 30, 5):
        assert look(numbering, NOW + second * SECOND, came)[0] is None
    assert look(numbering, NOW + OLD, came) == (1, 1)


def test_what_fills_a_hole_in_time_was_never_missing():
    came = {1: NOW, 3: NOW, 2: NOW + 29 * SECOND}
    numbering = Numbering(1)
    look(numbering, NOW, came)
    assert look(numbering, NOW + OLD, came) == (0, 0)


def test_nothing_is_due_before_time_and_nothing_after_all_is_old():
    numbering = Numbering(1)
    assert numbering.due(NOW, NOW) and not numbering.due(NOW, None)
    numbering.mark(NOW, 5, NOW)
    assert not numbering.due(NOW + LOOKS_APART - 1, NOW + 1)
    assert numbering.due(NOW + LOOKS_APART, NOW)
    numbering.mark(NOW + OLD, 5, NOW)
    assert not numbering.due(NOW + 10 * OLD, NOW)
    assert numbering.due(NOW + 10 * OLD, NOW + 9 * OLD)


@given(
    st.dictionaries(st.integers(1, 60), st.integers(0, 120), min_size=1),
    st.lists(st.integers(0, 160), min_size=1, max_size=30),
)
def test_only_what_is_missing_for_so_long_is_counted(seconds, looks):
    """Against the whole history: never too many, and those whose age a look could see are all there."""
    came = {number: NOW + second * SECOND for number, second in seconds.items()}
    numbering = Numbering(1)
    for at in sorted(NOW + second * SECOND for second in looks):
        if min(came.values()) > at:
            continue
        found = look(numbering, at, came)
        there = {number for number, moment in came.items() if moment <= at}
        for count, age in zip(found, (OLD, YOUNG), strict=True):
            before = [number for number, moment in came.items() if moment <= at - age]
            if count is None:
                continue
            lost = set(range(min(there), max(before, default=min(there)))) - there
            assert count <= len(lost)
            if at - max(moment for moment in came.values() if moment <= at) >= age:
                assert count == len(lost)


@given(st.dictionaries(st.integers(1, 60), st.integers(0, 100), min_size=2), st.integers(1, 4999))
def test_two_servers_that_look_at_different_moments_do_not_contradict_each_other(seconds, apart):
    """What one finds old the other finds young at least, once it has looked for long enough."""
    came = {number: NOW + second * SECOND for number, second in seconds.items()}
    one, other = Numbering(1), Numbering(1)
    start, shift = min(came.values()), apart * 1000
    for step in range(30):
        old, _ = look(one, start + step * LOOKS_APART, came)
        _, young = look(other, start + step * LOOKS_APART + shift, came)
        arrived = sum(0 < m - start - step * LOOKS_APART <= shift for m in came.values())
        if old and young is not None:
            assert young >= old - arrived
