/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The interfaces that the program is attached to, by links that are pinned: they go on when this
 * process ends, and the next one exchanges the program in them without a packet that passes by.
 */
#ifndef TURNOUT_XDP_PORTS_H
#define TURNOUT_XDP_PORTS_H

#include <stdio.h>

#include "xdp_object.h"
#include "xdp_run_options.h"

struct to_xdp_port {
	struct to_xdp_port_option option;
	uint32_t ifindex; /* 0: there is no such interface now */
	uint8_t mac[6];
	bool attached;
	bool native;
	bool ours;   /* attached by this process, not taken over */
	int untold;  /* why the program does not know it; 0: it does */
	int refused; /* why it is not attached; 0: nobody has tried */
	int told;    /* likewise, what stderr has last */
};

struct to_xdp_ports {
	unsigned n;
	struct to_xdp_port port[TO_XDP_MAX_PORTS];
	enum to_xdp_mode mode;
	bool chosen;     /* the mode is ours, not the operator's */
	bool held;       /* the program is told nothing yet: it is an earlier process's */
	int unforgotten; /* why the program still knows an interface that is gone; 0: it does not */
	char dir[160];   /* of the links */
};

void to_xdp_ports_init(struct to_xdp_ports *p, const struct to_xdp_run_options *o);

/* The name of the pinned link of an interface, and back; both have room for IFNAMSIZ bytes. */
void to_xdp_link_file(char *file, const char *interface);
void to_xdp_link_interface(char *interface, const char *file);

/* The port of that interface, or of its lower one (0: none), or NULL. */
struct to_xdp_port *to_xdp_port_of(struct to_xdp_ports *p, uint32_t ifindex, uint32_t lower);

/* An interface is there, or has changed: tells the program its zone and MAC, unless that is held
 * back. Returns its port, or
 * NULL when it is none, or nothing has changed. */
struct to_xdp_port *to_xdp_port_found(struct to_xdp *x, struct to_xdp_ports *p,
				      const struct to_link *link);

/* Attaches the program to it, or puts it in the place of the one that an earlier process has
 * attached, also when the interface has been given another name since. Returns 0 or a negative
 * errno, which is port->refused as well. */
int to_xdp_port_attach(struct to_xdp *x, struct to_xdp_ports *p, struct to_xdp_port *port);

/* Says on stderr why a port is not attached, if it has not said so before. */
void to_xdp_port_tell(const struct to_xdp_ports *p, struct to_xdp_port *port);

/* The program is ours: tells it of every interface that is there. */
void to_xdp_ports_release(struct to_xdp *x, struct to_xdp_ports *p);

/* Once a second: tells the program again what it could not be told. */
void to_xdp_ports_retry(struct to_xdp *x, struct to_xdp_ports *p);

/*
 * Attaches to every port that is there. Native or generic, it is the same on all of them, for a
 * driver cannot hand frames to a device that has no native XDP: with TO_XDP_AUTO native if all
 * have it, else generic, which is said on stderr. Ports that come later are attached likewise.
 *
 * A port that cannot be attached for another reason than its driver does not stop the others: it
 * is told, and may be tried again. Returns 0, or a negative errno with a message when a driver
 * refuses, or no port at all can be attached.
 */
int to_xdp_ports_attach(struct to_xdp *x, struct to_xdp_ports *p, char *err, size_t err_size);

/* Detaches those that this process has attached. */
void to_xdp_ports_undo(struct to_xdp_ports *p);

/* The program forgets the interfaces of ports that are no more. */
int to_xdp_ports_forget(struct to_xdp *x, struct to_xdp_ports *p);

/* It is gone, and its link with it. */
void to_xdp_port_gone(struct to_xdp *x, struct to_xdp_ports *p, const struct to_link *link);

/* Does the interface hide VLAN tags from the program (its offload is on)? */
bool to_xdp_port_strips_vlan(const struct to_xdp_port *port);

/* Is the program there in the driver, not after it? */
bool to_xdp_is_native(uint32_t ifindex);

/* Attaches to a port that has come after the start. Where its driver cannot, and nobody has asked
 * for native mode, all ports become generic: stderr says so. As to_xdp_port_attach(). */
int to_xdp_port_attach_late(struct to_xdp *x, struct to_xdp_ports *p, struct to_xdp_port *port);

/* Detaches what is pinned in `dir` but is no port of `p` (NULL: all of it). Names each on `out`. */
int to_xdp_ports_prune(const char *dir, const struct to_xdp_ports *p, FILE *out);

#endif
