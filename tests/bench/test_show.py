#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What tools/bench does with what it has measured: judgement, exit status, tables, plots."""

import contextlib
import copy
import importlib.machinery
import importlib.util
import io
import json
import sys
import tempfile
import unittest
import xml.etree.ElementTree
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOP / "tools/lib"))

import bench_docs  # noqa: E402
import bench_plots  # noqa: E402
import bench_show  # noqa: E402
import bench_svg  # noqa: E402

PAGE = "# Page\n\n<!-- measured -->\nold\n<!-- end -->\n\nafter\n"
MACHINE = {key: key for key in bench_docs.MACHINE if key != "mitigations"} | {"mitigations": {}}
RUN = {"commit": "abc1234", "begun": "2026-11-28 12:00 UTC", "load_begin": 1.0, "load_end": 2.0,
       "machine": MACHINE}


def spread(*values):
    return dict(zip(("min", "median", "max", "p99"), values))


def packet(**more):
    return {"name": "pipeline", "of": "4,096 flows, requests and answers", "samples": 20,
            "wrong": 0, "note": "", "yardstick_name": "bare look-up",
            "yardstick": spread(10, 11, 50), "subject_name": "pipeline",
            "subject": spread(20, 33, 90), "ratio": 2.0, "ratio_median": 3.0, "target": 2.1,
            "target_is": "most", **more}


def times(**more):
    return {"name": "commit", "of": "turnout-dp", "samples": 201, "wrong": 0, "note": "a note",
            "times": {"prepare": spread(1, 2, 3) | {"samples": 201},
                      "live": spread(1, 9.9, 30, 25) | {"samples": 201}},
            "subject_name": "live", "target_ms": 10, **more}


def rates(*targets, **more):
    return {"name": "peers", "of": "64-byte UDP & more", "samples": 20, "wrong": 0, "note": "",
            "unit": "packets/s", "targets": list(targets),
            "figures": {"turnout-dp": spread(1e6, 1.5e6, 2e6), "nftables": spread(5e5, 8e5, 1e6),
                        "HAProxy": spread(1e5, 2e5, 3e5)}, **more}


def target(**more):
    return {"of": "turnout-dp", "to": "nftables", "is": "least", "ratio": 2.0, **more}


def group(*rows, **more):
    return {**copy.deepcopy(RUN), **more, "rows": list(rows)}


def some_results():
    return {"rows": {"pipeline": group(packet()), "commit": group(times(), begun="another day"),
                     "peers": group(rates(target()))}}


