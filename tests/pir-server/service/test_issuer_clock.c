/* Weeks of a service whose clock the test moves: issuer keys come and go, user tokens and
 * evaluation keys expire, limits begin anew, and the clock jumps. Devices of three releases live on
 * it, each by its own clock, which is right; what they have in their pockets pays within its time,
 * always. */
#include "base/mem.h"
#include "pir-server/store/store_tokens.h"
#include "tests/pir-server/service/token_fixture.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define START    ((uint64_t)1800000000)
#define MINUTE   ((uint64_t)60)
#define HOUR     ((uint64_t)3600)
#define DAY      ((uint64_t)86400)
#define YEAR     (365 * DAY)
#define HELD_MAX ((size_t)64)
#define KEY_DAYS 10

#define USER    "Bearer Zm9v"
#define LEAVER  "Bearer bGVhdmVy" /* expires */
#define REVOKED "Bearer cmV2b2tlZA"
#define LIMITED "Bearer bGltaXRlZA"

#define LEAVES_ON  (10 * DAY)
#define REVOKED_ON (12 * DAY)
#define PER_MINUTE 3
#define PER_DAY    10

#define CHANGES 6 /* of keys, in `jumps` */

static struct service_fixture fixture;
static struct error error;
static _Atomic uint64_t now; /* the server's */
static uint64_t truth;

static uint64_t clock_of_server(void)
{
    return atomic_load(&now);
}

/* The server's clock is so far from the truth; what is due every minute is done. */
static void move_to(uint64_t time_s, int64_t jump_s)
{
    truth = time_s;
    atomic_store(&now, time_s + (uint64_t)jump_s);
    service_tend(fixture.service);
}

static struct store_user_token user_token_of(const char *bearer)
{
    struct store_user_token token = {.made_at = START};
    store_token_hash(span_of_text(bearer + strlen("Bearer ")), token.hash);
    return token;
}

/* The service on the fixture's state; a new key every `rotate_s`. */
static void start(uint64_t clock_s, uint64_t rotate_s)
{
    struct store_limits limits = store_limits_default();
    struct service_options options = service_options_default();
    struct app_config app = app_config_default();
    limits.key_ttl_s = KEY_DAYS * DAY;
    atomic_store(&now, clock_s);
    cr_assert_eq(store_open(fixture.state, &limits, STORE_MAY_BE_NEW, &fixture.store, &error),
                 STATUS_OK);
    app.needs_tokens = true;
    cr_assert_eq(app_list_new(&app, 1, &options.apps, &error), STATUS_OK, "%s", error.message);
    options.compute_threads = 1;
    options.now_s = clock_of_server;
    options.token_keys.rotate_s = rotate_s;
    fixture_start(&fixture, &options);
    app_list_unref(options.apps);
}

static void open_at(uint64_t clock_s, uint64_t rotate_s)
{
    struct store_user_token users[] = {user_token_of(USER), user_token_of(LEAVER),
                                       user_token_of(REVOKED), user_token_of(LIMITED)};
    users[1].expires_at = START + LEAVES_ON;
    users[3].per_minute = PER_MINUTE;
    users[3].per_day = PER_DAY;
    fixture_init(&fixture);
    start(clock_s, rotate_s);
    cr_assert_eq(store_add_user_tokens(fixture.store, users, ARRAY_COUNT(users), &error),
                 STATUS_OK);
}

static void set_up_as_always(void)
{
    open_at(START, 14 * DAY);
    truth = START;
}

static void tear_down(void)
{
    fixture_deinit(&fixture);
}

/* Each test has a start of its own. */
TestSuite(issuer_clock, .fini = tear_down);

/* ---- devices (spec/service.md section 7.4) ---- */

struct release {
    const char *name;
    const char *agent;
    uint64_t token_life_s;    /* how long a token is kept */
    uint64_t directory_age_s; /* how old its copy of the directory may be */
    uint64_t refill_every_s;  /* 0: only when there are few */
    size_t batch;             /* when there are few */
    bool asks_for_key;        /* the one for its user token, if the directory has it */
};
static const struct release releases[] = {
    {"26", "com.apple.ciphermld/1.0 iOS/26.1 x", DAY, 5 * MINUTE, 0, 4, true},
    {"27.0", "com.apple.ciphermld/1.0 iOS/27.0 x", 7 * DAY, 5 * MINUTE, 6 * HOUR, 10, true},
    {"27.3", "com.apple.ciphermld/1.0 iOS/27.3 x", 7 * DAY, 2 * DAY, 6 * HOUR, 10, false},
};
#define DEVICES ((size_t)3)
#define FEW     ((size_t)5)

