/* config - what a server is to do: its settings, its apps, and what it takes over from the
 * reference.
 *
 *     config_new(file, &config, &err);       // the defaults, and the file on top of them
 *     settings_set_...(&config->settings);   // what the command line says
 *     config_settle(config, &err);           // the apps that follow
 *
 * Memory   a configuration is one object; texts of the file are its own.
 * Threads  constant once settled. */
#ifndef BLINDLIST_CONFIG_CONFIG_H
#define BLINDLIST_CONFIG_CONFIG_H

#include "pir-server/config/config_apps.h"
#include "pir-server/config/reference_config.h"
#include "pir-server/config/settings.h"

#define CONFIG_FILE_MAX_BYTES ((size_t)64 << 20)

struct config {
    char *path; /* NULL = no file */
    struct settings settings;
    struct config_apps drafts;          /* as the file says */
    struct reference_config *reference; /* NULL: the file is none of the reference's */
    const struct app_list *apps;        /* NULL until settled */
};

/* path: NULL = no file. Errors name file, line and JSON path. */
enum status config_new(const char *path, struct config **ret, struct error *err) MUST_CHECK;
/* The same of a text; `path` begins every message, and says where paths begin. */
enum status config_parse(const char *path, struct span text, struct config **ret,
                         struct error *err) MUST_CHECK;
void config_free(struct config *config); /* takes NULL */

/* Once, when the settings are complete: settings_check(), and makes the apps. */
enum status config_settle(struct config *config, struct error *err) MUST_CHECK;

#endif
