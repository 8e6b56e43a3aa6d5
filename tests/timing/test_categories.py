"""Ages and categories."""

from datetime import date

import pytest

from tests.timing.contests import runner
from timing.categories import age, category_of
from timing.races import Category, Race

RULES = (
    Category("M", "M", None, 39),
    Category("M40", "M", 40, 49),
    Category("F", "F"),
    Category("Youth", None, 10, 17),
    Category("Old", None, 80),
)
RACE = Race(1, "Race", categories=RULES)


@pytest.mark.parametrize(
    ("born", "on", "years"),
    [
        (date(1990, 6, 1), date(2026, 6, 1), 36),
        (date(1990, 6, 2), date(2026, 6, 1), 35),
        (date(2004, 2, 29), date(2026, 2, 28), 21),
        (date(2004, 2, 29), date(2026, 3, 1), 22),
        (date(2026, 6, 1), date(2026, 6, 1), 0),
    ],
)
def test_age_is_in_whole_years(born, on, years):
    assert age(born, on) == years


@pytest.mark.parametrize(
    ("gender", "years", "name"),
    [
        ("M", 39, "M"), ("M", 40, "M40"), ("M", 49, "M40"), ("M", 50, None), ("M", None, None),
        ("F", None, "F"), ("F", 12, "F"), (None, 12, "Youth"), ("M", 80, "Old"), ("X", 30, None), (None, None, None),
    ],
)  # fmt: skip
def test_the_first_rule_that_fits_decides(gender, years, name):
    assert category_of(RACE, runner(1, gender=gender, age=years)) == name


def test_a_given_category_goes_before_all_rules():
    assert category_of(RACE, runner(1, gender="F", category="Firefighters")) == "Firefighters"
