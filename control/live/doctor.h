/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a host has for the engines. Everything is read below a root, which a test makes itself; of
 * another root's interfaces, what ethtool would say is read from ROOT/ethtool/NAME, in the words of
 * `ethtool -k` and with a line "driver: NAME".
 */
#ifndef TURNOUT_DOCTOR_H
#define TURNOUT_DOCTOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum to_about { TO_ABOUT_HOST, TO_ABOUT_XDP, TO_ABOUT_DPDK, TO_ABOUT_COUNT };

enum to_found {
	TO_FOUND_OK,
	TO_FOUND_NOTE,    /* works, and less well */
	TO_FOUND_MISSING, /* what it is about cannot run */
};

struct to_doctor {
	const char *root; /* "" for this host's own */
	json_t *findings;
	bool missing[TO_ABOUT_COUNT];
};

/* A finding; `todo` says what to do about it, NULL: nothing. */
void to_doctor_say(struct to_doctor *d, enum to_about about, enum to_found found, const char *todo,
		   const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Below the root. What is read is a file's first bytes, without the newline at its end; false:
 * there is none. */
bool to_doctor_exists(const struct to_doctor *d, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
bool to_doctor_read(const struct to_doctor *d, char *out, size_t size, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* A number that is a file's whole content; -1: none. */
long to_doctor_number(const struct to_doctor *d, const char *path);
/* The last part of where a link leads. */
bool to_doctor_link(const struct to_doctor *d, char *out, size_t size, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* Calls for each entry of a directory, in the order of their names. Returns how many. */
int to_doctor_each(struct to_doctor *d, const char *path,
		   void (*each)(struct to_doctor *d, const char *name, void *context),
		   void *context);
/* Whether a file system of this type is mounted. */
bool to_doctor_mounted(const struct to_doctor *d, const char *type);

void to_doctor_host(struct to_doctor *d);
void to_doctor_xdp(struct to_doctor *d);
void to_doctor_dpdk(struct to_doctor *d);
/* `port` NULL: every interface. */
void to_doctor_ports(struct to_doctor *d, const char *port);

/* What the driver of an interface has on; false: it does not say. */
enum to_feature { TO_RX_VLAN, TO_LRO, TO_TX_CHECKSUM };
bool to_doctor_driver(const struct to_doctor *d, const char *interface, char *out, size_t size);
bool to_doctor_feature(const struct to_doctor *d, const char *interface, enum to_feature feature);

#endif
