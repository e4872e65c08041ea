"""Python's regular expressions in JavaScript's words, where both mean the same.

The driver searches with JavaScript's regular expressions (with the flag `u`). What a
pattern means is told by Python's own parser, from whose tree it is written anew. Where
no JavaScript pattern means exactly the same, there is no translation, and the search
is Python's.

A pattern is translated for one of two purposes. For a text: a search in a whole text. For
a stream: a search in a console's text that grows. Python would search that again after
each line, without the line's end and then with it. So `$` and `\\Z` are found at the end
of whatever line, and nothing that the translation finds may depend on what comes later.
In a stream, U+2028 and U+2029 end a line too as far as `^` and `$` are concerned: the
one difference that is left, for characters that no console is known to print.
"""

from __future__ import annotations

import re
import sys

_PLAIN = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _-:;,=!@#%&<>\"'~`"
)
_SYNTAX = frozenset("^$\\.*+?()[]{}|/")

# Classes: what Python's str methods behind \d, \w and \s answer yes to.
_SPACES = [(9, 13), (28, 32), (133, 133), (160, 160), (5760, 5760), (8192, 8202)] + [
    (8232, 8233),
    (8239, 8239),
    (8287, 8287),
    (12288, 12288),
]
_UNICODE = {
    "DIGIT": r"\p{Nd}",
    "WORD": r"\p{L}\p{N}_",
    "SPACE": "".join(
        f"\\u{{{first:x}}}-\\u{{{last:x}}}" for first, last in _SPACES
    ),
}
_ASCII = {
    "DIGIT": "0-9",
    "WORD": "A-Za-z0-9_",
    "SPACE": r"\t\n\r\f\v ",
}


class Pattern:
    """A pattern as an author gives it: a string, or compiled."""

    def __init__(self, regex):
        self._compiled = re.compile(regex)
        self.text = self._compiled.pattern
        if not isinstance(self.text, str):
            raise TypeError("cannot use a bytes pattern on a string-like object")

    def __str__(self):
        return self.text

    def search(self, text):
        """Whether the pattern matches somewhere in a text."""
        return self._compiled.search(text) is not None

    def for_text(self):
        """The translation for whole texts, or None."""
        return self._translate(stream=False)

    def for_stream(self):
        """The translation for a text that grows, or None."""
        return self._translate(stream=True)

    def _translate(self, stream):
        if not self._compiled.flags & ~re.UNICODE and _PLAIN.issuperset(self.text):
            return {"source": self.text, "flags": "u", "text": self.text}
        try:
            tree = _parser().parse(self.text, self._compiled.flags)
            # Flags inside of the pattern are known only now.
            flags = self._compiled.flags | tree.state.flags
            source = _Translation(stream).pattern(tree, flags)
        except _Untranslatable:
            return None
        return {"source": source, "flags": "um" if stream else "u", "text": self.text}


class _Untranslatable(Exception):
    """JavaScript has no words for it."""


def _parser():
    if sys.version_info >= (3, 11):
        return re._parser
    import sre_parse

    return sre_parse


