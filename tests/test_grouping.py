from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.entities.grouping import LABELS, NamedSpan, fold_name, group_mentions, trim_span
from transforms.records import Entity, Mention


def lay_out(*names: str) -> list[NamedSpan]:
    """Lay "Name/LABEL" strings one after the other, 20 characters apart."""
    spans = []
    start = 0
    for name in names:
        text, _, label = name.rpartition("/")
        spans.append(NamedSpan(start, start + len(text), text, label))
        start += len(text) + 20
    return spans


def groups_of(*names: str, title: str = "") -> dict[str, tuple[str, int]]:
    entities, _ = group_mentions(lay_out(*names), title=title)
    assert len({entity.name for entity in entities}) == len(entities), entities
    return {entity.name: (entity.label, entity.mentions) for entity in entities}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (
            ["Volodymyr Zelensky/PERSON", "Zelensky/PERSON", "Zelenskyy/PERSON", "Mr Zelensky/PERSON"],
            {"Volodymyr Zelensky": ("PERSON", 4)},
        ),
        (
            ["Volodomyr Zelensky/PERSON", "Volodymyr Zelensky/PERSON", "Volodymyr Zelensky/PERSON"],
            {"Volodymyr Zelensky": ("PERSON", 3)},
        ),
        (["Putin/PERSON", "Mr. Putin/PERSON", "Vladimir Putin/PERSON"], {"Vladimir Putin": ("PERSON", 3)}),
        (["Xi Jinping/PERSON", "Xi/PERSON"], {"Xi Jinping": ("PERSON", 2)}),
        (["Ursula von der Leyen/PERSON", "von der Leyen/PERSON"], {"Ursula von der Leyen": ("PERSON", 2)}),
        (["Joe Biden/PERSON", "Joe R. Biden/PERSON", "J. Biden/PERSON"], {"Joe R. Biden": ("PERSON", 3)}),
        # families
        (["Boris Johnson/PERSON", "Rachel Johnson/PERSON"], None),
        (["Donald Trump/PERSON", "Donald Trump Jr./PERSON"], None),
        (["Francesco Rossi/PERSON", "Francesca Rossi/PERSON"], None),
        (["John Smith/PERSON", "Smithson/PERSON"], None),
        # places and their other names
        (["U.S./GPE", "US/GPE", "United States/GPE", "America/GPE"], {"United States": ("GPE", 4)}),
        (["Britain/GPE", "UK/GPE", "U.K./GPE"], {"United Kingdom": ("GPE", 3)}),
        (["American/NORP", "America/GPE"], {"American": ("NORP", 1), "United States": ("GPE", 1)}),
        (["São Paulo/GPE", "Sao Paulo/GPE", "SAO PAULO/GPE"], {"São Paulo": ("GPE", 3)}),
        (["US/PERSON"], {"US": ("PERSON", 1)}),
        # acronyms
        (["European Union/ORG", "EU/ORG"], {"European Union": ("ORG", 2)}),
        (["NATO/ORG", "North Atlantic Treaty Organization/ORG"], {"NATO": ("ORG", 2)}),
        (
            ["Campaign for Nuclear Disarmament/ORG", "CND/ORG"],
            {"Campaign for Nuclear Disarmament": ("ORG", 2)},
        ),
        (["Data Center Systems/ORG", "Direct Capital Services/ORG", "DCS/ORG"], None),
        # organisations
        (["King's College London/ORG", "King's College/ORG"], {"King's College London": ("ORG", 2)}),
        (["King’s College London/ORG", "King's College London/ORG"], {"King’s College London": ("ORG", 2)}),
        (["Acme Widgets Inc./ORG", "Acme Widgets/ORG"], {"Acme Widgets Inc.": ("ORG", 2)}),
        (["United Nations/ORG", "United Nations Security Council/ORG"], None),
        (["New York/GPE", "New York Times/ORG"], None),
        # differing labels
        (["Bild/PERSON", "Bild/ORG", "Bild/ORG"], {"Bild": ("ORG", 3)}),
        (["Kyiv/PERSON", "Kyiv/GPE"], {"Kyiv": ("PERSON", 2)}),
        (["Maria Zakharova/PERSON", "Zakharova/ORG", "Zakharova/ORG"], {"Maria Zakharova": ("PERSON", 3)}),
        (["Disney/ORG", "Walt Disney/PERSON", "Disney/ORG"], {"Disney": ("ORG", 2), "Walt Disney": ("PERSON", 1)}),
        (["Denzel Washington/PERSON", "Washington/GPE"], None),
    ],
)
def test_mentions_of_one_thing_are_grouped(names: list[str], expected: dict[str, tuple[str, int]] | None) -> None:
    found = groups_of(*names)
    if expected is None:
        # all must stay apart
        assert [count for _, count in found.values()] == [1] * len(names)
    else:
        assert found == expected


def test_shared_surname_goes_to_the_one_last_named_in_full() -> None:
    spans = lay_out(
        "Clinton/PERSON",
        "Bill Clinton/PERSON",
        "Clinton/PERSON",
        "Hillary Clinton/PERSON",
        "Clinton/PERSON",
        "Clinton/PERSON",
        "Hillary Clinton/PERSON",
    )
    entities, mentions = group_mentions(spans)
    names = [entities[mention.entity].name for mention in mentions]
    # before anyone is named in full, it is the one named in full most often
    assert names == ["Hillary Clinton", "Bill Clinton", "Bill Clinton", *["Hillary Clinton"] * 4]


