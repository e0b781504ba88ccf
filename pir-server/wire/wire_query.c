#include "pir-server/wire/wire_query.h"

#include "base/checked.h"
#include "base/mem.h"
#include "pir-server/wire/pir_messages.pb-c.h"
#include "pir-server/wire/protobuf_message.h"

struct wire_query {
    ProtobufCMessage *message;
    struct pir_ciphertext_bytes *ciphertexts;
    struct pir_query view;
};

struct wire_response {
    ProtobufCMessage *message;
    struct pir_ciphertext_bytes *ciphertexts; /* of all replies, one after the other */
    struct pir_reply *replies;
    struct pir_response view;
};

/* ---- one ciphertext ---- */

static struct pir_ciphertext_bytes ciphertext_view(const Wire__SerializedCiphertext *message)
{
    struct pir_ciphertext_bytes view = {.kind = PIR_CIPHERTEXT_NONE};
    switch (message->serialized_ciphertext_type_case) {
    case WIRE__SERIALIZED_CIPHERTEXT__SERIALIZED_CIPHERTEXT_TYPE_SEEDED:
        view.kind = PIR_CIPHERTEXT_SEEDED;
        view.poly0 = protobuf_span(message->seeded->poly0);
        view.seed = protobuf_span(message->seeded->seed);
        break;
    case WIRE__SERIALIZED_CIPHERTEXT__SERIALIZED_CIPHERTEXT_TYPE_FULL:
        view.kind = PIR_CIPHERTEXT_FULL;
        view.polys = protobuf_span(message->full->polys);
        view.skip_lsbs = message->full->skip_lsbs;
        view.skip_count = message->full->n_skip_lsbs;
        view.correction_factor = message->full->correction_factor;
        break;
    case WIRE__SERIALIZED_CIPHERTEXT__SERIALIZED_CIPHERTEXT_TYPE__NOT_SET:
    case _WIRE__SERIALIZED_CIPHERTEXT__SERIALIZED_CIPHERTEXT_TYPE__CASE_IS_INT_SIZE:
        break;
    }
    return view;
}

/* The messages of one ciphertext that is being written. */
struct ciphertext_parts {
    Wire__SerializedCiphertext message;
    Wire__SerializedSeededCiphertext seeded;
    Wire__SerializedFullCiphertext full;
};

static void fill_ciphertext(const struct pir_ciphertext_bytes *from, struct ciphertext_parts *ret)
{
    wire__serialized_ciphertext__init(&ret->message);
    switch (from->kind) {
    case PIR_CIPHERTEXT_SEEDED:
        wire__serialized_seeded_ciphertext__init(&ret->seeded);
        ret->seeded.poly0 = protobuf_borrow(from->poly0);
        ret->seeded.seed = protobuf_borrow(from->seed);
        ret->message.serialized_ciphertext_type_case =
            WIRE__SERIALIZED_CIPHERTEXT__SERIALIZED_CIPHERTEXT_TYPE_SEEDED;
        ret->message.seeded = &ret->seeded;
        break;
    case PIR_CIPHERTEXT_FULL:
        wire__serialized_full_ciphertext__init(&ret->full);
        ret->full.polys = protobuf_borrow(from->polys);
        ret->full.skip_lsbs = (uint32_t *)(uintptr_t)from->skip_lsbs;
        ret->full.n_skip_lsbs = from->skip_count;
        ret->full.correction_factor = from->correction_factor;
        ret->message.serialized_ciphertext_type_case =
            WIRE__SERIALIZED_CIPHERTEXT__SERIALIZED_CIPHERTEXT_TYPE_FULL;
        ret->message.full = &ret->full;
        break;
    case PIR_CIPHERTEXT_NONE:
        break;
    }
}

/* ---- EncryptedIndices ---- */

