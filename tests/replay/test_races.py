"""A results file becomes mats and readings, or a sentence tells why not."""

import pytest

from replay import races


@pytest.fixture
def results(tmp_path):
    def write(text):
        path = tmp_path / "results.csv"
        path.write_text(text)
        return path

    return write


def test_each_time_is_a_reading_and_an_empty_cell_is_none(results):
    race = races.read(
        results("bib,gender,age,5k,finish,overall_rank\n019,M,38,0:15:09,2:08:37,1\nF7,F,31,,2:19:59.5,12\n")
    )
    assert [mat.name for mat in race.mats] == ["5k", "finish"]
    assert race.mats[0].readings == [races.Reading(909.0, "019")]
    assert race.mats[1].readings == [races.Reading(7717.0, "019"), races.Reading(8399.5, "F7")]
    assert (race.size, race.begins, race.ends) == (3, 909.0, 8399.5)
    assert race.entrants[0] == {"bib": "019", "gender": "M", "age": "38"}


def test_readings_of_a_mat_are_in_order_of_time(results):
    race = races.read(results("bib,5k\n1,0:30:00\n2,0:20:00\n3,0:25:00\n"))
    assert [reading.bib for reading in race.mats[0].readings] == ["2", "3", "1"]


def test_gun_and_net_make_a_start_and_a_finish(results):
    race = races.read(results("bib,gun,net\n1,2:00:00,1:58:30\n2,2:10:00,\n"))
    assert [mat.name for mat in race.mats] == ["start", "finish"]
    assert race.mats[0].readings == [races.Reading(90.0, "1")]
    assert race.mats[1].readings == [races.Reading(7200.0, "1"), races.Reading(7800.0, "2")]


def test_laps_add_up_to_readings_of_one_mat_for_each_race(results):
    race = races.read(
        results(
            "race,bib,lap,lap_time_s,position\n1,7,1,103.888,2\n1,7,2,98.8,1\n1,9,1,100,1\n2,7,1,60.5,1\n"
        )
    )
    assert race.laps
    assert race.mats == [
        races.Mat(
            "Race 1",
            [races.Reading(100.0, "1-9"), races.Reading(103.888, "1-7"), races.Reading(202.688, "1-7")],
        ),
        races.Mat("Race 2", [races.Reading(60.5, "2-7")]),
    ]
    assert race.entrants[0] == {"bib": "1-7", "race": "Race 1"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "names no column `bib`"),
        (
            "race,bib,lap\n1,1,1\n",
            "a list of laps has the columns race, bib, lap, lap_time_s; missing: lap_time_s",
        ),
        ("race,bib,lap,lap_time_s\n1,1,1,fast\n", "line 2 tells no lap"),
        ("race,bib,lap,lap_time_s\n1,1,1,nan\n", "line 2: bib 1 of race 1 has no lap 1 here"),
        ("race,bib,lap,lap_time_s\n1,1,1,inf\n", "line 2: bib 1 of race 1 has no lap 1 here"),
        ("race,bib,lap,lap_time_s\n1,1,2,99.5\n", "line 2: bib 1 of race 1 has no lap 1 here"),
        ("race,bib,lap,lap_time_s\n", "holds no lap"),
        ("gender,5k\nM,0:15:00\n", "names no column `bib`"),
        ("bib,gender,overall_rank\n1,M,1\n", "names no split column"),
        ("bib,5k,5k\n1,0:15:00,0:15:00\n", "names a column twice"),
        ("bib,gun\n1,0:15:00\n", "only tell the start and the finish together"),
        ("bib,5k,gun,net\n1,0:15:00,0:16:00,0:15:00\n", "cannot be told apart"),
        ("bib,5k\n1,fast\n", "line 2, column 5k: 'fast' is not a time"),
        ("bib,5k\n1,0:61:00\n", "line 2, column 5k: '0:61:00' is not a time"),
        ("bib,5k\n1,0:15:00\n1,0:16:00\n", "line 3: bib 1 comes twice"),
        ("bib,5k\n,0:15:00\n", "line 2 has no bib"),
        ("bib,5k\n1\n", "line 2 has 1 cells"),
        ("bib,5k\n1,\n", "nothing to play"),
        ('bib,5k\n1,"0:15:00\n', "not a CSV file"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_sentence(results, text, why):
    with pytest.raises(races.Unreadable, match="results.csv") as refused:
        races.read(results(text))
    assert why in str(refused.value)


def test_a_file_that_is_missing_or_no_text_is_refused(tmp_path):
    with pytest.raises(races.Unreadable, match="No such file"):
        races.read(tmp_path / "none.csv")
    (tmp_path / "picture.csv").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(races.Unreadable, match="UTF-8"):
        races.read(tmp_path / "picture.csv")