class Judged(unittest.TestCase):
    def said(self, row, contender):
        bench_show.check(row)
        return bench_show.verdict(row, contender)

    def test_ratio_of_packets(self):
        self.assertEqual(self.said(packet(), "pipeline"), "at most 2.10: met")
        self.assertEqual(self.said(packet(target=1.99), "pipeline"), "at most 1.99: not met")
        self.assertEqual(self.said(packet(target=2.0), "pipeline"), "at most 2.00: met")
        self.assertEqual(self.said(packet(target_is="least"), "pipeline"), "at least 2.10: not met")
        self.assertEqual(self.said(packet(target=None), "pipeline"), "")

    def test_median_of_times(self):
        self.assertEqual(self.said(times(), "live"), "median under 10 ms: met")
        self.assertEqual(self.said(times(target_ms=9.9), "live"), "median under 9.9 ms: not met")
        self.assertEqual(self.said(times(target_ms=None), "live"), "")

    def test_rates_are_judged_by_their_largest(self):
        for wanted, said in (({}, "at least 2.00 of nftables: met (2.00)"),
                             ({"ratio": 2.01}, "at least 2.01 of nftables: not met (2.00)"),
                             ({"figure": "median", "ratio": 1.5},
                              "median at least 1.50 of nftables: met (1.88)"),
                             ({"is": "most"}, "at most 2.00 of nftables: met (2.00)")):
            self.assertEqual(self.said(rates(target(**wanted)), "turnout-dp"), said)
        self.assertEqual(self.said(rates(target()), "nftables"), "")

    def test_times_in_another_unit_are_judged_by_their_smallest(self):
        row = rates(target(ratio=0.5), unit="us", targets=[
            {"of": "turnout-dp", "is": "most", "value": 1e6},
            {"of": "HAProxy", "is": "most", "value": 99999}])
        self.assertEqual(self.said(row, "turnout-dp"), "at most 1,000,000 us: met")
        self.assertEqual(self.said(row, "HAProxy"), "at most 99,999 us: not met")

    def test_invalid_whatever_the_target(self):
        for form, name in ((packet, "pipeline"), (times, "live"), (rates, "turnout-dp")):
            for fault in {"wrong": 1}, {"samples": 19}:
                self.assertEqual(self.said(form(**fault), name), "INVALID")
                self.assertIn("INVALID", bench_show.text(form(**fault)))
                self.assertFalse(bench_show.is_valid(form(**fault)))

    def test_a_percentile_only_of_many(self):
        self.assertNotIn("p99", bench_show.spread(range(99)))
        self.assertEqual(bench_show.spread(range(1, 101)),
                         {"min": 1, "median": 50.5, "max": 100, "p99": 99})
        self.assertEqual(bench_show.spread([3e6, 1e6, 2e6], 1e6), spread(1, 2, 3))

    def test_what_is_no_row(self):
        no_median = packet(subject={"min": 1, "max": 2})
        for row, why in ((times(times={}), "empty"), (times(subject_name="x"), "subject_name"),
                         (packet(samples=None), "counts"), (no_median, "median"),
                         (packet(subject=spread(3, 2, 4)), "between"),
                         (packet(target_is="about"), "target_is"),
                         (rates(target(to="ipvs")), "ipvs"), (rates(target(figure="p99")), "p99"),
                         (rates({"of": "turnout-dp", "is": "most"}), "value"),
                         (rates(target(**{"is": "above"})), "is"), ([], "object"),
                         ({k: v for k, v in packet().items() if k != "note"}, "note")):
            with self.assertRaisesRegex(bench_show.BadRow, why):
                bench_show.check(row)


