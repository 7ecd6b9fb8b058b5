"""Set aside the dialogs that lie over an article: consent, sign-up, feedback.

Some sites show the article itself in a dialog, so that neither the element nor its role decides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from transforms.page.judge.phrases import find_phrases
from transforms.page.judge.walk import Walk
from transforms.page.text import STORY_WORDS, text_key

_NOT_STORY = frozenset(("legal", "promo"))


def find_dialogs(walk: Walk, good: Sequence[int], titles: Sequence[str] = ()) -> frozenset[int]:
    """Return the numbers of the blocks in dialogs that do not hold the article, and of those behind one that does.

    `good` has the words of running text of each block. A dialog is kept if it has the page's headline, if there is no
    article without it, or if it has most of the text and does not speak of consent or subscriptions.
    """
    inside: dict[int, list[int]] = defaultdict(list)
    for i, block in enumerate(walk.blocks):
        if block.frame.dialog is not None:
            inside[block.frame.dialog.number].append(i)
    if not inside:
        return frozenset()
    keys = {text_key(title) for title in titles} - {""}
    headlines = {i for i, block in enumerate(walk.blocks) if len(block.text) < 400 and text_key(block.text) in keys}
    total = sum(good)
    aside: set[int] = set()
    for at in inside.values():
        own = sum(good[i] for i in at)
        if headlines and headlines <= set(at):
            if own >= STORY_WORDS:
                return frozenset(range(len(good))).difference(at)
            continue
        if total - own < STORY_WORDS:
            continue
        if own <= total / 2 or any(not _NOT_STORY.isdisjoint(find_phrases(walk.blocks[i].text)) for i in at):
            aside.update(at)
    return frozenset(aside)
