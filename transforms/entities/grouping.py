"""Group mentions into entities: which mentions name the same thing, its name, and how much of the article is about it.

Pure functions: no model, and no language resources except the table transforms.entities.aliases. Mentions are first
grouped by their folded form ("the U.S." and "US" fold to the same form), then forms are merged:

- people: a form that ends or begins a longer name of a person in the same article ("Zelensky", "von der Leyen", "Xi").
  Each mention of a surname that several people share goes to the one last named in full;
- acronyms with the only form of these initials in the article ("EU", "European Union");
- organisations with the only form that is longer by one word ("King's College", "King's College London");
- the aliases of the table ("Britain", "UK").
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from transforms.entities.aliases import ALIASES, CORPORATE_SUFFIXES, DETERMINERS, HONORIFICS, PART_NOUNS
from transforms.records import Entity, Mention

LABELS = frozenset(
    {"PERSON", "ORG", "GPE", "LOC", "FAC", "NORP", "EVENT", "PRODUCT", "WORK_OF_ART", "LAW"},
)
# labels whose names have aliases and acronyms; "US" as a person or a work is a mistake or something else
_PLACES_AND_BODIES = frozenset({"ORG", "GPE", "LOC", "FAC", "EVENT", "LAW"})
# labels that a model seldom gives to a surname by mistake: "Washington" is not Denzel, "German" not Tracey
_NEVER_MISTAKEN = frozenset({"GPE", "LOC", "NORP"})
_GENERATIONS = frozenset({"jr", "sr", "junior", "senior", "ii", "iii", "iv"})
_SMALL_WORDS = frozenset({"of", "the", "and", "for", "in", "on", "to", "de", "la", "le", "du", "des", "y", "e"})
_POSSESSIVE = re.compile(r"['’]s?$", re.IGNORECASE)
_EDGE = ' \t\r\n\u00a0"“”„«»‘`´,;:!?()[]{}<>|/\\*_•·–—-'
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
# if more people than this share a surname, their names are compared by exact spelling only
_MAX_COMPARED = 50

# The weight of a mention falls with its position, from 1 at the start of the body towards 1/2, with 3/4 at 1,000
# characters (about the fifth paragraph). Where and how often a thing is named, and whether the headline names it, are
# the strong features of Dunietz and Gillick, "A New Entity Salience Task with Millions of Training Examples", 2014.
_HALF_WAY_CHARS = 1000.0
# being named in the headline counts as much as this many mentions at the start of the body
_TITLE_WEIGHT = 2.0


@dataclass(frozen=True, slots=True)
class NamedSpan:
    """A span of the body (character offsets, end exclusive) that names something of type `label`.

    `text` has at least one letter or digit; `trim_span` makes sure of that.
    """

    start: int
    end: int
    text: str
    label: str


@dataclass(slots=True)
class _Form:
    """All mentions with one folded spelling.

    `label` is that of most of them, the first in case of a tie; `is_full_name` says whether it is the given name and
    surname of a person.
    """

    tokens: tuple[str, ...]
    alias: str = ""
    texts: Counter[str] = field(default_factory=Counter)
    spans: list[int] = field(default_factory=list)
    label: str = ""
    is_full_name: bool = False


def group_mentions(spans: Sequence[NamedSpan], title: str = "") -> tuple[tuple[Entity, ...], tuple[Mention, ...]]:
    """Group named spans into entities; every span becomes one mention of one entity.

    Entities are sorted by falling salience, then by first mention; mentions by position. The salience of an entity is
    the sum of the weights of its mentions, 1/2 + 1/2 * 2**(-start/1000), plus 2 if the title names it, divided by the
    total over all entities.
    """
    spans = sorted(spans, key=lambda span: (span.start, span.end))
    forms = _collect_forms(spans)
    short_names = _find_short_names(forms)
    owner = _merge_forms(forms, short_names)
    form_of = {index: number for number, form in enumerate(forms) for index in form.spans}
    moved = _resolve_surnames(forms, owner, short_names)
    members: dict[int, list[int]] = defaultdict(list)
    for index in range(len(spans)):
        members[moved.get(index, owner[form_of[index]])].append(index)

    title_words = f" {' '.join(fold_name(title))} "
    weights = {group: sum(_weigh_mention(spans[index].start) for index in found) for group, found in members.items()}
    for group, found in members.items():
        named = {form_of[index] for index in found}
        if any(f" {' '.join(forms[number].tokens)} " in title_words for number in named):
            weights[group] += _TITLE_WEIGHT
    total = sum(weights.values())
    order = sorted(members, key=lambda group: (-weights[group], members[group][0]))

    entities: list[Entity] = []
    entity_of: dict[int, int] = {}
    for number, group in enumerate(order):
        found = members[group]
        label = _find_label(spans, found)
        if any(forms[number].is_full_name for number in {form_of[index] for index in found}):
            label = "PERSON"
        counts = Counter(form_of[index] for index in found)
        name = _choose_name(forms, counts, label)
        entities.append(Entity(name, label, len(found), weights[group] / total))
        entity_of.update((index, number) for index in found)
    mentions = tuple(
        Mention(entity_of[index], span.start, span.end, span.text, span.label) for index, span in enumerate(spans)
    )
    return tuple(entities), mentions


def trim_span(text: str, start: int, end: int, label: str, language: str = "en") -> tuple[int, int]:
    """Trim quotes, determiners and possessive endings off a span.

    Returns the new start and end, which are equal if nothing is left. "the United States" loses its article and
    "Putin's" its ending; "The Hague" and titles of works keep theirs.
    """
    while True:
        before = start, end
        while start < end and text[start] in _EDGE:
            start += 1
        while start < end and text[end - 1] in _EDGE:
            end -= 1
        ending = _POSSESSIVE.search(text, start, end)
        if ending and label != "WORK_OF_ART":
            end = ending.start()
        if label != "WORK_OF_ART":
            start = _skip_determiner(text, start, end, language)
        if (start, end) == before:
            break
    if not any(map(str.isalnum, text[start:end])):
        return start, start
    return start, end


def _skip_determiner(text: str, start: int, end: int, language: str) -> int:
    if text.startswith("The Hague", start):
        return start
    for word in DETERMINERS.get(language, ()):
        after = start + len(word)
        # a capitalised article is part of the name in "Le Monde" and "El País"; in English it may start a sentence
        written = text[start:after]
        if after < end and written in (word, word.capitalize() if language == "en" else word):
            return after
    return start


@lru_cache(maxsize=4096)
def fold_name(text: str) -> tuple[str, ...]:
    """Fold a name into words without case, diacritics, punctuation and possessive ending: ("us",) for "The U.S.'s"."""
    text = unicodedata.normalize("NFKD", text.replace("&", " and "))
    text = "".join(char for char in text if not "\u0300" <= char <= "\u036f").casefold()
    text = text.replace("’", "'")
    # dots join the letters of an acronym and end abbreviations
    words = [_POSSESSIVE.sub("", word).replace("'", "") for word in _WORD.findall(text.replace(".", ""))]
    words = [re.sub(r"sk(?:iy|yi|yy|ij|i)$", "sky", word) if len(word) > 5 else word for word in words if word]
    return tuple(words[1:] if len(words) > 1 and words[0] == "the" else words)


def _collect_forms(spans: Sequence[NamedSpan]) -> list[_Form]:
    forms: dict[tuple[str, ...], _Form] = {}
    for index, span in enumerate(spans):
        tokens = fold_name(span.text) or (span.text.casefold(),)
        alias = ""
        if span.label == "PERSON":
            while len(tokens) > 1 and tokens[0] in HONORIFICS:
                tokens = tokens[1:]
        elif span.label == "ORG":
            while len(tokens) > 1 and tokens[-1] in CORPORATE_SUFFIXES:
                tokens = tokens[:-1]
        if span.label in _PLACES_AND_BODIES:
            alias = ALIASES.get(" ".join(tokens), "")
            if alias:
                tokens = fold_name(alias)
        form = forms.get(tokens)
        if form is None:
            form = forms[tokens] = _Form(tokens)
        form.alias = form.alias or alias
        form.texts[span.text] += 1
        form.spans.append(index)
    for form in forms.values():
        form.label = _find_label(spans, form.spans)
        form.is_full_name = form.label == "PERSON" and len(_split_generation(form.tokens)[0]) > 1
    return list(forms.values())


def _find_label(spans: Sequence[NamedSpan], numbers: Sequence[int]) -> str:
    """Return the label of most of the numbered spans, the first in case of a tie."""
    counts: dict[str, int] = {}
    for number in numbers:
        label = spans[number].label
        counts[label] = counts.get(label, 0) + 1
    return max(counts, key=counts.__getitem__)


def _merge_forms(forms: list[_Form], short_names: Mapping[int, list[int]]) -> list[int]:
    """Return for each form the number of the form that represents its group."""
    owner = list(range(len(forms)))

    def find(number: int) -> int:
        while owner[number] != number:
            owner[number] = owner[owner[number]]
            number = owner[number]
        return number

    def join(one: int, other: int) -> None:
        one, other = find(one), find(other)
        owner[max(one, other)] = min(one, other)

    for one, other in [*_pair_full_names(forms), *_pair_acronyms(forms), *_pair_prefixes(forms)]:
        join(one, other)
    for short, candidates in short_names.items():
        groups = {find(number) for number in candidates}
        if len(groups) == 1:
            join(short, groups.pop())
    return [find(number) for number in range(len(forms))]


def _split_generation(tokens: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    if len(tokens) > 1 and tokens[-1] in _GENERATIONS:
        return tokens[:-1], tokens[-1]
    return tokens, ""


def _full_names(forms: list[_Form]) -> dict[str, list[int]]:
    """Return the numbers of the forms that are a person's given name and surname, by surname."""
    found: dict[str, list[int]] = defaultdict(list)
    for number, form in enumerate(forms):
        if form.is_full_name:
            found[_split_generation(form.tokens)[0][-1]].append(number)
    return found


