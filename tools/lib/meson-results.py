#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Reads meson's testlog.json: a line `pass|fail|skip<TAB>NAME<TAB>DETAIL` for each test.

DETAIL is the file that the test's output is written to, or why it was skipped.
"""
import json
import re
import sys
from pathlib import Path

RESULTS = {"OK": "pass", "EXPECTEDFAIL": "pass", "SKIP": "skip"}


def reason(test):
    lines = (test.get("stdout", "") + test.get("stderr", "")).strip().splitlines()
    return lines[-1] if lines else "no reason given"


def main():
    log, label, out = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        test = json.loads(line)
        name = f"{label}: {test['name'].split(' / ')[-1]}"
        result = RESULTS.get(test["result"], "fail")
        detail = reason(test)
        if result == "fail":
            path = out / (re.sub(r"[^\w.-]+", "-", name) + ".log")
            path.write_text(f"{test['result']}: {' '.join(test['command'])}\n"
                            f"{test.get('stdout', '')}\n{test.get('stderr', '')}\n",
                            encoding="utf-8")
            detail = path
        print(result, name, detail, sep="\t")


if __name__ == "__main__":
    main()
