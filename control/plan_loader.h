/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a plan is read: each map has an array of fields, each field a reader. Readers report what is
 * wrong and go on, so that one run finds everything; what could not be read keeps a value that the
 * checks leave alone (no index, no address).
 */
#ifndef TURNOUT_PLAN_LOADER_H
#define TURNOUT_PLAN_LOADER_H

#include "plan.h"
#include "plan_names.h"
#include "plan_tree.h"

struct to_loader {
	struct to_plan *plan;
	struct to_report *report;
	struct to_names pools, edges, services, partners, stages, groups;
	uint64_t
		comparisons; /* spent on suggestions: a file full of slips must not take for ever */
	bool no_memory;
};

typedef void to_field_reader(struct to_loader *loader, const struct to_node *node, void *object);

struct to_field {
	const char *key;
	bool required;
	to_field_reader *read;
};

#define TO_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define to_bad(loader, place, ...)   to_report_add((loader)->report, TO_ERROR, place, __VA_ARGS__)
#define to_doubt(loader, place, ...) to_report_add((loader)->report, TO_WARNING, place, __VA_ARGS__)

/* Reads a map's fields, in the order of `fields` whatever the file's is. `what` names the map in
 * messages. False: it is no map. */
bool to_read_fields(struct to_loader *loader, const struct to_node *node, const char *what,
		    const struct to_field *fields, size_t count, void *object);

bool to_expect_map(struct to_loader *loader, const struct to_node *node);
bool to_expect_list(struct to_loader *loader, const struct to_node *node);
bool to_expect_text(struct to_loader *loader, const struct to_node *node);

/* Values: false when they reported why not. */
bool to_check_label(struct to_loader *loader, const struct to_node *node, char *out, size_t most);
bool to_check_name(struct to_loader *loader, const struct to_node *node, to_plan_name out);
bool to_read_name(struct to_loader *loader, const struct to_node *node, to_plan_name out);
bool to_read_word(struct to_loader *loader, const struct to_node *node, const char *const *words,
		  size_t count, uint8_t *out);
bool to_read_number(struct to_loader *loader, const struct to_node *node, uint64_t low,
		    uint64_t high, uint64_t *out);
bool to_read_duration(struct to_loader *loader, const struct to_node *node, uint32_t low,
		      uint32_t high, uint32_t *out);
/* Milliseconds, with the unit ms beside the others. */
bool to_read_milliseconds(struct to_loader *loader, const struct to_node *node, uint32_t low,
			  uint32_t high, uint32_t *out);
bool to_read_share(struct to_loader *loader, const struct to_node *node, uint16_t *out);
bool to_read_ports(struct to_loader *loader, const struct to_node *node, uint16_t *low,
		   uint16_t *high);
bool to_read_address(struct to_loader *loader, const struct to_node *node, union to_addr *out);
bool to_read_prefix(struct to_loader *loader, const struct to_node *node,
		    struct to_plan_prefix *out);

/* A reference to a name; TO_NO_NAME when nothing defines it, which is reported. */
uint32_t to_resolve(struct to_loader *loader, const char *what, const struct to_names *names,
		    const char *name, struct to_place at);

/* "; did you mean 'new'?", or "". In a buffer that the next call uses again. */
const char *to_did_you_mean(struct to_loader *loader, const char *wrong,
			    const char *const *candidates, size_t count);

void *to_loader_alloc(struct to_loader *loader, size_t count, size_t size);

/* An address list: calls `each` for a single address or for each of a list, false ones ends it. */
void to_each_item(struct to_loader *loader, const struct to_node *node, to_field_reader *each,
		  void *object);

/* The sections of the file. */
void to_read_site(struct to_loader *loader, const struct to_node *node, void *plan);
void to_read_pools(struct to_loader *loader, const struct to_node *node, void *plan);
void to_read_services(struct to_loader *loader, const struct to_node *node, void *plan);
void to_read_partners(struct to_loader *loader, const struct to_node *node, void *plan);
void to_read_stages(struct to_loader *loader, const struct to_node *node, void *plan);
void to_read_gates(struct to_loader *loader, const struct to_node *node, void *object);

/* Of a service whose kind, protocol and port are read. */
void to_read_check(struct to_loader *loader, const struct to_node *node, void *object);
void to_default_check(struct to_plan_service *service);

bool to_share_vip(const struct to_plan_service *a, const struct to_plan_service *b);
bool to_uses_mode(const struct to_plan *plan, const struct to_plan_service *s, uint8_t mode);

/* What the parts of a plan must not be to each other. */
void to_check_addresses(struct to_loader *loader);
void to_check_services(struct to_loader *loader);
void to_check_stages(struct to_loader *loader);
void to_check_federation(struct to_loader *loader);

#endif