struct held_token {
    char value[FIXTURE_AUTHORIZATION_BYTES];
    uint64_t made_at;
    bool is_kept; /* to the last hours of its life */
};

struct device {
    const struct release *release;
    struct issuer_directory directory;
    bool has_directory;
    uint64_t fetched_at;
    struct held_token held[HELD_MAX]; /* the oldest first */
    size_t count;
    uint64_t kept_at; /* when the last one was put aside */
    size_t used;
    size_t refused; /* tokens that it could not get */
};

static void fetch_directory(struct device *device)
{
    fixture_directory(&fixture, &device->directory);
    device->has_directory = true;
    device->fetched_at = truth;
}

static const struct issuer_directory_key *listed(const struct issuer_directory *directory,
                                                 const uint8_t spki[TOKEN_KEY_SPKI_BYTES])
{
    for (size_t i = 0; i < directory->key_count; i++) {
        if (memcmp(directory->keys[i].spki, spki, TOKEN_KEY_SPKI_BYTES) == 0)
            return &directory->keys[i];
    }
    return NULL;
}

/* The key that it asks to sign; NULL when it trusts none. */
static const struct issuer_directory_key *choose_key(struct device *device)
{
    uint8_t spki[TOKEN_KEY_SPKI_BYTES];
    if (!device->has_directory || truth - device->fetched_at >= device->release->directory_age_s)
        fetch_directory(device);
    if (!device->release->asks_for_key)
        return issuer_directory_choose(&device->directory, truth);
    if (fixture_user_key(&fixture, USER, spki) != 200)
        return NULL;
    const struct issuer_directory_key *key = listed(&device->directory, spki);
    return key != NULL && (!key->has_not_before || key->not_before_s <= truth) ? key : NULL;
}

/* Refused, it looks for the key once more, in a new copy of the directory. */
static bool get_token(struct device *device, char ret_value[FIXTURE_AUTHORIZATION_BYTES])
{
    for (int i = 0; i < 2; i++) {
        const struct issuer_directory_key *key = choose_key(device);
        if (key != NULL && fixture_issue_under(&fixture, USER, key->spki, ret_value, NULL) == 200)
            return true;
        device->has_directory = false;
    }
    return false;
}

static void get_tokens(struct device *device, size_t count)
{
    for (size_t i = 0; i < count && device->count < HELD_MAX; i++) {
        struct held_token *token = &device->held[device->count];
        if (!get_token(device, token->value)) {
            device->refused++;
            return;
        }
        token->made_at = truth;
        token->is_kept = device->release->token_life_s > DAY && truth - device->kept_at >= DAY;
        if (token->is_kept)
            device->kept_at = truth;
        device->count++;
    }
}

static void drop(struct device *device, size_t index)
{
    device->count--;
    memmove(&device->held[index], &device->held[index + 1],
            (device->count - index) * sizeof device->held[0]);
}

/* A token that is in its life pays, once. */
static void spend(struct device *device, size_t index)
{
    const struct held_token *token = &device->held[index];
    const uint64_t age_s = truth - token->made_at;
    const unsigned status = fixture_pay(&fixture, token->value, device->release->agent);
    cr_assert_eq(status, 200,
                 "%u: %s at %" PRIu64 " h, server's clock %" PRId64 " s off, token of %" PRIu64
                 " h",
                 status, device->release->name, (truth - START) / HOUR,
                 (int64_t)(clock_of_server() - truth), age_s / HOUR);
    if (device->used % 8 == 0)
        cr_assert_eq(fixture_pay(&fixture, token->value, device->release->agent), 401);
    device->used++;
    drop(device, index);
}

/* What was put aside is spent in the last hours of its life, what is too old thrown away. */
static void look_through(struct device *device)
{
    const uint64_t life_s = device->release->token_life_s;
    for (size_t i = device->count; i-- > 0;) {
        const uint64_t age_s = truth - device->held[i].made_at;
        if (device->held[i].is_kept && age_s >= life_s - 2 * HOUR)
            spend(device, i);
        else if (age_s >= life_s)
            drop(device, i);
    }
}

static size_t usable(const struct device *device)
{
    size_t count = 0;
    for (size_t i = 0; i < device->count; i++)
        count += device->held[i].is_kept ? 0 : 1;
    return count;
}