static enum status make_query(ProtobufCMessage *base, struct wire_query **ret, struct error *err)
{
    const Wire__EncryptedIndices *message = (const void *)base;
    const size_t count = message->n_ciphertexts;
    if (count > WIRE_QUERY_CIPHERTEXTS_MAX)
        return error_set(err, STATUS_TOO_LARGE, "query: %zu ciphertexts, at most %zu", count,
                         WIRE_QUERY_CIPHERTEXTS_MAX);
    struct wire_query *query = mem_alloc_zeroed(1, sizeof *query);
    struct pir_ciphertext_bytes *views = mem_alloc(count, sizeof *views);
    if (query == NULL || views == NULL) {
        mem_free(query);
        mem_free(views);
        return error_set(err, STATUS_NOMEM, "query: out of memory");
    }
    for (size_t i = 0; i < count; i++)
        views[i] = ciphertext_view(message->ciphertexts[i]);
    query->message = base;
    query->ciphertexts = views;
    query->view = (struct pir_query){
        .ciphertexts = views, .ciphertext_count = count, .num_pir_calls = message->num_pir_calls};
    *ret = query;
    return STATUS_OK;
}

enum status wire_query_read(struct span in, struct wire_query **ret, struct error *err)
{
    ProtobufCMessage *base = NULL;
    enum status st = protobuf_message_unpack(&wire__encrypted_indices__descriptor, in,
                                             PROTOBUF_FACTOR_BULKY, "query", &base, err);
    if (st != STATUS_OK)
        return st;
    st = make_query(base, ret, err);
    if (st != STATUS_OK)
        protobuf_message_free(base);
    return st;
}

void wire_query_free(struct wire_query *query)
{
    if (query == NULL)
        return;
    protobuf_message_free(query->message);
    mem_free(query->ciphertexts);
    mem_free(query);
}

const struct pir_query *wire_query_get(const struct wire_query *query)
{
    return &query->view;
}

enum status wire_query_write(const struct pir_query *query, struct bytes *ret, struct error *err)
{
    enum status st = STATUS_NOMEM;
    Wire__EncryptedIndices message = WIRE__ENCRYPTED_INDICES__INIT;
    const size_t count = query->ciphertext_count;
    struct ciphertext_parts *parts = mem_alloc(count, sizeof *parts);
    Wire__SerializedCiphertext **list = mem_alloc(count, sizeof *list);
    if (parts == NULL || list == NULL) {
        st = error_set(err, STATUS_NOMEM, "query: out of memory");
        goto done;
    }
    for (size_t i = 0; i < count; i++) {
        fill_ciphertext(&query->ciphertexts[i], &parts[i]);
        list[i] = &parts[i].message;
    }
    message.ciphertexts = list;
    message.n_ciphertexts = count;
    message.num_pir_calls = query->num_pir_calls;
    st = protobuf_message_pack(&message.base, "query", ret, err);
done:
    mem_free(parts);
    mem_free(list);
    return st;
}

/* ---- PIRResponse ---- */

static enum status check_response(const Wire__PIRResponse *message, size_t *ret_ciphertext_count,
                                  struct error *err)
{
    const Wire__StashOfEntries *stash = message->stash;
    size_t total = 0;
    if (stash != NULL && (stash->n_hashed_keywords > 0 || stash->n_values > 0 ||
                          stash->n_removed_hashed_keywords > 0))
        return error_set(err, STATUS_UNSUPPORTED, "response: carries a stash of later changes");
    if (message->n_replies > WIRE_REPLIES_MAX)
        return error_set(err, STATUS_TOO_LARGE, "response: %zu replies, at most %zu",
                         message->n_replies, WIRE_REPLIES_MAX);
    for (size_t i = 0; i < message->n_replies; i++) {
        const size_t count = message->replies[i]->n_ciphertexts;
        if (count > WIRE_REPLY_CHUNKS_MAX)
            return error_set(err, STATUS_TOO_LARGE,
                             "response, reply %zu: %zu ciphertexts, at most %zu", i, count,
                             WIRE_REPLY_CHUNKS_MAX);
        total += count;
    }
    *ret_ciphertext_count = total;
    return STATUS_OK;
}

