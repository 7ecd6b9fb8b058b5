"""Find words without which a pattern cannot match, so that it is not tried on texts that lack them.

A trigger is the first WIDTH letters of a word, or a whole word that is shorter. Every match of a pattern contains a
word that starts with (or is) one of its triggers; if they are openings, that is the first word of the match. The parser
supports the part of regular expression syntax that the phrases use and raises ValueError for the rest.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from transforms.page.text import UNSPACED

WIDTH = 4
# a pattern with more triggers is cheaper to try than to look up
_MOST = 200
_CLASSES = {"s": (False, True), "w": (True, False), "d": (True, False), "S": (True, True)}
_QUANTIFIER = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")


@dataclass(frozen=True, slots=True)
class _Char:
    """One character: of `chars`, or any if `other_letter` (of a word) or `other_mark` (between words) allows it."""

    chars: str = ""
    other_letter: bool = False
    other_mark: bool = False

    @property
    def letters(self) -> list[str]:
        return [char for char in self.chars if is_letter(char)]

    @property
    def may_be_mark(self) -> bool:
        return self.other_mark or len(self.letters) < len(self.chars)


@dataclass(frozen=True, slots=True)
class _Boundary:
    """The start or the end of a word: `\\b`."""


@dataclass(frozen=True, slots=True)
class _End:
    """The end of the text: `$`."""


@dataclass(frozen=True, slots=True)
class _Repeat:
    node: _Node
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class _Group:
    branches: tuple[_Sequence, ...]


_Node: TypeAlias = "_Char | _Boundary | _End | _Repeat | _Group"
_Sequence: TypeAlias = tuple[_Node, ...]


def is_letter(char: str) -> bool:
    """Say whether a character counts as part of a word (`\\w`)."""
    return char == "_" or char.isalnum()


def find_triggers(pattern: str) -> frozenset[str]:
    """Return triggers of which every match of `pattern` contains at least one; empty if there is no such set."""
    found: set[str] = set()
    for branch in _Parser(pattern).parse().branches:
        sets = [triggers for triggers in _list_triggers(branch) if len(triggers) <= _MOST]
        if not sets:
            return frozenset()
        found |= min(sets, key=_estimate_hits)
    return frozenset(found)


def find_openings(pattern: str) -> frozenset[str]:
    """Return triggers of which the first word of every match of `pattern` has one; empty if there is no such set."""
    found: set[str] = set()
    complete = all(_collect_words(branch, "", found) for branch in _Parser(pattern).parse().branches)
    return frozenset(found) if complete and len(found) <= _MOST else frozenset()


def needs_unspaced(pattern: str) -> bool:
    """Say whether every match of a pattern contains a character of a script without spaces."""
    return _holds_unspaced(_Parser(pattern).parse())


def _estimate_hits(triggers: Collection[str]) -> float:
    # short words are frequent
    return sum(3.0 ** (WIDTH - len(trigger)) for trigger in triggers)


def _list_triggers(sequence: _Sequence) -> Iterator[set[str]]:
    """Yield a set of triggers for each place in a sequence at which a letter would start a word."""
    starts_word = False
    for place, node in enumerate(sequence):
        triggers: set[str] = set()
        if starts_word and _collect_words(sequence[place:], "", triggers):
            yield triggers
        starts_word = _ends_between_words(node, starts_word)


def _ends_between_words(node: _Node, before: bool) -> bool:
    """Say whether a letter after `node` would start a word; `before` says so of a letter in its place."""
    match node:
        case _Boundary():
            return True
        case _Char():
            return not node.letters and not node.other_letter
        case _Repeat():
            return _ends_between_words(node.node, before) and (before or node.least > 0)
        case _Group():
            ends = []
            for branch in node.branches:
                state = before
                for part in branch:
                    state = _ends_between_words(part, state)
                ends.append(state)
            return all(ends)
        case _End():
            return False


def _collect_words(rest: _Sequence, word: str, found: set[str]) -> bool:
    """Add to `found` all triggers for the word whose letters so far are `word` and which goes on in a match of `rest`.

    Returns False if they cannot be listed, or if there may be no word.
    """
    if len(word) == WIDTH:
        found.add(word)
        return True
    if not rest or len(found) > _MOST:
        return False
    node, tail = rest[0], rest[1:]
    match node:
        case _Char():
            if node.other_letter:
                return False
            return all(_collect_words(tail, word + letter, found) for letter in node.letters) and (
                not node.may_be_mark or _end_word(tail, word, found)
            )
        case _Boundary():
            return _end_word(tail, word, found)
        case _End():
            return bool(word) and _end_word(tail, word, found)
        case _Repeat():
            # WIDTH letters fill a trigger, and the number of marks between words does not matter
            most = min(node.most, WIDTH)
            again = (node.node, _Repeat(node.node, max(0, node.least - 1), most - 1))
            return (node.least > 0 or _collect_words(tail, word, found)) and (
                most == 0 or _collect_words((*again, *tail), word, found)
            )
        case _Group():
            return all(_collect_words((*branch, *tail), word, found) for branch in node.branches)


def _end_word(rest: _Sequence, word: str, found: set[str]) -> bool:
    if not word:
        return _collect_words(rest, "", found)
    found.add(word)
    return True


def _holds_unspaced(node: _Node) -> bool:
    match node:
        case _Char():
            certain = node.chars and not node.other_letter and not node.other_mark
            return bool(certain) and all(map(UNSPACED.match, node.chars))
        case _Repeat():
            return node.least > 0 and _holds_unspaced(node.node)
        case _Group():
            return all(any(map(_holds_unspaced, branch)) for branch in node.branches)
        case _Boundary() | _End():
            return False


class _Parser:
    """Parses a pattern: literals, classes, `(?:...)`, `|`, `?`, `*`, `+`, `{m,n}`, `.`, `$` and `\\b`."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

    def parse(self) -> _Group:
        group = self.parse_branches()
        if self.at < len(self.pattern):
            raise self.refuse()
        return group

    def refuse(self) -> ValueError:
        return ValueError(f"cannot find triggers past {self.pattern[: self.at]!r} in the pattern {self.pattern!r}")

    def next(self) -> str:
        if self.at >= len(self.pattern):
            raise self.refuse()
        self.at += 1
        return self.pattern[self.at - 1]

    def peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def parse_branches(self) -> _Group:
        branches: list[_Sequence] = []
        nodes: list[_Node] = []
        while (char := self.peek()) and char != ")":
            if char == "|":
                self.at += 1
                branches.append(tuple(nodes))
                nodes = []
            else:
                nodes.append(self.parse_repeat(self.parse_node()))
        return _Group((*branches, tuple(nodes)))

    def parse_node(self) -> _Node:
        match self.next():
            case "(":
                if self.next() != "?" or self.next() != ":":
                    raise self.refuse()
                group = self.parse_branches()
                self.next()
                return group
            case "[":
                return self.parse_class()
            case ".":
                return _Char(other_letter=True, other_mark=True)
            case "$":
                return _End()
            case "\\":
                if self.peek() == "b":
                    self.at += 1
                    return _Boundary()
                return self.parse_escape()
            case "^" | "?" | "*" | "+" | "{":
                raise self.refuse()
            case char:
                return _Char(char)

    def parse_escape(self) -> _Char:
        char = self.next()
        if char in _CLASSES:
            letter, mark = _CLASSES[char]
            return _Char(other_letter=letter, other_mark=mark)
        if is_letter(char):
            raise self.refuse()
        return _Char(char)

    def parse_class(self) -> _Char:
        if self.peek() == "^":
            while self.next() != "]":
                pass
            return _Char(other_letter=True, other_mark=True)
        parts: list[_Char] = []
        while (char := self.next()) != "]":
            part = self.parse_escape() if char == "\\" else _Char(char)
            if self.peek() == "-" and self.pattern[self.at + 1 : self.at + 2] != "]":
                self.at += 1
                part = _Char("".join(map(chr, range(ord(part.chars), ord(self.next()) + 1))))
            parts.append(part)
        return _Char(
            "".join(part.chars for part in parts),
            any(part.other_letter for part in parts),
            any(part.other_mark for part in parts),
        )

    def parse_repeat(self, node: _Node) -> _Node:
        bounds = {"?": (0, 1), "*": (0, WIDTH), "+": (1, WIDTH)}.get(self.peek())
        if bounds is not None:
            self.at += 1
        elif found := _QUANTIFIER.match(self.pattern, self.at):
            self.at = found.end()
            least = int(found[1])
            most = least if not found[2] else int(found[3]) if found[3] else WIDTH + least
            bounds = least, most
        else:
            return node
        if self.peek() in ("?", "+"):
            self.at += 1  # greedy, lazy and possessive repeats have the same triggers
        return _Repeat(node, *bounds)