static void use_one(struct device *device)
{
    for (size_t i = 0; i < device->count; i++) {
        if (!device->held[i].is_kept) {
            spend(device, i);
            return;
        }
    }
    cr_assert_fail("%s has no token at %" PRIu64 " h", device->release->name,
                   (truth - START) / HOUR);
}

/* An hour of a device that asks about five times a day. */
static void live(struct device *device, unsigned hour)
{
    look_through(device);
    if (usable(device) < FEW)
        get_tokens(device, device->release->batch);
    else if (device->release->refill_every_s != 0 &&
             (truth - START) % device->release->refill_every_s == 0)
        get_tokens(device, 1);
    if (hour % 5 == 0)
        use_one(device);
}

static struct device *new_devices(void)
{
    struct device *devices = mem_alloc_zeroed(DEVICES, sizeof *devices);
    cr_assert(devices != NULL);
    for (size_t i = 0; i < DEVICES; i++)
        devices[i].release = &releases[i];
    return devices;
}

/* ---- what the four weeks are looked at for ---- */

static struct issuer_directory directory_now(void)
{
    struct issuer_directory directory;
    fixture_directory(&fixture, &directory);
    return directory;
}

static void current_key(uint8_t ret[TOKEN_KEY_SPKI_BYTES])
{
    cr_assert_eq(fixture_user_key(&fixture, USER, ret), 200);
}

/* A rotation every two weeks: a key is listed two days before it begins, and the one before signs
 * for two days more. */
static void check_directory(uint64_t since_s, const uint8_t first[TOKEN_KEY_SPKI_BYTES])
{
    const struct issuer_directory directory = directory_now();
    const uint64_t in_rotation_s = since_s % (14 * DAY);
    const bool is_staged = in_rotation_s >= 12 * DAY;
    const bool is_overlap = since_s >= 14 * DAY && in_rotation_s < 2 * DAY;
    cr_assert_eq(directory.key_count, is_staged || is_overlap ? 2 : 1, "after %" PRIu64 " h",
                 since_s / HOUR);
    if (directory.key_count == 2) {
        cr_assert(directory.keys[0].has_not_before);
        cr_assert_eq(directory.keys[0].not_before_s,
                     START + since_s - in_rotation_s + (is_staged ? 14 * DAY : 0));
    }
    cr_assert(!directory.keys[directory.key_count - 1].has_not_before);
    uint8_t current[TOKEN_KEY_SPKI_BYTES];
    current_key(current);
    cr_assert(listed(&directory, current) != NULL);
    cr_assert_eq(memcmp(current, first, sizeof current) == 0, since_s < 14 * DAY);
}

struct greedy {
    uint64_t day;
    unsigned in_day;
    unsigned days;
};
/* Four tokens at once, every hour: three a minute and ten a day are given. */
static void ask_for_more(struct greedy *greedy)
{
    uint8_t key[TOKEN_KEY_SPKI_BYTES];
    char value[FIXTURE_AUTHORIZATION_BYTES];
    current_key(key);
    if (truth / DAY != greedy->day) {
        cr_assert(greedy->days < 2 || greedy->in_day == PER_DAY);
        *greedy = (struct greedy){.day = truth / DAY, .days = greedy->days + 1};
    }
    for (unsigned i = 0; i < PER_MINUTE + 1; i++) {
        unsigned retry_after_s = 0;
        const unsigned status = fixture_issue_under(&fixture, LIMITED, key, value, &retry_after_s);
        if (greedy->in_day == PER_DAY) {
            cr_assert_eq(status, 429);
            cr_assert_eq(retry_after_s, DAY - truth % DAY);
        } else if (i == PER_MINUTE) {
            cr_assert_eq(status, 429);
            cr_assert_eq(retry_after_s, MINUTE - truth % MINUTE);
        } else {
            cr_assert_eq(status, 200);
            greedy->in_day++;
        }
    }
}

/* Is a user let in? Both routes say the same. */
static void check_user(const char *bearer, bool is_in)
{
    uint8_t key[TOKEN_KEY_SPKI_BYTES];
    char value[FIXTURE_AUTHORIZATION_BYTES];
    current_key(key);
    cr_assert_eq(fixture_issue_under(&fixture, bearer, key, value, NULL), is_in ? 200 : 401);
    cr_assert_eq(fixture_user_key(&fixture, bearer, key), is_in ? 200 : 401);
}

