# SPDX-License-Identifier: BSD-3-Clause
"""The health checks against real servers, and against servers that do what servers should not.

In a network namespace of its own, so that every address and port is free.
"""
import re
import sys
import threading
import time
import unittest

import namespace
import servers
import site_plan as sites
import support
from site_plan import E1, N1, service

support.Case.program = sys.argv.pop(1)


def drip(pause):
    """An answer a byte at a time."""
    def talk(s, _):
        for byte in servers.sip_reply(servers.read_request(s)):
            s.sendall(bytes([byte]))
            threading.Event().wait(pause)
        servers.wait_for_end(s)
    return talk


def in_pieces(s, _):
    reply = servers.sip_reply(servers.read_request(s))
    for piece in (b'\r\n\r\n', reply[:11], reply[11:90], reply[90:]):
        s.sendall(piece)
        threading.Event().wait(0.01)
    servers.wait_for_end(s)


def endless(s, _):
    request = servers.read_request(s)
    s.sendall(servers.sip_reply(request)[:-2])
    while True:
        s.sendall(b'X-More: ' + b'x' * 1000 + b'\r\n')


def says(data):
    def talk(s, _):
        s.sendall(data)
        servers.wait_for_end(s)
    return talk


def compact(s, _):
    have = servers.headers(servers.read_request(s))
    s.sendall(f'SIP/2.0 405 No\r\nv: {have["via"]}\r\ni :\t{have["call-id"]} \r\n'
              f'CSEQ: {have["cseq"].replace(" ", "   ")}\r\nl: 0\r\n\r\n'.encode())
    servers.wait_for_end(s)


def other_cseq(data, _):
    number, method = servers.headers(data)['cseq'].split()
    return [servers.sip_reply(data, cseq=f'{int(number) + 1} {method}')]


def invite(data, _):
    return [servers.sip_reply(data, cseq=servers.headers(data)['cseq'].replace('OPTIONS', 'INVITE'))]


def noise_first(data, _):
    return [b'', b'\0' * 1400, b'SIP/2.0', servers.sip_reply(data, call_id='else'),
            servers.sip_reply(data)]


def stun(kind, *attributes, identity=None):
    def answer(data, peer):
        have = [a(peer) if callable(a) else a for a in attributes]
        return [servers.stun_reply(data, kind, *have, identity=identity)]
    return answer


def plain_mapped(peer):
    return servers.mapped(peer, xor=False)


