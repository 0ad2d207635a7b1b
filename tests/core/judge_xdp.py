# SPDX-License-Identifier: BSD-3-Clause
"""Every fixture through the shared core in the running kernel: the verdicts of the model, line by line.

    judge_xdp.py XDP_REPLAY TURNOUT [FIXTURE...]
"""

import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "fixtures"
SKIP = 77
REFUSED = (0, 1)  # 1: the summary finds something amiss, which is not what is judged here


def command(turnout, fixture, out):
    return [turnout, "replay", str(fixture / "plan.yaml"), str(fixture / "in.pcap"), "--stage",
            (fixture / "stage").read_text().strip(), "--events", str(fixture / "events"),
            "--out", str(out), "--quiet"]


def complaint(fixture, found):
    """The first line in which the kernel and the model differ, or None."""
    expected = (fixture / "expected.jsonl").read_text().splitlines()
    for theirs, ours in zip(expected, found):
        if theirs != ours:
            return f"{fixture.name}\n  model  {theirs}\n  kernel {ours}"
    if len(expected) != len(found):
        return f"{fixture.name}: {len(found)} verdicts, the model has {len(expected)}"
    return None


def judge(turnout, engine, fixture, out):
    out.mkdir(parents=True)
    ran = subprocess.run(command(turnout, fixture, out), capture_output=True, text=True,
                         env=os.environ | {"TURNOUT_DP": engine}, check=False)
    if "cannot load the program: Operation not permitted" in ran.stderr:
        print("skipped: loading a BPF program is not permitted here")
        sys.exit(SKIP)
    if ran.returncode not in REFUSED:
        return f"{fixture.name}: exit {ran.returncode}: {ran.stderr.strip()}"
    return complaint(fixture, (out / "verdicts.jsonl").read_text().splitlines())


def main():
    engine, turnout, names = sys.argv[1], sys.argv[2], set(sys.argv[3:])
    with tempfile.TemporaryDirectory() as scratch:
        made, out = pathlib.Path(scratch, "fixtures"), pathlib.Path(scratch, "out")
        subprocess.run([sys.executable, FIXTURES / "make.py", made], check=True)
        fixtures = [f for f in sorted(made.iterdir()) if not names or f.name in names]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            found = pool.map(lambda f: judge(turnout, engine, f, out / f.name), fixtures)
            wrong = [text for text in found if text]
    for text in wrong:
        print(text)
    print(f"{len(fixtures) - len(wrong)} fixtures agree in the kernel, {len(wrong)} do not")
    sys.exit(1 if wrong or not fixtures else 0)


if __name__ == "__main__":
    main()
