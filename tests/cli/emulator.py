# SPDX-License-Identifier: BSD-3-Clause
"""A terminal that knows what `turnout watch` may use, and nothing else."""
import codecs
import re

SEQUENCE = re.compile(r"\x1b\[(\??)([0-9;]*)([A-Za-z])")


class Emulator:
    def __init__(self, rows=24, columns=80):
        self.modes = {"25": True, "7": True, "1049": False}  # cursor, wrapping, other screen
        self.cleared = 0
        self.touched = set()  # rows written to, until somebody forgets them
        self.rest = ""
        self.decoder = codecs.getincrementaldecoder("utf-8")()
        self.resize(rows, columns)

    def resize(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.cells = [[" "] * columns for _ in range(rows)]
        self.row = self.column = 0

    def lines(self):
        return ["".join(row).rstrip() for row in self.cells]

    def text(self):
        return "\n".join(self.lines())

    def feed(self, data):
        text = self.rest + self.decoder.decode(data)
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                found = SEQUENCE.match(text, at)
                if not found:
                    assert len(text) - at < 12, f"unknown: {text[at:at + 20]!r}"
                    break
                self.sequence(*found.groups())
                at = found.end()
                continue
            self.character(text[at])
            at += 1
        self.rest = text[at:]

    def character(self, c):
        if c == "\r":
            self.column = 0
            return
        if c == "\n":
            self.row += 1
            return
        assert c >= " ", repr(c)
        if self.modes["1049"]:
            assert self.row < self.rows and self.column < self.columns, "beyond the edge"
            self.cells[self.row][self.column] = c
            self.touched.add(self.row)
        self.column += 1

    def sequence(self, private, numbers, final):
        if private:
            assert numbers in self.modes and final in "hl", (numbers, final)
            self.modes[numbers] = final == "h"
        elif final == "H":
            row, column = (numbers.split(";") + ["1", "1"])[:2] if numbers else ("1", "1")
            self.row, self.column = int(row) - 1, int(column) - 1
        elif final == "J":
            assert numbers == "2"
            self.cleared += 1
            self.cells = [[" "] * self.columns for _ in range(self.rows)]
        elif final == "K":
            self.cells[self.row][self.column:] = [" "] * (self.columns - self.column)
            self.touched.add(self.row)
        else:
            assert final == "m", final
