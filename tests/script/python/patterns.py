"""What Python says of patterns: for each of them, how it is translated, and what it finds.

Arguments: the directory of the package, and how many patterns to make up.
"""

import json
import random
import re
import sys
import warnings

sys.path.insert(0, sys.argv[1])
warnings.simplefilter("ignore")

from test_driver._patterns import Pattern  # noqa: E402

ATOMS = [
    *"ab \n", ".", "\\d", "\\w", "\\s", "\\D", "\\W", "\\S", "[ab]", "[^a]", "[a-c]",
    "[\\W_]", "[^\\Wa]", "[\\s\\S]", "é", "k", "K", "1", "_", "-", "\\.", "^", "$",
    "\\A", "\\Z", "\\b", "\\B", "(?i:k)", "(?s:.)", "(?m:^)", "(?m:$)", "[^\\n]", "\\t",
]
FLAGS = ["", "", "", "", "(?i)", "(?m)", "(?s)", "(?a)", "(?im)", "(?x)"]
LETTERS = [*"aabbkK1_-  \n\n", "é", "ſ", "İ", "\u212a", "\u2028", "\x1f", "٣", "😀"]


def sequence(depth):
    return "".join(piece(depth) for _ in range(random.randint(1, 3)))


def piece(depth):
    kind = random.random()
    if depth == 0 or kind < 0.45:
        return random.choice(ATOMS)
    inner = sequence(depth - 1)
    if kind < 0.6:
        count = random.choice(["*", "+", "?", "{2}", "{1,2}", "*?", "+?"])
        if sys.version_info >= (3, 11) and random.random() < 0.2:
            count = random.choice(["*+", "++", "?+"])
        return f"(?:{inner}){count}"
    if kind < 0.75:
        return f"(?:{inner}|{sequence(depth - 1)})"
    if kind < 0.85:
        return f"(?P<g{random.randrange(10 ** 9)}>{inner})" + random.choice(["", "\\1"])
    if kind < 0.95:
        return random.choice(["(?=", "(?!"]) + inner + ")"
    if sys.version_info >= (3, 11):
        return f"(?>{inner})"
    return f"(?:{inner})"


def lines_of(text):
    so_far = ""
    for number, line in enumerate(text.split("\n")[:-1]):
        so_far = line if number == 0 else so_far + "\n" + line
        yield so_far
        yield so_far + "\n"


def examine(source, texts):
    try:
        pattern = Pattern(source)
    except re.error:
        return None
    return {
        "pattern": source,
        "text": pattern.for_text(),
        "stream": pattern.for_stream(),
        "always": pattern.search(""),
        "texts": [
            {
                "text": text,
                "found": pattern.search(text),
                "foundInLines": any(map(pattern.search, lines_of(text))),
            }
            for text in texts
        ],
    }


def main():
    random.seed(int(sys.argv[3]) if len(sys.argv) > 3 else 7)
    given = json.load(sys.stdin)
    answers = [examine(source, texts) for source, texts in given]
    for _ in range(int(sys.argv[2])):
        texts = []
        for _ in range(6):
            letters = random.choices(LETTERS, k=random.randint(0, 9))
            texts.append("".join(letters) + "\n")
        answers.append(examine(random.choice(FLAGS) + sequence(2), texts))
    json.dump([answer for answer in answers if answer], sys.stdout)


main()
