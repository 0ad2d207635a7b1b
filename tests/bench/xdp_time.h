/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/* What the wrapper (xdp_time.bpf.c) and the process that runs it agree on. */
#ifndef TURNOUT_BENCH_XDP_TIME_H
#define TURNOUT_BENCH_XDP_TIME_H

#include <linux/types.h>

#define TIME_FLOWS   65536u
#define TIME_HEAD    56  /* bytes of a frame that are made anew: through TCP's header */
#define TIME_EDGES   16  /* places for addresses; a power of two */
#define TIME_DST     30  /* where a frame has its destination: with a tunnel, the tunnel's */
#define TIME_SAMPLES 512 /* room for them; a power of two */

/* Programs to be timed, by their place in the map of them. */
enum time_target { TIME_TX, TIME_PASS, TIME_ENCAP, TIME_SUBJECT, TIME_TARGETS };

/* What is timed: one sample of each in turn. A power of two. */
enum time_turn { TURN_WRAPPER, TURN_SUBJECT, TURN_YARDSTICK_WRAPPER, TURN_YARDSTICK, TIME_TURNS };

struct time_setup {
	__u64 head[TIME_HEAD / 8]; /* of the frame, without source and checksum */
	__u32 target;
	__s32 verdict;          /* enum xdp_action that is right */
	__u32 mask;             /* flows are 0 to mask: a power of two less one, below TIME_FLOWS */
	__u32 client;           /* source of flow 0, host order */
	__u32 sum;              /* of the IP header without source and checksum, not folded */
	__u32 moves;            /* the frame's beginning is moved back by `cut`, though that be 0 */
	__u32 cut;              /* bytes that the program puts in front */
	__u32 edges;            /* mask of what edge_of[] has; 0: all go to edge[0] */
	__u32 edge[TIME_EDGES]; /* what is to be at TIME_DST */
	__u32 visit;            /* number of the next one in the order of visits */
	__u32 reserved;
};

struct time_run {
	__u32 packets; /* of a sample */
	__u32 run;     /* of this sample; 0: it begins */
	__u32 sample;  /* samples done, of all turns together */
	__u32 wrong;
	__u32 flow; /* whose frame is in the buffer */
	__u32 reserved;
	__u64 begin; /* of the sample, nanoseconds */
	__u64 took[TIME_SAMPLES * TIME_TURNS];
};

#endif
