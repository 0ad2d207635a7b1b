# SPDX-License-Identifier: BSD-3-Clause
"""Random flows: what `turnout explain` says is what the reference model decides, which has read
the contract only. The model is given frames of this file's making."""
import ipaddress
import pathlib
import random
import sys
import tempfile
import unittest

import explain

sys.path.insert(0, str(explain.ROOT / 'tests'))

from fixtures import base  # noqa: E402
from model import events, hashes, plan  # noqa: E402
from model.decide import Engine  # noqa: E402

FLOWS = 200
OPTIONS = {'down': 'down', 'drain': 'drain', 'retire': 'retire'}
CALL_ID = b'agreement-%d@example.com'


class Flow:
    """A client's flow to a service of the plan, drawn at random."""

    def __init__(self, rng, path, document):
        self.path, self.document = path, document
        self.stage = rng.choice(document.stages).name
        self.service = rng.choice(document.services)
        self.vip = rng.choice(self.service.vips)
        self.client = self.draw_client(rng)
        self.port = rng.randint(1, 65535)
        self.dport = rng.randint(self.service.low, self.service.high)
        self.call_id = CALL_ID % rng.randint(0, 10**6)
        self.states = [(rng.choice(list(OPTIONS)), edge.name) for edge in document.edges
                       if rng.random() < 0.25]

    def draw_client(self, rng):
        """Half of them of a partner, where one has addresses of the family."""
        family = self.vip.version
        networks = [network for stage in self.document.stages
                    for lines in stage.routes.values() for network, _ in lines
                    if network.version == family and network.prefixlen]
        if networks and rng.random() < 0.5:
            network = rng.choice(networks)
            return network[rng.randrange(network.num_addresses)]
        if family == 4:
            return ipaddress.ip_address(rng.randint(0x0B000000, 0x7E000000))
        return ipaddress.ip_address((0x2A00 << 112) + rng.getrandbits(112))

    def first(self):
        ends = (str(self.client), self.port, str(self.vip), self.dport)
        if self.service.protocol == 'tcp':
            return base.tcp(*ends, 'S')
        if self.service.kind == 'sip':
            return base.udp(*ends, base.sip_request(b'INVITE', self.call_id, b'z9hG4bKx'))
        if self.service.kind in ('turn', 'media'):
            return base.udp(*ends, base.stun(3 if self.service.kind == 'turn' else 1))
        return base.udp(*ends)

    def midflow(self):
        """A packet that cannot begin a flow, where the contract knows one."""
        ends = (str(self.client), self.port, str(self.vip), self.dport)
        if self.service.protocol == 'tcp':
            return base.tcp(*ends, 'A')
        return base.udp(*ends, bytes.fromhex('40000000')) if self.service.kind == 'turn' else None

    def decide(self, frame, stage):
        for edge in self.document.edges:
            edge.state = 'up'
        engine = Engine(self.document, stage)  # a new one remembers nothing
        for verb, edge in self.states:
            events.apply(engine, f'{verb}:{edge}', 0)
        return engine.decide(bytes(frame), 1)

    def ask(self):
        sip = ['--call-id', self.call_id.decode()] if self.service.sip_udp() else []
        states = [word for verb, edge in self.states for word in (f'--{OPTIONS[verb]}', edge)]
        return explain.answer(self.path, self.stage, f'{bracket(self.client)}:{self.port}',
                              f'{bracket(self.vip)}:{self.dport}', self.service.protocol,
                              *sip, *states)

    def key(self):
        client = hashes.client_of(self.client)
        if self.service.balance == 'client':
            return client
        if self.service.sip_udp():
            return hashes.string_hash(self.document.salt, self.call_id)
        return hashes.flowkey_of_ports(client, self.port, self.dport)

    def __str__(self):
        return f'{self.path} {self.stage} {self.service.name} {self.client} {self.port} ' \
            f'{self.dport} {self.states}'


def bracket(address):
    return f'[{address}]' if address.version == 6 else str(address)


def names(found):
    edge = found.edge
    return (found.verdict, found.reason, found.service.name if found.service else None,
            edge.pool.name if edge else None, edge.name if edge else None)


def said(document):
    return tuple(document[key] for key in ('verdict', 'reason', 'service', 'pool', 'edge'))


def by_flow(directory):
    """The example, but that federation spreads a partner's connections, and falls back."""
    path = pathlib.Path(directory) / 'by-flow.yaml'
    text = pathlib.Path(explain.CONTOSO).read_text(encoding='utf-8')
    changed = text.replace('edge_initiated: own\n', 'balance: flow\n    fallback: other\n')
    assert changed != text
    path.write_text(changed, encoding='utf-8')
    return str(path)


