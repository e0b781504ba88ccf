#include "pir-server/confine.h"

#include "pir-server/service/privileges.h"
#include "pir-server/service/sandbox.h"

#include <unistd.h>

/* What libraries open by themselves: themselves, time zones, random bytes, the number of cores. */
static const char *const of_system[] = {"/usr",
                                        "/lib",
                                        "/lib64",
                                        "/etc/localtime",
                                        "/dev/urandom",
                                        "/proc/self",
                                        "/sys/devices/system/cpu"};

static void allow_read(void *context, const char *path)
{
    sandbox_allow(context, path, SANDBOX_READ);
}

static void allow_config(const struct config *config, struct sandbox *sandbox)
{
    sandbox_allow_folder_of(sandbox, config->path, SANDBOX_READ);
    for (size_t i = 0; i < app_list_count(config->apps); i++)
        sandbox_allow(sandbox, app_list_get(config->apps, i)->reports, SANDBOX_WRITE);
    const struct reference_config *reference = config->reference;
    if (reference != NULL && access(config->settings.data, F_OK) != 0) /* is made when it imports */
        sandbox_allow_folder_of(sandbox, config->settings.data, SANDBOX_WRITE);
    for (size_t i = 0; reference != NULL && i < reference->use_case_count; i++)
        sandbox_allow_folder_of(sandbox, reference->use_cases[i].stem, SANDBOX_READ);
}

static void allow_settings(const struct settings *settings, struct sandbox *sandbox)
{
    sandbox_allow(sandbox, settings->data, SANDBOX_WRITE);
    sandbox_allow(sandbox, settings->key_file, SANDBOX_READ);
    sandbox_allow_folder_of(sandbox, settings->handover, SANDBOX_WRITE);
    if (settings->state == NULL)
        return;
    if (store_is_file(settings->state))
        sandbox_allow_folder_of(sandbox, settings->state, SANDBOX_WRITE);
    else
        store_list_files(settings->state, allow_read, sandbox);
    sandbox->is_client = !store_is_file(settings->state);
}

static enum status enter(const struct config *config, const struct log *log, struct error *err)
{
    struct sandbox sandbox = {0};
    struct sandbox_state state;
    for (size_t i = 0; i < ARRAY_COUNT(of_system); i++)
        sandbox_allow(&sandbox, of_system[i], SANDBOX_READ);
    sandbox_allow(&sandbox, "/dev/null", SANDBOX_WRITE);
    allow_config(config, &sandbox);
    allow_settings(&config->settings, &sandbox);
    enum status status = sandbox_enter(&sandbox, &state, err);
    sandbox_deinit(&sandbox);
    if (status != STATUS_OK)
        return status;
    const bool is_whole = state.landlock > 0 && state.seccomp;
    if (!is_whole && settings_needs_sandbox(&config->settings))
        return error_set(err, STATUS_UNSUPPORTED,
                         "--sandbox required: this kernel or build has no %s",
                         state.landlock > 0 ? "seccomp" : "Landlock");
    log_write(log, is_whole ? LOG_INFO : LOG_WARNING, "sandbox landlock=%d seccomp=%s",
              state.landlock, state.seccomp ? "on" : "none");
    return STATUS_OK;
}

enum status confine(const struct config *config, const struct log *log, struct error *err)
{
    const struct settings *settings = &config->settings;
    enum status status = STATUS_OK;
    if (settings->user != NULL)
        status = privileges_drop(settings->user, err);
    if (status == STATUS_OK && settings_wants_sandbox(settings))
        status = enter(config, log, err);
    return status;
}
