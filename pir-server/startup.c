#include "pir-server/startup.h"

#include "base/cpu.h"
#include "base/file.h"
#include "base/mem.h"
#include "pir-server/config/takeover.h"
#include "pir-server/configure.h"
#include "pir-server/confine.h"
#include "pir-server/dataset/dataset.h"
#include "pir-server/service/privileges.h"
#include "pir-server/store/store_tokens.h"

#include <inttypes.h>
#include <signal.h>
#include <unistd.h>

/* After the drain time: for the last answers to leave. */
#define LAST_WORDS_MS 1000

/* The datasets first: without one no state file is made in a folder that was mistyped. */
static enum status look_for_datasets(const char *data, struct error *err)
{
    struct folder_names names = {0};
    enum status status = dataset_list(data, &names, err);
    if (status == STATUS_OK && names.count == 0)
        status = error_set(err, STATUS_NOT_FOUND,
                           "%s: no dataset in it (make one with `blindlist compile`)", data);
    folder_names_deinit(&names);
    return status;
}

/* What a configuration of the reference names; on all cores, since nothing is served yet. */
static enum status import_datasets(const struct running *running, struct error *err)
{
    const struct config *config = running->config;
    struct thread_pool *pool = NULL;
    if (config->reference == NULL)
        return STATUS_OK;
    enum status status =
        thread_pool_new(config->settings.service.compute_threads - 1, 1, &pool, err);
    if (status == STATUS_OK)
        status =
            takeover_datasets(config->reference, config->settings.data, pool, running->log, err);
    thread_pool_free(pool);
    return status;
}

static enum status take_tokens(const struct running *running, const struct config *config,
                               struct error *err)
{
    return config->reference == NULL
               ? STATUS_OK
               : takeover_tokens(config->reference, running->store,
                                 config->settings.service.now_s(), running->log, err);
}

static enum status open_store(struct running *running, struct error *err)
{
    const struct settings *settings = &running->config->settings;
    const char *path = settings->state;
    if (path == NULL)
        path = running->default_state = path_join(settings->data, SETTINGS_STATE_NAME);
    if (path == NULL)
        return error_set(err, STATUS_NOMEM, "out of memory");
    return store_open(path, &settings->limits, STORE_MAY_BE_NEW, &running->store, err);
}

static enum status open_service(struct running *running, struct error *err)
{
    const struct settings *settings = &running->config->settings;
    struct service_options options = settings->service;
    struct key_seal seal;
    enum status status = STATUS_OK;
    options.apps = running->config->apps;
    options.data = settings->data;
    options.store = running->store;
    options.log = running->log;
    options.check_digests = !options.verify;
    if (settings->key_file != NULL) {
        status = key_seal_read(settings->key_file, &seal, err);
        options.seal = &seal;
    }
    if (status == STATUS_OK)
        status = service_new(&options, &running->service, err);
    if (settings->key_file != NULL)
        key_seal_wipe(&seal);
    return status;
}

static enum status note_user_token(void *context, const struct store_user_token *token,
                                   struct error *err)
{
    (void)token;
    (void)err;
    *(bool *)context = true;
    return STATUS_OK;
}

/* True also when the store does not tell. */
static bool has_user_tokens(struct store *store)
{
    bool has_one = false;
    return store_list_user_tokens(store, note_user_token, &has_one, NULL) != STATUS_OK || has_one;
}

/* A database's name may hold a password. */
static const char *name_of_state(const struct running *running)
{
    const char *name = running->config->settings.state;
    if (name == NULL)
        return running->default_state;
    return store_is_file(name) ? name : "STATE";
}

static void log_start(const struct running *running)
{
    const struct settings *settings = &running->config->settings;
    const struct log *log = running->log;
    const char *address = http_server_address(running->server);
    struct store_usage usage = {0};
    if (store_get_usage(running->store, &usage, NULL) == STATUS_OK)
        log_write(log, LOG_INFO, "evaluation keys stored count=%" PRIu64 " bytes=%" PRIu64,
                  usage.key_count, usage.key_bytes);
    const struct cpu cpu = cpu_detect();
    log_write(log, LOG_INFO, "listening address=%s use_cases=%zu compute_threads=%zu kernel=%s",
              address, service_look(running->service).use_cases, settings->service.compute_threads,
              cpu_kernel_name(&cpu));
    if (settings_have_tokens(settings) && !has_user_tokens(running->store))
        log_write(log, LOG_WARNING,
                  "nobody has a user token, so nobody may ask: `blindlist token create --state %s` "
                  "makes one",
                  name_of_state(running));
    if (settings->allow_unauthenticated)
        log_write(log, LOG_WARNING,
                  "--allow-unauthenticated: anybody who reaches %s may ask and upload keys; no "
                  "token is verified",
                  address);
}

