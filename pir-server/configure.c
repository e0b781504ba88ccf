#include "pir-server/configure.h"

enum status configure(const struct options *options, struct config **ret, struct error *err)
{
    struct config *config = NULL;
    enum status status = config_new(options->config, &config, err);
    if (status != STATUS_OK)
        return status;
    options_apply(options, &config->settings);
    status = config_settle(config, err);
    if (status == STATUS_OK)
        *ret = config;
    else
        config_free(config);
    return status;
}

enum status configure_again(const struct options *options, const struct config *running,
                            const struct log *log, struct config **ret, struct error *err)
{
    struct config *config = NULL;
    enum status status = config_new(options->config, &config, err);
    if (status != STATUS_OK)
        return status;
    options_apply(options, &config->settings);
    if ((config->reference != NULL) != (running->reference != NULL))
        status = error_set(err, STATUS_INVALID, "%s: a restart is needed to change its kind",
                           config->path);
    for (size_t i = 0; i < SETTING_COUNT && status == STATUS_OK; i++) {
        const enum setting setting = (enum setting)i;
        if (setting_table[i].can_change ||
            settings_keep(&config->settings, &running->settings, setting))
            continue;
        log_write(log, LOG_WARNING, "%s has changed: in force after a restart",
                  setting_table[i].field);
    }
    if (status == STATUS_OK)
        status = config_settle(config, err);
    if (status == STATUS_OK)
        *ret = config;
    else
        config_free(config);
    return status;
}