class Written(unittest.TestCase):
    def setUp(self):
        self.held = tempfile.TemporaryDirectory()
        self.addCleanup(self.held.cleanup)
        self.top = Path(self.held.name)
        self.folder = self.top / "docs/benchmarks"
        self.folder.mkdir(parents=True)
        (self.top / bench_docs.PAGE).write_text(PAGE, encoding="utf-8")

    def files(self):
        return {f.name: f.read_bytes() for f in sorted((self.top / "docs").rglob("*.*"))}

    def test_the_same_bytes_from_the_same_results(self):
        bench_docs.save(self.top, some_results())
        first = self.files()
        self.assertEqual(set(first), {"benchmarks.md", "results.json", "pipeline.svg",
                                      "commit.svg", "peers.svg"})
        bench_docs.write(self.top, bench_docs.load(self.top / bench_docs.RESULTS))
        self.assertEqual(self.files(), first)

    def test_the_page(self):
        bench_docs.save(self.top, some_results())
        page = (self.top / bench_docs.PAGE).read_text(encoding="utf-8")
        self.assertTrue(page.startswith("# Page\n\n<!-- measured -->\n| rows |"))
        self.assertTrue(page.endswith("<!-- end -->\n\nafter\n"))
        for line in ("| `pipeline`, `peers` | abc1234 | 2026-11-28 12:00 UTC | 1.0, 2.0 | A |",
                     "| `commit` | abc1234 | another day | 1.0, 2.0 | A |",
                     "| `commit`: turnout-dp | live | 1.00 / 9.90 / 30.00 (p99 25.00) | 201 | 0 | "
                     "median under 10 ms: met |", "- `commit`, turnout-dp: a note",
                     "| `peers`: 64-byte UDP & more | turnout-dp | 1,000,000 / 1,500,000 / "
                     "2,000,000 | packets/s | 20 | 0 | at least 2.00 of nftables: met (2.00) |",
                     "| 20.0 / 33.0 / 90.0 | **2.00** (3.00) | at most 2.10: met | 0 | 20 |"):
            self.assertIn(line, page)
        self.assertNotIn("old", page)

    def test_a_run_replaces_what_it_measured(self):
        other = {**MACHINE, "cpu": "another", "mhz": "1"}
        run = {**RUN, "commit": "new", "machine": other, "rows": [times(note="later")]}
        results = bench_docs.replace(some_results(), run, ["commit"], ["commit", "pipeline"])
        self.assertEqual(list(results["rows"]), ["commit", "pipeline", "peers"])
        self.assertEqual(results["rows"]["commit"], group(times(note="later"), commit="new",
                                                          machine=other))
        self.assertEqual(results["rows"]["peers"], some_results()["rows"]["peers"])
        written = bench_docs.markdown(results)
        self.assertIn("| `commit` | new | 2026-11-28 12:00 UTC | 1.0, 2.0 | A |", written)
        self.assertIn("| `pipeline`, `peers` | abc1234 | 2026-11-28 12:00 UTC | 1.0, 2.0 | B |",
                      written)

    def test_a_plot_goes_with_its_rows(self):
        bench_docs.save(self.top, some_results())
        bench_docs.save(self.top, {"rows": {"commit": group(times())}})
        self.assertEqual(set(self.files()), {"benchmarks.md", "results.json", "commit.svg"})

    def test_results_that_are_not_right(self):
        no_machine = some_results()
        del no_machine["rows"]["commit"]["machine"]["cpu"]
        bad_row = some_results()
        del bad_row["rows"]["peers"]["rows"][0]["figures"]["nftables"]["median"]
        for content, why in (('{"rows": {\n "a": 1,}}', r"results.json:2:9: "), ("[]", "'rows'"),
                             ('{"rows": 3}', "'rows'"), ('{"rows": {"a": 3}}', "row 'a'"),
                             (json.dumps(no_machine), "'commit': 'machine.cpu' is missing"),
                             (json.dumps({"rows": {"peers": group(load_end="1")}}), "load"),
                             (json.dumps(bad_row), "'peers', number 1: 'nftables': 'median'")):
            (self.top / bench_docs.RESULTS).write_text(content, encoding="utf-8")
            with self.assertRaisesRegex(bench_docs.BadResults, why):
                bench_docs.load(self.top / bench_docs.RESULTS)

    def test_what_the_tree_has_is_what_its_results_give(self):
        results = bench_docs.load(TOP / bench_docs.RESULTS)
        page = (TOP / bench_docs.PAGE).read_text(encoding="utf-8")
        self.assertTrue(bench_docs.markdown(results) in page, "tools/bench --tables writes it")
        rows = [r for g in results["rows"].values() for r in g["rows"]]
        for plot in bench_plots.PLOTS:
            found, file = bench_plots.rows_of(plot, rows), TOP / "docs/benchmarks" / plot.file
            self.assertEqual(file.exists(), bool(found), plot.file)
            if found:
                self.assertEqual(file.read_text(encoding="utf-8"), bench_plots.svg(plot, found))


class Drawn(unittest.TestCase):
    PLOT = bench_plots.Plot("x.svg", "Title & <more>", ("peers",), "packets/s", rule=(1e6, "rule"))

    def test_everything_is_named_and_nothing_leaves_the_picture(self):
        svg = bench_plots.svg(self.PLOT, [rates(), rates(wrong=1)])
        root = xml.etree.ElementTree.fromstring(svg)
        said = [e.text for e in root.iter("{http://www.w3.org/2000/svg}text")]
        for word in ("Title & <more>", "turnout-dp", "HAProxy", "packets/s", "rule",
                     "2.00 M / 1.50 M", "64-byte UDP & more", "64-byte UDP & more – INVALID"):
            self.assertIn(word, said)
        for e in root.iter("{http://www.w3.org/2000/svg}rect"):
            self.assertGreaterEqual(float(e.get("x")), 0)
            self.assertLessEqual(float(e.get("x")) + float(e.get("width")),
                                 bench_svg.WIDTH - bench_svg.RIGHT)

    def test_lengths_are_to_scale(self):
        for log in False, True:
            scale = bench_svg.Scale(100, [1, 10, 100], log)
            steps = [scale.at(v) - scale.at(w) for v, w in (((10, 1), (100, 10)) if log else
                                                            ((50, 0), (100, 50)))]
            self.assertAlmostEqual(*steps)
            self.assertEqual(scale.at(scale.low), 100)
            self.assertLessEqual(scale.at(100), bench_svg.WIDTH - bench_svg.RIGHT)
            for values in [0, 5], [0, 0]:
                scale = bench_svg.Scale(100, values, log)
                self.assertEqual(scale.at(0), 100)


