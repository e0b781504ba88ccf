/* cmd_pir - what the files of `blindlist pir` share. */
#ifndef BLINDLIST_TOOLS_CMD_PIR_H
#define BLINDLIST_TOOLS_CMD_PIR_H

#include "pir-server/bfv/bfv_context.h"
#include "pir-server/pir/pir_parameters.h"
#include "pir-server/pir/pir_shard.h"
#include "tools/tool.h"

/* Messages and keys are files of at most this. */
#define CMD_PIR_FILE_MAX_BYTES ((size_t)1 << 30)

extern const struct tool_command cmd_pir_process;

/* One shard's parameters, checked, and what follows from them. */
struct cmd_pir_shape {
    struct pir_parameters parameters;
    struct pir_layout layout;
    struct bfv_context *context;
};
enum status cmd_pir_shape_read(const char *path, struct cmd_pir_shape *ret,
                               struct error *err) MUST_CHECK;
void cmd_pir_shape_deinit(struct cmd_pir_shape *shape); /* takes a zeroed struct too */

/* Does the name end in `.pir`, our own format? */
bool cmd_pir_is_ours(const char *path);

#endif
