#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What the pages name exists: paths, commands, options, C names, test suites, links.

    check_links.py BUILD_ROOT TURNOUT TURNOUT_DP TURNOUT_XDP TURNOUTD [PAGE...]

Looked at are `code spans` and the lines of sh blocks. Anything else is prose.
"""

import functools
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

from doc_spans import anchors, braces, claims

TOP = Path(__file__).resolve().parent.parent.parent
PAGES = ("README.md", "docs/*.md", "include/README.md", "tests/README.md", "pcaps/README.md")
SOURCES = (".c", ".h", ".py", ".sh", ".build", "")  # "": the scripts of tools/
PATH = re.compile(r"[\w.*{}, -]*[\w*}]+(/[\w.*{},-]+)*/?$")
NAMED_FILE = re.compile(r"[a-z0-9][\w-]*(\.bpf)?\.(c|h|py|md|yaml)$")
IDENTIFIER = re.compile(r"(?:(?:struct|enum|union) )?((?:to|TO|dp|DP)_\w*[A-Za-z0-9])(?:\(\))?$")
OPTION = re.compile(r"--[a-z][a-z-]+")


@functools.cache
def tree():
    """Every file of the tree that is neither built nor generated, from the top."""
    skip = {".git", "__pycache__"}
    found = []
    todo = [TOP]
    while todo:
        for entry in sorted(todo.pop().iterdir()):
            if entry.is_dir():
                if entry.name not in skip and not entry.name.startswith("build"):
                    todo.append(entry)
            elif entry.suffix not in (".pcap", ".pcapng"):
                found.append(entry)
    return found


@functools.cache
def sources(*suffixes):
    """Their text; not that of this directory, which is full of names that do not exist."""
    here = Path(__file__).parent
    return "\n".join(f.read_text(encoding="utf-8", errors="replace") for f in tree()
                     if f.suffix in suffixes and here not in f.parents)


@functools.cache
def run_help(*command):
    return subprocess.run([*command, "--help"], capture_output=True, text=True, check=False,
                          timeout=30).stdout


class Checker:
    def __init__(self, build, *programs):
        self.programs = {Path(p).name: p for p in programs}
        self.tests = json.loads((Path(build) / "meson-info/intro-tests.json").read_text())
        captures = json.loads((TOP / "pcaps/index.json").read_text())["captures"]
        self.generated = {f"pcaps/{c['name']}.pcap" for c in captures}
        self.page = None

    def path_exists(self, path):
        if path.rstrip("/") in self.generated or path.startswith(("build/", "build-")):
            return True
        roots = (TOP, self.page.parent)
        if "*" in path:
            return any(any(True for _ in root.glob(path.rstrip("/"))) for root in roots)
        # a program is named where its source is
        return any((root / name).exists() for root in roots for name in (path, path + ".c"))

    def is_path(self, text):
        if text.startswith("/") or not PATH.match(text) or "/" not in text:
            return False
        first = text.split("/")[0]
        return (TOP / first).exists() and first not in ("", ".", "..") or text.startswith("./")

    def path(self, text):
        missing = [p for p in braces(text) if not self.path_exists(p)]
        return f"no such path: {', '.join(missing)}" if missing else None

    def named_file(self, text):
        """`pin.h` without its directory: somewhere."""
        if any(f.name == text for f in tree()):
            return None
        return f"no file of that name: {text}"

    def identifier(self, name):
        if re.search(rf"\b{name}\b", sources(".c", ".h")):
            return None
        return f"no such name in the code: {name}"

    def option(self, name):
        helps = "".join(run_help(p) for p in self.programs.values())
        known = helps + sources(*SOURCES)
        if name in known or f'"{name[2:]}"' in known:
            return None
        return f"no such option: {name}"

    def options(self, words, text):
        """Do the options among the words stand in a --help text?"""
        for word in words:
            name = OPTION.match(word)
            if name and not re.search(rf"{name[0]}(?![\w-])", text + " --help --version"):
                return f"no such option: {name[0]}"
        return None

    def turnout(self, words):
        listed = run_help(self.programs["turnout"])
        if len(words) == 1 or words[1].startswith("--"):
            return self.options(words[1:], listed)
        for count in (2, 1):
            name = words[1:1 + count]
            usage = rf"^  turnout {' '.join(name)}( [^a-z]|$)"
            if len(name) == count and re.search(usage, listed, re.M):
                return self.options(words[1 + count:], run_help(self.programs["turnout"], *name))
        if len(words) == 2 and re.search(rf"^  turnout {words[1]} ", listed, re.M):
            return None
        return f"no such command: {' '.join(words[:3])}"

    def daemon(self, words):
        return self.options(words[1:], run_help(self.programs["turnoutd"]))

    def engine(self, words):
        program = self.programs[words[0].split("/")[-1]]
        listed = run_help(program)
        if len(words) == 1 or words[1].startswith("--"):
            return self.options(words[1:], listed)
        if not re.search(rf"^  {words[1]} ", listed, re.M):
            return f"no such command: {Path(program).name} {words[1]}"
        own = words[words.index("--"):] if "--" in words else words[2:]
        return self.options(own, run_help(program, words[1]))

    def meson_test(self, words):
        suites = {s.split(":")[-1] for t in self.tests for s in t["suite"]}
        names = {t["name"] for t in self.tests}
        rest = iter(words[2:])
        for word in rest:
            if word == "-C":
                next(rest, None)
            elif word in ("--suite", "--no-suite"):
                suite = next(rest, "")
                if suite not in suites and not suite.isupper():
                    return f"no such suite: {suite}"
            elif not word.startswith("-") and word not in names and not word.isupper():
                return f"no such test: {word}"
        return None

    def script(self, words):
        wrong = self.path(words[0])
        if wrong or (TOP / words[0]).is_dir():
            return wrong
        return self.options(words[1:], (TOP / words[0]).read_text(encoding="utf-8"))

    def command(self, text, block):
        try:
            words = shlex.split(text)
        except ValueError:
            return None
        while words and re.match(r"[A-Z_]+=", words[0]):
            words.pop(0)
        if not words:
            return None
        name = Path(words[0]).name
        if name in self.programs and (block or len(words) > 1 or "/" in words[0]):
            return {"turnout": self.turnout, "turnoutd": self.daemon}.get(name, self.engine)(words)
        if words[:2] == ["meson", "test"]:
            return self.meson_test(words)
        if words[0].startswith(("tools/", "tests/", "pcaps/")) and len(words) > 1:
            return self.script(words)
        return next(filter(None, (self.path(w) for w in words if self.is_path(w))), None)

    def span(self, text):
        name = IDENTIFIER.match(text)
        if name:
            return self.identifier(name[1])
        if OPTION.fullmatch(text.split(" ")[0].split("=")[0]):
            return self.option(text.split(" ")[0].split("=")[0])
        if self.is_path(text):
            return self.path(text)
        if NAMED_FILE.match(text):
            return self.named_file(text)
        return self.command(text, False)

    def link(self, target):
        if re.match(r"[a-z]+:", target):
            return None
        path, _, anchor = target.partition("#")
        page = self.page.parent / path if path else self.page
        if not page.exists():
            return f"no such page: {path}"
        if anchor and anchor not in anchors(page.read_text(encoding="utf-8")):
            return f"no such heading: {target}"
        return None

    def claim(self, c):
        if c.kind == "link":
            return self.link(c.text)
        return self.command(c.text, True) if c.kind == "command" else self.span(c.text)

    def check(self, page, text=None):
        """What is wrong with a page: lines of text."""
        self.page = page
        text = page.read_text(encoding="utf-8") if text is None else text
        found = ((c, self.claim(c)) for c in claims(text))
        return [f"{page.relative_to(TOP)}:{c.line}: {wrong}" for c, wrong in found if wrong]


def unlisted(index):
    """Pages of docs/ that its index, this text, does not link."""
    return [f"docs/README.md: {p.name} is not in the index" for p in sorted(TOP.glob("docs/*"))
            if p.is_file() and p.suffix in (".md", ".json") and p.name != "README.md"
            and f"]({p.name})" not in index]


def main():
    checker = Checker(*sys.argv[1:6])
    pages = [Path(p).resolve() for p in sys.argv[6:]] or \
        [p for pattern in PAGES for p in sorted(TOP.glob(pattern))]
    wrong = [line for page in pages for line in checker.check(page)]
    if not sys.argv[6:]:
        wrong += unlisted((TOP / "docs/README.md").read_text(encoding="utf-8"))
    print("\n".join(wrong) if wrong else f"{len(pages)} pages: everything that they name exists")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
