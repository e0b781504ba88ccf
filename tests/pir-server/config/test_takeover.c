#include "pir-server/config/takeover.h"

#include "base/file.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOW ((uint64_t)1800000000)

static char folder[] = "/tmp/blindlist-takeover-XXXXXX";
static struct store *store;
static struct log quiet = {.fd = -1, .least = LOG_ERROR};
static struct error error;

static void set_up(void)
{
    const struct store_limits limits = store_limits_default();
    char path[64];
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/state", folder);
    cr_assert_eq(store_open(path, &limits, STORE_MAY_BE_NEW, &store, &error), STATUS_OK, "%s",
                 error.message);
}

static void tear_down(void)
{
    store_close(store);
    folder_remove(folder);
}

TestSuite(takeover, .init = set_up, .fini = tear_down);

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, STORE_TOKEN_HASH_BYTES);
}

/* The file names these, one letter each. */
static void take(const char *letters)
{
    uint8_t hashes[8][STORE_TOKEN_HASH_BYTES];
    struct reference_config config = {.tokens = hashes, .token_count = strlen(letters)};
    for (size_t i = 0; letters[i] != '\0'; i++)
        store_token_hash(span_of((const uint8_t *)&letters[i], 1), hashes[i]);
    qsort(hashes, config.token_count, sizeof *hashes, compare);
    cr_assert_eq(takeover_tokens(&config, store, NOW, &quiet, &error), STATUS_OK, "%s",
                 error.message);
}

static bool is_good(const char *letter)
{
    uint8_t hash[STORE_TOKEN_HASH_BYTES];
    store_token_hash(span_of_text(letter), hash);
    return store_check_user_token(store, "", hash, NOW, NULL) == STATUS_OK;
}

Test(takeover, tokens_follow_the_file)
{
    take("ab");
    cr_assert(is_good("a") && is_good("b") && !is_good("c"));
    take("ab");
    take("bc");
    cr_assert(!is_good("a") && is_good("b") && is_good("c"));
    take("abc");
    cr_assert(is_good("a"), "one that came back");
    take("");
    cr_assert(!is_good("a") && !is_good("b") && !is_good("c"));
}

Test(takeover, tokens_of_others_stay)
{
    struct store_user_token other = {.label = "mine", .made_at = NOW};
    store_token_hash(span_of_text("m"), other.hash);
    cr_assert_eq(store_add_user_tokens(store, &other, 1, &error), STATUS_OK);
    take("a");
    cr_assert(is_good("m"));
    take("am");
    take("a");
    cr_assert(is_good("m"), "what the file names and had not brought is not revoked with it");
    cr_assert_eq(store_revoke_user_token(store, other.hash, NOW, &error), STATUS_OK);
    take("am");
    cr_assert_not(is_good("m"), "what an operator has revoked stays so");
}
