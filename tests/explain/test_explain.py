# SPDX-License-Identifier: BSD-3-Clause
"""Each verdict that a flow's first packet can have, its steps in words and in JSON, and usage."""
import pathlib
import tempfile
import unittest

import explain
from explain import CONTOSO, TOUR, answer, text

TCP_CLIENT = ('198.51.100.5', '203.0.113.100:443', 'tcp')


class Verdicts(unittest.TestCase):
    """(plan, stage and flow) -> exit code, verdict, reason, service, edge."""

    def check(self, plan, flow, code, *expected):
        with self.subTest(flow=flow):
            got, document = answer(plan, *flow)
            self.assertEqual([document[key] for key in ('verdict', 'reason', 'service', 'edge')],
                             list(expected))
            self.assertEqual(got, code)
            got, steps, _ = text(plan, *flow)
            edge = f'edge {expected[3]} of pool {document["pool"]}' if expected[3] else ''
            self.assertEqual(got, code)
            self.assertTrue(steps['verdict'].startswith(f'{expected[0]}, {expected[1]}'),
                            steps['verdict'])
            self.assertIn(edge, steps['verdict'])
            self.assertIn(document['why'], steps['verdict'])

    def test_contoso(self):
        for flow, *expected in (
                # 198.51.100.5 has bucket 1552
                (('access-10', *TCP_CLIENT), 0, 'steer', 'route', 'access', 'e2'),
                (('access-25', *TCP_CLIENT), 0, 'steer', 'route', 'access', 'n1'),
                (('baseline', *TCP_CLIENT, '--down', 'e1', '--drain=e2'),
                 1, 'drop', 'no-edge', 'access', None),
                (('baseline', '198.51.100.5', '203.0.113.100:444', 'tcp'),
                 1, 'drop', 'no-service', None, None),
                (('baseline', '198.51.100.5', '203.0.113.100:443', 'udp'),
                 1, 'drop', 'no-service', None, None),
                (('baseline', '203.0.113.10', '203.0.113.102:443', 'tcp'),
                 1, 'drop', 'hairpin', None, None),
                (('baseline', '203.0.113.101', '203.0.113.102:443', 'tcp'),
                 1, 'drop', 'spoof', None, None),
                (('baseline', '192.0.2.7', '203.0.113.31:50007', 'udp'),
                 0, 'steer', 'owner', None, 'e2'),
                (('baseline', '203.0.113.30:3478', '203.0.113.32:3478', 'udp'),
                 0, 'steer', 'owner', None, 'n1'),
                (('baseline', '192.0.2.7', '203.0.113.31:50007', 'udp', '--retire', 'e2'),
                 1, 'drop', 'edge-retired', None, 'e2'),
                (('baseline', '192.0.2.7', '203.0.113.2:22', 'tcp'),
                 0, 'kernel', 'gateway', None, None),
                (('baseline', '192.0.2.7', '192.0.2.8:22', 'tcp'),
                 0, 'kernel', 'not-ours', None, None),
                (('baseline', '203.0.113.11', '198.51.100.5:5061', 'tcp'),
                 0, 'out', 'edge-initiated', 'federation', 'e2'),
                (('baseline', '203.0.113.11', '198.51.100.5:25', 'tcp'),
                 0, 'out', 'edge-initiated', None, 'e2')):
            self.check(CONTOSO, flow, *expected)

    def test_dual_stack(self):
        for flow, *expected in (
                (('before', '2001:db8:100::7', '[2001:db8::101]:50001', 'udp'),
                 0, 'steer', 'route', 'ports', 'e2'),
                (('before', '2001:db8:100::7', '[2001:db8::100]:5060', 'udp',
                  '--down', 'e1', '--retire', 'e2'), 0, 'steer', 'fallback', 'trunk', 'n1'),
                (('before', '2001:db8:100::7', '[2001:db8::101]:3478', 'udp',
                  '--down', 'e1', '--retire', 'e2'), 1, 'drop', 'no-edge', 'relay', None),
                (('after', '198.51.100.7', '192.0.2.102:8443', 'tcp'),
                 0, 'steer', 'route', 'web', 'd2'),
                (('after', '198.51.100.8', '192.0.2.102:8443', 'tcp'),
                 0, 'steer', 'route', 'web', 'd1'),
                (('before', '2001:db8::10', '[2001:db8:9::9]:5060', 'tcp'),
                 0, 'out', 'edge-initiated', 'trunk-tcp', 'e1'),
                (('before', '192.0.2.11:5060', '198.51.100.9:5060', 'udp'),
                 0, 'out', 'edge-initiated', 'trunk', 'e2'),
                (('before', '2001:db8::22', '[2001:db8::12]:5060', 'udp'),
                 0, 'steer', 'owner', None, 'n1'),
                (('before', '2001:db8:100::7', '[2001:db8::1]:179', 'tcp'),
                 0, 'kernel', 'gateway', None, None),
                (('before', '2001:db8::22', '[2001:db8::100]:5060', 'udp'),
                 1, 'drop', 'hairpin', None, None)):
            self.check(TOUR, flow, *expected)


