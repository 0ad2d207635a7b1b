# SPDX-License-Identifier: BSD-3-Clause
# What reads the sources instead of running them. Sourced.
# shellcheck shell=bash

part_format() {
	local -a files
	mapfile -t files < <(git ls-files '*.c' '*.h')
	check clang-format clang-format-14 --dry-run -Werror "${files[@]}"
}

part_cppcheck() {
	local -a files
	mapfile -t files < <(git ls-files '*.c' ':!*.bpf.c')
	mkdir -p build-test/cppcheck
	check cppcheck cppcheck -q -j "$jobs" --std=c11 --platform=unix64 \
		--enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
		--library=tests/lint/cppcheck.cfg \
		--suppressions-list=tests/lint/cppcheck-suppressions.txt \
		--cppcheck-build-dir=build-test/cppcheck \
		-D_GNU_SOURCE -I include -I control -I . "${files[@]}"
}

# Each source once, however many targets compile it.
sources_of() {
	/usr/bin/python3 - "$1/compile_commands.json" <<'END'
import json, os, sys
print("\n".join(sorted({os.path.realpath(os.path.join(c["directory"], c["file"]))
                        for c in json.load(open(sys.argv[1], encoding="utf-8"))})))
END
}

part_tidy() {
	built build-asan tidy || return
	local file log word bounds=''
	log=$logs/clang-tidy
	rm -rf "$log"
	mkdir -p "$log"
	touch "$log/failed"
	# Tests without the analyzer, which takes ten times as long as all else: they are run instead.
	# In the rest a function's paths are followed to a fifth of the depth that is the default:
	# most is found there, and a few functions take a minute each beyond it.
	if [[ ! ${full:-} ]]; then
		for word in -analyzer-config max-nodes=40000; do
			bounds+=" --extra-arg=-Xclang --extra-arg=$word"
		done
	fi
	export bounds
	# shellcheck disable=SC2016 # expanded by the inner shell
	sources_of build-asan | xargs -P "$jobs" -n 1 bash -c '
		name=${2#"$PWD"/} checks=
		[[ $name != tests/* ]] || checks="-clang-analyzer-*,-cert-err34-c"
		clang-tidy-14 --quiet --checks="$checks" $bounds -p "$0" "$2" \
			>"$1/${name//\//-}.log" 2>&1 || echo "$name" >>"$1/failed"' build-asan "$log" || true
	for file in "$log"/*.log; do
		if grep -qsxF "$(basename "$file" .log)" <(tr / - <"$log/failed"); then
			fail "clang-tidy $(basename "$file" .log)" "$file" 15
		else
			pass
		fi
	done
}

part_scripts() {
	local file
	local -a shell=() python
	while read -r file; do
		if head -n 1 "$file" | grep -q '^#!.*bash'; then
			shell+=("$file")
		fi
	done < <(git ls-files tools .ci tests pcaps)
	check shellcheck shellcheck --external-sources --check-sourced "${shell[@]}"
	mapfile -t python < <(git ls-files '*.py')
	check pyflakes /usr/bin/python3 -m pyflakes "${python[@]}"
}
