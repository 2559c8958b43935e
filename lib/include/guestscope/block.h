/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's disks: what QMP says of them in four answers (query-block, query-blockstats of devices
 * and of nodes, query-named-block-nodes), joined; sizes that each say what they are based on; and
 * the three words of libvirt's domblkinfo.
 */
#ifndef GUESTSCOPE_BLOCK_H
#define GUESTSCOPE_BLOCK_H

#include <guestscope/qmp.h>
#include <guestscope/qmp/libvirt.h>

/* ---- the graph: load.c ---- */

/* A node of the block graph; strings are borrowed from the graph. */
struct gs_block_node {
	const char *name;
	const char *driver;
	const char *filename; /* as QEMU tells it; may be a "json:{...}" pseudo-name; NULL: none */
	bool read_only;
	const struct gs_block_node
		*file; /* protocol child of a format node; NULL: none or not told */
	const struct gs_block_node *backing; /* NULL: none */
	const struct gs_json *info;          /* its entry of query-named-block-nodes */
	const struct gs_json *stats; /* its entry of query-blockstats query-nodes; may be NULL */
};

/* What the guest sees as a disk, or a backend without a device. */
struct gs_block_device {
	const char
		*id; /* what to call it: target, else qdev's id, else drive, else the node's name */
	const char *target; /* libvirt's name ("vda"); NULL where libvirt is not asked */
	const char *qdev;   /* id or QOM path, as QEMU tells it; NULL: no device */
	const char *drive;  /* name of the backend (-drive id=); NULL: none */
	const struct gs_block_node *root; /* NULL: the drive is empty */
	bool removable, locked, tray_open;
	const char *io_status;       /* "ok", "failed", "nospace"; NULL: not kept for this device */
	const struct gs_json *info;  /* its entry of query-block */
	const struct gs_json *stats; /* its entry of query-blockstats; may be NULL */
};

struct gs_block_graph {
	struct gs_block_device *devices;
	size_t device_count;
	struct gs_block_node *nodes; /* sorted by name */
	size_t node_count;
	struct gs_json *answers[4]; /* what all of the above borrows from, */
	char **names;               /* and names that stand in no answer */
	size_t name_count;
	uint64_t taken_ns; /* CLOCK_MONOTONIC, when the counters of devices came */
};

/*
 * Ask the guest. @domain (may be NULL) gives devices their targets, by alias. Answers that
 * contradict each other are lived with: what is not told stays NULL.
 */
GS_MUST_CHECK struct gs_error *gs_block_load(struct gs_qmp *qmp,
					     const struct gs_domain_info *domain,
					     struct gs_block_graph *ret);
void gs_block_graph_deinit(struct gs_block_graph *graph);
/* By any of its names, be it a QOM path, its node or image. NODATA with the nearest; INVALID: it
 * fits several.
 */
GS_MUST_CHECK struct gs_error *gs_block_find(const struct gs_block_graph *graph, const char *name,
					     const struct gs_block_device **ret);
/* The node of that name; NULL: none. */
const struct gs_block_node *gs_block_find_node(const struct gs_block_graph *graph,
					       const char *name);

/* ---- what happens when it fails: policy.c ---- */

/* "report" to the guest, "ignore", "stop" the guest, "enospc": stop it when space has run out and
 * report all else; "": the device has no such choice. */
struct gs_block_policy {
	char on_read[16], on_write[16];
};
GS_MUST_CHECK struct gs_error *gs_block_policy(struct gs_qmp *qmp,
					       const struct gs_block_device *device,
					       struct gs_block_policy *ret);

/* ---- sizes: sizes.c, virsh.c, offline.c ---- */

/* A number of bytes and what it is; where it is not known, why. */
struct gs_block_number {
	bool known;
	uint64_t bytes;
	const char *basis; /* a static phrase: "image header", "no write since start", ... */
};

struct gs_block_sizes {
	struct gs_block_number virtual_size; /* what the guest sees */
	struct gs_block_number length;       /* of the file (st_size), or of the device */
	struct gs_block_number allocated;    /* what the storage really holds of it */
	struct gs_block_number high_water; /* end of the highest write since this QEMU opened it */
	struct gs_block_number image_end;  /* where an image's own data end (qcow2 on a device) */
	struct gs_block_number chain;      /* allocated, summed over the backing chain */
	bool writes_known, written;        /* whether anything was written since start */
};
/*
 * Of a device with a medium (NODATA: it has none). @qemu is the guest's process if it runs on this
 * host, else 0: lengths are those of the files that it has open, where we may see them. Nothing is
 * opened, and nobody but the kernel asked.
 */
GS_MUST_CHECK struct gs_error *gs_block_sizes(const struct gs_block_device *device, pid_t qemu,
					      struct gs_block_sizes *ret);