static const char *paid(void)
{
    static char value[FIXTURE_AUTHORIZATION_BYTES];
    uint8_t key[TOKEN_KEY_SPKI_BYTES];
    fixture.authorization = NULL; /* asking for a token costs none */
    current_key(key);
    cr_assert_eq(fixture_issue_under(&fixture, USER, key, value, NULL), 200);
    fixture.authorization = paid;
    return value;
}

/* When the key was made that the server has of the device; 0 = it has none. */
static uint64_t key_time(void)
{
    const struct http_request request = fixture_request(HTTP_POST, "/config", span_of(NULL, 0));
    struct http_response response;
    struct wire_served_list *list = NULL;
    cr_assert_eq(fixture_ask(&fixture, &request, &response), 200);
    cr_assert_eq(wire_served_list_read(http_response_body(&response), &list, &error), STATUS_OK);
    const uint64_t time_s = wire_served_list_get(list, 0)->key_timestamp;
    wire_served_list_free(list);
    http_response_deinit(&response);
    return time_s;
}

/* Uploaded on day 0 and when it has expired; used in between. */
static void check_evaluation_key(struct fixture_device *device, unsigned day)
{
    struct store_usage usage;
    fixture.authorization = paid;
    const uint64_t has = key_time();
    cr_assert_eq(has, day % KEY_DAYS == 0 ? 0 : device->key_time, "day %u", day);
    service_tidy(fixture.service);
    cr_assert_eq(store_get_usage(fixture.store, &usage, &error), STATUS_OK);
    cr_assert_eq(usage.key_count, day % KEY_DAYS == 0 ? 0 : 1, "day %u", day);
    if (has == 0) {
        device->key_time = truth;
        cr_assert_eq(fixture_device_upload(&fixture, device), 200);
    }
    cr_assert_eq(fixture_look_up(&fixture, device, "row17.example/path"), FIXTURE_FOUND);
    fixture.authorization = NULL;
}

/* Its decoded form is in memory, and goes with it. */
Test(issuer_clock, a_key_in_use_expires, .init = set_up_as_always)
{
    struct fixture_device keyed;
    fixture.authorization = paid;
    fixture_device_init(&fixture, &keyed, FIXTURE_USE_CASE, FIXTURE_USER);
    keyed.key_time = truth;
    cr_assert_eq(fixture_device_upload(&fixture, &keyed), 200);
    cr_assert_eq(fixture_look_up(&fixture, &keyed, "row17.example/path"), FIXTURE_FOUND);
    move_to(START + KEY_DAYS * DAY - 1, 0);
    cr_assert_eq(fixture_look_up(&fixture, &keyed, "row17.example/path"), FIXTURE_FOUND);
    move_to(START + KEY_DAYS * DAY, 0);
    cr_assert_eq(fixture_look_up(&fixture, &keyed, "row17.example/path"), FIXTURE_BROKEN);
    fixture_device_deinit(&keyed);
}

struct keepsake {
    uint64_t made_at;  /* after START */
    uint64_t shown_at; /* then it is ... */
    unsigned status;
    const char *bearer;
    char value[FIXTURE_AUTHORIZATION_BYTES];
};

