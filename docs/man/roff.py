# SPDX-License-Identifier: BSD-3-Clause
"""Text, and the Markdown that the pages of docs/ use, as man(7) has it."""

import re

SPAN = re.compile(r"`([^`]+)`|\[([^\]]+)\]\([^)]*\)|\*\*([^*]+)\*\*|\*([^*]+)\*")
SYMBOLS = {"→": "\\(->", "–": "\\(en", "×": "\\(mu", "≥": "\\(>=", "≤": "\\(<=", "…": "..."}


def escape(text):
    text = text.replace("\\", "\\e")
    return "".join(SYMBOLS.get(c, c) for c in text)


def literal(text):
    """For what a person may copy: a minus sign and quotes stay what they are."""
    return escape(text).replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")


def line(text):
    """Never a request of roff's."""
    return "\\&" + text if text[:1] in (".", "'") else text


def bold(text):
    return f"\\fB{literal(text)}\\fR"


def inline(text):
    """A paragraph's code in bold, its emphasis in italics, its links as their words."""
    out, at = [], 0
    for span in SPAN.finditer(text):
        code, link, strong, slanted = span.groups()
        out.append(escape(text[at:span.start()]))
        out.append(bold(code) if code else escape(link) if link else
                   bold(strong) if strong else f"\\fI{escape(slanted)}\\fR")
        at = span.end()
    return line("".join(out) + escape(text[at:]))


def heading(title, section, version, name, about):
    return ['.\\" SPDX-License-Identifier: BSD-3-Clause',
            f'.TH {title} {section} "" "turnout {version}"', ".SH NAME", f"{name} \\- {about}"]


def items(pairs):
    """(term, text) as a list; both are roff already."""
    out = []
    for term, text in pairs:
        out += [".TP", line(term), line(text)]
    return out


def table(rows, names):
    """A Markdown table as a list: the first cell is the term, the others follow it."""
    out = []
    for first, *rest in rows:
        said = [inline(cell) for cell in rest if cell]
        if len(said) > 1 and names[-1] == "default":
            required = rest[-1] in ("required", "at least one")
            said[-1] = f"{said[-1].capitalize()}." if required else f"Default: {said[-1]}."
            said[0] = said[0].rstrip(".") + "."
        out.append((inline(first), " ".join(said)))
    return items(out)


def cells(row):
    return [cell.strip() for cell in row.strip().strip("|").split("|")]


def markdown(text):
    """A page from its first paragraph on: headings, paragraphs, lists, tables."""
    out, rows, paragraph = [], [], []

    def close():
        if paragraph:
            out.extend([".PP", inline(" ".join(paragraph))])
        if rows:
            out.extend(table(rows[2:], rows[0]))
        paragraph.clear()
        rows.clear()

    for row in text.splitlines():
        if row.startswith("|"):
            if paragraph:
                close()
            rows.append(cells(row))
        elif row.startswith("#"):
            close()
            out.append(f'.SH "{escape(row.lstrip("# ")).upper()}"')
        elif row.startswith(("- ", "* ")):
            close()
            out += [".IP \\(bu 2", inline(row[2:])]
        elif row.strip():
            if rows:
                close()
            paragraph.append(row.strip())
        else:
            close()
    close()
    return out
