/* One key, several threads: each makes tokens with it and checks those of the others' key. */
#include "pir-server/privacypass/issuer_key.h"

#include "tests/pir-server/privacypass/issued_token.h"
#include "tests/tap.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define THREADS 4
#define TOKENS  16

struct work {
    const struct issuer_key *key;
    atomic_int good;
};

static void *issue_and_check(void *context)
{
    struct work *work = context;
    for (int i = 0; i < TOKENS; i++) {
        const struct token token = issued_token(work->key);
        enum token_verdict verdict = TOKEN_VERDICT_COUNT;
        if (token_key_verify(issuer_key_public(work->key), &token, &verdict, NULL) == STATUS_OK &&
            verdict == TOKEN_GOOD)
            atomic_fetch_add(&work->good, 1);
    }
    return NULL;
}

int main(void)
{
    struct issuer_key *key = NULL;
    struct error error;
    TAP_CHECK(issuer_key_new(&key, &error) == STATUS_OK, "a key is made");
    struct work work = {.key = key};
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, issue_and_check, &work);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    TAP_CHECK(work.good == THREADS * TOKENS, "every token of every thread is good");
    issuer_key_unref(key);
    return tap_finish();
}
