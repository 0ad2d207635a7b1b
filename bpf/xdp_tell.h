/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TURNOUT_XDP_TELL_H
#define TURNOUT_XDP_TELL_H

/*
 * Says on stderr what is wrong, once for each change: `*told` is what was said last, 0 in the
 * beginning. `ret`: 0 or more, or a negative errno, which is returned. `what` is a sentence
 * ("cannot do this or that") to which the error is added, or that it is over.
 */
__attribute__((format(printf, 3, 4))) int to_xdp_tell(int *told, int ret, const char *what, ...);

#endif
