/* source_account - what became of the entries of each source, for the report of a dataset.
 *
 * Every entry that names a key to be blocked is accounted for once, at the source and line that it
 * came from: the first one of a key, in the order of lists.json, with what became of the key, all
 * others as duplicates. So of each source
 *
 *     lines + further = comments + entries
 *     entries + second keys = dropped + exceptions
 *                             + rows + duplicates + cancelled + allowed + split + covered
 *
 * where second keys are there only when the scheme counts (urls/list.h).
 *
 * Threads  one at a time. */
#ifndef BLINDLIST_LISTS_SOURCE_ACCOUNT_H
#define BLINDLIST_LISTS_SOURCE_ACCOUNT_H

#include "lists/source_keys.h"
#include "pir-server/dataset/dataset_report.h"

/* As many of each source and fate are named in the report. */
#define SOURCE_ACCOUNT_SAMPLES 5
/* The keys that two sources share are counted among so many sources. */
#define SOURCE_ACCOUNT_OVERLAP_MAX ((size_t)256)

/* After source_keys_select(). Sets `keys` of sources[source_set_count(set)], whose counts are there
 * already, and tells the report of samples, overlap and conflicts. */
enum status source_account(const struct source_keys *keys, const struct source_set *set,
                           struct dataset_source *sources, struct dataset_report *report,
                           struct error *err) MUST_CHECK;

#endif
