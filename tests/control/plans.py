# SPDX-License-Identifier: BSD-3-Clause
"""Plans for the tests: the paths of the kept ones, and YAML as an editor with a schema reads it."""
import json
import pathlib
import re

import yaml

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BAD = sorted((HERE / 'bad').glob('*.yaml'))
GOOD = sorted((ROOT / 'examples').glob('*.yaml'))
SCHEMA = json.loads((ROOT / 'docs' / 'plan.schema.json').read_text())


class CoreLoader(yaml.SafeLoader):
    """YAML 1.2's core schema: PyYAML's own would read 22:00 as a number and yes as true."""


CoreLoader.yaml_implicit_resolvers = {}
for tag, pattern, first in (
        ('bool', r'true|True|TRUE|false|False|FALSE', 'tTfF'),
        ('int', r'[-+]?[0-9]+', '-+0123456789'),
        ('float', r'[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?', '-+.0123456789'),
        ('null', r'~|null|Null|NULL|', ['~', 'n', 'N', ''])):
    CoreLoader.add_implicit_resolver('tag:yaml.org,2002:' + tag, re.compile(f'^(?:{pattern})$'),
                                     list(first))


def read(path):
    """The plan as plain data, or None when it is no YAML."""
    try:
        return yaml.load(path.read_bytes(), CoreLoader)
    except (yaml.YAMLError, UnicodeDecodeError):
        return None


def remarks(path):
    """What the leading comments of a bad plan say: the messages, and whether its shape is wrong."""
    text = path.read_bytes().decode('utf-8', 'replace')
    expected = re.findall(r'^# expect: (.*)$', text, re.M)
    return expected, '# schema: refused' in text.splitlines()
