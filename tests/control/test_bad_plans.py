# SPDX-License-Identifier: BSD-3-Clause
"""Every bad plan is refused with exactly its messages, and so is what is too large to keep."""
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import plans

TURNOUT = sys.argv.pop(1)


def check(path):
    done = subprocess.run([TURNOUT, 'check', str(path)], capture_output=True, timeout=60)
    lines = done.stderr.decode('utf-8', 'replace').splitlines()
    return done.returncode, [line.removeprefix(f'{path}:') for line in lines]


def plan(edges=1, services=1, stages=1, partners='', extra='', route='', gates=0, ports=None):
    """A plan of any size. Every service has a VIP of its own unless `ports` spreads them on one."""
    lines = ['turnout: 1', 'site: {name: large}', 'salt: large' + extra, 'pools:',
             '  legacy: {role: legacy, edges: {e0: {access: 10.9.9.9}}}',
             '  new:', '    role: new', '    edges:']
    lines += [f'      n{i}: {{access: 10.1.{i}.1}}' for i in range(edges)]
    if not ports:  # an address for each service: no edge answers for two VIPs
        lines = [re.sub(r'\{access: (10\.\d+\.\d+)\.\d+\}',
                        lambda m: '{' + ', '.join(f's{i}: {m[1]}.{i + 1}' for i in range(services))
                        + '}', line) for line in lines]
    lines += ['services:']
    lines += [f'  s{i}: {{kind: other, vip: 10.3.0.{1 if ports else i + 1}, protocol: tcp, '
              f'port: {1000 + i}{", address: access" if ports else ""}}}' for i in range(services)]
    lines += [partners, 'stages:']
    for i in range(stages):
        lines += [f'  - name: stage-{i}', route]
    if gates:
        lines += ['    gates:'] + ['      - soak: 1s'] * gates
    return '\n'.join(lines) + '\n'


class BadPlans(unittest.TestCase):
    def test_there_are_enough(self):
        self.assertGreaterEqual(len(plans.BAD), 60)

    def test_each_is_refused_with_its_messages(self):
        for path in plans.BAD:
            expected, _ = plans.remarks(path)
            refused = any(': error: ' in line for line in expected)
            with self.subTest(path.name):
                self.assertTrue(expected)
                self.assertEqual(check(path), (int(refused), expected))

    def test_every_plan_is_bad_in_its_own_way(self):
        seen = {}
        for path in plans.BAD:
            expected, _ = plans.remarks(path)
            messages = tuple(line.split(': ', 1)[1] for line in expected)
            self.assertNotIn(messages, seen, f'{path.name} repeats {seen.get(messages)}')
            seen[messages] = path.name


class Limits(unittest.TestCase):
    def check_text(self, text):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / 'plan.yaml'
            path.write_text(text)
            return check(path)

    def refused(self, text, message):
        code, lines = self.check_text(text)
        self.assertEqual(code, 1)
        self.assertRegex('\n'.join(lines), re.compile(message + '$', re.M))

    def accepted(self, text):
        self.assertEqual(self.check_text(text), (0, []))

    def test_edges(self):
        self.accepted(plan(edges=63))
        self.refused(plan(edges=64), r'error: more than 64 edges')

    def test_services(self):
        self.accepted(plan(services=64))
        self.refused(plan(services=65), r'error: more than 64 services')

    def test_services_of_a_vip(self):
        self.accepted(plan(services=32, ports=True))
        self.refused(plan(services=33, ports=True), r'error: a VIP of more than 32 services')
        self.refused(plan(services=33, ports=True),
                     r"error: more than 32 services at one address of edge 'n0'")

    def test_stages(self):
        self.accepted(plan(stages=256))
        self.refused(plan(stages=257), r'error: more than 256 stages')

    def test_gates(self):
        self.accepted(plan(gates=64))
        self.refused(plan(gates=65), r'error: more than 64 gates in a stage')

    def test_pools(self):
        def pools(count):
            more = '\n'.join(f'  p{i}: {{role: new, edges: {{x{i}: {{s0: 10.4.0.{i + 1}}}}}}}'
                             for i in range(count - 2))
            text = plan().replace('services:', more + '\nservices:')
            return text.replace('port: 1000', 'port: 1000, pools: {new: new}')
        self.accepted(pools(16))
        self.refused(pools(17), r'error: more than 16 pools')

    def test_gateways(self):
        def gateways(count):
            many = ', '.join(f'10.5.0.{i + 1}' for i in range(count))
            return plan().replace('name: large', f'name: large, gateways: [{many}]')
        self.accepted(gateways(64))
        self.refused(gateways(65), r'error: more than 64 gateway addresses')

    def test_routes(self):
        count = 131072
        partners = 'partners:\n' + '\n'.join(
            f'  p{i}: 11.{i >> 16}.{i >> 8 & 255}.{i & 255}' for i in range(count))
        shares = '\n'.join(f'        p{i}: 1' for i in range(count))
        route = ''.join(f'\n      s{s}:\n       partners:\n{shares}' for s in range(2))
        self.refused(plan(services=2, partners=partners, route='    routes:' + route),
                     r"error: stage 'stage-0' has 262146 routes; a table holds 262144")

    def test_intervals(self):
        count = 131072
        prefixes = ', '.join(f'11.{i >> 16}.{i >> 8 & 255}.{i & 255}' for i in range(count))
        route = '    routes:' + ''.join(f'\n      s{s}: {{partners: {{p: 1}}}}' for s in range(2))
        self.refused(plan(services=2, partners=f'partners: {{p: [{prefixes}]}}', route=route),
                     r"error: stage 'stage-0' needs 524292 intervals for its partners' prefixes; "
                     r'a table holds 524288')

    def test_file_of_17_mib(self):
        self.refused(plan() + '#' * (17 << 20), r'1:1: error: the file is larger than 16 MiB')

    def test_a_file_full_of_slips_is_told_in_time(self):
        count = 20000
        partners = 'partners:\n' + '\n'.join(
            f'  partner-{i}: 11.{i >> 16}.{i >> 8 & 255}.{i & 255}' for i in range(count))
        route = '    routes:\n      s0:\n       partners:\n' + '\n'.join(
            f'        partnre-{i}: 1' for i in range(count))
        code, lines = self.check_text(plan(partners=partners, route=route))
        self.assertEqual((code, len(lines)), (1, count))


if __name__ == '__main__':
    unittest.main()