class Steps(unittest.TestCase):
    maxDiff = None

    def test_a_partners_connection(self):
        code, steps, stages = text(CONTOSO, 'canary', '198.51.100.5', '203.0.113.100:5061', 'tcp')
        edge = steps.pop('edge').split()
        self.assertEqual(code, 0)
        self.assertEqual(steps, {
            'plan': f'{CONTOSO}, stage canary (2 of 9)',
            'edges': 'all up',
            'flow': 'tcp 198.51.100.5:49152 -> 203.0.113.100:5061 (the source port was chosen) '
                    'its first packet: a SYN',
            'verdict': "steer, route: to edge n1 of pool new a new flow: its client's route and "
                       'bucket give the pool, the highest score the edge',
            'source': '198.51.100.5: outside: no VIP, edge or gateway has it',
            'destination': '203.0.113.100: a VIP, of access (tcp 443), federation (tcp 5061), '
                           'xmpp (tcp 5269)',
            'service': 'federation, of kind federation: it has tcp port 5061 of this VIP',
            'state': 'none is assumed; an entry would decide first, in this order: 1 pin of these '
                     'addresses and ports: its edge, healthy or not no affinity: the service has '
                     'no group',
            'mid-flow': 'this packet can begin a flow; without state, a segment that is no SYN '
                        'would go to e2 of pool legacy: midflow (the rule here: legacy)',
            'route': 'partner fabrikam, 198.51.100.0/28: 100 % of its clients go new client '
                     '198.51.100.5 has bucket 1552 of 10000: 1552 < 10000 (100 %), so new: '
                     'pool new',
            'fallback': 'not needed; with no eligible edge: drop',
            'recorded': "an unproven pin, for 10 s; the edge's answer proves it, then 1800 s idle",
            'leaves': 'mode dnat: destination 203.0.113.100:5061 becomes 203.0.113.12:5061, '
                      'checksums with it not rewritten: source 198.51.100.5:49152, both ports, '
                      "payload; TTL one less the edge's answer comes back through here: source "
                      '203.0.113.12:5061 becomes 203.0.113.100:5061'})
        self.assertEqual([edge[edge.index(n) + k] for n in ('n1', 'n2') for k in (1, 2)],
                         ['up', 'eligible'] * 2)
        self.assertEqual([line.split()[-1] for line in stages[1:]],
                         ['1552', 'moves'] + ['1552'] * 7)
        self.assertTrue(stages[2].startswith(' > canary'))

    def test_state_that_would_decide_first(self):
        for plan, flow, expected in (
                (CONTOSO, ('baseline', *TCP_CLIENT), ['pin', 'affinity']),
                (CONTOSO, ('baseline', '192.0.2.7', '203.0.113.102:3478', 'udp'),
                 ['pin', 'owner', 'affinity']),
                (TOUR, ('before', '192.0.2.7', '192.0.2.100:5060', 'udp'),
                 ['pin', 'dialog', 'transaction']),
                (TOUR, ('before', '192.0.2.10:5060', '192.0.2.7:5060', 'udp'), ['dialog']),
                (CONTOSO, ('baseline', '192.0.2.7', '203.0.113.10:443', 'tcp'), [])):
            with self.subTest(flow):
                self.assertEqual(answer(plan, *flow)[1]['state_first'], expected)
        _, steps, _ = text(CONTOSO, 'access-100', *TCP_CLIENT)
        self.assertIn('2 affinity of this client in group access: its edge, while that is up; its '
                      'pool takes clients on this route: legacy no, new yes (one that ceased to '
                      'goes on for 30 s)', steps['state'])

    def test_an_edge_that_would_have_had_it(self):
        _, steps, _ = text(CONTOSO, 'baseline', '198.51.100.5', '203.0.113.102:3478', 'udp',
                           '--drain', 'e2')
        self.assertEqual(steps['edges'], 'e2 draining; the others up')
        self.assertRegex(steps['edge'], r'e2 draining takes no new flows [0-9a-f]{16} '
                                        r'e1 up eligible [0-9a-f]{16} <-$')

    def test_fallback_and_none(self):
        states = ('--down', 'e1', '--retire', 'e2')
        _, steps, _ = text(TOUR, 'before', '2001:db8:100::7', '[2001:db8::100]:5060', 'udp',
                           *states)
        self.assertIn('in pool old, by flow: the Call-ID', steps['edge'])
        self.assertIn('e1 down takes no new flows', steps['edge'])
        self.assertIn('e2 retired takes no new flows', steps['edge'])
        self.assertIn('none is eligible', steps['edge'])
        self.assertRegex(steps['fallback'], r'^in pool fresh, .* n1 up eligible \w{16} <-$')
        _, steps, _ = text(TOUR, 'before', '2001:db8:100::7', '[2001:db8::101]:3478', 'udp',
                           *states)
        self.assertEqual(steps['fallback'], 'drop')
        self.assertEqual(steps['leaves'], 'not at all: dropped, and nothing is sent back')

    def test_midflow_rules(self):
        for stage, rule, reason, edge in (('before', 'legacy', 'midflow', 'w1'),
                                          ('probe', 'drop', 'midflow', None)):
            _, document = answer(TOUR, stage, '192.0.2.7', '192.0.2.102:8443', 'tcp')
            self.assertEqual(document['service_rules']['midflow'], rule)
            self.assertEqual([document['midflow'][k] for k in ('reason', 'edge')], [reason, edge])
        _, steps, _ = text(TOUR, 'probe', '192.0.2.7', '192.0.2.102:8443', 'tcp')
        self.assertIn('would be dropped: midflow (the rule here: drop)', steps['mid-flow'])
        _, steps, _ = text(TOUR, 'probe', '192.0.2.7', '192.0.2.101:50000', 'udp')
        self.assertEqual(steps['mid-flow'], 'every packet can begin a flow on this service')

    def test_longest_prefix(self):
        for client, prefix, percent in (('2001:db8:100:8000::7', '2001:db8:100:8000::/49', 12.25),
                                        ('198.51.100.130', '198.51.100.128/25', 12.25),
                                        ('203.0.113.77', '203.0.113.77/32', 100.0),
                                        ('198.51.100.3', None, 0.0)):
            vip = '[2001:db8::100]:5060' if ':' in client else '192.0.2.100:5060'
            _, document = answer(TOUR, 'probe', client, vip, 'udp')
            self.assertEqual((document['route']['prefix'], document['route']['new_percent']),
                             (prefix, percent))

    def test_a_call_chooses_its_edge(self):
        flow = ('before', '192.0.2.7:5060', '192.0.2.100:5060', 'udp', '--call-id')
        calls = [answer(TOUR, *flow, f'call-{i}@example.com')[1] for i in range(16)]
        self.assertEqual({call['edge'] for call in calls}, {'e1', 'e2'})
        self.assertEqual(calls[3]['flow']['call_id'], 'call-3@example.com')
        self.assertEqual([(e['kind'], e['proven']) for e in calls[0]['records']],
                         [('dialog', False), ('transaction', False)])

    def test_what_an_edge_sends(self):
        _, steps, stages = text(TOUR, 'before', '192.0.2.10', '198.51.100.9:5060', 'tcp')
        self.assertEqual(steps['source'], "192.0.2.10: edge e1's own address, for "
                                          'trunk (udp 5060), trunk-tcp (tcp 5060)')
        self.assertIn('port 5060: what this edge opens to it belongs to trunk-tcp',
                      steps['service'])
        self.assertIn('1 pin then it is an answer: reply', steps['state'])
        self.assertEqual(steps['recorded'], 'a proven pin, for 60 s')
        self.assertIn('source 192.0.2.10:49152 becomes 192.0.2.100:49152', steps['leaves'])
        self.assertEqual(stages, ['the same in every stage'])
        _, document = answer(CONTOSO, 'baseline', '203.0.113.10:443', '198.51.100.9:40000', 'tcp')
        self.assertEqual(document['edge_ports'], {'answers': 'access', 'opens': 'access'})
        self.assertEqual((document['leaves'], document['records']), ({'action': 'forward'}, []))


