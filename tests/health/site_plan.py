# SPDX-License-Identifier: BSD-3-Clause
"""A plan of what is to be checked, and the program that checks it."""
import json
import os
import queue
import re
import subprocess
import tempfile
import threading
import time

PATIENCE = 15  # seconds until something must have happened
TIMES = 'interval: 300ms, timeout: 300ms, rise: 2, fall: 2'
E1, N1 = '10.9.0.1', '10.9.0.2'
E1_V6, N1_V6 = 'fd09::1', 'fd09::2'
SOURCE, SOURCE_V6 = '10.9.0.250', 'fd09::250'


def service(kind, protocol, port, check=TIMES, vip='10.9.7.1', address='all'):
    if not check.startswith('none'):
        check = '{' + check + '}'
    return (f'{{kind: {kind}, vip: {vip}, protocol: {protocol}, port: {port}, '
            f'address: {address}, affinity: none, check: {check}}}')


def plan(services, edges=None, names='', new='', salt='health'):
    """Services by name. Edge e1 is old, n1 is new, and both have the address `all`."""
    edges = edges or {'e1': f'{{all: {E1}}}', 'n1': f'{{all: {N1}}}'}
    lines = ['turnout: 1', f'site: {{name: health, gateways: [{SOURCE}]}}', f'salt: {salt}',
             'pools:', f'  old: {{role: legacy, {names} edges: {{e1: {edges["e1"]}}}}}',
             f'  fresh: {{role: new, {new} edges: {{n1: {edges["n1"]}}}}}', 'services:']
    lines += [f'  {name}: {text}' for name, text in services.items()]
    return '\n'.join(lines + ['stages:', '  - name: only']) + '\n'


class Watch:
    """health_watch on a plan. Changes are kept in order; everything is waited for."""

    def __init__(self, program, text, *options, prefix=()):
        self.files = tempfile.TemporaryDirectory()
        self.n = 0
        self.changes, self.answers = [], queue.Queue()
        self.changed = threading.Condition()
        self.process = subprocess.Popen([*prefix, program, self.write(text), *options],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        bufsize=1)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def write(self, text):
        self.n += 1
        path = os.path.join(self.files.name, f'{self.n}.yaml')
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text)
        return path

    def _read(self):
        for line in self.process.stdout:
            (what, value), = json.loads(line).items()
            if what != 'changed':
                self.answers.put(value)
                continue
            with self.changed:
                self.changes.append(value)
                self.changed.notify_all()

    def ask(self, question):
        self.process.stdin.write(question + '\n')
        return self.answers.get(timeout=PATIENCE)

    def take_plan(self, text):
        return self.ask('plan ' + self.write(text))

    def states(self):
        """(edge, service) -> (state, message) of every check, now."""
        return {(c['edge'], c['service']): (c['state'], c['message']) for c in self.ask('checks')}

    def of(self, edge, service):
        return [c['state'] for c in self.changes if (c['edge'], c['service']) == (edge, service)]

    def wait_change(self, edge, service, state):
        """Until the last that was told of it is this."""
        with self.changed:
            good = self.changed.wait_for(lambda: self.of(edge, service)[-1:] == [state], PATIENCE)
        if not good:
            raise AssertionError(f'{edge} {service} is not {state}: {self.of(edge, service)}, '
                                 f'{self.states().get((edge, service))}')
        return self.changes[-1]

    def wait_message(self, edge, service, pattern):
        """For what is no change: a message that says how the last probe ended."""
        end = time.monotonic() + PATIENCE
        while True:
            state, message = self.states()[edge, service]
            if re.search(pattern, message):
                return state, message
            if time.monotonic() > end:
                raise AssertionError(f'{message!r} is not {pattern!r}')
            time.sleep(0.02)

    def close(self):
        """Ends it; what its sanitizers have found is an error."""
        self.process.stdin.close()
        status = self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        self.process.stdout.close()
        self.files.cleanup()
        if status:
            raise AssertionError(f'health_watch exited with {status}')
