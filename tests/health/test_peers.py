# SPDX-License-Identifier: BSD-3-Clause
"""The health checks against servers that others have written: openssl's, sipp, coturn."""
import calendar
import os
import sys
import tempfile
import time
import unittest
from pathlib import Path

import certificates
import namespace
import servers
import support
from site_plan import E1, N1, PATIENCE, plan, service

support.Case.program = sys.argv.pop(1)
NAMES = 'names: {all: sip-old.example},'
ANSWER = '''<?xml version="1.0" encoding="ISO-8859-1"?>
<scenario name="options">
  <recv request="OPTIONS"/>
  <send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:];tag=[call_number]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
</scenario>
'''


def no_sip(s, _):
    servers.read_request(s)
    s.sendall(b'HTTP/1.1 400 No\r\n\r\n')
    servers.wait_for_end(s)


def openssl_time(text):
    return calendar.timegm(time.strptime(text, '%b %d %H:%M:%S %Y GMT'))


class Tls(support.Case):
    @classmethod
    def setUpClass(cls):
        cls.files = tempfile.TemporaryDirectory()
        cls.ca = certificates.Authority(cls.files.name)
        cls.good = cls.ca.issue('sip.example', 'DNS:sip.example,DNS:*.old.example,'
                                               'DNS:sip-old.example,IP:203.0.113.9')
        cls.other = cls.ca.issue('other', 'DNS:other.example', '-days', '-1')

    @classmethod
    def tearDownClass(cls):
        cls.files.cleanup()

    def s_server(self, port, certificate, *options):
        return self.run_server('openssl', 's_server', '-accept', str(port), '-cert',
                               certificate[0], '-key', certificate[1], '-quiet', *options)

    def certificates_of(self, watch, name):
        return [c for c in watch.ask('certificates') if c['service'] == name]

    def test_handshake_and_certificate(self):
        self.s_server(5000, self.good)
        self.s_server(5001, self.other)
        watch = self.watch(plan({'good': service('sip-tls', 'tcp', 5000),
                                 'other': service('psom', 'tcp', 5001)}, names=NAMES),
                           '--trust', self.ca.file)
        self.assertEqual(watch.ask('certificates'), [])
        for name in 'good', 'other':
            for edge in 'e1', 'n1':
                watch.wait_change(edge, name, 'up')
        self.assertRegex(watch.states()['e1', 'good'][1], r'handshake done, TLSv1\.3$')
        old, new = self.certificates_of(watch, 'good')
        self.assertEqual((old['address'], new['address']), (f'{E1}:5000', f'{N1}:5000'))
        self.assertEqual(old['sha256'], certificates.fingerprint(self.good[0]))
        self.assertEqual(new['sha256'], old['sha256'])
        self.assertEqual(old['subject'], 'CN=sip.example,O=Contoso')
        self.assertEqual(old['names'], 'DNS:sip.example, DNS:*.old.example, DNS:sip-old.example, '
                                       'IP:203.0.113.9')
        dates = certificates.openssl('x509', '-in', self.good[0], '-noout', '-dates').stdout
        self.assertEqual([old['not_before'], old['not_after']],
                         [openssl_time(line.split('=')[1]) for line in dates.splitlines()])
        # the pool of n1 has no name in the plan
        self.assertEqual((old['named'], new['named']), (True, False))
        self.assertEqual((old['trusted'], old['trouble']), (True, ''))
        other = self.certificates_of(watch, 'other')[0]
        self.assertEqual(other['sha256'], certificates.fingerprint(self.other[0]))
        self.assertFalse(other['named'])
        self.assertEqual((other['trusted'], other['trouble']),
                         (False, 'certificate has expired'))

    def test_a_new_certificate_is_seen(self):
        server = self.s_server(5010, self.other)
        watch = self.watch(plan({'tls': service('psom', 'tcp', 5010)}))
        watch.wait_change('e1', 'tls', 'up')
        self.assertEqual(self.certificates_of(watch, 'tls')[0]['trouble'],
                         'no CA to verify it against')
        server.kill()
        watch.wait_change('e1', 'tls', 'down')
        self.s_server(5010, self.good)
        watch.wait_change('e1', 'tls', 'up')
        self.assertEqual(self.certificates_of(watch, 'tls')[0]['sha256'],
                         certificates.fingerprint(self.good[0]))

    def test_old_protocols(self):
        weak = '-cipher', 'ALL:@SECLEVEL=0'
        self.s_server(5020, self.good, '-tls1', *weak)
        self.s_server(5021, self.good, '-tls1_2')
        watch = self.watch(plan({'old': service('sip-tls', 'tcp', 5020),
                                 'usual': service('sip-tls', 'tcp', 5021)}))
        for name, version in ('old', 'TLSv1'), ('usual', r'TLSv1\.2'):
            watch.wait_change('e1', name, 'up')
            self.assertRegex(watch.states()['e1', name][1], f'handshake done, {version}$')

    def test_no_diffie_hellman_of_the_size_that_a_peer_likes(self):
        rsa = self.ca.issue('rsa', 'DNS:rsa.example', key_type=['rsa:2048'])
        self.s_server(5025, rsa, '-tls1_2', '-cipher', 'DHE')
        self.s_server(5026, rsa, '-tls1_2', '-cipher', 'kRSA')
        watch = self.watch(plan({'dhe': service('sip-tls', 'tcp', 5025),
                                 'rsa': service('sip-tls', 'tcp', 5026)}))
        watch.wait_change('e1', 'rsa', 'up')
        watch.wait_change('e1', 'dhe', 'down')
        self.assertRegex(watch.states()['e1', 'dhe'][1], 'handshake failure$')

    def test_mutual_tls(self):
        """Who wants a certificate of ours is alive, as far as a handshake can tell."""
        for i, version in enumerate(('-tls1_2', '-tls1_3')):
            self.s_server(5030 + i, self.good, version, '-Verify', '1', '-verify_return_error',
                          '-CAfile', self.ca.file)
        watch = self.watch(plan({
            'tls12': service('federation', 'tcp', 5030),
            'tls13': service('federation', 'tcp', 5031),
            'sip': service('federation', 'tcp', 5032, 'kind: sip-options, port: 5030, '
                           'interval: 300ms, fall: 2')}))
        watch.wait_change('e1', 'tls12', 'up')
        self.assertRegex(watch.states()['e1', 'tls12'][1], 'its certificate, and wants ours$')
        watch.wait_change('e1', 'tls13', 'up')
        watch.wait_change('e1', 'sip', 'down')
        self.assertRegex(watch.states()['e1', 'sip'][1], 'it wants a client certificate: ')
        self.assertEqual(len(self.certificates_of(watch, 'tls12')), 2)

    def test_options_over_tls(self):
        context = servers.tls_context(*self.good)
        asked = []

        def talk(s, _):
            asked.append(servers.read_request(s).decode())
            s.sendall(servers.sip_reply(asked[-1].encode()))
            servers.wait_for_end(s)
        self.tcp(5040, talk, context)
        self.tcp(5041, lambda s, _: s.close(), context)
        self.tcp(5042, no_sip, context)
        options = 'kind: sip-options, interval: 300ms, rise: 2, fall: 2'
        watch = self.watch(plan({'ok': service('sip-tls', 'tcp', 5040, options),
                                 'close': service('sip-tls', 'tcp', 5041, options),
                                 'http': service('federation', 'tcp', 5042, options)}))
        watch.wait_change('e1', 'ok', 'up')
        self.assertRegex(asked[0], r'^OPTIONS sip:10\.9\.0\.[12]:5040;transport=tls SIP/2\.0\r\n'
                                   r'Via: SIP/2\.0/TLS ')
        watch.wait_change('e1', 'close', 'down')
        watch.wait_change('e1', 'http', 'down')
        self.assertRegex(watch.states()['e1', 'http'][1], 'answered, but not the question$')

    def test_name_in_the_handshake(self):
        """SNI is the pool's name: s_server has another certificate for it."""
        self.s_server(5050, self.other, '-servername', 'sip-old.example', '-cert2', self.good[0],
                      '-key2', self.good[1])
        watch = self.watch(plan({'tls': service('sip-tls', 'tcp', 5050)}, names=NAMES))
        for edge, certificate in ('e1', self.good), ('n1', self.other):
            watch.wait_change(edge, 'tls', 'up')
            got = [c for c in watch.ask('certificates') if c['edge'] == edge]
            self.assertEqual(got[0]['sha256'], certificates.fingerprint(certificate[0]))