# name: (kind, protocol, what answers, the verdict, its message)
UDP_CASES = {
    'ok': ('sip', servers.sip_udp(), 'up', r'answered 200$'),
    'trying': ('sip', servers.sip_udp(status='100 Trying'), 'up', r'answered 100$'),
    'not-found': ('sip', servers.sip_udp(status='404 Nobody'), 'up', r'answered 404$'),
    'busy': ('sip', servers.sip_udp(status='503 Busy'), 'down', r'answered 503$'),
    'call-id': ('sip', servers.sip_udp(call_id='else'), 'down', r'but 1 datagrams'),
    'cseq': ('sip', other_cseq, 'down', r'but 1 datagrams that are none$'),
    'method': ('sip', invite, 'down', r'but 1 datagrams'),
    'status': ('sip', servers.sip_udp(status='2000 OK'), 'down', r'but 1 datagrams'),
    'echo': ('sip', lambda data, _: [data], 'down', r'but 1 datagrams'),
    'silent': ('sip', lambda *_: [], 'down', r'no answer within 300 ms$'),
    'noise': ('sip', noise_first, 'up', r'answered 200$'),
    'long': ('sip', servers.sip_udp(extra=['Allow: ' + 'x' * 900] * 8), 'up', r'answered 200$'),
    'binding': ('turn', stun(0x101, servers.mapped), 'up', r'answered$'),
    'classic': ('turn', stun(0x101, servers.attribute(0x8022, b'old'), plain_mapped), 'up',
                r'answered$'),
    'denied': ('turn', stun(0x111, servers.stun_error(401)), 'up', r'with the error 401$'),
    'broken': ('turn', stun(0x111, servers.stun_error(500)), 'down', r'answered 500$'),
    'no-code': ('turn', stun(0x111), 'down', r'but 1 datagrams'),
    'unmapped': ('turn', stun(0x101, servers.attribute(0x8022, b'old')), 'down', r'1 datagrams'),
    'other-id': ('turn', stun(0x101, servers.mapped, identity=servers.COOKIE + b'x' * 12), 'down',
                 r'but 1 datagrams'),
    'not-stun': ('turn', lambda *_: [b'\1\1' + b'\xff' * 500], 'down', r'but 1 datagrams'),
}
TCP_CASES = {
    'ok': ('sip', servers.sip_stream(), 'up', r'answered 200$'),
    'pieces': ('sip', in_pieces, 'up', r'answered 200$'),
    'compact': ('sip', compact, 'up', r'answered 405$'),
    'busy': ('sip', servers.sip_stream(status='503 Busy'), 'down', r'answered 503$'),
    'call-id': ('sip', servers.sip_stream(call_id='else'), 'down', r'but not the question$'),
    'silent': ('sip', lambda s, _: servers.wait_for_end(s), 'down', r'no answer within 300 ms$'),
    'slow': ('sip', drip(0.01), 'down', r'no answer within 300 ms$'),
    'garbage': ('sip', says(b'\xff' * 64), 'down', r'but not the question$'),
    'http': ('sip', says(b'HTTP/1.1 400 No\r\n\r\n'), 'down', r'but not the question$'),
    'request': ('sip', says(b'OPTIONS sip:a SIP/2.0\r\n\r\n'), 'down', r'not the question$'),
    'endless': ('sip', endless, 'down', r'answer without end'),
    'blank': ('sip', says(b'\r\n' * 9000), 'down', r'answer without end'),
    'close': ('sip', lambda s, _: s.close(), 'down', r'closed by the peer|reset by peer$'),
    'connect': ('turn', lambda s, _: servers.wait_for_end(s), 'up', r'connected$'),
    'tls-silent': ('psom', lambda s, _: servers.wait_for_end(s), 'down', r'no answer within'),
    'tls-garbage': ('psom', says(b'SIP/2.0 200 OK\r\n\r\n'), 'down', r'wrong version number$'),
    'tls-close': ('psom', lambda s, _: s.close(), 'down', r'unexpected eof|closed|reset'),
}


class Verdicts(support.Case):
    """Every case at once, on both edges."""

    def check(self, protocol, cases, start):
        wanted = {}
        for i, (name, (kind, talk, *_)) in enumerate(cases.items()):
            start(3000 + i, talk)
            wanted[name] = service(kind, protocol, 3000 + i)
        watch = self.watch(sites.plan(wanted))
        for edge, address in ('e1', E1), ('n1', N1):
            for i, (name, (_, _, state, message)) in enumerate(cases.items()):
                with self.subTest(name, edge=edge):
                    watch.wait_change(edge, name, state)
                    got = watch.states()[edge, name]
                    self.assertEqual(got[0], state)
                    self.assertRegex(got[1], '^' + re.escape(f'{address}:{3000 + i}: '))
                    self.assertRegex(got[1], message)
        self.assertEqual(len(watch.changes), 2 * len(cases), 'told more than once')

    def test_udp(self):
        self.check('udp', UDP_CASES, self.udp)

    def test_tcp(self):
        self.check('tcp', TCP_CASES, self.tcp)

    def test_refused(self):
        watch = self.watch(sites.plan({'udp': service('sip', 'udp', 4000),
                                       'tcp': service('xmpp', 'tcp', 4000),
                                       'tls': service('psom', 'tcp', 4001)}))
        for name in 'udp', 'tcp', 'tls':
            change = watch.wait_change('e1', name, 'down')
            self.assertRegex(watch.states()['e1', name][1], r': Connection refused$', change)
        edge = watch.ask('edges')['e1']
        self.assertEqual(edge['state'], 'down')
        for name in 'udp', 'tcp', 'tls':
            self.assertIn(f'{name}: {E1}:400', edge['message'])

    def test_nothing_is_checked(self):
        watch = self.watch(sites.plan({'media': service('media', 'udp', '5000-5999', 'none')}))
        self.assertEqual(watch.ask('edges')['e1'],
                         {'state': 'unknown', 'message': 'nothing of it is checked'})
        self.assertEqual(watch.ask('checks'), [])


