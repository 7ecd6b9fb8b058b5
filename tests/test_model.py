"""The file of the block classifier: bound to features by name, refused if it does not fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lxml import html

from transforms.errors import UserError
from transforms.page.judge.classifier import COLUMNS, CONTEXT_FEATURES, Model, load_model, measure_context
from transforms.page.judge.features import COLUMN, FEATURES, PageFacts, measure_blocks
from transforms.page.judge.forest import load_forests, save_forests
from transforms.page.judge.layout import find_layout
from transforms.page.judge.walk import walk_page

STORY = "The council met on Tuesday evening to vote on the new harbour plan, which has been debated for two years."
PAGE = f"""<html><body><nav><a href="/">Home and all the news</a></nav>
<article class="story"><h1>Harbour plan approved</h1>
<p class="byline">By Ann Lee</p><p>{STORY}</p><p>Read more: <a href="/x">ferries</a></p><p>{STORY} Twice.</p>
<p><b>Bold</b> <i>and so on</i></p><ul class="share"><li>Share</li></ul></article></body></html>"""


def write_model(path: Path, change: dict[str, np.ndarray]) -> Path:
    """Copy the shipped model, replacing some of its arrays and leaving out those that are None."""
    with np.load(Model.STRICT.path) as file:
        arrays = {key: file[key] for key in file.files} | change
    np.savez(path, **{key: array for key, array in arrays.items() if array is not None})
    return path


def swap(names: tuple[str, ...], one: str, other: str) -> tuple[str, ...]:
    return tuple({one: other, other: one}.get(name, name) for name in names)


def test_names_are_unique_and_complete() -> None:
    assert len(set(COLUMNS["second"])) == len(FEATURES) + len(CONTEXT_FEATURES)


def test_swapped_names_in_the_file_are_refused(tmp_path: Path) -> None:
    swapped = np.array(swap(FEATURES, "linked", "links"))
    path = write_model(tmp_path / "strict.npz", {"first.names": swapped})
    with pytest.raises(UserError, match=r"damaged.*tools/train_blocks\.py"):
        load_forests(path, COLUMNS)


def test_a_changed_array_is_refused(tmp_path: Path) -> None:
    with np.load(Model.STRICT.path) as file:
        feature = file["second.feature"]
    path = write_model(tmp_path / "strict.npz", {"second.feature": feature[::-1]})
    with pytest.raises(UserError, match="damaged"):
        load_forests(path, COLUMNS)


def test_columns_in_another_order_give_the_same_scores() -> None:
    order = np.random.default_rng(1).permutation(len(FEATURES))
    rows = np.random.default_rng(2).normal(5, 20, (200, len(FEATURES))).astype(np.float32)
    names = tuple(FEATURES[number] for number in order)
    shuffled = load_forests(Model.STRICT.path, {"first": names, "second": (*names, *CONTEXT_FEATURES)})["first"]
    assert (shuffled.predict(rows[:, order]) == load_model()[0].predict(rows)).all()
    # this check can fail: bound to the wrong columns, the scores differ
    assert (shuffled.predict(rows) != load_model()[0].predict(rows)).any()


@pytest.mark.parametrize(
    "names", [(*FEATURES[1:], "new"), FEATURES[1:], (*FEATURES, "new"), (*FEATURES[1:], FEATURES[1])]
)
def test_features_that_the_model_does_not_know_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(UserError, match=r"first pass was not trained.*tools/train_blocks\.py"):
        load_forests(Model.STRICT.path, COLUMNS | {"first": names})


@pytest.mark.parametrize(
    "change", [{"first.names": None}, {"sha256": None}, {"third.names": np.array(["words"])}, {"first.roots": None}]
)
def test_missing_and_unknown_keys_are_named(tmp_path: Path, change: dict[str, np.ndarray]) -> None:
    path = write_model(tmp_path / "strict.npz", change)
    with pytest.raises(UserError, match=next(iter(change))):
        load_forests(path, COLUMNS)


def test_a_file_that_is_not_a_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "strict.npz"
    for content in (b"", b"not a model", Model.STRICT.path.read_bytes()[:1000]):
        path.write_bytes(content)
        with pytest.raises(UserError, match="cannot read the model"):
            load_forests(path, COLUMNS)


def test_saved_forests_are_loaded_unchanged(tmp_path: Path) -> None:
    leaf = {
        "feature": np.array([1, 0, 0]), "threshold": np.array([3.0, 0, 0]), "left": np.array([1, 1, 2]),
        "right": np.array([2, 1, 2]), "value": np.array([0.0, -9, 9]), "roots": np.array([0]), "depth": np.array(1),
    }  # fmt: skip
    save_forests(tmp_path / "small.npz", {"first": leaf}, {"first": ("a", "b")})
    rows = np.array([[9, 1], [1, 9]], dtype=np.float32)
    assert load_forests(tmp_path / "small.npz", {"first": ("a", "b")})["first"].predict(rows).round().tolist() == [0, 1]
    assert load_forests(tmp_path / "small.npz", {"first": ("b", "a")})["first"].predict(rows).round().tolist() == [1, 0]


def test_each_feature_is_under_its_name() -> None:
    walk = walk_page(html.fromstring(PAGE))
    layout = find_layout(walk)
    facts = PageFacts(titles=("Harbour plan approved",), authors=("Ann Lee",))
    rows = measure_blocks(walk, facts, layout)
    at = {block.text.split()[0]: number for number, block in reversed(list(enumerate(walk.blocks)))}

    def of(word: str, name: str) -> float:
        return float(rows[at[word], COLUMN[name]])

    story = at["The"]
    assert (of("The", "words"), of("The", "chars"), of("The", "commas")) == (20, len(STORY), 1)
    assert (of("The", "linked"), of("The", "links"), of("Home", "linked"), of("Home", "links")) == (0, 0, 1, 1)
    assert (round(of("Bold", "bold"), 3), round(of("Bold", "italic"), 3)) == (0.286, 0.643)
    assert (of("The", "tag"), of("Share", "tag"), of("Harbour", "tag")) == (1, 8, 2)
    assert (of("Harbour", "title_equal"), of("The", "title_equal")) == (1, 0)
    assert (of("By", "author"), of("The", "author")) == (1, 0)
    assert (of("The", "ends_sentence"), of("Share", "ends_sentence"), of("The", "starts_upper")) == (1, 0, 1)
    assert [of("The", name) for name in ("page_blocks", "page_good", "main_share")] == [len(walk.blocks), 41, 1]
    assert (of("Read", "phrase:related"), of("The", "phrase:related"), of("By", "phrase:byline")) == (1, 0, 1)
    assert (of("By", "dist:byline"), of("The", "dist:byline")) == (0, 40)
    assert (of("Home", "inside:<nav>"), of("Share", "inside:social"), of("The", "inside:<nav>")) == (1, 1, 0)
    assert (of("Share", "dist:<ul>"), of("The", "dist:<article>")) == (1, 1)
    assert rows[story + 1, COLUMN["near-1:words"]] == rows[story - 1, COLUMN["near+1:words"]] == 20
    assert (rows[story + 1, COLUMN["good-3"]], rows[story - 1, COLUMN["good+3"]]) == (20, 41)
    assert (rows[story, COLUMN["good-5"]], rows[story + 1, COLUMN["good+5"]]) == (0, 21)


def test_each_context_feature_is_under_its_name() -> None:
    walk = walk_page(html.fromstring("<div><p>a b</p><p>c</p><p>d e f</p><ul><li>g</li></ul></div>"))
    scores = np.array([0.25, 0.75, 1.0, 0.125], dtype=np.float32)
    rows = measure_context(walk, find_layout(walk), scores)
    of = {name: rows[:, number].astype(float).round(4).tolist() for number, name in enumerate(CONTEXT_FEATURES)}
    assert of["near-1:score"] == [-1, 0.25, 0.75, 1]
    assert of["near+2:score"] == [1, 0.125, -1, -1]
    assert (of["since_first_kept"], of["until_last_kept"]) == ([-1, 0, 1, 2], [2, 1, 0, -1])
    assert of["mean_score:tag"] == [0.875, 0.625, 0.5, -1]
    assert of["score"] == scores.tolist()
    assert (of["before3:score_words"], of["after3:score_words"]) == ([0, 0.5, 1.25, 4.25], [3.875, 3.125, 0.125, 0])
    assert of["share_before"] == [round(x / 4.375, 4) for x in (0.5, 1.25, 4.25, 4.375)]
