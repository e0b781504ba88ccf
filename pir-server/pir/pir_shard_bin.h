/* pir_shard_bin - the reference's shard file, `.bin`: bit-packed plaintexts without a header.
 *
 *     u8 version 1 | u32 LE plaintexts | each: u8 tag 0 = nil, or 1 and the packed polynomial
 *
 * Nothing in the file says what its parameters are: they come from `.params.txtpb`. Stricter than
 * the reference: the count and the exact length must fit the parameters, values be below q_i.
 *
 * Source   spec/keyword-pir.md section 5.1. */
#ifndef BLINDLIST_PIR_PIR_SHARD_BIN_H
#define BLINDLIST_PIR_PIR_SHARD_BIN_H

#include "pir-server/pir/pir_shard.h"

/* A `.bin` being read from memory, one plaintext after the other. */
struct pir_bin_reader;
/* Borrows `file` and `context` until freed. Checks version and count. */
enum status pir_bin_reader_new(const struct bfv_context *context, const struct pir_layout *layout,
                               struct span file, struct pir_bin_reader **ret,
                               struct error *err) MUST_CHECK;
void pir_bin_reader_free(struct pir_bin_reader *reader); /* takes NULL */
/* Its plaintexts in order; the last one checks that nothing follows. */
struct pir_plaintext_source pir_bin_source(struct pir_bin_reader *reader);

/* Writes a `.bin`, whole or not at all. */
enum status pir_bin_write(const char *path, const struct bfv_context *context,
                          const struct pir_layout *layout,
                          const struct pir_plaintext_source *source, struct error *err) MUST_CHECK;

/* The shard of a `.bin` file, in memory: pir_shard_save() makes a `.pir` of it. */
enum status pir_shard_load_bin(const char *path, const struct pir_parameters *parameters,
                               unsigned bfv_flags, struct pir_shard **ret,
                               struct error *err) MUST_CHECK;
/* Any shard as a `.bin` file. */
enum status pir_shard_export_bin(const struct pir_shard *shard, unsigned bfv_flags,
                                 const char *path, struct error *err) MUST_CHECK;

#endif