class _Translation:
    def __init__(self, stream):
        self.stream = stream
        # Groups that certainly have matched where the translation has got to.
        self.matched = set()
        self.referenced = set()
        self.looking_behind = False
        self.looks_ahead = self.ends = False
        self.atoms = 0

    def pattern(self, tree, flags):
        """The whole pattern."""
        self._find_references(tree)
        source = self.sequence(tree, flags, tail=True)
        if self.stream and self.looks_ahead and self.ends:
            raise _Untranslatable("a look beyond the end")
        looks_around = any(sign in source for sign in ("(?=", "(?<", "(?!", "\\k"))
        if "(?!" in source or "(?<!" in source:
            # JavaScript may begin to search between the halves of a character.
            source = f"(?:^|(?<=[^]))(?:{source})"
        # Where the scanner has to leave the search to the regular expressions of
        # JavaScript, `$` would match wherever the text happens to be cut.
        return source.replace(_LINE_END, r"(?=\n)" if looks_around else "$")

    def _find_references(self, tree):
        for op, argument in tree:
            name = str(op)
            if name == "GROUPREF":
                self.referenced.add(argument)
            for part in _parts(name, argument):
                self._find_references(part)

    def sequence(self, tree, flags, tail=False):
        """A sequence; `tail` tells that nothing comes after it."""
        items = list(tree)
        written = []
        for number, (op, argument) in enumerate(items):
            last = tail and number == len(items) - 1
            if str(op) == "AT" and self.stream and str(argument) in _ENDS:
                written.append(self.line_end(argument, flags, last, items[:number]))
                continue
            method = getattr(self, str(op).lower(), None)
            if method is None:
                raise _Untranslatable(str(op))
            written.append(method(argument, flags, last))
        return "".join(written)

    # One character

    def literal(self, code, flags, last):
        if not flags & re.IGNORECASE:
            return _character(code)
        same = _same_but_case(code, flags)
        return _character(code) if len(same) == 1 else f"[{_members(same)}]"

    def not_literal(self, code, flags, last):
        same = _same_but_case(code, flags) if flags & re.IGNORECASE else [code]
        return f"[^{_members(same)}]"

    def any(self, argument, flags, last):
        return r"[^]" if flags & re.DOTALL else r"[^\n]"

    def in_(self, items, flags, last):
        return self.character_class(items, flags)

    def character_class(self, items, flags):
        items = list(items)
        negated = bool(items) and str(items[0][0]) == "NEGATE"
        if negated:
            items = items[1:]
        members = []
        # Complements of sets that can't be a part of another class.
        others = []
        for op, argument in items:
            name = str(op)
            if name == "LITERAL":
                ignore = flags & re.IGNORECASE
                codes = _same_but_case(argument, flags) if ignore else [argument]
                members.append(_members(codes))
            elif name == "RANGE":
                first, last = argument
                members.append(_escape(first) + "-" + _escape(last))
                if flags & re.IGNORECASE:
                    if last > 0x7F:
                        raise _Untranslatable("range of letters without case")
                    for code in range(first, last + 1):
                        members.append(_members(_same_but_case(code, flags)))
            elif name == "CATEGORY":
                kind, inverse = _category(argument, flags)
                (others if inverse else members).append(kind)
            else:
                raise _Untranslatable(name)
        if not others:
            return f"[{'^' if negated else ''}{''.join(members)}]"
        if negated:
            # In none of the members, and in all the sets whose complements it names.
            inside = "".join(f"(?=[{kind}])" for kind in others)
            return f"(?:{inside}[^{''.join(members)}])"
        choices = [f"[^{kind}]" for kind in others]
        if members:
            choices.append(f"[{''.join(members)}]")
        return f"(?:{'|'.join(choices)})" if len(choices) > 1 else choices[0]

    # Places

    def at(self, place, flags, last):
        name = str(place)
        multiline = flags & re.MULTILINE
        if name == "AT_BEGINNING" and multiline:
            return "^" if self.stream else r"(?:^|(?<=\n))"
        if name in ("AT_BEGINNING", "AT_BEGINNING_STRING"):
            if self.stream:
                raise _Untranslatable("the beginning of a stream")
            return "^"
        if name == "AT_END" and multiline:
            return r"(?=\n|$)"
        if name in _ENDS:
            return r"(?=\n?$)" if name == "AT_END" else "$"
        word = (_ASCII if flags & re.ASCII else _UNICODE)["WORD"]
        # In a stream, each line has an end to be seen.
        end = "" if self.stream else "|$"
        before, after = f"(?<=[^{word}]|^)", f"(?=[^{word}]{end})"
        if name == "AT_BOUNDARY":
            return f"(?:(?<=[{word}]){after}|{before}(?=[{word}]))"
        if name == "AT_NON_BOUNDARY":
            if self.stream:
                raise _Untranslatable("what may come later")
            inside = f"(?:(?<=[{word}])(?=[{word}])|{before}{after})"
            # Before Python 3.14, nowhere in an empty text.
            return inside if sys.version_info >= (3, 14) else f"(?!^$){inside}"
        raise _Untranslatable(name)

    def line_end(self, place, flags, last, before):
        """The end of the text so far, which is that of some line."""
        multiline = flags & re.MULTILINE and str(place) == "AT_END"
        after_line = not before or _may_end_line(before, flags)
        if not multiline:
            self.ends = True
        if not last and (after_line or not multiline):
            raise _Untranslatable("something after the end")
        return rf"(?:{_LINE_END}|(?<=\n))" if after_line else _LINE_END

    # What has parts

    def subpattern(self, argument, flags, last):
        group, add, remove, part = argument
        inner = self.sequence(part, (flags | add) & ~remove, last)
        if group is None:
            return f"(?:{inner})"
        self.matched.add(group)
        if group in self.referenced:
            return f"(?<g{group}>{inner})"
        return f"(?:{inner})"

    def branch(self, argument, flags, last):
        before = set(self.matched)
        sets = []
        written = []
        for part in argument[1]:
            self.matched = set(before)
            written.append(self.sequence(part, flags, last))
            sets.append(self.matched)
        self.matched = set.intersection(*sets)
        return f"(?:{'|'.join(written)})"

    def max_repeat(self, argument, flags, last):
        return self._repeat(argument, flags, "")

    def min_repeat(self, argument, flags, last):
        return self._repeat(argument, flags, "?")

    def possessive_repeat(self, argument, flags, last):
        return self._atomic(lambda: self._repeat(argument, flags, ""))

    def atomic_group(self, part, flags, last):
        return self._atomic(lambda: f"(?:{self.sequence(part, flags)})")

    def _repeat(self, argument, flags, lazy):
        least, most, part = argument
        before = set(self.matched)
        inner = self.sequence(part, flags)
        # Whether such a group keeps its text is not the same in both languages.
        self.matched = before
        if most == _parser().MAXREPEAT:
            count = {0: "*", 1: "+"}.get(int(least), f"{{{int(least)},}}")
        elif (least, most) == (0, 1):
            count = "?"
        else:
            count = f"{{{int(least)},{int(most)}}}"
        return f"(?:{inner}){count}{lazy}"

    def _atomic(self, write):
        if self.stream or self.looking_behind:
            raise _Untranslatable("what may come later")
        self.atoms += 1
        name = f"a{self.atoms}"
        before = set(self.matched)
        inner = write()
        self.matched = before
        # A look-ahead never tries again what it has found once.
        return f"(?=(?<{name}>{inner}))\\k<{name}>"

    def assert_(self, argument, flags, last):
        return self._look(argument, flags, "=")

    def assert_not(self, argument, flags, last):
        if self.stream:
            raise _Untranslatable("what may come later")
        return self._look(argument, flags, "!")

    def _look(self, argument, flags, sign):
        direction, part = argument
        before, behind = set(self.matched), self.looking_behind
        if direction < 0:
            if self.stream:
                raise _Untranslatable("what came before")
            self.looking_behind = True
        else:
            self.looks_ahead = True
        inner = self.sequence(part, flags)
        self.matched, self.looking_behind = before, behind
        return f"(?{'<' if direction < 0 else ''}{sign}{inner})"

    def failure(self, argument, flags, last):
        return "(?!)"

    def groupref(self, group, flags, last):
        # A group that has not matched matches nothing in Python, and anything's
        # emptiness in JavaScript.
        if group not in self.matched or flags & re.IGNORECASE or self.looking_behind:
            raise _Untranslatable("reference")
        return f"\\k<g{group}>"