def test_salience_counts_place_number_and_title() -> None:
    spans = [
        NamedSpan(0, 1, "A", "ORG"),
        NamedSpan(1000, 1001, "B", "ORG"),
        NamedSpan(1_000_000, 1_000_001, "C", "ORG"),
    ]
    entities, _ = group_mentions(spans)
    # weights 1, 3/4 and 1/2
    assert [(entity.name, round(entity.salience, 6)) for entity in entities] == [
        ("A", round(1 / 2.25, 6)),
        ("B", round(0.75 / 2.25, 6)),
        ("C", round(0.5 / 2.25, 6)),
    ]
    entities, _ = group_mentions(spans, title="Why C matters")
    assert entities[0].name == "C"
    assert entities[0].salience == pytest.approx(2.5 / 4.25)


def test_a_surname_in_the_title_counts_for_the_person() -> None:
    spans = lay_out("Ukraine/GPE", "Vladimir Putin/PERSON", "Putin/PERSON")
    entities, _ = group_mentions(spans, title="Is Putin's plan failing?")
    assert entities[0].name == "Vladimir Putin"
    assert entities[0].salience > 0.75


def test_without_mentions_there_are_no_entities() -> None:
    assert group_mentions([]) == ((), ())


@pytest.mark.parametrize(
    ("text", "label", "language", "left"),
    [
        ("the United States", "GPE", "en", "United States"),
        ("The United States", "GPE", "en", "United States"),
        ("Putin's", "PERSON", "en", "Putin"),
        ("Putin’s", "PERSON", "en", "Putin"),
        ("“Putin’s”", "PERSON", "en", "Putin"),
        ("the Hudson’s", "LOC", "en", "Hudson"),
        ("The Hague", "GPE", "en", "The Hague"),
        ("Theodore", "PERSON", "en", "Theodore"),
        ("The Great Gatsby", "WORK_OF_ART", "en", "The Great Gatsby"),
        ("McDonald's Corp.", "ORG", "en", "McDonald's Corp."),
        ("U.S.", "GPE", "en", "U.S."),
        ("Le Monde", "ORG", "fr", "Le Monde"),
        ("l’Allemagne", "LOC", "fr", "Allemagne"),
        ("the", "ORG", "en", "the"),
        (" \n--'s ", "ORG", "en", ""),
        ("$", "ORG", "en", ""),
    ],
)
def test_spans_are_trimmed(text: str, label: str, language: str, left: str) -> None:
    around = f"x {text} y"
    start, end = trim_span(around, 2, 2 + len(text), label, language)
    assert around[start:end] == left


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The U.S.'s", "us"),
        ("AT&T", "AT and T"),
        ("Zürich", "zurich"),
        ("Zelenskiy", "Zelenskyy"),
        ("O'Neil", "O’Neil"),
    ],
)
def test_folded_names_are_equal(one: str, other: str) -> None:
    assert fold_name(one) == fold_name(other)


WORDS = st.sampled_from(
    ["John", "Jon", "Mary", "Smith", "Smyth", "Jr", "Mr", "US", "U.S.", "EU", "European", "Union", "O’", "ß"]
)
NAMES = st.lists(WORDS, min_size=1, max_size=4).map(" ".join) | st.text(min_size=1, max_size=8).filter(
    lambda text: any(map(str.isalnum, text))
)
# a span has a letter or digit, since trim_span leaves nothing of others
SPANS = st.lists(st.tuples(NAMES, st.sampled_from(sorted(LABELS)), st.integers(0, 300)), max_size=40)


def place_spans(drawn: list[tuple[str, str, int]]) -> list[NamedSpan]:
    spans = []
    start = 0
    for text, label, gap in drawn:
        spans.append(NamedSpan(start + gap, start + gap + len(text), text, label))
        start += gap + len(text)
    return spans


@given(SPANS, st.text(max_size=20) | NAMES)
def test_grouping_keeps_every_mention_once(drawn: list[tuple[str, str, int]], title: str) -> None:
    spans = place_spans(drawn)
    entities, mentions = group_mentions(spans, title=title)
    assert [(m.start, m.end, m.text, m.label) for m in mentions] == [(s.start, s.end, s.text, s.label) for s in spans]
    counts = Counter(mention.entity for mention in mentions)
    assert [counts[index] for index in range(len(entities))] == [entity.mentions for entity in entities]
    assert len(counts) == len(entities)
    assert sum(entity.salience for entity in entities) == pytest.approx(1.0 if spans else 0.0)
    assert all(entity.name and entity.label in LABELS and entity.salience > 0 for entity in entities)
    assert [e.salience for e in entities] == sorted((e.salience for e in entities), reverse=True)


@given(SPANS, st.randoms(use_true_random=False))
def test_grouping_does_not_depend_on_the_order_given(drawn: list[tuple[str, str, int]], random: object) -> None:
    spans = place_spans(drawn)
    shuffled = list(spans)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert group_mentions(shuffled) == group_mentions(spans)


def test_many_people_with_one_surname_do_not_take_quadratic_time() -> None:
    spans = lay_out(*[f"Given{number} Smith/PERSON" for number in range(5000)], *["Smith/PERSON"] * 5000)
    entities, mentions = group_mentions(spans)
    assert len(entities) == 5000
    last: Mention = mentions[-1]
    named: Entity = entities[last.entity]
    assert (named.name, named.mentions) == ("Given4999 Smith", 5001)