class Others(support.Case):
    def test_sipp(self):
        with tempfile.TemporaryDirectory() as directory:
            scenario = Path(directory) / 'options.xml'
            scenario.write_text(ANSWER, encoding='utf-8')
            for transport, port in ('u1', 5100), ('t1', 5101):
                for address in E1, N1:
                    self.run_server('sipp', '-sf', str(scenario), '-i', address, '-p', str(port),
                                    '-t', transport, '-nostdin',
                                    cwd=directory, env={**os.environ, 'TERM': 'dumb'})
            watch = self.watch(plan({'udp': service('sip', 'udp', 5100),
                                     'tcp': service('sip', 'tcp', 5101)}))
            for edge in 'e1', 'n1':
                for name in 'udp', 'tcp':
                    watch.wait_change(edge, name, 'up')
                    self.assertRegex(watch.states()[edge, name][1], 'answered 200$')

    def test_coturn(self):
        with tempfile.TemporaryDirectory() as directory:
            server = self.run_server(
                'turnserver', '-n', '--no-cli', '--no-tls', '--no-dtls', '--log-file', 'stdout',
                '-L', E1, '-L', N1, '-p', '5200', '--pidfile', f'{directory}/pid',
                '--userdb', f'{directory}/db', '--no-auth', cwd=directory)
            watch = self.watch(plan({'udp': service('turn', 'udp', 5200),
                                     'tcp': service('turn', 'tcp', 5200)}))
            for edge in 'e1', 'n1':
                watch.wait_change(edge, 'udp', 'up')
                watch.wait_change(edge, 'tcp', 'up')
            server.kill()
            server.wait(PATIENCE)
            for name in 'udp', 'tcp':
                watch.wait_change('e1', name, 'down')
                self.assertRegex(watch.states()['e1', name][1], 'Connection refused$')


if __name__ == '__main__':
    namespace.enter()
    unittest.main()