/*
 * The same of a disk of a domain that does not run, and whose paths are this host's; headers of
 * images are read by qemu-img. NODATA: an empty drive. UNSUPPORTED: its storage is neither file nor
 * device; qemu-img is missing. CORRUPT: the image, in qemu-img's words. TIMEOUT.
 */
GS_MUST_CHECK struct gs_error *gs_block_sizes_offline(const struct gs_domain_disk *disk,
						      struct gs_block_sizes *ret);

/*
 * Capacity, allocation and physical size, as virsh domblkinfo of libvirt 9 prints them; the errors
 * and parameters are those of the functions above, NODATA in libvirt's own words.
 */
struct gs_block_virsh {
	uint64_t capacity, allocation, physical;
};
GS_MUST_CHECK struct gs_error *gs_block_virsh(const struct gs_block_device *device, pid_t qemu,
					      struct gs_block_virsh *ret);
GS_MUST_CHECK struct gs_error *gs_block_virsh_offline(const struct gs_domain_disk *disk,
						      struct gs_block_virsh *ret);

/* ---- counters: stats.c ---- */

enum gs_block_op {
	GS_BLOCK_READ,
	GS_BLOCK_WRITE,
	GS_BLOCK_UNMAP,
	GS_BLOCK_FLUSH,
	GS_BLOCK_ZONE_APPEND
};
#define GS_BLOCK_OPS 5

/* Since QEMU's start, or the change of medium. What QEMU did not tell is 0 and !known. */
struct gs_block_counters {
	bool known;
	uint64_t operations; /* that were done; those that failed or were invalid stand apart */
	uint64_t bytes, merged, failed, invalid;
	uint64_t total_ns; /* time that operations took, summed */
};
struct gs_block_timed { /* QEMU's own statistics over a configured interval */
	uint64_t interval_s;
	struct {
		uint64_t min_ns, max_ns, avg_ns;
		double queue_depth; /* < 0: not kept, as for a flush */
	} of[GS_BLOCK_OPS];
	bool known[GS_BLOCK_OPS];
};
struct gs_block_histogram {
	uint64_t *boundaries_ns; /* bin_count - 1 of them, ascending */
	uint64_t *bins;
	size_t bin_count; /* 0: not kept */
};
struct gs_block_stats {
	uint64_t taken_ns; /* CLOCK_MONOTONIC, when the answer came */
	struct gs_block_counters of[GS_BLOCK_OPS];
	bool used;           /* any operation at all */
	uint64_t idle_ns;    /* since the last one, if used */
	bool counts_failed;  /* failed ones are in total_ns, and end the idle time */
	bool counts_invalid; /* invalid ones end the idle time; they take none */
	struct gs_block_timed *timed;
	size_t timed_count;
	struct gs_block_histogram histograms[GS_BLOCK_OPS];
};
/* "read", "write", "unmap", "flush", "zone-append" */
const char *gs_block_op_name(enum gs_block_op op);
/*
 * From a device's entry of query-blockstats; a NULL @entry tells nothing. CORRUPT: bins that do not
 * fit their boundaries, or far too many. Owned parts end with gs_block_stats_deinit().
 */
GS_MUST_CHECK struct gs_error *gs_block_stats_parse(const struct gs_json *entry, uint64_t taken_ns,
						    struct gs_block_stats *ret);
void gs_block_stats_deinit(struct gs_block_stats *stats);
/* Mean time of an operation, in ns; < 0 when there was none. */
double gs_block_mean_ns(const struct gs_block_stats *stats, enum gs_block_op op);

/* Between two samples. */
struct gs_block_rates {
	double seconds; /* 0: no time passed, and all that is per second is 0 */
	bool restarted; /* counters went back (a new medium), and were taken to begin at 0 */
	struct {
		double iops, bytes_per_s, merged_per_s;
		double latency_ns;  /* mean of those that ended; < 0: none did */
		double queue_depth; /* mean number in flight: time taken over time passed */
	} of[GS_BLOCK_OPS];
	double queue_depth; /* all together */
};
void gs_block_rates(const struct gs_block_stats *before, const struct gs_block_stats *after,
		    struct gs_block_rates *ret);

/*
 * Latency histograms of one device: begin to keep them, all counts 0, or stop. @boundaries_ns
 * (NULL: a decade each from 1 µs to 10 s) ascend and are not 0, else INVALID; so is a @device
 * without a qdev. What query-block tells as qdev is the id that QEMU wants: a QOM path where the
 * backend has no id of its own, as with virtio.
 */
#define GS_BLOCK_BOUNDARIES_MAX 1024
GS_MUST_CHECK struct gs_error *gs_block_histogram_set(struct gs_qmp *qmp,
						      const struct gs_block_device *device,
						      const uint64_t *boundaries_ns, size_t count);
GS_MUST_CHECK struct gs_error *gs_block_histogram_clear(struct gs_qmp *qmp,
							const struct gs_block_device *device);

