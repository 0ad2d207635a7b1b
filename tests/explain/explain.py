# SPDX-License-Identifier: BSD-3-Clause
"""Runs `turnout explain`, whose path is the test's first argument."""
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TURNOUT = sys.argv.pop(1)
CONTOSO = str(ROOT / 'examples' / 'contoso.yaml')
TOUR = str(ROOT / 'examples' / 'dual-stack.yaml')


def run(plan, *words):
    done = subprocess.run([TURNOUT, 'explain', plan, *words], capture_output=True, text=True,
                          timeout=60)
    return done.returncode, done.stdout, done.stderr


def words_of(stage, src, dst, proto, *more):
    return ['--stage', stage, '--src', src, '--dst', dst, '--proto', proto, *more]


def text(plan, *flow):
    """(exit code, {label: its lines as one}, the lines about the stages)"""
    code, out, err = run(plan, *words_of(*flow))
    assert not err, err
    head, _, stages = out.rpartition('\n\n')
    found, label = {}, None
    for line in head.splitlines():
        label = line[:13].strip() or label
        found[label] = ' '.join((found.get(label, '') + ' ' + line[13:]).split())
    return code, found, stages.splitlines()


def answer(plan, *flow):
    """(exit code, the JSON)"""
    code, out, err = run(plan, *words_of(*flow), '--json')
    assert not err, err
    return code, json.loads(out)
