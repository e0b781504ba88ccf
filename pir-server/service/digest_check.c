#include "pir-server/service/digest_check.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>

struct digest_check {
    const struct log *log;
    pthread_t thread;
    bool is_started;
    atomic_bool is_cancelled; /* ending, or a newer set waits */
    _Atomic uint64_t damaged; /* versions */
    pthread_mutex_t lock;     /* guards what follows */
    pthread_cond_t changed;
    bool is_ending;
    const struct app_set *waiting; /* held; NULL = none */
};

/* On Linux the priority belongs to the calling thread; elsewhere it would be the whole program's.
 */
#ifdef __linux__
static void yield_to_others(void)
{
    (void)setpriority(PRIO_PROCESS, 0, 19);
}
#else
static void yield_to_others(void)
{
}
#endif

static bool was_read(const struct app_set *before, const struct catalog_use_case *use_case)
{
    const struct catalog_use_case *then =
        before == NULL ? NULL : app_set_find_use_case(before, use_case->name);
    return then != NULL && then->versions[0] == use_case->versions[0];
}

static enum status read_version(struct digest_check *check, const struct catalog_version *version)
{
    struct error error;
    const struct dataset_info *info = dataset_info(version->dataset);
    const enum status status =
        dataset_verify_digests(version->dataset, &check->is_cancelled, &error);
    if (status == STATUS_OK) {
        log_write(check->log, LOG_INFO, "dataset use_case=%s version=%s digests are right",
                  info->use_case, info->version);
    } else if (status == STATUS_MISMATCH || status == STATUS_MALFORMED) {
        atomic_fetch_add(&check->damaged, 1);
        log_write(check->log, LOG_ERROR, "dataset use_case=%s version=%s is damaged: %s",
                  info->use_case, info->version, error.message);
    } else if (status != STATUS_CANCELLED) {
        log_write(check->log, LOG_WARNING,
                  "dataset use_case=%s version=%s digests not compared: %s", info->use_case,
                  info->version, error.message);
    }
    return status;
}

/* False when it was broken off. */
static bool read_catalog(struct digest_check *check, const struct catalog *catalog,
                         const struct app_set *before)
{
    for (size_t i = 0; i < catalog->use_case_count; i++) {
        const struct catalog_use_case *use_case = &catalog->use_cases[i];
        if (!was_read(before, use_case) &&
            read_version(check, use_case->versions[0]) == STATUS_CANCELLED)
            return false;
    }
    return true;
}

static bool read_set(struct digest_check *check, const struct app_set *set,
                     const struct app_set *before)
{
    for (size_t i = 0; i < set->app_count; i++) {
        if (!read_catalog(check, set->apps[i].catalog, before))
            return false;
    }
    return true;
}

/* The set that was read last is held, so that its versions' addresses name them. */
static void *work(void *argument)
{
    struct digest_check *check = argument;
    const struct app_set *before = NULL;
    yield_to_others();
    pthread_mutex_lock(&check->lock);
    while (!check->is_ending) {
        if (check->waiting == NULL) {
            pthread_cond_wait(&check->changed, &check->lock);
            continue;
        }
        const struct app_set *set = check->waiting;
        check->waiting = NULL;
        atomic_store(&check->is_cancelled, false);
        pthread_mutex_unlock(&check->lock);
        if (read_set(check, set, before)) {
            app_set_unref(before);
            before = set;
        } else {
            app_set_unref(set);
        }
        pthread_mutex_lock(&check->lock);
    }
    pthread_mutex_unlock(&check->lock);
    app_set_unref(before);
    return NULL;
}

enum status digest_check_new(const struct log *log, struct digest_check **ret, struct error *err)
{
    struct digest_check *check = mem_alloc_zeroed(1, sizeof *check);
    if (check == NULL)
        return error_set(err, STATUS_NOMEM, "digest check: out of memory");
    check->log = log;
    pthread_mutex_init(&check->lock, NULL);
    pthread_cond_init(&check->changed, NULL);
    const int failed = pthread_create(&check->thread, NULL, work, check);
    if (failed != 0) {
        digest_check_free(check);
        return error_set_errno(err, failed, "digest check: cannot start a thread");
    }
    check->is_started = true;
    *ret = check;
    return STATUS_OK;
}

void digest_check_free(struct digest_check *check)
{
    if (check == NULL)
        return;
    pthread_mutex_lock(&check->lock);
    check->is_ending = true;
    atomic_store(&check->is_cancelled, true);
    pthread_cond_signal(&check->changed);
    pthread_mutex_unlock(&check->lock);
    if (check->is_started)
        pthread_join(check->thread, NULL);
    app_set_unref(check->waiting);
    pthread_cond_destroy(&check->changed);
    pthread_mutex_destroy(&check->lock);
    mem_free(check);
}

void digest_check_start(struct digest_check *check, const struct app_set *set)
{
    if (check == NULL)
        return;
    pthread_mutex_lock(&check->lock);
    app_set_unref(check->waiting);
    check->waiting = app_set_ref(set);
    atomic_store(&check->is_cancelled, true);
    pthread_cond_signal(&check->changed);
    pthread_mutex_unlock(&check->lock);
}

uint64_t digest_check_damaged(const struct digest_check *check)
{
    return check != NULL ? atomic_load(&check->damaged) : 0;
}
