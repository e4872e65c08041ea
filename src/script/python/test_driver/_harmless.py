"""Makes text that may come from a guest safe for a terminal."""

from __future__ import annotations

import re

# Control sequences of terminals: colours and cursor movements; strings such as window
# titles, up to their end or that of the line; any other escape.
_sequences = re.compile(
    r"(?:\x1b\[|\x9b)[\x20-\x3f]*[\x40-\x7e]?"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\r\n]*(?:\x07|\x9c|\x1b\\)?"
    r"|\x1b[\x20-\x2f]*[\x30-\x7e]?"
)
# Characters that still ring or move the cursor; that turn the direction of writing,
# have no width or are invisible; other line ends; lone surrogates.
_hidden = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5"
    r"\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff"
    r"\ufdd0-\ufdef\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def harmless(text: str) -> str:
    """Removes control sequences, and makes invisible characters visible."""
    text = re.sub(r"\r+\n?", "\n", _sequences.sub("", text))
    return _hidden.sub(_picture, text)


def _picture(found) -> str:
    code = ord(found.group())
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"
