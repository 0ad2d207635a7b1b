# SPDX-License-Identifier: BSD-3-Clause
"""What a Markdown page says that can be true or false: code spans, commands, links."""

import re
from dataclasses import dataclass

SPAN = re.compile(r"(`+)(.+?)\1")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^\s*```(\w*)")


@dataclass(frozen=True)
class Claim:
    line: int
    kind: str  # "span", "command" (a line of a shell block) or "link"
    text: str


def claims(text):
    """Every claim of a page, in its order. Blocks that are not `sh` are output: nobody's word."""
    block = None
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if fence:
            block = None if block is not None else fence[1]
        elif block == "sh":
            command = line.split(" #")[0].strip()
            if command and not command.startswith("#"):
                yield Claim(number, "command", command)
        elif block is None:
            for span in SPAN.finditer(line):
                yield Claim(number, "span", span[2].strip())
            for link in LINK.finditer(SPAN.sub("", line)):
                yield Claim(number, "link", link[1])


def anchors(text):
    """The anchors of a page's headings, as GitHub makes them."""
    found = set()
    for line in text.splitlines():
        heading = re.match(r"#+\s+(.*)", line)
        if heading:
            words = re.sub(r"[^\w\s-]", "", heading[1].lower())
            found.add(re.sub(r"\s", "-", words.strip()))
    return found


def braces(path):
    """`a/{b,c}.h` as the paths it stands for."""
    part = re.search(r"\{([^{}]*)\}", path)
    if not part:
        return [path]
    return [whole for one in part[1].split(",")
            for whole in braces(path[:part.start()] + one.strip() + path[part.end():])]
