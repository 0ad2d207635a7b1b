# SPDX-License-Identifier: BSD-3-Clause
"""The offline commands: exit codes, JSON, images that are written and read back."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import plans

TURNOUT = sys.argv.pop(1)
CONTOSO = str(plans.ROOT / 'examples' / 'contoso.yaml')
TOUR = str(plans.ROOT / 'examples' / 'dual-stack.yaml')


def run(*words):
    done = subprocess.run([TURNOUT, *words], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


class Usage(unittest.TestCase):
    def test_help_and_version(self):
        for words in (['--help'], ['--version'], ['check', '--help'], ['table', 'show', '--help'],
                      ['diff', '--help'], ['table', 'write', '--help']):
            with self.subTest(words):
                code, out, err = run(*words)
                self.assertEqual((code, err), (0, ''))
                self.assertIn('turnout', out)

    def test_wrong_words_say_what_is_meant(self):
        for words, message in (
                ([], 'no command; see --help'),
                (['chek', 'x'], "did you mean 'check'?"),
                (['table'], "'table' needs another word"),
                (['check'], 'usage: turnout check PLAN'),
                (['check', 'a', 'b'], 'usage: turnout check PLAN'),
                (['check', CONTOSO, '--jsn'], "'check' has no option '--jsn'"),
                (['check', CONTOSO, '--json=1'], "option '--json' takes no value"),
                (['table', 'show', CONTOSO, '--stage'], "option '--stage' needs a value"),
                (['table', 'show', CONTOSO, '--stage', 'canry'], "did you mean 'canary'?"),
                (['table', 'write', CONTOSO], 'needs --out FILE'),
                (['check', '/nonexistent'], 'No such file or directory'),
                (['diff', CONTOSO, 'canary', 'meda'], "did you mean 'media'?")):
            with self.subTest(words):
                code, out, err = run(*words)
                self.assertEqual((code, out), (2, ''))
                self.assertIn(message, err)


class Check(unittest.TestCase):
    def test_examples_are_without_a_remark(self):
        for path in plans.GOOD:
            code, out, err = run('check', str(path))
            self.assertEqual((code, err), (0, ''), path.name)
            self.assertIn(': ok: site ', out)

    def test_json_of_a_good_plan(self):
        code, out, _ = run('check', CONTOSO, '--json')
        self.assertEqual(code, 0)
        self.assertEqual(json.loads(out)['summary'],
                         {'site': 'contoso-hq', 'pools': 2, 'edges': 4, 'services': 6,
                          'partners': 3, 'stages': 9})

    def test_json_of_bad_plans_says_the_same(self):
        for path in plans.BAD:
            expected, _ = plans.remarks(path)
            _, out, _ = run('check', str(path), '--json')
            self.assertEqual(
                [f"{m['line']}:{m['column']}: {m['severity']}: {m['message']}"
                 for m in json.loads(out)['messages']], expected, path.name)


class Diff(unittest.TestCase):
    def test_by_service_and_partner(self):
        code, out, _ = run('diff', CONTOSO, 'baseline', 'access-10')
        self.assertEqual(code, 0)
        self.assertEqual(out.splitlines(), [
            'access, everyone else: 0 % -> 10 % new  (10 % of the clients go legacy to new)',
            'federation, fabrikam: 0 % -> 100 % new  (100 % of the clients go legacy to new)',
            'established flows stay where they are'])

    def test_same_stage(self):
        self.assertEqual(run('diff', CONTOSO, 'canary', 'canary')[:2],
                         (0, 'no change for new flows\n'))

    def test_longest_prefix_wins(self):
        _, out, _ = run('diff', TOUR, 'probe', 'after', '--json')
        document = json.loads(out)
        trunk = [(r['partner'], r['from_percent'], r['to_percent'], r['clients'])
                 for r in document['routes'] if r['service'] == 'trunk' and r['partner']]
        self.assertEqual(trunk, [
            ('carrier', 0.0, 99.9, ['198.51.100.0/25', '2001:db8:100::/49',
                                    '2001:db8:101::-2001:db8:1ff:ffff::']),
            ('carrier-east', 12.25, 100.0, ['198.51.100.128/25', '2001:db8:100:8000::/49'])])
        self.assertEqual(document['midflow'], [{'service': 'web', 'from': 'drop', 'to': 'legacy'}])


class Table(unittest.TestCase):
    def test_written_image_shows_as_the_plan_does(self):
        with tempfile.TemporaryDirectory() as directory:
            for plan in (CONTOSO, TOUR):
                for stage in [s['name'] for s in plans.read(pathlib.Path(plan))['stages']]:
                    image = f'{directory}/table'
                    self.assertEqual(run('table', 'write', plan, '--stage', stage, '--out',
                                         image)[0], 0)
                    for json_option in ([], ['--json']):
                        self.assertEqual(run('table', 'show', image, *json_option),
                                         run('table', 'show', plan, f'--stage={stage}',
                                             *json_option))

    def test_routes_of_a_stage(self):
        _, out, _ = run('table', 'show', CONTOSO, '--stage', 'canary', '--json')
        services = {s['name']: s for s in json.loads(out)['services']}
        self.assertEqual([(r['clients'], r['partner'], r['new_percent'])
                          for r in services['federation']['routes']],
                         [('0.0.0.0-198.51.99.255', None, 0.0),
                          ('198.51.100.0/28', 'fabrikam', 100.0),
                          ('198.51.100.16-255.255.255.255', None, 0.0)])
        self.assertEqual(services['av-turn']['idle'], 660)
        self.assertTrue(services['av-turn']['learns_owners'])

    def test_a_damaged_image_is_refused(self):
        with tempfile.TemporaryDirectory() as directory:
            image = pathlib.Path(directory) / 'table'
            run('table', 'write', CONTOSO, '--out', str(image))
            data = bytearray(image.read_bytes())
            data[300] ^= 4
            image.write_bytes(data)
            code, out, err = run('table', 'show', str(image))
            self.assertEqual((code, out), (1, ''))
            self.assertIn('checksum is wrong', err)
            self.assertEqual(run('table', 'show', str(image), '--stage', 'canary')[0], 2)


if __name__ == '__main__':
    unittest.main()
