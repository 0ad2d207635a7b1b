# SPDX-License-Identifier: BSD-3-Clause
# The build directories of tools/test. Sourced; the working directory is the top of the tree.
# shellcheck shell=bash

# configure DIR COMPILER MESON_OPTION...
configure() {
	local dir=$1 compiler=$2
	shift 2
	# A directory of another compiler or of older options is begun anew.
	local stamp="$compiler $*"
	if [[ -f $dir/.options && $(<"$dir/.options") == "$stamp" ]]; then
		return
	fi
	find "$dir" -mindepth 1 -maxdepth 1 ! -name logs ! -name found -exec rm -rf {} + 2>/dev/null
	CC=$compiler meson setup "$dir" -Dwerror=true "$@" && printf '%s' "$stamp" >"$dir/.options"
}

# built DIR PART: has DIR been built? If not, the part that needs it fails.
built() {
	[[ -f $1/.built ]] && return
	printf '%s has not been built\n' "$1" >"$logs/no-$1.log"
	fail "$2 (not run)" "$logs/no-$1.log"
	return 1
}

# build DIR COMPILER [-t TARGET] MESON_OPTION...
build() {
	local dir=$1 compiler=$2 target=all
	shift 2
	if [[ ${1:-} == -t ]]; then
		target=$2
		shift 2
	fi
	mkdir -p "$dir"
	rm -f "$dir/.built"
	check "configure $dir" configure "$dir" "$compiler" "$@" || return
	check "build $dir" ninja -C "$dir" "$target" || return
	touch "$dir/.built"
}

# run_meson DIR LABEL PATTERN MESON_TEST_OPTION...: every test of a build directory but those whose
# "suite / name" the pattern (extended, of whole lines) matches; each counted.
run_meson() {
	local dir=$1 label=$2 except=$3
	local -a tests
	shift 3
	built "$dir" "$label" || return
	rm -f "$dir/meson-logs/testlog.json"
	mapfile -t tests < <(meson test -C "$dir" --list 2>/dev/null | grep ' / ' |
		grep -vxE "$except" | sed 's/^.* \/ //')
	meson test -C "$dir" --no-rebuild "$@" "${tests[@]}" >"$logs/$label.log" 2>&1 </dev/null || true
	if [[ ! -s $dir/meson-logs/testlog.json ]]; then
		fail "$label: no test ran" "$logs/$label.log"
		return
	fi
	tally < <(tools/lib/meson-results.py "$dir/meson-logs/testlog.json" "$label" "$logs")
}
