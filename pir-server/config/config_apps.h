/* config_apps - "apps" of a server's configuration file: the customers, each with what is its own.
 *
 * Memory   drafts own their texts.
 * Threads  constant once read. */
#ifndef BLINDLIST_CONFIG_CONFIG_APPS_H
#define BLINDLIST_CONFIG_CONFIG_APPS_H

#include "json/json_field.h"
#include "pir-server/service/app.h"

struct config_app {
    struct app_config app;
    bool says_tokens; /* else the settings of the server say whether requests cost tokens */
};

struct config_apps {
    struct config_app *list; /* [count] */
    size_t count;            /* 0: there is one app, which has all */
};

/* What is wrong is noted in the field's reader, also what app_list_new() says. `apps` is the array;
 * absent = none. */
void config_apps_read(const struct json_field *apps, struct config_apps *ret);
void config_apps_deinit(struct config_apps *apps);

/* The list of these apps.
 *   needs_tokens  of those that do not say */
enum status config_apps_list(const struct config_apps *apps, bool needs_tokens,
                             const struct app_list **ret, struct error *err) MUST_CHECK;

#endif
