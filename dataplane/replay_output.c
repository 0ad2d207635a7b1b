/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "replay_output.h"
#include "table_view.h"

#define STREAM_BUFFER (128u << 10)
#define MAX_PATH      4096

/* The pcap format, with nanoseconds: draft-ietf-opsawg-pcap. In host order. */
#define PCAP_MAGIC_NS   0xa1b23c4du
#define PCAP_SNAPLEN    262144u
#define PCAP_LINK_ETHER 1u

struct pcap_file_header {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t reserved[2];
	uint32_t snaplen;
	uint32_t link;
};
_Static_assert(sizeof(struct pcap_file_header) == 24, "layout");

struct pcap_record {
	uint32_t seconds, nanos;
	uint32_t captured, original;
};
_Static_assert(sizeof(struct pcap_record) == 16, "layout");

static const char *const class_names[] = {TO_NAMES(TO_CLASSES)};
static const char *const verdict_names[] = {TO_NAMES(TO_VERDICTS)};
static const char *const reason_names[] = {TO_NAMES(TO_REASONS)};

struct stream {
	FILE *f;
	char *path;
};

struct to_output {
	char *dir;
	struct stream verdicts;
	struct stream kernel;
	struct stream replies;
	struct stream errors;
	struct stream edge[TO_MAX_EDGES];
};

static int cannot_write(const char *path, int error, char *err, size_t err_size)
{
	snprintf(err, err_size, "cannot write %s: %s", path, strerror(error));
	return -error;
}

static int stream_open(struct to_output *o, struct stream *s, const char *before, const char *name,
		       const char *after, char *err, size_t err_size)
{
	char path[MAX_PATH];
	int n = snprintf(path, sizeof(path), "%s/%s%s%s", o->dir, before, name, after);

	if (n < 0 || (size_t)n >= sizeof(path))
		return cannot_write(o->dir, ENAMETOOLONG, err, err_size);
	s->path = strdup(path);
	if (!s->path)
		return cannot_write(path, ENOMEM, err, err_size);
	s->f = fopen(path, "we");
	if (!s->f)
		return cannot_write(path, errno, err, err_size);
	setvbuf(s->f, NULL, _IOFBF, STREAM_BUFFER);
	return 0;
}

static int stream_write(struct stream *s, const void *data, size_t len, char *err, size_t err_size)
{
	if (fwrite(data, 1, len, s->f) != len)
		return cannot_write(s->path, errno, err, err_size);
	return 0;
}

static int stream_finish(struct stream *s, char *err, size_t err_size)
{
	FILE *f = s->f;
	int ret = 0;

	if (!f)
		return 0;
	s->f = NULL;
	if (fflush(f) != 0)
		ret = cannot_write(s->path, errno, err, err_size);
	if (fclose(f) != 0 && ret == 0)
		ret = cannot_write(s->path, errno, err, err_size);
	return ret;
}

static void stream_close(struct stream *s)
{
	if (s->f)
		fclose(s->f);
	free(s->path);
}

static int capture_open(struct to_output *o, struct stream *s, const char *before, const char *name,
			char *err, size_t err_size)
{
	const struct pcap_file_header h = {
		.magic = PCAP_MAGIC_NS,
		.major = 2,
		.minor = 4,
		.snaplen = PCAP_SNAPLEN,
		.link = PCAP_LINK_ETHER,
	};
	int ret = stream_open(o, s, before, name, ".pcap", err, err_size);

	return ret < 0 ? ret : stream_write(s, &h, sizeof(h), err, err_size);
}

int to_output_generation(struct to_output *o, const struct to_table *t, char *err, size_t err_size)
{
	int ret = 0;

	for (uint32_t i = 0; ret == 0 && i < to_table_edge_count(t); i++) {
		if (!o->edge[i].f)
			ret = capture_open(o, &o->edge[i], "edge-", to_view_edge_name(t, i), err,
					   err_size);
	}
	return ret;
}

static int open_all(struct to_output *o, const struct to_table *t, char *err, size_t err_size)
{
	int ret = stream_open(o, &o->verdicts, "", "verdicts", ".jsonl", err, err_size);

	if (ret == 0)
		ret = capture_open(o, &o->kernel, "", "kernel", err, err_size);
	if (ret == 0)
		ret = capture_open(o, &o->replies, "", "replies", err, err_size);
	if (ret == 0)
		ret = capture_open(o, &o->errors, "", "errors", err, err_size);
	return ret < 0 ? ret : to_output_generation(o, t, err, err_size);
}