static void on_taken(void *context)
{
    const struct running *running = context;
    log_write(running->log, LOG_INFO, "another process has taken over");
    (void)kill(getpid(), SIGTERM);
}

/* Before anything is opened: sockets that the server before this one listens on. */
static enum status ask_predecessor(struct running *running, struct error *err)
{
    const char *path = running->config->settings.handover;
    const char *name = running->config->settings.user;
    uid_t user = geteuid();
    enum status status = STATUS_OK;
    if (path == NULL)
        return STATUS_OK;
    if (name != NULL)
        status = privileges_find_user(name, &user, err);
    if (status == STATUS_OK)
        status = handover_request(path, user, &running->sockets, &running->predecessor, err);
    if (status == STATUS_OK && running->predecessor >= 0)
        log_write(running->log, LOG_INFO, "taking over listening sockets count=%zu",
                  running->sockets.count);
    return status;
}

/* When devices are served: the predecessor ends, and the next process may take over. */
static enum status take_over(struct running *running, struct error *err)
{
    const char *path = running->config->settings.handover;
    int fds[LISTEN_SOCKETS_MAX] = {http_server_socket(running->server)};
    size_t count = 1;
    if (path == NULL)
        return STATUS_OK;
    if (running->admin_server != NULL)
        fds[count++] = http_server_socket(running->admin_server);
    const enum status status =
        handover_offer(path, fds, count, on_taken, running, &running->handover, err);
    if (status == STATUS_OK) {
        handover_complete(running->predecessor);
        running->predecessor = -1;
    }
    return status;
}

/* The watch's thread asks for a reload as an operator would. */
static void on_switched(void *context)
{
    (void)context;
    (void)kill(getpid(), SIGHUP);
}

/* Binds what is to be listened on, which may take more rights than anything later, or takes the
 * sockets of who listened before. */
static enum status bind_addresses(struct running *running, struct error *err)
{
    const struct settings *settings = &running->config->settings;
    enum status status =
        listen_sockets_take(&running->sockets, settings->http.address, &running->fd, err);
    if (status == STATUS_OK && settings->admin != NULL) {
        status = listen_sockets_take(&running->sockets, settings->admin, &running->admin_fd, err);
        if (status != STATUS_OK)
            status = error_prefix(err, status, "--admin");
    }
    listen_sockets_deinit(&running->sockets);
    return status;
}

static enum status listen_on(struct running *running, int *fd, struct http_server_options options,
                             const struct http_handler *handler, struct http_server **ret,
                             struct error *err)
{
    options.fd = *fd;
    *fd = -1;
    return http_server_start(&options, handler, running->log, ret, err);
}

/* Before devices are listened to: whoever asks is told that they are not, yet. */
static enum status open_admin(struct running *running, struct error *err)
{
    const char *address = running->config->settings.admin;
    if (address == NULL)
        return STATUS_OK;
    enum status status = admin_new(running->service, &running->admin, err);
    if (status != STATUS_OK)
        return status;
    running->admin_handler = admin_handler(running->admin);
    status = listen_on(running, &running->admin_fd, admin_server_options(address),
                       &running->admin_handler, &running->admin_server, err);
    if (status != STATUS_OK)
        return error_prefix(err, status, "--admin");
    log_write(running->log, LOG_INFO, "admin address=%s",
              http_server_address(running->admin_server));
    return STATUS_OK;
}

static enum status open_all(struct running *running, struct error *err)
{
    const struct settings *settings = &running->config->settings;
    enum status status = service_manager_init(&running->manager, &running->sockets, err);
    if (status == STATUS_OK)
        status = ask_predecessor(running, err);
    if (status == STATUS_OK)
        status = bind_addresses(running, err);
    if (status == STATUS_OK)
        status = confine(running->config, running->log, err);
    if (status == STATUS_OK)
        status = import_datasets(running, err);
    if (status == STATUS_OK)
        status = look_for_datasets(settings->data, err);
    if (status == STATUS_OK)
        status = open_store(running, err);
    if (status == STATUS_OK)
        status = take_tokens(running, running->config, err);
    if (status == STATUS_OK) /* before the datasets are loaded: what comes later is noticed */
        status = data_watch_new(settings->data, running->config->path, on_switched, NULL,
                                &running->watch, err);
    if (status == STATUS_OK)
        status = open_service(running, err);
    if (status != STATUS_OK)
        return status;
    running->handler = (struct http_handler){.context = running->service,
                                             .admit = service_admit,
                                             .start = service_start,
                                             .refused = service_refused};
    status = open_admin(running, err);
    if (status == STATUS_OK)
        status = listen_on(running, &running->fd, settings->http, &running->handler,
                           &running->server, err);
    if (status == STATUS_OK && running->admin != NULL)
        admin_serves(running->admin, running->server);
    return status == STATUS_OK ? take_over(running, err) : status;
}

