"""The Markdown parser, without the block rules whose marks a text or a line does not hold.

markdown-it asks every rule at every line, most of them in vain, and each line of a paragraph is asked twice. Whether a rule can
match anywhere is found by one search through the text; a rule that cannot is not asked at all. Of those left, a line is shown to
the rules only that its first sign can begin. Each search finds at least what its rule would match: a rule kept for nothing costs
time, one dropped wrongly would cost content.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import copy
from functools import cache, lru_cache
from itertools import accumulate
from typing import Any, Literal

from markdown_it import MarkdownIt
from markdown_it.parser_block import ParserBlock, RuleFuncBlockType
from markdown_it.ruler import Ruler
from markdown_it.rules_block import StateBlock
from markdown_it.token import Token
from markdown_it.utils import EnvType
from mdit_py_plugins.admon import admon_plugin
from mdit_py_plugins.front_matter import front_matter_plugin

_NESTING_LIMIT = 40
#: what may stand before a mark: indentation, quotes, the signs of lists
_BEFORE = r"^[ \t>\d.)*+-]*"

_UNDERLINE = re.compile(r"\n[ \t>]*(?:=+|-+)[ \t]*$", re.MULTILINE)


def _line(pattern: str) -> Callable[[str], object]:
    return re.compile(pattern, re.MULTILINE).search


_CAN_MATCH: dict[str, Callable[[str], object]] = {
    "front_matter": lambda text: text.startswith("---"),
    "admonition": lambda text: "!!!" in text or "???" in text,
    "table": _line(r"^[ \t>\d.)*+|:-]*-[ \t|:]*$"),
    "fence": lambda text: "```" in text or "~~~" in text,
    "blockquote": _line(rf"{_BEFORE}>"),
    "hr": _line(r"^[ \t>\d.)*+_-]*[-*_][ \t]*[-*_][ \t]*[-*_][ \t]*$"),
    "reference": lambda text: "]:" in text,
    "html_block": lambda text: "<" in text,
    "heading": _line(rf"{_BEFORE}#"),
    "lheading": lambda text: any(text[text.rfind("\n", 0, m.start()) + 1 : m.start()].strip() for m in _UNDERLINE.finditer(text)),
}


#: the signs that a block of a rule begins with; the rules that are not named look at more than the first sign
_BEGINS: dict[str, str] = {
    "admonition": "!?", "fence": "`~", "blockquote": ">", "hr": "*-_", "list": "*-+0123456789", "reference": "[",
    "html_block": "<", "heading": "#",
}  # fmt: skip


class _BySign(Ruler[RuleFuncBlockType]):
    """The rules of another ruler, each chain as one rule that asks only those which the first sign of a line can begin."""

    def __init__(self, ruler: Ruler[RuleFuncBlockType], without: frozenset[str]):
        super().__init__()
        self.__rules__ = [rule for rule in ruler.__rules__ if rule.name not in without]
        self._joined: dict[str, list[RuleFuncBlockType]] = {}

    def getRules(self, chainName: str = "") -> list[RuleFuncBlockType]:  # noqa: N802, N803
        """Give the one rule of a chain."""
        if chainName not in self._joined:
            self._joined[chainName] = [self._one(chainName)]
        return self._joined[chainName]

    def _one(self, chain: str) -> RuleFuncBlockType:
        rules = [(rule.name, rule.fn) for rule in self.__rules__ if rule.enabled and (not chain or chain in rule.alt)]
        otherwise = [fn for name, fn in rules if name not in _BEGINS]
        signs = {sign for signs in _BEGINS.values() for sign in signs}
        by_sign = {sign: [fn for name, fn in rules if sign in _BEGINS.get(name, sign)] for sign in signs}
        code = next((fn for name, fn in rules if name == "code"), None)
        table = next((fn for name, fn in rules if name == "table"), None)
        ruling = next((fn for name, fn in rules if name == "hr"), None)
        listing = next((fn for name, fn in rules if name == "list"), None)

        def ask(state: StateBlock, line: int, end: int, silent: bool) -> bool:
            starts, indents, source = state.bMarks, state.tShift, state.src
            at = starts[line] + indents[line]
            sign = source[at : at + 1]
            for rule in by_sign.get(sign, otherwise):
                if rule is code and state.sCount[line] - state.blkIndent < _CODE_INDENT:
                    continue
                if rule is ruling and (third := source[at + 2 : at + 3]) != sign and third not in _BLANK:
                    continue
                if rule is listing and sign in _BULLETS and source[at + 1 : at + 2] not in _AFTER_BULLET:
                    continue
                if rule is table and source[(next_at := starts[line + 1] + indents[line + 1]) : next_at + 2] not in _RULED:
                    continue
                if rule(state, line, end, silent):
                    return True
            return False

        return ask


_TAB = 4
#: what a line of code is indented by
_CODE_INDENT = 4
#: what the third sign of a line is that is a rule across the page, unless it is its first: it has three marks at least
_BLANK = frozenset(" \t")
#: what a bullet is followed by, also at the end of the text
_BULLETS, _AFTER_BULLET = frozenset("*-+"), frozenset(("", " ", "\t", "\n"))
#: how the second line of a table begins; a dash with a space after it is an item of a list
_RULED = frozenset({first + second for first in "|-:" for second in "|-: \t"} - {"- ", "-\t"})


class _Token(Token):
    """A token that takes what few change from its class, and makes its mappings when asked, since a page makes hundreds."""

    map = children = None
    content = markup = info = ""
    block, hidden = True, False

    def __getattr__(self, name: str) -> dict[Any, Any]:
        if name not in ("attrs", "meta"):
            raise AttributeError(name)
        made: dict[Any, Any] = {}
        setattr(self, name, made)
        return made


_new_token = _Token.__new__


class _State(StateBlock):
    """The state of a parse, with our tokens, and its lines measured a line instead of a sign at a time."""

    def __init__(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> None:
        super().__init__("", md, env, tokens)
        self.src = src
        length, lines = len(src), src.split("\n")
        if not lines[-1].strip(" \t"):
            lines.pop()  # blanks, or nothing, after the last line break are no line
        sizes = [len(line) for line in lines]
        begins = [0, *accumulate(size + 1 for size in sizes[:-1])] if lines else []
        ends = [begin + size for begin, size in zip(begins, sizes, strict=True)]
        shifts = [size - len(line.lstrip(" \t")) for line, size in zip(lines, sizes, strict=True)]
        widths = list(shifts)
        if "\t" in src:
            widths = [len(line[:shift].expandtabs(_TAB)) for line, shift in zip(lines, shifts, strict=True)]
        # one line more than there is, as the rules expect
        self.bMarks, self.eMarks = [*begins, length], [*ends, length]
        self.tShift, self.sCount, self.bsCount = [*shifts, 0], [*widths, 0], [0] * (len(begins) + 1)
        self.lineMax = len(begins)

    def push(self, ttype: str, tag: str, nesting: Literal[-1, 0, 1]) -> Token:
        """Add a token to those of the text."""
        if nesting < 0:
            self.level -= 1
        token = _new_token(_Token)
        token.type, token.tag, token.nesting, token.level = ttype, tag, nesting, self.level
        if nesting > 0:
            self.level += 1
        self.tokens.append(token)
        return token


class _Blocks(ParserBlock):
    """The parser of blocks, with our state."""

    def parse(self, src: str, md: MarkdownIt, env: EnvType, outTokens: list[Token]) -> list[Token] | None:  # noqa: N803
        """Add the tokens of a text to those given."""
        if not src:
            return None
        state = _State(src, md, env, outTokens)
        self.tokenize(state, state.line, state.lineMax)
        return state.tokens


def parse(parser: MarkdownIt, text: str, references: dict[str, object]) -> list[Token]:
    """Give the tokens of a text; its lines end in line feeds, so that markdown-it need not put them right first."""
    if "\r" in text or "\0" in text:
        return parser.parse(text, references)
    tokens: list[Token] = []
    parser.block.parse(text, parser, references, tokens)
    return tokens


def parser_for(text: str) -> MarkdownIt:
    """Give a parser of blocks that knows the rules this text can need; inline text is left to its reader."""
    return _without(frozenset(rule for rule, can_match in _CAN_MATCH.items() if not can_match(text)))


@lru_cache(maxsize=64)
def _without(rules: frozenset[str]) -> MarkdownIt:
    parser = copy(_shared())
    ruler, parser.block = parser.block.ruler, _Blocks()
    parser.block.ruler = _BySign(ruler, rules)
    return parser


@cache
def _shared() -> MarkdownIt:
    """Give the one parser whose rules the others are made of; nobody parses with it."""
    return full_parser()


def full_parser() -> MarkdownIt:
    """Build a parser of blocks with all rules: CommonMark, tables, front matter and MkDocs admonitions."""
    parser = MarkdownIt("commonmark", {"maxNesting": _NESTING_LIMIT}).enable(["table", "strikethrough"])
    parser.use(front_matter_plugin)
    parser.use(admon_plugin)
    parser.disable(["inline", "text_join"])
    return parser
