"""Text that may quote what a guest said, made safe for a terminal."""

from __future__ import annotations

import re

# What a terminal takes for commands: colours and cursor movements; strings such as
# window titles, up to their end or that of the line; any other escape.
_sequences = re.compile(
    r"(?:\x1b\[|\x9b)[\x20-\x3f]*[\x40-\x7e]?"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\r\n]*(?:\x07|\x9c|\x1b\\)?"
    r"|\x1b[\x20-\x2f]*[\x30-\x7e]?"
)
# What would still ring, move the cursor, or turn the direction of writing.
_controls = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


def harmless(text: str) -> str:
    """Text without control sequences, and with other control characters visible."""
    text = re.sub(r"\r+\n?", "\n", _sequences.sub("", text))
    return _controls.sub(_picture, text)


def _picture(found) -> str:
    code = ord(found.group())
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"
