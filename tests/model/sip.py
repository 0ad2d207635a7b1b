# SPDX-License-Identifier: BSD-3-Clause
"""What is read of a SIP message: docs/state.md, section 4."""

from dataclasses import dataclass

from model import classify

MAX_BYTES = 1500
MAX_LINES = 64
MAX_ID = 255
MAGIC = b"z9hG4bK"
BLANK = b" \t"
NAMES = {b"call-id": b"call-id", b"i": b"call-id", b"via": b"via", b"v": b"via",
         b"cseq": b"cseq"}


@dataclass
class Message:
    request: bool
    method: bytes  # of a response: CSeq's
    status: int
    call_id: bytes
    branch: bytes  # None unless it begins with the magic cookie
    body: list  # the body's lines


def read(payload):
    """A payload of class sip. Only lines that have their end are read."""
    start = classify.text_start(payload)
    lines = whole_lines(payload[start:MAX_BYTES])
    if not lines:
        return Message(False, None, 0, None, None, [])
    first, rest = lines[0], lines[1:]
    headers, body = split(rest)
    found = first_of_each(headers)
    request = first[:8].upper() != b"SIP/2.0 "
    return Message(
        request,
        first.split(b" ")[0] if request else cseq_method(found.get(b"cseq")),
        0 if request else int(first[8:11]),
        identifier(found.get(b"call-id")),
        branch(found.get(b"via")),
        body)


def whole_lines(data):
    lines = data.split(b"\n")[:-1]
    return [line[:-1] if line.endswith(b"\r") else line for line in lines]


def split(lines):
    """Header and body lines, at most 64 of each; without an empty line there is no body."""
    if b"" not in lines[:MAX_LINES]:
        return lines[:MAX_LINES], []
    at = lines.index(b"")
    return lines[:at], lines[at + 1:at + 1 + MAX_LINES]


def first_of_each(lines):
    """The first header of each name that is used, with its folds joined by one space."""
    found, current = {}, None
    for line in lines:
        if line[:1] in (b" ", b"\t"):
            if current is not None:
                found[current] = (found[current] + b" " + line.strip(BLANK)).strip(BLANK)
            continue
        name, colon, value = line.partition(b":")
        name = NAMES.get(name.rstrip(BLANK).lower()) if colon else None
        current = name if name is not None and name not in found else None
        if current is not None:
            found[current] = value.strip(BLANK)
    return found


def identifier(value):
    return value if value and len(value) <= MAX_ID else None


def branch(via):
    """The first value's first branch parameter."""
    if via is None:
        return None
    for parameter in via.split(b",")[0].split(b";")[1:]:
        name, equals, value = parameter.partition(b"=")
        if equals and name.strip(BLANK).lower() == b"branch":
            value = identifier(value.strip(BLANK).replace(b"\t", b" ").split(b" ")[0])
            return value if value and value.startswith(MAGIC) else None
    return None


def cseq_method(value):
    words = (value or b"").split()
    return words[1] if len(words) >= 2 else None