class Exit(unittest.TestCase):
    """The command itself, with rows of ours."""

    def setUp(self):
        loader = importlib.machinery.SourceFileLoader("bench", str(TOP / "tools/bench"))
        spec = importlib.util.spec_from_loader("bench", loader)
        self.bench = importlib.util.module_from_spec(spec)
        loader.exec_module(self.bench)
        self.held = tempfile.TemporaryDirectory()
        self.addCleanup(self.held.cleanup)
        self.bench.TOP = Path(self.held.name)
        (self.bench.TOP / "docs").mkdir()
        (self.bench.TOP / bench_docs.PAGE).write_text(PAGE, encoding="utf-8")
        self.built = []
        self.bench.build = lambda: self.built.append(1)

    def run_with(self, rows, *argv):
        """(status, what it said). `rows`: {name: what its measure() yields, or raises}."""
        class Row:
            def __init__(self, of):
                self.of = of

            def measure(self, *_):
                for row in self.of:
                    if isinstance(row, Exception):
                        raise row
                    yield {k: v for k, v in row.items() if k != "name"}
        self.bench.ROWS = {name: Row(of) for name, of in rows.items()}
        old, sys.argv = sys.argv, ["bench", *argv]
        out = io.StringIO()
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
                return int(self.bench.main()), out.getvalue()
        except SystemExit as e:
            return e.code, out.getvalue()
        finally:
            sys.argv = old

    def results(self):
        return bench_docs.load(self.bench.TOP / bench_docs.RESULTS)["rows"]

    def test_status(self):
        for row, status in ((packet(), 0), (packet(target=1), 0), (packet(wrong=1), 1),
                            (packet(samples=19), 1), (times(wrong=1), 1), (rates(samples=1), 1),
                            (bench_show.CannotMeasure("no such device"), 1),
                            (packet(subject={}), 1)):
            self.assertEqual(self.run_with({"pipeline": [row]})[0], status, row)

    def test_a_row_that_ends_early_replaces_nothing(self):
        status, _ = self.run_with({"commit": [times()], "peers": [rates()]}, "--docs")
        self.assertEqual((status, list(self.results())), (0, ["commit", "peers"]))
        broken = {"commit": [times(note="later"), bench_show.CannotMeasure("gone")],
                  "peers": [rates(note="later")]}
        status, said = self.run_with(broken, "--docs")
        self.assertEqual(status, 1)
        self.assertIn("commit: not measured: gone", said)
        notes = [g["rows"][0]["note"] for g in self.results().values()]
        self.assertEqual(notes, ["a note", "later"])

    def test_bad_results_are_said_before_anything_is_measured(self):
        folder = self.bench.TOP / "docs/benchmarks"
        folder.mkdir()
        (folder / "results.json").write_text("{", encoding="utf-8")
        for argv in ["--docs"], ["--tables"]:
            status, _ = self.run_with({"peers": [rates()]}, *argv)
            self.assertRegex(str(status), r"results.json:1:2: ")
        self.assertEqual(self.built, [])
        self.assertEqual((self.bench.TOP / bench_docs.PAGE).read_text(encoding="utf-8"), PAGE)

    def test_tables_alone_build_nothing(self):
        self.run_with({"peers": [rates()]}, "--docs")
        page, self.built = (self.bench.TOP / bench_docs.PAGE), []
        written = page.read_text(encoding="utf-8")
        page.write_text(PAGE, encoding="utf-8")
        self.assertEqual(self.run_with({}, "--tables")[0], 0)
        self.assertEqual((page.read_text(encoding="utf-8"), self.built), (written, []))

    def test_usage(self):
        for argv in (["--docs", "--quick"], ["--tables", "--quick"], ["nothing"]):
            self.assertEqual(self.run_with({"peers": [rates()]}, *argv)[0], 2)


if __name__ == "__main__":
    unittest.main()
