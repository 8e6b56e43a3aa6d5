"""Every way that devices write a time, and what is refused."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from timing import clocks
from timing.clocks import FIRST, LAST, NoZone, UnknownZone, instant, milliseconds, text, zone

AT = 1_675_440_498_263_000
"""2023-02-03T16:08:18.263Z"""


def at(year: int, *rest: int) -> int:
    return int(datetime(year, *rest, tzinfo=UTC).timestamp()) * clocks.SECOND


@pytest.mark.parametrize(
    "spelled",
    [
        "2023-02-03T16:08:18.263Z", "2023-02-03t16:08:18.263z", "2023-02-03 16:08:18.263Z",
        "2023-02-03T16:08:18,263Z", "2023-02-03T16:08:18.2630Z", "2023-02-03T16:08:18.263000000Z",
        "2023-02-03T16:08:18.263+00:00", "2023-02-03T16:08:18.263-00:00",
        "2023-02-03T17:08:18.263+01:00", "2023-02-03T17:08:18.263+0100", "2023-02-03T17:08:18.263+01",
        "2023-02-03 07:08:18.263-09:00", "2023-02-03T21:53:18.263+05:45",
        "2023-02-04T06:08:18.263+14:00", "2023-02-04T16:07:18.263+23:59",
    ],
)  # fmt: skip
def test_a_text_with_a_zone_is_read_in_every_spelling(spelled):
    assert instant(spelled) == AT


@pytest.mark.parametrize("decimals", range(10))
@pytest.mark.parametrize("end", ["Z", "+00:00", ""])
def test_digits_below_the_microsecond_are_cut_off(decimals, end):
    fraction = "123456789"[:decimals]
    wanted = at(2023, 2, 3, 16, 8, 18) + int(fraction[:6].ljust(6, "0"))
    assert instant(f"2023-02-03T16:08:18.{fraction}{end}", "UTC") == wanted
    assert instant(f"2023-02-03T16:08:18,{fraction}{end}", "UTC") == wanted


def test_digits_are_cut_off_before_the_epoch_too():
    assert instant("1969-12-31T23:59:59.999999999Z") == -1
    assert instant("1969-12-31T23:59:59.9999991Z") == -1


@pytest.mark.parametrize(
    "spelled", ["2023-02-03T16:08:18Z", "2023-02-03 16:08:18+00:00", "2023-02-03T17:08:18+01"]
)
def test_seconds_without_decimals_are_read(spelled):
    assert instant(spelled) == at(2023, 2, 3, 16, 8, 18)


@pytest.mark.parametrize(
    ("spelled", "name"),
    [
        ("2023-02-03T17:08:18.263", "Europe/Madrid"), ("2023-02-03 17:08:18.263", "CET"),
        ("2023-02-03T18:08:18.263", "CEST"), ("2023-02-03T18:08:18.263", "cest"),
        ("2023-02-03T17:08:18.263", "BST"), ("2023-02-03T11:08:18.263", "EST"),
        ("2023-02-03T12:08:18.263", "EDT"), ("2023-02-03T08:08:18.263", "PST"),
        ("2023-02-03T16:08:18.263", "UTC"), ("2023-02-03T16:08:18.263", "Z"),
        ("2023-02-03T16:08:18.263", "GMT"), ("2023-02-03T21:53:18.263", "Asia/Kathmandu"),
        ("2023-02-03T18:08:18.263", "+02:00"), ("2023-02-03T18:08:18.263", "+2"),
        ("2023-02-03T18:08:18.263", "+0200"), ("2023-02-03T18:08:18.263", "UTC+2"),
        ("2023-02-03T18:08:18.263", "gmt+02:00"), ("2023-02-03T12:38:18.263", "-03:30"),
    ],
)  # fmt: skip
def test_a_text_without_a_zone_takes_the_one_beside_it(spelled, name):
    assert instant(spelled, name) == AT


@pytest.mark.parametrize("name", ["Europe/Madrid", "CET", "nonsense", "", None])
def test_the_zone_in_the_text_counts_more_than_the_one_beside_it(name):
    assert instant("2023-02-03T16:08:18.263Z", name) == AT
    assert instant("2023-02-03 17:08:18.2630+01:00", name) == AT


@pytest.mark.parametrize("name", [None, ""])
def test_a_text_without_any_zone_is_a_question_of_its_own(name):
    with pytest.raises(NoZone):
        instant("2023-02-03T16:08:18.263", name)


def test_cet_knows_the_summer_and_cest_is_always_summer():
    assert instant("2023-07-03T18:00:00", "CET") == instant("2023-07-03T16:00:00Z")
    assert instant("2023-02-03T18:00:00", "CEST") == instant("2023-02-03T16:00:00Z")


@pytest.mark.parametrize(
    "name",
    [
        "Mars/Base", "nonsense", " ", "+24:00", "+25", "+01:60", "UTC+", "++2", "-", ".", "..",
        "/etc/passwd", "../../etc/passwd", "/usr/share/zoneinfo/Europe/Madrid",
        "Europe/../Europe/Madrid", "Europe", "Europe/", "a\0b", "x" * 999, "\ud800", "Ünknown",
        "posixrules/x", "zone.tab", "tzdata.zi", "+١", "__init__.py", "C:\\Windows", "CON",
    ],
)  # fmt: skip
def test_a_name_that_is_no_zone_is_refused_as_such(name):
    with pytest.raises(UnknownZone):
        zone(name)
    with pytest.raises(UnknownZone):
        instant("2023-02-03T16:08:18.263", name)


@pytest.mark.parametrize(
    "spelled",
    [
        "", " ", "now", "16:08:18", "2023-02-03", "2023-02-03Z", "20230203T160818Z",
        "2023-W05-5T16:08:18Z", "2023-034T16:08:18Z", "2023-02-30T00:00:00Z",
        "2023-02-29T00:00:00.000Z", "2023-13-01T00:00:00Z", "2023-00-01T00:00:00.000Z",
        "2023-02-03T25:00:00Z", "2023-02-03T16:61:00.000Z", "2023-02-03T16:08:61Z",
        "2023-02-03T16:08:18.1234567890Z", "2023-02-03T16:08:18+99:00", "2023-02-03T16:08:18+24:00",
        "2023-02-03T16:08:18+01:60", "2023-02-03T16:08:18 +01:00", "2023-02-03T16:08:18 CET",
        "2023-02-03T16:08:18Europe/Madrid", "03/02/2023 16:08:18", "1675440498",
        "+2023-02-03T16:08:18Z", "-2023-02-03T16:08:18Z", "12023-02-03T16:08:18Z",
        "2023-02-03T16:08:18.263ZZ", " 2023-02-03T16:08:18.263Z", "2023-02-03T16:08:18.263Z ",
        "2023-02-03T16:08:18.263Z\n", "٢٠٢٣-02-03T16:08:18.263Z", "2023-02-03T16:08:18.٢٦٣Z",
        "2023-02-03T16:08:18.２６３Z", "2023-02-03T16:08:18.-63Z", "2023-02-03T16:08:1 .263Z",
        "2023-02-03T16:08:18. 63Z", "2023-02-03T16:08:18.26_Z", "2023-0a-03T16:08:18.263Z", "\0",
        "\ud800" * 24, "x" * 24, "----T--::.:::..:.....Z", "2023--2-03T16:08:18.263Z",
        "2023-02-03T+6:08:18.263Z", "ſ023-02-03T16:08:18.263Z",
    ],
)  # fmt: skip
def test_what_is_no_instant_is_refused(spelled):
    with pytest.raises(ValueError) as refused:
        instant(spelled, "UTC")
    assert refused.type is ValueError


@pytest.mark.parametrize(
    ("spelled", "wanted"),
    [
        ("0001-01-01T00:00:00.000Z", FIRST),
        ("9999-12-31T23:59:59.999999Z", LAST),
        ("9999-12-31T23:59:59.999999999Z", LAST),
        ("1970-01-01T00:00:00Z", 0),
        ("2024-02-29T00:00:00Z", at(2024, 2, 29)),
    ],
)
def test_the_first_and_the_last_instant_that_have_a_text(spelled, wanted):
    assert instant(spelled) == wanted
    assert instant(text(wanted)) == wanted


@pytest.mark.parametrize(
    ("spelled", "name"),
    [
        ("0000-01-01T00:00:00.000Z", None),
        ("0000-12-31T23:59:59", "UTC"),
        ("0001-01-01T00:00:00+00:01", None),
        ("9999-12-31T23:59:59-00:01", None),
        ("0001-01-01T00:00:00", "Asia/Tokyo"),
        ("0001-01-01T00:00:00", "+14"),
        ("9999-12-31T23:59:59", "America/New_York"),
        ("9999-12-31T23:59:59", "-12"),
    ],
)
def test_what_lies_beyond_them_is_refused(spelled, name):
    with pytest.raises(ValueError):
        instant(spelled, name)


def test_a_midnight_written_as_hour_24_is_the_next_day_or_refused_in_every_spelling():
    answers = set()
    for spelled in ("2023-02-03T24:00:00.000Z", "2023-02-03 24:00:00+00:00", "2023-02-03T24:00:00.0000"):
        try:
            answers.add(instant(spelled, "UTC"))
        except ValueError:
            answers.add(None)
    assert len(answers) == 1


def test_an_hour_that_comes_twice_is_its_first_occurrence():
    twice = instant("2023-10-29T02:30:00", "Europe/Madrid")
    assert text(twice) == "2023-10-29T00:30:00.000Z"


def test_an_hour_that_never_comes_goes_on_from_before_the_change():
    never = instant("2023-03-26T02:30:00", "Europe/Madrid")
    assert text(never) == "2023-03-26T01:30:00.000Z"


def test_a_text_has_milliseconds_or_microseconds():
    assert [text(AT), text(AT + 1), text(-1), text(0)] == [
        "2023-02-03T16:08:18.263Z",
        "2023-02-03T16:08:18.263001Z",
        "1969-12-31T23:59:59.999999Z",
        "1970-01-01T00:00:00.000Z",
    ]


def test_milliseconds_are_cut_off_not_rounded():
    assert milliseconds(AT + 999) == "2023-02-03T16:08:18.263Z"
    assert milliseconds(-1) == "1969-12-31T23:59:59.999Z"
    assert milliseconds(LAST) == "9999-12-31T23:59:59.999Z"


INSTANTS = st.integers(FIRST, LAST)


@given(INSTANTS)
@example(FIRST)
@example(LAST)
def test_the_text_of_an_instant_is_read_as_that_instant(given_at):
    assert instant(text(given_at)) == given_at
    assert instant(milliseconds(given_at)) == given_at // 1000 * 1000


@given(INSTANTS, INSTANTS)
def test_texts_are_in_the_order_of_their_instants(one, other):
    assert (milliseconds(one) < milliseconds(other)) == (one // 1000 < other // 1000)


@given(
    st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31)),
    st.integers(-(24 * 60 - 1), 24 * 60 - 1),
    st.sampled_from(["T", " ", "t"]),
    st.sampled_from([".", ","]),
    st.integers(0, 9),
    st.booleans(),
)
def test_an_instant_is_the_same_however_it_is_spelled(moment, minutes, between, point, decimals, beside):
    sign, hours, rest = "-" if minutes < 0 else "+", abs(minutes) // 60, abs(minutes) % 60
    digits = f"{moment.microsecond:06}789"[:decimals]
    kept = moment.replace(microsecond=int(digits[:6].ljust(6, "0")))
    wanted = (kept.replace(tzinfo=timezone(timedelta(minutes=minutes))) - clocks.EPOCH) // timedelta(
        microseconds=1
    )
    spelled = f"{moment:%H:%M:%S}{point if digits else ''}{digits}"
    day = f"{moment.year:04}-{moment:%m-%d}"
    offset = f"{sign}{hours:02}:{rest:02}"
    if beside:
        assert instant(f"{day}{between}{spelled}", offset) == wanted
    else:
        assert instant(f"{day}{between}{spelled}{offset}", "Asia/Kathmandu") == wanted


@given(st.text(max_size=30) | st.from_regex(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\.\d{3}Z", fullmatch=True))
def test_any_other_text_is_refused_with_a_value_error(anything):
    try:
        assert FIRST <= instant(anything, "UTC") <= LAST
    except ValueError:
        pass


@given(st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z", fullmatch=True))
@example("2023-02-03T24:00:00.000Z")
@example("2023-02-03T16:08:60.000Z")
def test_the_short_way_of_reading_and_the_long_one_agree(spelled):
    def read(way):
        try:
            return instant(way)
        except ValueError:
            return None

    assert read(spelled) == read(spelled[:-1] + "000Z") == read(spelled.replace("T", " ")[:-1] + "+00:00")