enum status wire_response_read(struct span in, struct wire_response **ret, struct error *err)
{
    struct wire_response *response = mem_alloc_zeroed(1, sizeof *response);
    size_t ciphertext_count = 0;
    if (response == NULL)
        return error_set(err, STATUS_NOMEM, "response: out of memory");
    enum status st =
        protobuf_message_unpack(&wire__pirresponse__descriptor, in, PROTOBUF_FACTOR_BULKY,
                                "response", &response->message, err);
    if (st != STATUS_OK)
        goto done;
    const Wire__PIRResponse *message = (const void *)response->message;
    st = check_response(message, &ciphertext_count, err);
    if (st != STATUS_OK)
        goto done;
    response->ciphertexts = mem_alloc(ciphertext_count, sizeof *response->ciphertexts);
    response->replies = mem_alloc(message->n_replies, sizeof *response->replies);
    if (response->ciphertexts == NULL || response->replies == NULL) {
        st = error_set(err, STATUS_NOMEM, "response: out of memory");
        goto done;
    }
    struct pir_ciphertext_bytes *next = response->ciphertexts;
    for (size_t i = 0; i < message->n_replies; i++) {
        const Wire__SerializedCiphertextVec *reply = message->replies[i];
        response->replies[i] = (struct pir_reply){next, reply->n_ciphertexts};
        for (size_t k = 0; k < reply->n_ciphertexts; k++)
            *next++ = ciphertext_view(reply->ciphertexts[k]);
    }
    response->view = (struct pir_response){response->replies, message->n_replies};
    *ret = response;
    response = NULL;
done:
    wire_response_free(response);
    return st;
}

void wire_response_free(struct wire_response *response)
{
    if (response == NULL)
        return;
    protobuf_message_free(response->message);
    mem_free(response->ciphertexts);
    mem_free(response->replies);
    mem_free(response);
}

const struct pir_response *wire_response_get(const struct wire_response *response)
{
    return &response->view;
}

enum status wire_response_write(const struct pir_response *response, struct bytes *ret,
                                struct error *err)
{
    enum status st = STATUS_NOMEM;
    Wire__PIRResponse message = WIRE__PIRRESPONSE__INIT;
    size_t count = 0;
    for (size_t i = 0; i < response->reply_count; i++)
        count += response->replies[i].ciphertext_count;
    struct ciphertext_parts *parts = mem_alloc(count, sizeof *parts);
    Wire__SerializedCiphertext **ciphertexts = mem_alloc(count, sizeof *ciphertexts);
    Wire__SerializedCiphertextVec *replies = mem_alloc(response->reply_count, sizeof *replies);
    Wire__SerializedCiphertextVec **list = mem_alloc(response->reply_count, sizeof *list);
    if (parts == NULL || ciphertexts == NULL || replies == NULL || list == NULL) {
        st = error_set(err, STATUS_NOMEM, "response: out of memory");
        goto done;
    }
    size_t next = 0;
    for (size_t i = 0; i < response->reply_count; i++) {
        const struct pir_reply *reply = &response->replies[i];
        wire__serialized_ciphertext_vec__init(&replies[i]);
        replies[i].ciphertexts = ciphertexts + next;
        replies[i].n_ciphertexts = reply->ciphertext_count;
        list[i] = &replies[i];
        for (size_t k = 0; k < reply->ciphertext_count; k++, next++) {
            fill_ciphertext(&reply->ciphertexts[k], &parts[next]);
            ciphertexts[next] = &parts[next].message;
        }
    }
    message.replies = list;
    message.n_replies = response->reply_count;
    st = protobuf_message_pack(&message.base, "response", ret, err);
done:
    mem_free(parts);
    mem_free(ciphertexts);
    mem_free(replies);
    mem_free(list);
    return st;
}
