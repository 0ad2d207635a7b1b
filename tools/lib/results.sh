# SPDX-License-Identifier: BSD-3-Clause
# What a run of tools/test has found. Sourced; $logs is where logs are kept.
# shellcheck shell=bash

passed=0 failed=0 skipped=0
failures=()
times=()

pass() {
	passed=$((passed + 1))
}

# fail NAME LOG [LINES]: and the end of its log.
fail() {
	failed=$((failed + 1))
	failures+=("$1   ($2)")
	printf 'FAILED  %s: the end of %s:\n' "$1" "$2"
	tail -n "${3:-30}" "$2" | sed 's/^/    | /'
}

# skip NAME REASON
skip() {
	skipped=$((skipped + 1))
	printf 'skipped %s: %s\n' "$1" "$2"
}

# check NAME COMMAND...: one test; exit code 77 and the last line say why it was skipped.
check() {
	local name=$1 log=$logs/${1//[\/ ]/-}.log code=0
	shift
	"$@" >"$log" 2>&1 </dev/null || code=$?
	case $code in
	0) pass ;;
	77) skip "$name" "$(tail -n 1 "$log")" ;;
	*) fail "$name" "$log" ;;
	esac
	return "$code"
}

# tally: results of tests that ran elsewhere, lines "pass|fail|skip NAME<TAB>LOG or reason".
tally() {
	local result name detail
	while IFS=$'\t' read -r result name detail; do
		case $result in
		pass) pass ;;
		fail) fail "$name" "$detail" ;;
		skip) skip "$name" "$detail" ;;
		esac
	done
}

# timed PART: runs it, says how long it took.
timed() {
	local begin=$SECONDS before=$failed
	printf '== %s: %s\n' "$1" "${about[$1]}"
	"part_$1" || true
	times+=("$(printf '%5d s  %s' $((SECONDS - begin)) "$1")")
	if ((failed == before)); then
		printf '   done in %d s\n' $((SECONDS - begin))
	fi
}

# The last line is for machines: alone, and in these words.
close_run() {
	printf '\n%s\n' "${times[@]}"
	printf '%5d s  in all\n' "$SECONDS"
	if ((failed)); then
		printf '\nfailed:\n'
		printf '  %s\n' "${failures[@]}"
	fi
	printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
	((passed + failed > 0 && failed == 0))
}
