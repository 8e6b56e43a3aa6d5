"""The category of a participant: given, or decided by the race's rules."""

from datetime import date

from timing.races import Category, Participant, Race


def age(birth_date: date, on: date) -> int:
    """Whole years on a day. Who was born on 29 February has their birthday on 1 March in other years."""
    return on.year - birth_date.year - ((on.month, on.day) < (birth_date.month, birth_date.day))


def category_of(race: Race, participant: Participant) -> str | None:
    """The category given, else the first of the race's that fits, else None."""
    if participant.category is not None:
        return participant.category
    fitting = (each.name for each in race.categories if fits(each, participant))
    return next(fitting, None)


def fits(category: Category, participant: Participant) -> bool:
    """Whose gender or age is not known fits only where it is not asked for."""
    if category.gender is not None and category.gender != participant.gender:
        return False
    if category.youngest is None and category.oldest is None:
        return True
    years = participant.age
    if years is None:
        return False
    return (category.youngest or 0) <= years and (category.oldest is None or years <= category.oldest)
