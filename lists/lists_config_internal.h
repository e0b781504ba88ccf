/* lists_config_internal - what the files of lists_config share.
 *
 * Errors   go to the reader of the field at fault; what follows then does nothing. */
#ifndef BLINDLIST_LISTS_LISTS_CONFIG_INTERNAL_H
#define BLINDLIST_LISTS_LISTS_CONFIG_INTERNAL_H

#include "json/json_field.h"
#include "lists/lists_config.h"

/* How files are read: as lists_config_read() was told. */
struct lists_loader {
    lists_config_load *load; /* NULL = file_read() */
    void *context;
};
enum status lists_load(const struct lists_loader *loader, const char *path, struct bytes *ret,
                       struct error *err) MUST_CHECK;

/* A copy for the configuration; NULL for NULL, and without memory. */
char *lists_keep(const struct json_field *field, const char *text);
/* `path` as seen from the folder of the field's file; without "./" in front, so that a file has one
 * name. In a pattern the folder's own characters mean themselves. */
char *lists_resolve(const struct json_field *field, const char *path, bool is_pattern);

void lists_source_read(const struct json_field *object, struct lists_source *source);
void lists_source_deinit(struct lists_source *source);

/* `root` is that of lists.json. */
void lists_output_read(const struct lists_loader *loader, const struct json_field *root,
                       struct lists_output *ret);
void lists_output_deinit(struct lists_output *output);

#endif