# Names that Python has for itself.
setattr(_Translation, "in", _Translation.in_)
setattr(_Translation, "assert", _Translation.assert_)


# Stands for the end of a line until it is known how to say it.
_LINE_END = "\ue000"
_ENDS = ("AT_END", "AT_END_STRING")


def _may_end_line(items, flags):
    """Whether what a sequence matches may end with the end of a line; yes if in doubt."""
    if not items:
        return True
    op, argument = items[-1]
    name = str(op)
    if name == "LITERAL":
        return argument == 10
    if name == "NOT_LITERAL":
        return argument != 10
    if name == "ANY":
        return bool(flags & re.DOTALL)
    if name == "IN":
        kinds = [str(kind) for kind, _ in argument]
        if "NEGATE" in kinds or "CATEGORY" in kinds:
            return True
        return any(
            value == 10 if kind == "LITERAL" else value[0] <= 10 <= value[1]
            for kind, value in zip(kinds, (value for _, value in argument))
        )
    if name in ("MAX_REPEAT", "MIN_REPEAT"):
        least, _, part = argument
        if _may_end_line(list(part), flags):
            return True
        return least == 0 and _may_end_line(items[:-1], flags)
    if name == "SUBPATTERN":
        _, add, remove, part = argument
        return _may_end_line(list(part), (flags | add) & ~remove)
    return True


def _parts(name, argument):
    """The sequences that something in a parsed pattern is made of."""
    if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        return [argument[2]]
    if name == "SUBPATTERN":
        return [argument[3]]
    if name == "BRANCH":
        return argument[1]
    if name in ("ASSERT", "ASSERT_NOT"):
        return [argument[1]]
    if name == "ATOMIC_GROUP":
        return [argument]
    if name == "GROUPREF_EXISTS":
        return [part for part in argument[1:] if part is not None]
    return []


def _category(category, flags):
    """A category's members, and whether it means all others."""
    name = str(category).replace("CATEGORY_", "").replace("UNI_", "")
    inverse = name.startswith("NOT_")
    kinds = _ASCII if flags & re.ASCII else _UNICODE
    kind = kinds.get(name.replace("NOT_", ""))
    if kind is None:
        raise _Untranslatable(name)
    return kind, inverse


def _same_but_case(code, flags):
    """The characters that one matches where case does not count."""
    letter = chr(code)
    if code > 0x7F:
        if flags & re.ASCII or letter.lower() == letter.upper():
            return [code]
        raise _Untranslatable("a letter without case")
    if not letter.isalpha():
        return [code]
    same = re.compile(letter, re.IGNORECASE | flags & re.ASCII)
    # The last four are letters of other alphabets that some letter here is like.
    candidates = [letter.lower(), letter.upper(), "\u017f", "\u212a", "\u0130", "\u0131"]
    return sorted({ord(one) for one in candidates if same.fullmatch(one)})


def _character(code):
    letter = chr(code)
    if letter in _SYNTAX:
        return "\\" + letter
    if 0x20 <= code < 0x7F:
        return letter
    return f"\\u{{{code:x}}}"


def _escape(code):
    letter = chr(code)
    if letter.isalnum() and code < 0x7F:
        return letter
    return f"\\u{{{code:x}}}"


def _members(codes):
    return "".join(map(_escape, codes))