Test(issuer_clock, four_weeks, .init = set_up_as_always, .timeout = 600)
{
    static struct keepsake keepsakes[] = {
        {14 * DAY - HOUR, 22 * DAY, 200, USER, ""}, /* of the first key, nine days old */
        {14 * DAY - HOUR, 24 * DAY, 401, USER, ""}, /* it is retired */
        {LEAVES_ON - HOUR, LEAVES_ON + 6 * DAY, 200, LEAVER, ""}, /* a token is nobody's */
        {REVOKED_ON - HOUR, REVOKED_ON + 6 * DAY, 200, REVOKED, ""},
    };
    const struct store_user_token revoked = user_token_of(REVOKED);
    struct device *devices = new_devices();
    struct greedy greedy = {.day = 0};
    struct fixture_device keyed;
    uint8_t first[TOKEN_KEY_SPKI_BYTES];
    uint8_t key[TOKEN_KEY_SPKI_BYTES];
    char value[FIXTURE_AUTHORIZATION_BYTES];
    current_key(first);
    fixture.authorization = paid;
    fixture_device_init(&fixture, &keyed, FIXTURE_USE_CASE, FIXTURE_USER);
    fixture.authorization = NULL;
    for (unsigned hour = 0; hour < 28 * 24; hour++) {
        const uint64_t since_s = hour * HOUR;
        move_to(START + since_s, 0);
        check_directory(since_s, first);
        if (since_s == REVOKED_ON)
            cr_assert_eq(store_revoke_user_token(fixture.store, revoked.hash, truth, &error),
                         STATUS_OK);
        if (hour % 24 == 0) {
            check_evaluation_key(&keyed, hour / 24);
            check_user(LEAVER, since_s < LEAVES_ON);
            check_user(REVOKED, since_s < REVOKED_ON);
        }
        for (size_t i = 0; i < DEVICES; i++)
            live(&devices[i], hour);
        ask_for_more(&greedy);
        for (size_t i = 0; i < ARRAY_COUNT(keepsakes); i++) {
            struct keepsake *kept = &keepsakes[i];
            current_key(key);
            if (since_s == kept->made_at)
                cr_assert_eq(fixture_issue_under(&fixture, kept->bearer, key, kept->value, NULL),
                             200);
            if (since_s == kept->shown_at)
                cr_assert_eq(fixture_pay(&fixture, kept->value, FIXTURE_AGENT), kept->status,
                             "keepsake %zu", i);
        }
        if (since_s == 16 * DAY - HOUR || since_s == 16 * DAY)
            cr_assert_eq(fixture_issue_under(&fixture, USER, first, value, NULL),
                         since_s < 16 * DAY ? 200 : 422, "the first key signs for 16 days");
    }
    for (size_t i = 0; i < DEVICES; i++) {
        cr_assert_eq(devices[i].refused, 0, "%s", releases[i].name);
        cr_assert_gt(devices[i].used, 100);
    }
    cr_assert_eq(greedy.days, 29);
    fixture_device_deinit(&keyed);
    mem_free(devices);
}

/* When a key is made, shortly before it begins and shortly after: then the server's clock is wrong
 * for three hours, at each change of keys in another way. */
static int64_t jump_at(unsigned hour)
{
    static const int64_t jumps[] = {-(int64_t)HOUR, -(int64_t)DAY, -(int64_t)YEAR,
                                    (int64_t)HOUR,  (int64_t)DAY,  (int64_t)YEAR};
    static const int starts[] = {-2 * 24 - 1, -4, 2}; /* hours from the change */
    const unsigned change = (hour + 4 * 24) / (7 * 24);
    const int from_change = (int)hour - (int)change * 7 * 24;
    for (size_t i = 0; i < ARRAY_COUNT(starts); i++) {
        const bool is_then = from_change >= starts[i] && from_change < starts[i] + 3;
        if (change > 0 && change <= CHANGES && is_then)
            return jumps[(change + 2 * i) % ARRAY_COUNT(jumps)];
    }
    return 0;
}

/* Uploads whenever the server has none, and asks. */
static void use_evaluation_key(struct fixture_device *device)
{
    fixture.authorization = paid;
    if (key_time() == 0) {
        device->key_time = truth;
        cr_assert_eq(fixture_device_upload(&fixture, device), 200);
    }
    cr_assert_eq(fixture_look_up(&fixture, device, "row17.example/path"), FIXTURE_FOUND);
    fixture.authorization = NULL;
}

static void set_up_weekly(void)
{
    open_at(START, 7 * DAY);
}

Test(issuer_clock, jumps, .init = set_up_weekly, .timeout = 600)
{
    struct device *devices = new_devices();
    struct fixture_device keyed;
    unsigned wrong_hours = 0;
    fixture.authorization = paid;
    fixture_device_init(&fixture, &keyed, FIXTURE_USE_CASE, FIXTURE_USER);
    fixture.authorization = NULL;
    for (unsigned hour = 0; hour < (CHANGES * 7 + 8) * 24; hour++) {
        const int64_t jump_s = jump_at(hour);
        if (jump_s == 0 && hour % 2 != 0)
            continue;
        wrong_hours += jump_s != 0 ? 1 : 0;
        move_to(START + hour * HOUR, jump_s);
        for (size_t i = 0; i < DEVICES; i++) {
            const size_t refused = devices[i].refused;
            live(&devices[i], hour);
            if (jump_s == 0)
                cr_assert_eq(devices[i].refused, refused, "%s at %u h", releases[i].name, hour);
        }
        service_tidy(fixture.service);
        if (hour % 24 == 0 || jump_s != 0)
            use_evaluation_key(&keyed);
    }
    cr_assert_eq(wrong_hours, CHANGES * 3 * 3);
    for (size_t i = 0; i < DEVICES; i++)
        cr_assert_gt(devices[i].used, 100);
    fixture_device_deinit(&keyed);
    mem_free(devices);
}