def _pair_full_names(forms: list[_Form]) -> Iterable[tuple[int, int]]:
    for numbers in _full_names(forms).values():
        if len(numbers) > _MAX_COMPARED:
            continue
        for place, one in enumerate(numbers):
            for other in numbers[place + 1 :]:
                if _same_person(forms[one].tokens, forms[other].tokens):
                    yield one, other


def _same_person(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Say whether two full names with the same surname are one person's: same given name, initial or misspelling."""
    (one, one_generation), (other, other_generation) = _split_generation(one), _split_generation(other)
    if one_generation != other_generation:
        return False
    first, second = one[0], other[0]
    middle_one, middle_other = one[1:-1], other[1:-1]
    if middle_one and middle_other and not any(a[0] == b[0] for a, b in zip(middle_one, middle_other, strict=False)):
        return False
    if first == second:
        return True
    if len(first) == 1 or len(second) == 1:
        return first[0] == second[0]
    return _is_misspelling(first, second)


def _is_misspelling(one: str, other: str) -> bool:
    """Say whether two given names of six letters or more differ by one letter, or two swapped letters, inside.

    The first and the last letter must be the same: the last distinguishes "Francesco" from "Francesca".
    """
    if min(len(one), len(other)) < 6 or abs(len(one) - len(other)) > 1 or one[0] != other[0] or one[-1] != other[-1]:
        return False
    if len(one) > len(other):
        one, other = other, one
    place = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    if len(one) < len(other):
        return one[place:] == other[place + 1 :]
    swapped = one[place : place + 2] == other[place : place + 2][::-1] and one[place + 2 :] == other[place + 2 :]
    return swapped or one[place + 1 :] == other[place + 1 :]


def _find_short_names(forms: list[_Form]) -> dict[int, list[int]]:
    """Find for each part of a person's name the full names that it may stand for."""
    by_ending: dict[tuple[tuple[str, ...], str], list[int]] = defaultdict(list)
    by_beginning: dict[str, list[int]] = defaultdict(list)
    for numbers in _full_names(forms).values():
        for number in numbers:
            tokens, generation = _split_generation(forms[number].tokens)
            by_beginning[tokens[0]].append(number)
            for start in range(max(1, len(tokens) - 4), len(tokens)):
                by_ending[tokens[start:], generation].append(number)
                if generation:
                    by_ending[tokens[start:], ""].append(number)
    short: dict[int, list[int]] = {}
    for number, form in enumerate(forms):
        candidates = by_ending.get(_split_generation(form.tokens)) or []
        if form.label != "PERSON":
            # small models often mistake a surname for an organisation or a work. News gives the full name of a person
            # before the surname alone, but a company before its founder: "Disney ... Walt Disney" stay apart
            if form.label in _NEVER_MISTAKEN or not all(forms[other].spans[0] < form.spans[0] for other in candidates):
                continue
        elif not candidates and len(form.tokens) == 1:
            candidates = by_beginning.get(form.tokens[0]) or []
        if candidates:
            short[number] = candidates
    return short


def _resolve_surnames(forms: list[_Form], owner: list[int], short_names: Mapping[int, list[int]]) -> dict[int, int]:
    """Assign each mention of a surname that several people share to one of them.

    That is the person last named in full before it; if there is none, the one named in full most often.
    """
    moved: dict[int, int] = {}
    for number, candidates in short_names.items():
        groups = {owner[candidate] for candidate in candidates}
        if len(groups) < 2:
            continue
        named = sorted((index, owner[candidate]) for candidate in candidates for index in forms[candidate].spans)
        often = Counter(group for _, group in named).most_common(1)[0][0]
        place, current = 0, often
        for index in forms[number].spans:
            while place < len(named) and named[place][0] < index:
                current = named[place][1]
                place += 1
            moved[index] = current
    return moved


def _pair_acronyms(forms: list[_Form]) -> Iterable[tuple[int, int]]:
    by_initials: dict[str, set[int]] = defaultdict(set)
    for number, form in enumerate(forms):
        if form.label in _PLACES_AND_BODIES and len(form.tokens) > 1:
            by_initials["".join(word[0] for word in form.tokens)].add(number)
            by_initials["".join(word[0] for word in form.tokens if word not in _SMALL_WORDS)].add(number)
    for number, form in enumerate(forms):
        if len(form.tokens) != 1 or form.label not in _PLACES_AND_BODIES or not 2 <= len(form.tokens[0]) <= 8:
            continue
        text = form.texts.most_common(1)[0][0].replace(".", "")
        candidates = by_initials.get(form.tokens[0], set())
        if text.isupper() and len(candidates) == 1:
            yield number, next(iter(candidates))


def _pair_prefixes(forms: list[_Form]) -> Iterable[tuple[int, int]]:
    longer: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, form in enumerate(forms):
        if form.label in {"ORG", "FAC"} and len(form.tokens) > 2:
            longer[form.tokens[:-1]].append(number)
    for number, form in enumerate(forms):
        candidates = longer.get(form.tokens, [])
        if form.label in {"ORG", "FAC"} and len(candidates) == 1 and forms[candidates[0]].tokens[-1] not in PART_NOUNS:
            yield number, candidates[0]


def _weigh_mention(start: int) -> float:
    return 0.5 + 0.5 * math.exp2(-start / _HALF_WAY_CHARS)


def _choose_name(forms: list[_Form], counts: Counter[int], label: str) -> str:
    """Choose the name of a group from the number of mentions of each of its forms.

    That is the name in the alias table if there is one, else the most frequent form of more than one word, else the
    most frequent form. Ties go to the form with more words, then to the first.
    """
    for number in sorted(counts):
        if forms[number].alias:
            return forms[number].alias
    numbers = sorted(counts, key=lambda number: (-counts[number], -len(forms[number].tokens), number))
    full = [number for number in numbers if len(forms[number].tokens) > 1]
    best = forms[(full or numbers)[0]]
    text = max(best.texts, key=lambda text: (best.texts[text], not text.isupper()))
    return _strip_honorific(text) if label == "PERSON" else " ".join(text.split())


def _strip_honorific(text: str) -> str:
    words = text.split()
    while len(words) > 1 and words[0].rstrip(".").casefold() in HONORIFICS:
        words = words[1:]
    return " ".join(words)