class Changes(support.Case):
    def test_alternating_changes_nothing(self):
        turn = {E1: 0, N1: 0}

        def answer(data, _):
            to = re.search(r'sip:([\d.]+):', data.decode())[1]
            turn[to] += 1
            return [servers.sip_reply(data, '200 OK' if turn[to] % 2 else '503 Busy')]
        server = self.udp(4100, answer)
        times = 'interval: 100ms, rise: 2, fall: 6'  # one lost on a busy machine changes nothing
        watch = self.watch(sites.plan({'sip': service('sip', 'udp', 4100, times)}))
        for _ in range(30):
            self.assertTrue(server.answered.acquire(timeout=sites.PATIENCE))
        self.assertEqual(watch.states()['e1', 'sip'][0], 'unknown')
        self.assertEqual(watch.changes, [])

    def test_each_change_is_told_once(self):
        status = ['200 OK']
        self.udp(4101, lambda data, _: [servers.sip_reply(data, status[0])])
        watch = self.watch(sites.plan({'sip': service(
            'sip', 'udp', 4101, 'interval: 120ms, rise: 2, fall: 3')}))
        for state in 'up', 'down', 'up', 'down':
            status[0] = '200 OK' if state == 'up' else '503 Busy'
            for edge in 'e1', 'n1':
                watch.wait_change(edge, 'sip', state)
        self.assertEqual(watch.of('e1', 'sip'), ['up', 'down', 'up', 'down'])
        self.assertEqual(watch.of('n1', 'sip'), ['up', 'down', 'up', 'down'])

    def test_counts(self):
        """So many bad ones in a row, no fewer: the server sees how many it took."""
        status, asked = ['200 OK'], []

        def answer(data, peer):
            if 'sip:' + E1 in data.decode():
                asked.append(status[0])
            return [servers.sip_reply(data, status[0])]
        self.udp(4102, answer)
        watch = self.watch(sites.plan({'sip': service(
            'sip', 'udp', 4102, 'interval: 250ms, rise: 3, fall: 4')}))
        watch.wait_change('e1', 'sip', 'up')
        self.assertEqual(asked, ['200 OK'] * 3)
        status[0] = '503 Busy'
        watch.wait_change('e1', 'sip', 'down')
        self.assertEqual(asked.count('503 Busy'), 4)


