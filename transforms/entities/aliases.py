"""Data: names that always mean the same thing, and small words that are trimmed off names.

Keys are folded by `transforms.entities.grouping.fold_name` (no case, no dots, no "the"). Names of peoples
("American") are left out: a people is not its country.
"""

from __future__ import annotations

from collections.abc import Mapping

_NAMES: Mapping[str, str] = {
    # "America" alone is the country in news English; "Latin America" and "North America" are other forms
    "United States": "us, usa, america, united states of america",
    "United Kingdom": "uk, britain, great britain, united kingdom of great britain and northern ireland",
    "United Arab Emirates": "uae, emirates",
    "Democratic Republic of the Congo": "drc, dr congo, congo kinshasa, democratic republic of congo",
    "South Korea": "republic of korea, rok",
    "North Korea": "dprk, democratic peoples republic of korea",
    "China": "prc, peoples republic of china",
    "Russia": "russian federation",
    "Soviet Union": "ussr, union of soviet socialist republics",
    "Czech Republic": "czechia",
    "Turkey": "turkiye, republic of turkiye",
    "Myanmar": "burma",
    "Ivory Coast": "cote divoire",
    "Eswatini": "swaziland",
    "Netherlands": "holland",
    "Kyiv": "kiev",
    "Mumbai": "bombay",
    "New York City": "nyc",
    "Los Angeles": "la",
    "Washington, D.C.": "washington dc, dc, district of columbia",
    "European Union": "eu",
    "United Nations": "un, uno, united nations organization, united nations organisation",
    "NATO": "north atlantic treaty organization, north atlantic treaty organisation, north atlantic alliance",
    "World Health Organization": "who, world health organisation",
    "World Trade Organization": "wto, world trade organisation",
    "International Monetary Fund": "imf",
    "International Criminal Court": "icc",
    "International Court of Justice": "icj",
    "International Atomic Energy Agency": "iaea",
    "European Central Bank": "ecb",
    "Organisation for Economic Co-operation and Development": "oecd",
    "FBI": "federal bureau of investigation",
    "CIA": "central intelligence agency",
    "NASA": "national aeronautics and space administration",
    "BBC": "british broadcasting corporation",
    "Federal Reserve": "us federal reserve, fed",
    "Associated Press": "ap",
}

ALIASES: Mapping[str, str] = {folded: name for name, variants in _NAMES.items() for folded in (*variants.split(", "),)}


def _split_words(text: str) -> frozenset[str]:
    return frozenset(text.split())


HONORIFICS = _split_words("""
    mr mrs ms miss mx dr prof professor sir dame lord lady rev reverend fr father sgt lt col gen capt maj gov sen rep
    president senator judge justice king queen prince princess pope saint st m mme mlle herr frau sr sra
    senor senora don dona
""")

CORPORATE_SUFFIXES = _split_words("""
    inc incorporated corp corporation co company ltd limited plc llc llp lp ag gmbh sa sas spa nv bv ab asa oyj se kk
""")

# Last words of names that denote part of an organisation, or a different one: "United Nations Security Council"
PART_NOUNS = _split_words("""
    agency assembly association authority board branch bureau business center centre chamber club commission committee
    council court department division federation force foundation fund group guard house initiative institute
    journal magazine ministry mission news network office parliament party police press school service society team
    times today tribunal trust union university women
""")

# By language; each with the space that must follow it, or with its apostrophe
DETERMINERS: Mapping[str, tuple[str, ...]] = {
    "en": ("the ", "a ", "an "),
    "fr": ("le ", "la ", "les ", "l'", "l’", "un ", "une ", "du ", "des ", "d'", "d’"),
    "es": ("el ", "la ", "los ", "las ", "un ", "una "),
    "pt": ("o ", "a ", "os ", "as "),
    "it": ("il ", "lo ", "la ", "i ", "gli ", "le ", "l'", "l’"),
    "de": ("der ", "die ", "das ", "den ", "dem ", "des "),
    "nl": ("de ", "het ", "een "),
}
