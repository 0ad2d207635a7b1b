# SPDX-License-Identifier: BSD-3-Clause
"""Whether a probe of an l2 or ipip edge goes where its packets go: to the VIP on its loopback."""
import subprocess
import sys
import unittest
from pathlib import Path

import namespace
import site_plan as sites
import support
from namespace import ip

support.Case.program = sys.argv.pop(1)
GATEWAY, VIP, VIP_V6, PORT = '10.8.0.250', '10.9.7.1', 'fd09::7', '8443'
FAMILIES = ('10.8.0', 24), ('fd08:', 64)


class Edge:
    """A namespace behind a link of its own, with a server that listens at every address."""

    def __init__(self, test, name, number):
        self.test, self.name, self.number = test, name, number
        self.process = self.start('unshare', '--net', 'sh', '-c', 'echo ready; exec sleep 600')
        self.pid = str(self.process.pid)
        ip('link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', self.pid)
        ip('link', 'set', name, 'up')
        self.ip('link', 'set', 'lo', 'up')
        self.ip('link', 'set', 'eth0', 'up')
        for net, length in FAMILIES:
            own, gateway = self.address(net, number), self.address(net, 250)
            no_dad = [] if '.' in net else ['nodad']
            self.ip('addr', 'add', f'{own}/{length}', 'dev', 'eth0', *no_dad)
            ip('addr', 'add', f'{gateway}/{length}', 'dev', name, *no_dad)

    def start(self, *command):
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   text=True)
        self.test.addCleanup(self.end, process)
        assert process.stdout.readline()
        return process

    def end(self, process):
        process.kill()
        process.communicate()

    def inside(self, *command):
        return ['nsenter', '--net', '--target', self.pid, *command]

    def ip(self, *args):
        subprocess.run(self.inside('ip', *args), check=True, timeout=30)

    @staticmethod
    def address(net, number):
        return f'{net}.{number}' if '.' in net else f'{net}:{number}'

    def serve(self):
        code = ('import socket; s = socket.create_server(("::", %s), family=socket.AF_INET6, '
                'dualstack_ipv6=True); print("ready", flush=True)\n'
                'while True: s.accept()[0].close()' % PORT)
        self.start(*self.inside(sys.executable, '-c', code))

    def vips(self, what):
        self.ip('addr', what, VIP + '/32', 'dev', 'lo')
        self.ip('addr', what, VIP_V6 + '/128', 'dev', 'lo', *(['nodad'] * (what == 'add')))


class Paths(support.Case):
    def edge(self, name, number):
        edge = Edge(self, name, number)
        self.addCleanup(ip, 'link', 'del', name)
        edge.serve()
        return edge

    def route_by_mark(self, mark, *routes):
        for route in routes:
            family = ['-6'] if ':' in route[0] else []
            ip(*family, 'rule', 'add', 'fwmark', mark, 'lookup', mark)
            self.addCleanup(ip, *family, 'rule', 'del', 'fwmark', mark, 'lookup', mark)
            ip(*family, 'route', 'add', *route, 'table', mark)

    def plan(self, mode, old, new, vip, check=sites.TIMES):
        services = {'web': sites.service('other', 'tcp', PORT, check, vip)}
        edges = {'e1': f'{{all: {old}}}', 'n1': f'{{all: {new}, mode: {mode}}}'}
        return sites.plan(services, edges).replace(f'gateways: [{sites.SOURCE}]',
                                                   f'gateways: [{GATEWAY}, "fd08::250"]')

    def l2(self, mark='', check=sites.TIMES):
        return self.plan('l2' + mark, '[10.8.0.9, "fd08::9"]', '[10.8.0.1, "fd08::1"]',
                         f'[{VIP}, "{VIP_V6}"]', check)

    def routed(self):
        edge = self.edge('d1', 1)
        edge.vips('add')
        self.route_by_mark('41', (VIP, 'via', '10.8.0.1', 'dev', 'd1', 'src', GATEWAY),
                           (VIP_V6, 'via', 'fd08::1', 'dev', 'd1', 'src', 'fd08::250'))
        return edge

    def test_l2_by_mark(self):
        edge = self.routed()
        watch = self.watch(self.l2(', check_mark: 41'))
        watch.wait_change('n1', 'web', 'up')
        self.assertRegex(watch.states()['n1', 'web'][1], f'^VIP {VIP}:8443 by mark 41: connected$')
        # its own address answers on
        edge.vips('del')
        watch.wait_change('n1', 'web', 'down')
        edge.vips('add')
        watch.wait_change('n1', 'web', 'up')
        edge.ip('addr', 'del', VIP_V6 + '/128', 'dev', 'lo')
        watch.wait_change('n1', 'web', 'down')
        self.assertIn(f'VIP [{VIP_V6}]:8443', watch.states()['n1', 'web'][1])

    def test_without_a_mark_it_is_said_what_was_asked(self):
        self.edge('d1', 1)  # and no VIP there at all
        watch = self.watch(self.l2())
        watch.wait_change('n1', 'web', 'up')
        self.assertEqual(watch.states()['n1', 'web'][1],
                         "10.8.0.1:8443 (the edge's own address, not the VIP): connected")

    def test_a_strict_reverse_path_filter_drops_the_answers(self):
        self.routed()
        Path('/proc/sys/net/ipv4/conf/d1/rp_filter').write_text('1', encoding='ascii')
        watch = self.watch(self.l2(', check_mark: 41'))
        watch.wait_change('n1', 'web', 'down')
        self.assertRegex(watch.states()['n1', 'web'][1], f'^VIP {VIP}:8443 .*: no answer within')
        Path('/proc/sys/net/ipv4/conf/d1/rp_filter').write_text('2', encoding='ascii')
        watch.wait_message('n1', 'web', 'by mark 41')
        ip('route', 'add', 'default', 'dev', 'd1')  # loose: some route back to the VIP
        watch.wait_change('n1', 'web', 'up')

    def test_ipip_by_mark(self):
        edge = self.edge('d2', 2)
        tunnel = str(Path(__file__).with_name('tunnel.py'))
        edge.vips('add')
        edge.start(*edge.inside(sys.executable, tunnel, 'out'))
        edge.ip('link', 'set', 'out', 'up')
        edge.start(sys.executable, tunnel, 'in', '10.8.0.2')
        ip('link', 'set', 'in', 'up')
        self.route_by_mark('42', (VIP, 'dev', 'in', 'src', GATEWAY))
        watch = self.watch(self.plan('ipip, check_mark: 42', '10.8.0.9', '10.8.0.2', VIP))
        watch.wait_change('n1', 'web', 'up')
        self.assertRegex(watch.states()['n1', 'web'][1], f'^VIP {VIP}:8443 by mark 42: connected$')
        edge.vips('del')
        watch.wait_change('n1', 'web', 'down')

    def test_a_mark_needs_a_capability(self):
        self.routed()
        watch = self.watch(self.l2(', check_mark: 41', 'fall: 1'),
                           prefix=['setpriv', '--bounding-set=-net_admin,-net_raw'])
        state, _ = watch.wait_message(
            'n1', 'web', r'not asked: SO_MARK, which needs CAP_NET_ADMIN: Operation not permitted$')
        self.assertEqual(state, 'unknown')


if __name__ == '__main__':
    namespace.enter()
    unittest.main()