static void set_up_a_year_ahead(void)
{
    open_at(START + YEAR, 14 * DAY);
}

/* A server that was first started with a wrong clock, which is set right later. */
Test(issuer_clock, a_first_start_a_year_ahead, .init = set_up_a_year_ahead, .timeout = 600)
{
    struct device *devices = new_devices();
    for (unsigned hour = 0; hour < 8 * 24; hour++) {
        move_to(START + hour * HOUR, hour < 24 ? (int64_t)YEAR : 0);
        for (size_t i = 0; i < DEVICES; i++)
            live(&devices[i], hour);
    }
    for (size_t i = 0; i < DEVICES; i++)
        cr_assert_eq(devices[i].refused, 0, "%s", releases[i].name);
    mem_free(devices);
}

/* It rotates as soon as the clock is right, and not a year later. */
Test(issuer_clock, after_a_first_start_a_year_ahead_keys_rotate, .init = set_up_a_year_ahead)
{
    uint8_t wrong[TOKEN_KEY_SPKI_BYTES];
    uint8_t first[TOKEN_KEY_SPKI_BYTES];
    char value[FIXTURE_AUTHORIZATION_BYTES];
    current_key(wrong);
    cr_assert_eq(fixture_issue_under(&fixture, USER, wrong, value, NULL), 200);
    move_to(START, 0);
    current_key(first);
    cr_assert_neq(memcmp(first, wrong, sizeof first), 0);
    for (uint64_t since_s = 0; since_s < 28 * DAY; since_s += 6 * HOUR) {
        move_to(START + since_s, 0);
        check_directory(since_s, first);
    }
    cr_assert_eq(fixture_pay(&fixture, value, FIXTURE_AGENT), 200);
}

/* The first key is marked on day 16, and may go on day 24. */
static void move_to_the_first_mark(char ret_value[FIXTURE_AUTHORIZATION_BYTES])
{
    uint8_t first[TOKEN_KEY_SPKI_BYTES];
    current_key(first);
    for (uint64_t day = 0; day <= 17; day++) {
        move_to(START + day * DAY, 0);
        if (day == 15)
            cr_assert_eq(fixture_issue_under(&fixture, USER, first, ret_value, NULL), 200);
    }
}

static void restart_at(uint64_t clock_s)
{
    fixture_stop(&fixture);
    start(clock_s, 14 * DAY);
}

Test(issuer_clock, a_start_with_a_clock_far_ahead_drops_no_key, .init = set_up_as_always)
{
    char value[FIXTURE_AUTHORIZATION_BYTES];
    move_to_the_first_mark(value);
    restart_at(START + 17 * DAY + YEAR);
    service_tend(fixture.service);
    restart_at(START + 17 * DAY + HOUR);
    cr_assert_eq(fixture_pay(&fixture, value, FIXTURE_AGENT), 200);
}

/* Time in which no server ran does not count against keys, either. */
Test(issuer_clock, a_key_that_was_marked_goes_after_a_restart, .init = set_up_as_always)
{
    char value[FIXTURE_AUTHORIZATION_BYTES];
    move_to_the_first_mark(value);
    restart_at(START + 20 * DAY);
    for (uint64_t hour = 20 * 24; hour < 30 * 24; hour++)
        move_to(START + hour * HOUR, 0);
    cr_assert_eq(fixture_pay(&fixture, value, FIXTURE_AGENT), 401);
}

/* Devices take the key that has begun by their own clock. */
Test(issuer_clock, a_server_a_day_behind_signs_with_the_key_that_devices_take,
     .init = set_up_as_always)
{
    struct issuer_directory directory;
    char value[FIXTURE_AUTHORIZATION_BYTES];
    for (uint64_t day = 0; day <= 16; day++) {
        move_to(START + day * DAY, -(int64_t)DAY);
        directory = directory_now();
        const struct issuer_directory_key *key = issuer_directory_choose(&directory, truth);
        cr_assert(key != NULL);
        cr_assert_eq(fixture_issue_under(&fixture, USER, key->spki, value, NULL), 200,
                     "day %" PRIu64, day);
        cr_assert_eq(fixture_pay(&fixture, value, FIXTURE_AGENT), 200);
    }
}
