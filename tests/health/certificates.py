# SPDX-License-Identifier: BSD-3-Clause
"""Certificates for the tests, made by openssl."""
import subprocess
from pathlib import Path

EC = 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'


def openssl(*args, **more):
    return subprocess.run(['openssl', *args], check=True, capture_output=True, text=True, **more)


class Authority:
    """A CA in a directory."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.file = str(self.directory / 'ca.pem')
        self.key = str(self.directory / 'ca.key')
        openssl('req', '-x509', '-newkey', *EC, '-nodes',
                '-keyout', self.key, '-out', self.file, '-subj', '/CN=Test CA', '-days', '3')

    def issue(self, name, alternatives, *dates, key_type=EC):
        """Paths of a certificate and its key. `dates`: options of `openssl x509`."""
        request, certificate, key, extensions = (
            str(self.directory / f'{name}.{end}') for end in ('csr', 'pem', 'key', 'ext'))
        openssl('req', '-new', '-newkey', *key_type, '-nodes',
                '-keyout', key, '-out', request, '-subj', f'/O=Contoso/CN={name}')
        Path(extensions).write_text(f'subjectAltName={alternatives}\n', encoding='utf-8')
        openssl('x509', '-req', '-in', request, '-CA', self.file, '-CAkey', self.key,
                '-CAcreateserial', '-out', certificate, '-extfile', extensions,
                *(dates or ('-days', '2')))
        return certificate, key


def fingerprint(certificate):
    out = openssl('x509', '-in', certificate, '-noout', '-fingerprint', '-sha256').stdout
    return out.strip().split('=')[1].replace(':', '').lower()