class Leaving(unittest.TestCase):
    def test_l2(self):
        flow = ('after', '198.51.100.8', '192.0.2.102:8443', 'tcp')
        self.assertEqual(answer(TOUR, *flow)[1]['leaves'],
                         {'action': 'forward', 'mode': 'l2', 'to': '192.0.2.40'})
        _, steps, _ = text(TOUR, *flow)
        self.assertIn('to the MAC of 192.0.2.40 not rewritten: addresses (the edge has '
                      '192.0.2.102 itself)', steps['leaves'])
        self.assertIn("the client's next packet (answers are not seen) proves it",
                      steps['recorded'])

    def test_ipip(self):
        flow = ('after', '198.51.100.7', '192.0.2.102:8443', 'tcp')
        self.assertEqual(answer(TOUR, *flow)[1]['leaves'],
                         {'action': 'tunnel', 'mode': 'ipip', 'from': '192.0.2.1',
                          'to': '198.18.0.41', 'overhead': 20})
        _, steps, _ = text(TOUR, *flow)
        self.assertIn('in an IPv4 tunnel from 192.0.2.1 to 198.18.0.41', steps['leaves'])

    def tunnel(self, changes, client, vip):
        tour = pathlib.Path(TOUR).read_text(encoding='utf-8')
        for old, new in changes:
            self.assertIn(old, tour)
            tour = tour.replace(old, new)
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / 'plan.yaml'
            path.write_text(tour, encoding='utf-8')
            leaves = answer(str(path), 'after', client, vip, 'tcp', '--down', 'd1')[1]['leaves']
        return [leaves[key] for key in ('from', 'to', 'overhead')]

    def test_tunnels_of_the_other_family(self):
        six = ('vip: 192.0.2.102', 'vip: [192.0.2.102, "2001:db8::102"]')
        self.assertEqual(self.tunnel([six], '2001:db8:100::7', '[2001:db8::102]:8443'),
                         ['192.0.2.1', '198.18.0.41', 20])
        self.assertEqual(self.tunnel([('web: 198.18.0.41', 'web: "2001:db8::41"')],
                                     '198.51.100.7', '192.0.2.102:8443'),
                         ['2001:db8::1', '2001:db8::41', 40])

    def test_owner_and_kernel(self):
        _, steps, _ = text(CONTOSO, 'baseline', '192.0.2.7', '203.0.113.31:50007', 'udp')
        self.assertEqual(steps['leaves'], 'unchanged, but for MACs and TTL, one less')
        self.assertEqual(steps['state'], 'no entry has a say here')
        _, steps, _ = text(CONTOSO, 'baseline', '192.0.2.7', '203.0.113.2:22', 'tcp')
        self.assertEqual(steps['destination'], "203.0.113.2: a gateway's own address")
        self.assertEqual(steps['leaves'], 'as the kernel sees fit: it gets the packet untouched')