class Question(support.Case):
    def test_options_over_each_transport(self):
        seen = {}

        def keep(name, request, peer):
            seen.setdefault(name, []).append((request.decode(), peer))

        def udp(data, peer):
            keep('udp', data, peer)
            return [servers.sip_reply(data)]

        def tcp(s, peer):
            request = servers.read_request(s)
            keep('tcp', request, (peer[0].removeprefix('::ffff:'), peer[1]))
            s.sendall(servers.sip_reply(request))
            servers.wait_for_end(s)
        self.udp(4200, udp)
        self.tcp(4201, tcp)
        watch = self.watch(sites.plan({'udp': service('sip', 'udp', 4200),
                                       'tcp': service('sip', 'tcp', 4201)}),
                           '--source', sites.SOURCE)
        for name in 'udp', 'tcp':
            watch.wait_change('e1', name, 'up')
            for request, peer in seen[name]:
                self.judge(request, peer, name)
        ids = [servers.headers(r.encode())['call-id'] for r, _ in seen['udp']]
        self.assertEqual(len(set(ids)), len(ids))

    def judge(self, request, peer, name):
        own = f'{peer[0]}:{peer[1]}'
        self.assertEqual(peer[0], sites.SOURCE)
        first = request.split('\r\n')[0]
        self.assertRegex(first, r'^OPTIONS sip:10\.9\.0\.[12]:420\d(;transport=tcp)? SIP/2\.0$')
        self.assertEqual(name == 'tcp', 'transport=tcp' in first)
        have = servers.headers(request.encode())
        self.assertRegex(have['via'], rf'^SIP/2\.0/{name.upper()} {re.escape(own)};'
                                      r'branch=z9hG4bK[0-9a-f]{16};rport$')
        self.assertEqual(have['max-forwards'], '70')
        self.assertRegex(have['from'], rf'^<sip:turnout@{sites.SOURCE}>;tag=[0-9a-f]{{8}}$')
        self.assertRegex(have['to'], r'^<sip:10\.9\.0\.[12]:420\d(;transport=tcp)?>$')
        self.assertRegex(have['cseq'], r'^\d{1,10} OPTIONS$')
        self.assertLess(int(have['cseq'].split()[0]), 2 ** 31)
        self.assertRegex(have['contact'], rf'^<sip:turnout@{re.escape(own)}(;transport=tcp)?>$')
        self.assertEqual(have['content-length'], '0')
        self.assertTrue(request.endswith('\r\n\r\n'))

    def test_both_families(self):
        """The service is up when both addresses are."""
        self.udp(4210, servers.sip_udp(), [E1, sites.N1_V6])
        v6 = self.udp(4210, servers.sip_udp(), [sites.E1_V6])
        edges = {'e1': f'{{all: [{E1}, "{sites.E1_V6}"]}}',
                 'n1': f'{{all: [{N1}, "{sites.N1_V6}"]}}'}
        text = sites.plan({'sip': service('sip', 'udp', 4210, vip='[10.9.7.1, "fd09::7"]')}, edges)
        watch = self.watch(text, '--source', sites.SOURCE_V6)
        watch.wait_change('e1', 'sip', 'up')
        request, peer, _ = v6.seen[0]
        self.assertEqual(peer[0], sites.SOURCE_V6)
        self.assertIn(f'Via: SIP/2.0/UDP [{sites.SOURCE_V6}]:{peer[1]};', request.decode())
        self.assertIn(f'From: <sip:turnout@[{sites.SOURCE_V6}]>;', request.decode())
        watch.wait_change('n1', 'sip', 'down')
        self.assertRegex(watch.states()['n1', 'sip'][1], rf'^{N1}:4210: Connection refused')

    def test_a_source_that_is_not_ours_says_nothing_about_edges(self):
        self.udp(4220, servers.sip_udp())
        watch = self.watch(sites.plan({'sip': service('sip', 'udp', 4220, 'fall: 1')}),
                           '--source', '192.0.2.77')
        state, _ = watch.wait_message('e1', 'sip', 'not asked: the source address: Cannot assign')
        self.assertEqual(state, 'unknown')
        self.assertEqual(watch.changes, [])


class Pace(support.Case):
    def test_spread_and_jitter(self):
        all_of = [self.udp(4300 + i, servers.sip_udp(), [E1]) for i in range(30)]
        begun = time.time()
        watch = self.watch(sites.plan({f's{i}': service(
            'sip', 'udp', 4300 + i, 'interval: 500ms, rise: 3') for i in range(30)}))
        for i in range(30):
            watch.wait_change('e1', f's{i}', 'up')
        times = [[at for _, _, at in server.seen] for server in all_of]
        first = [t[0] - begun for t in times]
        self.assertGreater(max(first) - min(first), 0.15)
        gaps = [b - a for t in times for a, b in zip(t, t[1:])]
        self.assertGreater(min(gaps), 0.4)
        self.assertLess(min(gaps), 0.49)
        self.assertGreater(max(gaps) - min(gaps), 0.02)

    def test_sockets_are_bounded(self):
        """Thirty checks of servers that never answer, two sockets: all have their turn."""
        most = [0]
        watch = None

        def talk(s, _):
            most[0] = max(most[0], namespace.sockets_of(watch.process.pid))
            servers.wait_for_end(s)
        for i in range(15):
            self.tcp(4400 + i, talk)
        watch = self.watch(sites.plan({f's{i}': service(
            'sip', 'tcp', 4400 + i, 'interval: 120ms, fall: 1') for i in range(15)}),
            '--sockets', '2')
        for i in range(15):
            for edge in 'e1', 'n1':
                watch.wait_change(edge, f's{i}', 'down')
        self.assertIn(most[0], (1, 2))


