#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# In the guest: each of /fixtures through turnout-xdp. Its verdicts are to be the model's, and all
# that it writes what is in the fixture's `out`.
set -u

judge() {
	read -r stage <"$1/stage"
	turnout replay --engine xdp --keep /sys/fs/bpf/replay "$1/plan.yaml" "$1/in.pcap" \
		--stage "$stage" --events "$1/events" --out /tmp/out --quiet
	status=$?
	# 1: the summary finds something amiss, which is not what is judged here
	if [ "$status" -gt 1 ]; then
		echo "exit $status"
		return 1
	fi
	diff "$1/expected.jsonl" /tmp/out/verdicts.jsonl && diff -r "$1/out" /tmp/out
}

agree=0 wrong=0
for fixture in /fixtures/*; do
	rm -rf /tmp/out
	if judge "$fixture" >/tmp/said 2>&1; then
		agree=$((agree + 1))
	else
		printf '%s:\n' "${fixture##*/}"
		head -n 60 /tmp/said
		wrong=$((wrong + 1))
	fi
done
printf '%s: %d fixtures agree, %d do not\n' "$(uname -sr)" "$agree" "$wrong"
[ "$agree" -gt 0 ] && [ "$wrong" -eq 0 ]