class Agreement(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        rng = random.Random('turnout explain')
        cls.directory = tempfile.TemporaryDirectory()
        documents = [(path, plan.load(path))
                     for path in (explain.CONTOSO, explain.TOUR, by_flow(cls.directory.name))]
        cls.flows = [Flow(rng, *rng.choice(documents)) for _ in range(FLOWS)]
        cls.asked = [flow.ask() for flow in cls.flows]

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def each(self, check):
        for flow, (code, document) in zip(self.flows, self.asked):
            with self.subTest(str(flow)):
                check(flow, code, document)

    def test_verdict(self):
        def check(flow, code, document):
            found = flow.decide(flow.first(), flow.stage)
            self.assertEqual(said(document), names(found))
            self.assertEqual(document['flow']['class'], found.klass)
            self.assertEqual(code, 1 if found.verdict == 'drop' else 0)
        self.each(check)

    def test_every_other_stage(self):
        def check(flow, _, document):
            self.assertEqual([(s['stage'], said(s)) for s in document['stages']],
                             [(s.name, names(flow.decide(flow.first(), s.name)))
                              for s in flow.document.stages])
        self.each(check)

    def test_midflow(self):
        def check(flow, _, document):
            frame = flow.midflow()
            if frame is None:
                self.assertIsNone(document['midflow'])
            else:
                self.assertEqual(said(document['midflow']),
                                 names(flow.decide(frame, flow.stage)))
        self.each(check)

    def test_route(self):
        def check(flow, _, document):
            p, route = flow.document, document['route']
            share = p.stage_by_name[flow.stage].share(flow.service, flow.client)
            bucket = hashes.bucket(p.salt, hashes.client_of(flow.client))
            self.assertEqual((route['bucket'], route['share'], route['role'], route['below']),
                             (bucket, share, 'new' if bucket < share else 'legacy',
                              bucket < share))
            if route['prefix']:
                self.assertIn(flow.client, ipaddress.ip_network(route['prefix']))
        self.each(check)

    def test_scores(self):
        def check(flow, _, document):
            key = flow.key()
            for choice in document['choices']:
                self.assertEqual({e['edge']: int(e['score'], 16) for e in choice['edges']},
                                 {e.name: hashes.score(key, e.seed)
                                  for e in flow.service.edges() if e.pool.name == choice['pool']})
                eligible = [e['edge'] for e in choice['edges'] if e['eligible']]
                self.assertEqual(choice['edge'], eligible[0] if eligible else None)
        self.each(check)

    def test_the_steps_lead_to_the_verdict(self):
        def check(_, __, document):
            step = {'route': 0, 'fallback': 1}.get(document['reason'])
            choices = document['choices']
            if step is None:
                self.assertEqual([c['edge'] for c in choices], [None] * len(choices))
            else:
                self.assertEqual(len(choices), step + 1)
                self.assertEqual((choices[step]['pool'], choices[step]['edge']),
                                 (document['pool'], document['edge']))
                self.assertEqual(choices[0]['pool'], document['route']['pool'])
        self.each(check)

    def test_at_the_share_itself(self):
        salt = plan.load(explain.CONTOSO).salt
        for bucket, pool in ((999, 'new'), (1000, 'legacy')):
            client = next(address for address in map(ipaddress.ip_address, range(1 << 24, 1 << 25))
                          if hashes.bucket(salt, hashes.client_of(address)) == bucket)
            _, document = explain.answer(explain.CONTOSO, 'access-10', str(client),
                                         '203.0.113.100:443', 'tcp')
            self.assertEqual((document['route']['bucket'], document['route']['share']),
                             (bucket, 1000))
            self.assertEqual((document['pool'], document['route']['pool'],
                              document['choices'][0]['pool']), (pool, pool, pool))

    def test_the_draw_is_of_some_worth(self):
        self.assertEqual(len(self.asked), FLOWS)
        self.assertEqual({d['reason'] for _, d in self.asked}, {'route', 'fallback', 'no-edge'})
        self.assertEqual({d['service'] for _, d in self.asked},
                         {s.name for f in self.flows for s in f.document.services})
        self.assertGreater(sum(d['route']['partner'] is not None for _, d in self.asked), 5)
        self.assertGreater(sum(any(s['moves'] for s in d['stages']) for _, d in self.asked), 10)
        self.assertEqual({f.client.version for f in self.flows}, {4, 6})


if __name__ == '__main__':
    unittest.main()
