# SPDX-License-Identifier: BSD-3-Clause
"""The check finds what it is there to find, and leaves prose alone.

    test_check_links.py TURNOUT TURNOUT_DP BUILD_ROOT
"""

import sys
import unittest

import check_links
from check_links import TOP, Checker

WRONG = {
    "`control/nothing.c` is not there": "no such path",
    "`include/turnout/{pin,nothing}.h`, one of two": "no such path: include/turnout/nothing.h",
    "`docs/*.nothing` matches no file": "no such path",
    "`nothing_here.h` is nowhere": "no file of that name",
    "`turnout chekc PLAN` is no command": "no such command",
    "`turnout check PLAN --colour` has no such option": "no such option",
    "`turnout table shew` is no command": "no such command",
    "`turnout-dp fly` is none": "no such command",
    "`turnout-xdp fly` is none": "no such command",
    "`turnout-dp replay --pcaps X` has no such option": "no such option",
    "`--no-such-option-anywhere` is none": "no such option",
    "`tools/test --everything` has no such option": "no such option",
    "`meson test -C build --suite nothing` is no suite": "no such suite",
    "`to_no_such_function` is no function": "no such name in the code",
    "`struct to_nothing` is no struct": "no such name in the code",
    "[a page](nothing.md)": "no such page",
    "[a heading](README.md#nothing-of-the-sort)": "no such heading",
    "```sh\nbuild/control/turnout chekc plan.yaml\n```": "no such command",
    "```sh\ncat control/nothing.c\n```": "no such path",
}
RIGHT = (
    "`control/main.c`, `include/turnout/{pin,dialog}.h`, `docs/*.md`, `pin.h`, `dataplane/`",
    "`pcaps/contoso-day.pcap` is generated, `build/control/turnout` is built",
    "`turnout check PLAN --json`, `turnout table show IMAGE`, `turnout --version`",
    "`turnout-dp replay --pcap FILE --table IMAGE`, `tools/test --full`, `--json`",
    "`to_decide`, `struct to_packet`, `TO_MAX_EDGES`, `to_state_open()`",
    "`meson test -C build --suite state`",
    "`A/V`, `1/2`, `m=<media> <port>`, `/dev/shm`, `::ffff:0:0/96`, `FF 10`, `steer`",
    "```\nturnout frobnicate is what a program printed\n```",
)


class Check(unittest.TestCase):
    def found(self, text):
        return checker.check(TOP / "README.md", text)

    def test_what_is_wrong_is_found_once(self):
        for text, complaint in WRONG.items():
            with self.subTest(text=text):
                found = self.found(text)
                self.assertEqual(len(found), 1, found)
                self.assertIn(complaint, found[0])

    def test_what_is_right_passes(self):
        for text in RIGHT:
            with self.subTest(text=text):
                self.assertEqual(self.found(text), [])

    def test_a_complaint_has_its_place(self):
        self.assertTrue(self.found("one\ntwo\n`control/nothing.c`")[0].startswith("README.md:3: "))

    def test_a_page_that_the_index_leaves_out_is_found(self):
        index = (TOP / "docs" / "README.md").read_text(encoding="utf-8")
        without = index.replace("](state.md)", "](elsewhere.md)")
        more = set(check_links.unlisted(without)) - set(check_links.unlisted(index))
        self.assertEqual(more, {"docs/README.md: state.md is not in the index"})


if __name__ == "__main__":
    checker = Checker(*sys.argv[1:6])
    unittest.main(argv=sys.argv[:1])