class Reload(support.Case):
    def services(self, **more):
        return {'a': service('sip', 'udp', 4500), 'b': service('sip', 'udp', 4501), **more}

    def setUp(self):
        self.status = {p: '200 OK' for p in (4500, 4501, 4502)}
        for port in self.status:
            self.udp(port, lambda data, _, p=port: [servers.sip_reply(data, self.status[p])])

    def test_what_did_not_change_is_kept(self):
        watch = self.watch(sites.plan(self.services()))
        for name in 'a', 'b':
            for edge in 'e1', 'n1':
                watch.wait_change(edge, name, 'up')
        told = len(watch.changes)
        # other numbers, other times; `b` asks elsewhere, `c` is new
        services = {'c': service('sip', 'udp', 4501), 'b': service('sip', 'udp', 4502),
                    'a': service('sip', 'udp', 4500, 'interval: 30s, timeout: 1s, fall: 1')}
        self.assertTrue(watch.take_plan(sites.plan(services, salt='other')))
        states = watch.states()
        self.assertEqual({k: v[0] for k, v in states.items()},
                         {('e1', 'a'): 'up', ('n1', 'a'): 'up', ('e1', 'b'): 'unknown',
                          ('n1', 'b'): 'unknown', ('e1', 'c'): 'unknown', ('n1', 'c'): 'unknown'})
        watch.wait_change('e1', 'c', 'up')
        watch.wait_message('e1', 'b', 'answered 200')
        self.assertEqual([c for c in watch.changes[told:] if c['service'] != 'c'], [],
                         'what was up, and is again, is no change')
        self.assertTrue(watch.take_plan(sites.plan({'c': service('sip', 'udp', 4501, 'none')})))
        self.assertEqual(watch.states(), {})

    def test_a_long_interval_does_not_hold_up_a_short_one(self):
        watch = self.watch(sites.plan({'a': service('sip', 'udp', 4500, 'interval: 1h, rise: 1')}))
        self.assertTrue(watch.take_plan(sites.plan({'a': service('sip', 'udp', 4500)})))
        watch.wait_change('e1', 'a', 'up')

    def test_a_verdict_that_another_plan_changes_is_told(self):
        self.status[4501] = '503 Busy'
        edges = {'e1': f'{{all: {E1}, bad: 10.9.0.3}}', 'n1': f'{{all: {N1}, bad: 10.9.0.4}}'}
        watch = self.watch(sites.plan({'a': service('sip', 'udp', 4500, address='bad')}, edges))
        watch.wait_change('e1', 'a', 'down')
        self.assertTrue(watch.take_plan(sites.plan({'a': service('sip', 'udp', 4500)}, edges)))
        watch.wait_change('e1', 'a', 'up')
        self.assertEqual(watch.of('e1', 'a'), ['down', 'up'])

    def test_what_is_left_may_be_up(self):
        """One of two addresses is asked no more, the other one not again for long."""
        edges = {'e1': f'{{all: [{E1}, "{sites.E1_V6}"]}}',
                 'n1': f'{{all: [{N1}, "{sites.N1_V6}"]}}'}

        def text(vip, check):
            return sites.plan({'a': service('sip', 'udp', 4510, check, vip)}, edges)
        server = self.udp(4510, servers.sip_udp(), [E1])
        watch = self.watch(text('[10.9.7.1, "fd09::7"]', sites.TIMES))
        watch.wait_change('e1', 'a', 'down')
        for _ in range(2):
            self.assertTrue(server.answered.acquire(timeout=sites.PATIENCE))
        watch.states()  # the second answer lay there before this question: up, and idle
        self.assertTrue(watch.take_plan(text('10.9.7.1', 'interval: 1h')))
        watch.wait_change('e1', 'a', 'up')

    def test_a_bad_plan_changes_nothing(self):
        watch = self.watch(sites.plan(self.services()))
        watch.wait_change('e1', 'a', 'up')
        self.assertFalse(watch.take_plan('turnout: 2\n'))
        self.assertEqual(watch.states()['e1', 'a'][0], 'up')


if __name__ == '__main__':
    namespace.enter()
    unittest.main()
