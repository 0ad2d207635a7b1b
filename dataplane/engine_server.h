/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The engine's side of the protocol (turnout/protocol.h), for the one main loop that an engine has:
 *
 *	poll(to_engine_server_fd(), to_engine_server_timeout());
 *	to_engine_server_turn();
 *
 * A turn does what is due, in pieces of some milliseconds: it answers what has come, goes on with
 * what takes longer (a census, a release, a generation that is not live yet), and renews the
 * region. Peers cannot hold it up: what they do not read is dropped with them. One thread.
 */
#ifndef TURNOUT_ENGINE_SERVER_H
#define TURNOUT_ENGINE_SERVER_H

#include "engine_ops.h"

struct to_engine_server;

/*
 * Listens at `path`, for root, our own user and the members of `group` (NULL: none). `e` is copied.
 * `lock`: of to_engine_lock(), taken over in any case; or -1: the name is locked now.
 * Returns 0 or a negative errno with a message, among them -EBUSY: another engine listens there.
 */
int to_engine_server_open(struct to_engine_server **server, const struct to_engine *e,
			  const char *path, const char *group, int lock, char *err,
			  size_t err_size);
/* The socket's name is gone then, and every connection ended. `server` may be NULL. */
void to_engine_server_close(struct to_engine_server *server);

/* Readable when there is something to do. */
int to_engine_server_fd(const struct to_engine_server *server);
/* Milliseconds after which there is something to do all the same. */
int to_engine_server_timeout(const struct to_engine_server *server);
void to_engine_server_turn(struct to_engine_server *server);

/* A generation was committed by another way than the protocol. */
void to_engine_server_committed(struct to_engine_server *server);

#endif