int to_output_open(const char *dir, const struct to_table *table, struct to_output **output,
		   char *err, size_t err_size)
{
	struct to_output *o = calloc(1, sizeof(*o));
	int ret;

	if (!o || !(o->dir = strdup(dir))) {
		ret = cannot_write(dir, ENOMEM, err, err_size);
		goto fail;
	}
	if (mkdir(dir, 0777) < 0 && errno != EEXIST) {
		ret = cannot_write(dir, errno, err, err_size);
		goto fail;
	}
	ret = open_all(o, table, err, err_size);
	if (ret < 0)
		goto fail;
	*output = o;
	return 0;

fail:
	to_output_close(o);
	return ret;
}

/* A name in quotes, or null. Names are [A-Za-z0-9._-] only: nothing needs escaping. */
static void print_name(FILE *f, const char *key, const char *name)
{
	if (name)
		fprintf(f, ",\"%s\":\"%s\"", key, name);
	else
		fprintf(f, ",\"%s\":null", key);
}

static int verdict_line(struct to_output *o, const struct to_table *t, uint64_t generation,
			uint64_t number, const struct to_decision *d, char *err, size_t err_size)
{
	FILE *f = o->verdicts.f;

	fprintf(f, "{\"frame\":%llu,\"class\":\"%s\"", (unsigned long long)number,
		class_names[d->class]);
	print_name(f, "service", to_view_service_name(t, d->service));
	print_name(f, "verdict", verdict_names[d->verdict]);
	print_name(f, "reason", reason_names[d->reason]);
	print_name(f, "pool", to_view_pool_name(t, d->edge));
	print_name(f, "edge", to_view_edge_name(t, d->edge));
	fprintf(f, ",\"generation\":%llu}\n", (unsigned long long)generation);
	if (ferror(f))
		return cannot_write(o->verdicts.path, errno, err, err_size);
	return 0;
}

static struct stream *stream_of(struct to_output *o, const struct to_frame *f)
{
	switch (f->egress) {
	case TO_EGRESS_KERNEL:
		return &o->kernel;
	case TO_EGRESS_EDGE:
		return &o->edge[f->decision.edge];
	case TO_EGRESS_OUT:
		return &o->replies;
	case TO_EGRESS_SENDER:
		return &o->errors;
	default:
		return NULL;
	}
}

int to_output_frame(struct to_output *o, const struct to_table *table, uint64_t generation,
		    const struct to_capture_frame *in, const struct to_frame *f, char *err,
		    size_t err_size)
{
	struct stream *s = stream_of(o, f);
	struct pcap_record r = {
		.seconds = (uint32_t)(in->ns / 1000000000u),
		.nanos = (uint32_t)(in->ns % 1000000000u),
		.captured = f->len,
		.original = f->len,
	};
	int ret = verdict_line(o, table, generation, in->number, &f->decision, err, err_size);

	if (ret < 0 || !s)
		return ret;
	if (f->egress ==
	    TO_EGRESS_KERNEL) /* untouched: what the capture cut off is still missing */
		r.original += in->wire_len - in->len;
	ret = stream_write(s, &r, sizeof(r), err, err_size);
	return ret < 0 ? ret : stream_write(s, f->data, f->len, err, err_size);
}

int to_output_finish(struct to_output *o, char *err, size_t err_size)
{
	struct stream *const fixed[] = {&o->verdicts, &o->kernel, &o->replies, &o->errors};
	int ret = 0;

	for (size_t i = 0; i < 4; i++) {
		int r = stream_finish(fixed[i], err, err_size);

		ret = ret < 0 ? ret : r;
	}
	for (size_t i = 0; i < TO_MAX_EDGES; i++) {
		int r = stream_finish(&o->edge[i], err, err_size);

		ret = ret < 0 ? ret : r;
	}
	return ret;
}

void to_output_close(struct to_output *o)
{
	if (!o)
		return;
	stream_close(&o->verdicts);
	stream_close(&o->kernel);
	stream_close(&o->replies);
	stream_close(&o->errors);
	for (size_t i = 0; i < TO_MAX_EDGES; i++)
		stream_close(&o->edge[i]);
	free(o->dir);
	free(o);
}
