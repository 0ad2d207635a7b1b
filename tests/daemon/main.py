# SPDX-License-Identifier: BSD-3-Clause
"""test_NAME.py TURNOUTD TURNOUTD_TEST [unittest's arguments]"""

import sys
import unittest

from harness import Case


def run():
    Case.PROGRAM, Case.TEST_PROGRAM = sys.argv[1:3]
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