/* ---- write thresholds: threshold.c ---- */

/*
 * Where a device's bytes are stored in the end, and a threshold tells how far its image has grown.
 * NULL: the drive is empty.
 */
const struct gs_block_node *gs_block_protocol_node(const struct gs_block_device *device);
/* The offset that the next write beyond will be told of (BLOCK_WRITE_THRESHOLD, once); 0: none. */
uint64_t gs_block_threshold(const struct gs_block_node *node);
/* @bytes 0: none any more. */
GS_MUST_CHECK struct gs_error *gs_block_set_threshold(struct gs_qmp *qmp,
						      const struct gs_block_node *node,
						      uint64_t bytes);

/* ---- jobs: jobs.c ---- */

struct gs_block_job {            /* strings are borrowed from the list */
	const char *id, *type;   /* "mirror", "backup", "create", ... */
	const char *status;      /* "running", "ready", "concluded", ...: verbatim */
	const char *error;       /* NULL: none so far */
	uint64_t current, total; /* in units of the job: mostly bytes; total may grow */
	uint64_t taken_ns;       /* CLOCK_MONOTONIC, when the answer came */
	bool is_block_job;       /* the rest is of such: */
	uint64_t speed_limit;    /* bytes per second; 0: none */
	const char *io_status;   /* "ok", "failed", "nospace"; NULL: not told */
};
struct gs_block_jobs {
	struct gs_block_job *jobs; /* sorted by id */
	size_t count;
	struct gs_json *answers[2]; /* query-jobs, query-block-jobs */
};
/* All that the guest has now, also those that are over and wait to be dismissed. */
GS_MUST_CHECK struct gs_error *gs_block_jobs_query(struct gs_qmp *qmp, struct gs_block_jobs *ret);
void gs_block_jobs_deinit(struct gs_block_jobs *jobs);
/* NULL: none has that id. */
const struct gs_block_job *gs_block_job_find(const struct gs_block_jobs *jobs, const char *id);
/* Whether nothing more will happen to it. */
bool gs_block_job_is_over(const struct gs_block_job *job);

struct gs_block_job_pace { /* what is < 0 is not known */
	double percent;    /* of the work, as much as is known of it by now */
	double rate;       /* units per second between the samples */
	double left_s;     /* until the work is done at that rate */
};
/* @before may be NULL. */
void gs_block_job_pace(const struct gs_block_job *before, const struct gs_block_job *after,
		       struct gs_block_job_pace *ret);

/* ---- jobs, followed from look to look, to an end that only events may tell: follow.c ---- */

enum gs_block_job_end {
	GS_BLOCK_JOB_GOES_ON,
	GS_BLOCK_JOB_COMPLETED,
	GS_BLOCK_JOB_FAILED,
	GS_BLOCK_JOB_CANCELLED,
	GS_BLOCK_JOB_GONE, /* how it ended was not told */
};
/* "completed", "failed", "cancelled", "gone"; NULL for one that goes on */
const char *gs_block_job_end_name(enum gs_block_job_end end);

struct gs_block_job_mark {
	uint64_t taken_ns, current;
};
struct gs_block_followed_job { /* strings are owned; NULL: not told */
	char *id, *type, *status, *error, *io_status;
	uint64_t current, total, speed_limit;
	bool is_block_job;
	struct gs_block_job_pace pace;       /* of the last 5 to 10 seconds */
	struct gs_block_job_mark from, next; /* what the pace is measured from, now and then */
	bool aborted;                        /* it was seen to give up */
	enum gs_block_job_end end;
};
/* {0} is ready. Holds 4096 jobs; for more, the first that have ended are forgotten. */
struct gs_block_followed_jobs {
	struct gs_block_followed_job *jobs; /* in the order in which they were met */
	size_t count;
	const char *const *only;  /* ids, NULL-terminated, of those that are wanted; empty: all */
	struct gs_error *failure; /* of taking a note: the next look returns it */
};
/*
 * Ask for the jobs, and take note of the events that have come. Those that are there no more have
 * ended. PROTOCOL: far too many go on.
 */
GS_MUST_CHECK struct gs_error *gs_block_follow_look(struct gs_block_followed_jobs *jobs,
						    struct gs_qmp *qmp);
/* What @event says of the end of a job; true where the list may be worth a look now. */
bool gs_block_follow_note(struct gs_block_followed_jobs *jobs, const struct gs_qmp_event *event);
/* NULL: none has that id. */
const struct gs_block_followed_job *gs_block_follow_find(const struct gs_block_followed_jobs *jobs,
							 const char *id);
/* Whether one of them goes on. */
bool gs_block_follow_goes_on(const struct gs_block_followed_jobs *jobs);
void gs_block_follow_deinit(struct gs_block_followed_jobs *jobs);

#endif