enum status startup_open(const struct config *config, const struct log *log, struct running *ret,
                         struct error *err)
{
    *ret = (struct running){.config = config,
                            .log = log,
                            .drain_s = config->settings.drain_s,
                            .predecessor = -1,
                            .fd = -1,
                            .admin_fd = -1};
    ret->manager.notify_fd = -1;
    const enum status status = open_all(ret, err);
    if (status == STATUS_OK) {
        log_start(ret);
        service_manager_tell(&ret->manager, "READY=1");
    } else {
        startup_close(ret);
    }
    return status;
}

static enum status reload(struct running *running, const struct config *config, struct error *err)
{
    enum status status = STATUS_OK;
    struct error why;
    if (config->reference != NULL)
        status = takeover_datasets(config->reference, running->config->settings.data, NULL,
                                   running->log, err);
    if (status != STATUS_OK)
        service_reload_failed(running->service);
    else
        status = service_reload(running->service, config->apps, err);
    if (status == STATUS_OK && take_tokens(running, config, &why) != STATUS_OK)
        log_write(running->log, LOG_ERROR, "user tokens not taken over before the next reload: %s",
                  why.message);
    return status;
}

void startup_reload(struct running *running, const struct options *options)
{
    struct config *config = NULL;
    struct error error;
    enum status status = STATUS_OK;
    if (options->config == NULL) {
        if (service_reload(running->service, NULL, &error) != STATUS_OK)
            log_write(running->log, LOG_ERROR, "reload failed, all stays as it was: %s",
                      error.message);
        return;
    }
    status = configure_again(options, running->config, running->log, &config, &error);
    if (status == STATUS_OK)
        status = reload(running, config, &error);
    else
        service_reload_failed(running->service);
    if (status == STATUS_OK) {
        running->drain_s = config->settings.drain_s;
        log_write(running->log, LOG_INFO, "configuration reloaded file=%s apps=%zu",
                  options->config, app_list_count(config->apps));
    } else {
        log_write(running->log, LOG_ERROR, "configuration not reloaded, the one before stays: %s",
                  error.message);
    }
    config_free(config);
}

void startup_drain(struct running *running)
{
    const unsigned drain_s = running->drain_s;
    service_manager_tell(&running->manager, "STOPPING=1");
    admin_drains(running->admin);
    data_watch_free(running->watch);
    running->watch = NULL;
    log_write(running->log, LOG_INFO, "draining for at most %u s", drain_s);
    if (handover_is_taken(running->handover) && running->admin_server != NULL)
        (void)!http_server_drain(running->admin_server, 0); /* the successor answers there, too */
    if (!http_server_drain(running->server, drain_s * 1000)) {
        /* What waits is refused, what is computed ends; a second for the answers to leave. */
        service_stop(running->service);
        const bool is_quiet = http_server_drain(running->server, LAST_WORDS_MS);
        log_write(running->log, LOG_WARNING, "requests were still under way%s",
                  is_quiet ? ", and answered with 503" : ", and cut off");
    } else if (handover_is_taken(running->handover)) {
        /* Nobody waits for this process to end, so no connection is cut while it may be used. */
        http_server_linger(running->server, drain_s * 1000);
    }
}

static void close_if_open(int fd)
{
    if (fd >= 0)
        close(fd);
}

void startup_close(struct running *running)
{
    data_watch_free(running->watch);
    handover_free(running->handover);
    close_if_open(running->predecessor);
    close_if_open(running->fd);
    close_if_open(running->admin_fd);
    listen_sockets_deinit(&running->sockets);
    service_manager_deinit(&running->manager);
    http_server_free(running->admin_server);
    admin_free(running->admin);
    http_server_free(running->server);
    service_free(running->service);
    store_close(running->store);
    mem_free(running->default_state);
}