class Usage(unittest.TestCase):
    def refused(self, words, message, plan=CONTOSO):
        with self.subTest(words):
            code, out, err = explain.run(plan, *words)
            self.assertEqual((code, out), (2, ''))
            self.assertIn(message, err)

    def flow(self, src='192.0.2.7', dst='203.0.113.100:443', proto='tcp'):
        return ['--src', src, '--dst', dst, '--proto', proto]

    def test_addresses(self):
        for src, message in (('192.0.2', 'is no IPv4 or IPv6 address'),
                             ('192.0.2.7:', 'has a port that is not 1 to 65535'),
                             ('192.0.2.7:0', 'has a port that is not 1 to 65535'),
                             ('192.0.2.7:+1', 'has a port that is not 1 to 65535'),
                             ('192.0.2.7:65536', 'has a port that is not 1 to 65535'),
                             ('192.0.2.7:4294967297', 'has a port that is not 1 to 65535'),
                             ('192.0.2.7:1x', 'has a port that is not 1 to 65535'),
                             ('[192.0.2.7]:1', 'has brackets, which are for IPv6'),
                             ('[2001:db8::1', 'is not [ADDRESS] or [ADDRESS]:PORT'),
                             ('[2001:db8::1]5', 'is not [ADDRESS] or [ADDRESS]:PORT'),
                             ('2001:db8::1::2', 'is no IPv4 or IPv6 address'),
                             ('[' + '1:' * 200 + ']', 'is no IPv4 or IPv6 address'),
                             ('::ffff:192.0.2.7', 'write it as IPv4'),
                             ('2001:db8::1', 'of different address families'),
                             ('', 'is no IPv4 or IPv6 address')):
            self.refused(self.flow(src=src), message)
        self.refused(self.flow(dst='203.0.113.100'), "--dst: '203.0.113.100' has no port")
        self.refused(self.flow(dst='[2001:db8::1]', src='2001:db8::2'), 'has no port')

    def test_words(self):
        self.refused(['--dst', '203.0.113.100:443', '--proto', 'tcp'], "'explain' needs --src")
        self.refused(['--src', '192.0.2.7', '--proto', 'tcp'], "'explain' needs --dst")
        self.refused(self.flow()[:4], 'needs --proto tcp or --proto udp')
        self.refused(self.flow(proto='sctp'), 'needs --proto tcp or --proto udp')
        self.refused([*self.flow(), '--stage', 'canry'], "did you mean 'canary'?")
        self.refused([*self.flow(), '--down', 'e11'], "no edge 'e11'; did you mean 'e1'?")
        self.refused([*self.flow(), '--call-id', 'x'], 'this flow is not SIP over UDP')
        for call_id in ('', 'a b', 'x' * 256, 'a\r\nCall-ID:b'):
            self.refused([*self.flow(), '--call-id', call_id], '1 to 255 characters, no blanks')
        self.refused(self.flow(), 'No such file or directory', '/nonexistent')

    def test_a_bad_plan_is_not_a_drop(self):
        bad = sorted((explain.ROOT / 'tests' / 'control' / 'bad').glob('*.yaml'))[0]
        self.refused(self.flow(), 'error: ', str(bad))

    def test_defaults_and_forms(self):
        code, out, _ = explain.run(CONTOSO, *self.flow())
        self.assertEqual(code, 0)
        self.assertIn('stage baseline (1 of 9)', out)
        _, document = answer(CONTOSO, 'baseline', '192.0.2.7:1', '203.0.113.100:443', 'tcp')
        self.assertEqual((document['flow']['source']['port'],
                          document['flow']['source_port_chosen']), (1, False))
        for src in ('2001:db8:100::7', '[2001:db8:100::7]'):
            _, document = answer(TOUR, 'before', src, '[2001:db8::100]:5060', 'tcp')
            self.assertEqual((document['flow']['source']['port'],
                              document['flow']['source_port_chosen']), (49152, True))
        longest = 'x' * 255
        _, document = answer(TOUR, 'before', '[2001:db8:1111:2222:3333:4444:5555:6666]:65535',
                             '[2001:db8::100]:5060', 'udp', '--call-id', longest)
        self.assertEqual(document['flow']['class'], 'sip')
        self.assertEqual(document['records'][0]['kind'], 'dialog')

    def test_the_last_word_on_an_edge_counts(self):
        _, document = answer(CONTOSO, 'baseline', *TCP_CLIENT, '--retire', 'e1', '--down', 'e2',
                             '--drain', 'e1')
        self.assertEqual(document['edge_states'],
                         {'e1': 'draining', 'e2': 'down', 'n1': 'up', 'n2': 'up'})


if __name__ == '__main__':
    unittest.main()
