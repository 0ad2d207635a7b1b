/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loads the object as turnout-xdp does and prints what the kernel's verifier says of each program.
 * Fails when one needs more than is allowed it here: room is left for older and newer kernels,
 * whose verifiers walk other ways. No arguments; it writes nothing and needs no file.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "rig.h"
#include "turnout.skel.h"

#define BUDGET    600000u /* instructions, of the 1,000,000 that the kernel allows */
#define STATS     4u      /* BPF_LOG_STATS, linux/bpf_verifier.h */
#define LOG_BYTES (1u << 20)
#define PROGRAMS  16

struct report {
	char *log;
	unsigned microseconds; /* that the verifier took; 0 where the kernel does not say */
	unsigned processed, limit, in_one_place, states, peak_states;
	unsigned frames, deepest_frame; /* bytes of stack, function by function */
	struct bpf_prog_info info;
};

/* "stack depth 96+0+200": of each function in the order of the program. */
static void read_stack(struct report *r, const char *log)
{
	const char *at = strstr(log, "stack depth ");
	char *end;

	if (!at)
		return;
	for (at += strlen("stack depth ");; at = end + 1) {
		unsigned depth = (unsigned)strtoul(at, &end, 10);

		r->frames++;
		if (depth > r->deepest_frame)
			r->deepest_frame = depth;
		if (*end != '+')
			return;
	}
}

static void read_log(struct report *r)
{
	const char *at = strstr(r->log, "verification time ");

	if (at)
		sscanf(at, "verification time %u", &r->microseconds);
	at = strstr(r->log, "processed ");
	if (!at ||
	    sscanf(at,
		   "processed %u insns (limit %u) max_states_per_insn %u total_states %u "
		   "peak_states %u",
		   &r->processed, &r->limit, &r->in_one_place, &r->states, &r->peak_states) != 5)
		rig_fail("the verifier says nothing that could be read: %s", r->log);
	read_stack(r, r->log);
}

static void read_info(struct report *r, const struct bpf_program *p)
{
	uint32_t size = sizeof(r->info);

	if (bpf_obj_get_info_by_fd(bpf_program__fd(p), &r->info, &size) < 0)
		rig_fail("%s: no information", bpf_program__name(p));
}

static bool print_report(const struct bpf_program *p, const struct report *r)
{
	bool good = r->processed <= BUDGET;

	printf("%-16s %9u %7u %7u %5u %7.1f %8u %8u  %u in %u\n", bpf_program__name(p),
	       r->processed, r->states, r->peak_states, r->in_one_place,
	       (double)r->microseconds / 1000, r->info.xlated_prog_len / 8, r->info.jited_prog_len,
	       r->deepest_frame, r->frames);
	if (!good)
		printf("%s: more than %u of the %u instructions that the kernel looks at\n",
		       bpf_program__name(p), BUDGET, r->limit);
	return good;
}

/* In the kernel's words: function by function, in the order of the program. */
static void print_stacks(const struct bpf_program *p, const struct report *r)
{
	const char *at = strstr(r->log, "stack depth ");

	if (at)
		printf("%s: %.*s\n", bpf_program__name(p), (int)strcspn(at, "\n"), at);
}

static struct bpf_program *next(const struct to_xdp *x, struct bpf_program *p)
{
	return bpf_object__next_program(x->skel->obj, p);
}

static void want_logs(struct to_xdp *x, struct report *r)
{
	struct bpf_program *p;
	unsigned n = 0;

	bpf_object__for_each_program(p, x->skel->obj)
	{
		if (n == PROGRAMS)
			rig_fail("there are more than %d programs", PROGRAMS);
		r[n].log = calloc(1, LOG_BYTES);
		if (!r[n].log)
			rig_fail("no memory for the verifier's log");
		bpf_program__set_autoload(p, true); /* also what is loaded when it is needed only */
		bpf_program__set_log_level(p, STATS);
		bpf_program__set_log_buf(p, r[n++].log, LOG_BYTES);
	}
}

static void print_heading(void)
{
	struct utsname kernel;

	uname(&kernel);
	printf("Linux %s\n", kernel.release);
	printf("%-16s %9s %7s %7s %5s %7s %8s %8s  %s\n", "", "of 1e6", "", "peak", "in 1", "", "",
	       "native", "deepest of");
	printf("%-16s %9s %7s %7s %5s %7s %8s %8s  %s\n", "program", "insns", "states", "states",
	       "insn", "ms", "insns", "bytes", "functions' stacks");
}

int main(void)
{
	struct report reports[PROGRAMS] = {0}, *r = reports;
	struct to_xdp_sizes sizes = rig_sizes(1024, 1024);
	struct bpf_program *p;
	bool good = true;
	struct rig rig;

	rig_read(&rig, &sizes, false);
	want_logs(&rig.xdp, reports);
	rig_load(&rig);
	print_heading();
	bpf_object__for_each_program(p, rig.xdp.skel->obj)
	{
		read_log(r);
		read_info(r, p);
		good &= print_report(p, r++);
	}
	r = reports;
	for (p = next(&rig.xdp, NULL); p; p = next(&rig.xdp, p))
		print_stacks(p, r++);
	rig_close(&rig);
	for (r = reports; r < reports + PROGRAMS; r++)
		free(r->log);
	return !good;
}
