# SPDX-License-Identifier: BSD-3-Clause
# The parts of a run that build and execute. Sourced.
# shellcheck shell=bash

part_build() {
	build build-test gcc
}

# Tests of the suite `long` run with --full only.
part_unit() {
	local except='.*:bench .*'

	[[ ${full:-} ]] || except+='|.*long / .*'
	run_meson build-test unit "$except"
}

# Another compiler warns of other things, and it is clang that has the sanitizers: gcc warns of more
# than there is when it compiles with them, as its manual says. clang-tidy reads its commands.
part_clang() {
	build build-asan clang-14 '-Db_sanitize=address,undefined' -Db_lundef=false
}

# Everything that parses. Left out: what only Python does; what runs in the kernel; what has
# sanitizers of its own in every build; what the part `captures` does; and what is about other
# things than memory and takes long.
unsanitized='.*:(captures|model|bench|docs|agree|kernel|lab|live|hops|health|xdp|packaging|.*long) .*|.* / (.* in the kernel|state-[at]san-.*|state-crash|judge-captures|classify against tshark)'

part_sanitized() {
	run_meson build-asan sanitized "$unsanitized" --timeout-multiplier 4
}

# replay_sanitized PLAN STAGE CAPTURE [EVENTS]
replay_sanitized() {
	local -a events=()
	[[ ${4:-} ]] && events=(--events "$4")
	build-asan/control/turnout replay "$1" "$3" --stage "$2" --workers 2 "${events[@]}" &&
		build-asan/control/turnout classify "$3" | tail -n 3
}

# Every capture through the sanitized engine and the sanitized classifier. Captures that are not of
# a site are run through a plan made of their own addresses.
part_captures() {
	built build-asan captures || return
	local plan stage name events file
	while IFS=$'\t' read -r name plan stage events; do
		check "sanitized capture $name" replay_sanitized "$plan" "$stage" \
			"pcaps/$name.pcap" ${events:+"pcaps/$events"}
	done < <(/usr/bin/python3 -c '
import json
for c in json.load(open("pcaps/index.json"))["captures"]:
    print(c["name"], c["plan"], c["stage"], c["events"] or "", sep="\t")')
	if [[ ! ${TURNOUT_CAPTURES:-} ]]; then
		skip "foreign captures" "TURNOUT_CAPTURES is not set, and there is no ../shared/pcaps"
		return
	fi
	mkdir -p build-asan/plans
	for file in "$TURNOUT_CAPTURES"/*.pcap "$TURNOUT_CAPTURES"/*.pcapng; do
		[[ -e $file ]] || continue
		name=$(basename "$file")
		plan=build-asan/plans/$name.yaml
		check "plan for $name" tools/plan-for-capture.py "$file" --out "$plan" || continue
		check "sanitized capture $name" replay_sanitized "$plan" half "$file"
	done
}

# fuzz TARGET: new inputs grow in build-fuzz/found, across runs.
fuzz() {
	local name=$1
	mkdir -p "build-fuzz/found/$name"
	UBSAN_OPTIONS=print_stacktrace=1 ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=1 \
		"build-fuzz/tests/fuzz/fuzz_$name" -max_total_time="$FUZZ_SECONDS" -timeout=20 \
		-rss_limit_mb=3000 -print_final_stats=1 -verbosity=1 \
		-artifact_prefix="$logs/fuzz-$name-" "build-fuzz/found/$name" "build-fuzz/seeds/$name"
}

part_fuzz() {
	build build-fuzz clang-14 -t fuzzers -Dfuzz=true '-Db_sanitize=address,undefined' \
		-Db_lundef=false || return
	built build-test fuzz || return
	rm -rf build-fuzz/seeds
	check "fuzz seeds" tools/make-corpus.py build-fuzz/seeds \
		--turnout build-test/control/turnout || return
	local target name
	local -a names=()
	for target in build-fuzz/tests/fuzz/fuzz_*; do
		[[ -x $target && -f $target ]] && names+=("${target##*/fuzz_}")
	done
	# As many at a time as there are cores; judged afterwards, in order.
	for name in "${names[@]}"; do
		while (($(jobs -rp | wc -l) >= jobs)); do wait -n || true; done
		(
			code=0
			fuzz "$name" >"$logs/fuzz-$name.log" 2>&1 </dev/null || code=$?
			echo "$code" >"$logs/fuzz-$name.code"
		) &
	done
	wait
	for name in "${names[@]}"; do
		if [[ $(<"$logs/fuzz-$name.code") == 0 ]]; then
			pass
			printf '   fuzz_%s: %s runs\n' "$name" \
				"$(sed -n 's/^stat::number_of_executed_units: *//p' "$logs/fuzz-$name.log")"
		else
			fail "fuzz_$name" "$logs/fuzz-$name.log"
		fi
	done
}
