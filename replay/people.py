"""Made-up people for a simulated race: nobody's data is in it."""

import random

WOMEN = (
    "Ada Amina Anna Chiara Eva Freya Grace Hana Ines Jana Julia Karin Leila Lena Maria Mei Nora Olga Rosa "
    "Sara Sofia Yuki"
).split()
MEN = (
    "Adam Ali Ben Carlos Daniel Elias Emil Felix Hugo Ivan Jan Kenji Leo Luca Marco Noah Omar Oskar Paul "
    "Rafael Samuel Tom"
).split()
FAMILIES = (
    "Abebe Adeyemi Andersson Bauer Berg Costa Cruz Dubois Eriksen Fischer Garcia Haddad Horvat Ito Jansen "
    "Keller Kim Kowalski Larsen Lopez Martin Meyer Moreau Novak Okafor Olsen Patel Pereira Ricci Rossi "
    "Sato Silva Singh Smith Svensson Tanaka Torres Virtanen Weber Wilson Yilmaz Zhang"
).split()
CLUBS = ("Harbour Harriers", "LG Nordstadt", "AC Fontana", "Riverside Runners", "Team Tempo", "Hill Striders")
COUNTRIES = ("GER", "FRA", "ITA", "ESP", "GBR", "NED", "SWE", "POL", "KEN", "JPN", "USA")
IN_A_CLUB = 0.45


def person(chance: random.Random, female: bool) -> dict[str, str]:
    """A name, an age, a country and maybe a club, which is then the team too."""
    first = chance.choice(WOMEN if female else MEN)
    found = {
        "name": first,
        "lastname": chance.choice(FAMILIES),
        "gender": "F" if female else "M",
        "age": str(min(84, max(16, round(chance.gauss(41, 13))))),
        "country": chance.choice(COUNTRIES),
    }
    if chance.random() < IN_A_CLUB:
        found["club"] = found["team"] = chance.choice(CLUBS)
    return found
