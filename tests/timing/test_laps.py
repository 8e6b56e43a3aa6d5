"""Courses that are gone round more than once."""

import pytest

from tests.timing.contests import contest, mat, mats, runner, seconds
from timing.races import Mode
from timing.results import State
from timing.views import Which

F = mat("F", bounce=5, minimum=60)
ROUND = mat("S"), mat("A", bounce=5, minimum=30), mat("F", bounce=5, minimum=30)

LAPS = {
    "every lap counts": ("F60 F120 F180", "F60/1 F120/2 F180/3"),
    "a burst is one lap": ("F60 F62=BOUNCED F120", "F60/1 F120/2"),
    "a lap too short is none": ("F60 F100=TOO_SOON F120", "F60/1 F120/2"),
    "after the last lap nothing is due": ("F60 F120 F180 F240=BOUNCED", "F60/1 F120/2 F180/3"),
    "struck out, the lap is not there": ("F60 F120- F180", "F60/1 F180/2"),
    "a confirmed lap counts, however short": ("F60 F90+ F150", "F60/1 F90/2 F150/3"),
    "a confirmed lap too many takes the last one's place": ("F60 F120 F180=BOUNCED F240+", "F60/1 F120/2 F240/3"),
}  # fmt: skip


@pytest.mark.parametrize(("line", "splits"), LAPS.values(), ids=LAPS.keys())
def test_three_laps_of_one_mat(line, splits):
    assert contest(line, F, mode=Mode.LAPS, laps=3).splits() == splits


TWO_MATS = {
    "two mats a lap": ("S0 A30 F60 A90 F120", "S0/1 A30/1 F60/1 A90/2 F120/2"),
    "a missed mat of a lap": ("S0 F60 A90 F120", "S0/1 F60/1 A90/2 F120/2"),
    "two times the same mat is another lap": ("S0 A30 A90 F120", "S0/1 A30/1 A90/2 F120/2"),
    "the start is passed once": ("S0 A30 F60 S61=BOUNCED A90", "S0/1 A30/1 F60/1 A90/2"),
}


@pytest.mark.parametrize(("line", "splits"), TWO_MATS.values(), ids=TWO_MATS.keys())
def test_two_laps_of_two_mats(line, splits):
    assert contest(line, *ROUND, mode=Mode.LAPS, laps=2).splits() == splits


def test_who_has_all_laps_has_finished():
    made = contest("F60 F120", F, mode=Mode.LAPS, laps=3)
    assert (made.standing().state, made.standing().lap, made.standing().laps) == (State.ON_COURSE, 2, 2)
    made.add("F180")
    assert (made.standing().state, made.standing().lap, made.standing().laps) == (State.FINISHED, 3, 3)


BACKUPS = {
    "the backup has a lap that the primary missed": ("F60 f120 F180", "F60/1 f120/2 F180/3"),
    "the backup beside the primary is not used": ("F60 f60.2=BACKUP_UNUSED F120 f119=BACKUP_UNUSED", "F60/1 F120/2"),
    "the backup alone counts every lap": ("f60 f61=BOUNCED f120 f180", "f60/1 f120/2 f180/3"),
    "a backup within the least time of a lap is of the same visit": ("F60 f100=BACKUP_UNUSED F180", "F60/1 F180/2"),
    "a backup does not push the last lap out": ("F120 f180=BOUNCED F240 F300", "F120/1 F240/2 F300/3"),
    "a backup before the gun": ("f-1=BEFORE_START F60", "F60/1"),
}  # fmt: skip


@pytest.mark.parametrize(("line", "splits"), BACKUPS.values(), ids=BACKUPS.keys())
def test_backups_of_laps(line, splits):
    assert contest(line, F, mode=Mode.LAPS, laps=3).splits() == splits.replace("f", "F")


def test_a_backup_fills_the_mats_between():
    line = "S0 A30 f60 A90 F120 a150 F180"
    made = contest(line, *ROUND, mode=Mode.LAPS, laps=3)
    assert made.splits() == "S0/1 A30/1 F60/1 A90/2 F120/2 A150/3 F180/3"


def test_a_timed_race_goes_on_until_its_time_is_over():
    made = contest("F60 F120 F600 F601=AFTER_CUTOFF", F, mode=Mode.TIMED, duration=seconds(600))
    assert made.splits() == "F60/1 F120/2 F600/3"
    assert made.standing().state is State.FINISHED
    without_gun = contest("F60 F120 F601", F, mode=Mode.TIMED, duration=seconds(600), gun=None)
    assert without_gun.standing().state is State.ON_COURSE


def test_a_timed_race_ranks_by_laps_then_by_the_time_of_the_last_lap():
    people = tuple(runner(number) for number in (1, 2, 3, 4))
    line = "1:S0 1:A30 1:F60 1:A90 2:S0 2:A31 2:F61 2:A95 2:F130 3:S0 3:F65 4:S1 4:A40"
    made = contest(line, *ROUND, mode=Mode.TIMED, duration=seconds(600), participants=people)
    page = made.scoring().boards[1].view().page()
    ranked = [
        (each.participant.id, each.rank, each.time and each.time // 1_000_000, each.laps) for each in page
    ]
    assert ranked == [(2, 1, 130, 2), (1, 2, 60, 1), (3, 3, 65, 1), (4, 4, 40, 0)]
    assert [chr(each.checkpoint) for each in page] == ["F", "A", "F", "A"]


def test_positions_at_the_end_of_a_lap():
    people = tuple(runner(number) for number in (1, 2))
    made = contest("1:F60 1:F180 2:F70 2:F150", F, mode=Mode.LAPS, laps=3, participants=people)
    board = made.scoring().boards[1]
    assert [each.participant.id for each in board.view(Which(lap=1)).page()] == [1, 2]
    assert [each.participant.id for each in board.view(Which(lap=2)).page()] == [2, 1]
    assert [each.participant.id for each in board.view(Which(checkpoint=ord("F"))).page()] == [2, 1]
    assert len(board.view(Which(lap=3))) == 0
    for nowhere in (Which(lap=4), Which(lap=0), Which(checkpoint=1), Which(checkpoint=ord("F"), lap=4)):
        with pytest.raises(LookupError):
            board.view(nowhere)


def test_a_checkpoint_of_laps_shows_the_last_time_there():
    people = tuple(runner(number) for number in (1, 2, 3))
    line = "1:S0 1:A30 1:F60 1:A90 1:F120 2:S0 2:A31 2:F61 2:F125 3:S0"
    made = contest(line, *ROUND, mode=Mode.LAPS, laps=3, participants=people)
    page = made.scoring().boards[1].view(Which(checkpoint=ord("A"))).page()
    assert [(each.participant.id, each.time // 1_000_000, each.gap) for each in page] == [
        (1, 90, 0),
        (2, 31, 1_000_000),
    ]


def test_mats_that_are_all_alike():
    assert contest("S0 A1 B2 F3 A4 B5 F6", *mats("SABF"), mode=Mode.LAPS, laps=2).standing().laps == 2
