/* blindlist pir keygen | query | answer | decrypt | import | export: both sides of PIR on files.
 * process is in cmd_pir_process.c. */
#include "tools/cmd_pir.h"

#include "base/bytes.h"
#include "base/file.h"
#include "base/random.h"
#include "pir-server/pir/pir_answer.h"
#include "pir-server/pir/pir_client.h"
#include "pir-server/pir/pir_shard_bin.h"
#include "pir-server/wire/wire_keys.h"
#include "pir-server/wire/wire_parameters.h"
#include "pir-server/wire/wire_query.h"
#include "tools/commands.h"
#include "tools/tool_json.h"

#include <math.h>
#include <stdio.h>

/* ---- shared ---- */

enum status cmd_pir_shape_read(const char *path, struct cmd_pir_shape *ret, struct error *err)
{
    struct cmd_pir_shape shape = {0};
    enum status st = wire_parameters_read_file(path, &shape.parameters, err);
    if (st != STATUS_OK)
        return st;
    st = pir_layout_init(&shape.parameters, 0, &shape.layout, err);
    if (st == STATUS_OK)
        st = bfv_context_new(&shape.parameters.encryption, 0, NULL, &shape.context, err);
    if (st != STATUS_OK)
        return error_prefix(err, st, "%s", path);
    *ret = shape;
    return STATUS_OK;
}

void cmd_pir_shape_deinit(struct cmd_pir_shape *shape)
{
    bfv_context_free(shape->context);
    *shape = (struct cmd_pir_shape){0};
}

bool cmd_pir_is_ours(const char *path)
{
    const size_t size = strlen(path);
    return size >= 4 && strcmp(path + size - 4, ".pir") == 0;
}

/* Every option of these commands names a file or a keyword. */
enum { PIR_OPTIONS_MAX = 6 };
struct values {
    const char *option[PIR_OPTIONS_MAX]; /* by option number */
    const char *operand;
};

/* Takes all options and at most one operand. `required` has a bit for each option that must be
 * there. EXIT_DONE, or the exit code to end with. */
static int take_options(struct tool_args *args, unsigned required, bool has_operand,
                        struct values *ret, bool *ret_go)
{
    const struct tool_command *command = args->command;
    *ret_go = false;
    *ret = (struct values){0};
    for (int got = tool_next(args); got != TOOL_END; got = tool_next(args)) {
        if (got == TOOL_STOP)
            return args->exit_code;
        if (got == TOOL_OPERAND) {
            if (!has_operand || ret->operand != NULL)
                return tool_usage_error(args, "unexpected operand %s", args->value);
            ret->operand = args->value;
        } else {
            ret->option[got] =
                command->options[got].argument == NULL ? command->options[got].name : args->value;
        }
    }
    if (has_operand && ret->operand == NULL)
        return tool_usage_error(args, "which shard? A file is missing");
    for (size_t i = 0; i < command->option_count; i++)
        if ((required >> i & 1) != 0 && ret->option[i] == NULL)
            return tool_usage_error(args, "--%s is missing", command->options[i].name);
    *ret_go = true;
    return EXIT_DONE;
}

static enum status read_file(const char *path, struct bytes *ret, struct error *err)
{
    return file_read(path, ret, err);
}

static enum status read_secret(const struct cmd_pir_shape *shape, const char *path,
                               struct bfv_secret_key **ret, struct error *err)
{
    struct bytes file;
    bytes_init(&file, CMD_PIR_FILE_MAX_BYTES);
    enum status st = read_file(path, &file, err);
    if (st == STATUS_OK) {
        st = wire_secret_key_read(shape->context, bytes_view(&file), ret, err);
        if (st != STATUS_OK)
            st = error_prefix(err, st, "%s", path);
    }
    bytes_deinit_secret(&file);
    return st;
}

static int ended(enum status st, const struct error *err)
{
    return st == STATUS_OK ? EXIT_DONE : tool_fail(err);
}

/* ---- keygen ---- */

enum { KEYGEN_PARAMS, KEYGEN_SECRET, KEYGEN_EVALUATION };
static const struct tool_option keygen_options[] = {
    [KEYGEN_PARAMS] = {"params", 'p', "FILE", "parameters of a shard; several: a key for all"},
    [KEYGEN_SECRET] = {"secret-key", 's', "FILE", "where the secret key goes (mode 0600)"},
    [KEYGEN_EVALUATION] = {"evaluation-key", 'e', "FILE", "where the evaluation key goes"},
};

/* Adds what the shard of `path` asks of an evaluation key. */
static enum status merge_config(const char *path, struct cmd_pir_shape *shape,
                                struct pir_evaluation_key_config *all, struct error *err)
{
    struct cmd_pir_shape more = {0};
    enum status st = cmd_pir_shape_read(path, &more, err);
    if (st == STATUS_OK && shape->context != NULL &&
        !bfv_parameters_equal(&shape->parameters.encryption, &more.parameters.encryption))
        st = error_set(err, STATUS_INVALID, "%s: other encryption parameters than the file before",
                       path);
    if (st == STATUS_OK)
        st = pir_evaluation_key_config_merge(all, &more.parameters.evaluation_key, err);
    if (st != STATUS_OK) {
        cmd_pir_shape_deinit(&more);
        return st;
    }
    cmd_pir_shape_deinit(shape);
    *shape = more;
    return STATUS_OK;
}

static enum status make_keys(const struct cmd_pir_shape *shape,
                             const struct pir_evaluation_key_config *config,
                             const char *secret_path, const char *evaluation_path,
                             struct error *err)
{
    const struct random_source random = random_system();
    struct bfv_secret_key *secret = NULL;
    struct bytes secret_bytes;
    struct bytes evaluation_bytes;
    bytes_init(&secret_bytes, CMD_PIR_FILE_MAX_BYTES);
    bytes_init(&evaluation_bytes, CMD_PIR_FILE_MAX_BYTES);
    enum status st = bfv_secret_key_new(shape->context, &random, &secret, err);
    if (st == STATUS_OK)
        st = wire_secret_key_write(secret, &secret_bytes, err);
    if (st == STATUS_OK)
        st = wire_evaluation_key_make(shape->context, config, secret, &random, &evaluation_bytes,
                                      err);
    if (st == STATUS_OK)
        st = file_write(evaluation_path, FILE_MODE_PUBLIC, bytes_view(&evaluation_bytes), err);
    if (st == STATUS_OK)
        st = file_write(secret_path, FILE_MODE_SECRET, bytes_view(&secret_bytes), err);
    bfv_secret_key_free(secret);
    bytes_deinit_secret(&secret_bytes);
    bytes_deinit(&evaluation_bytes);
    return st;
}

static int run_keygen(struct tool_args *args)
{
    struct cmd_pir_shape shape = {0};
    struct pir_evaluation_key_config config = {0};
    const char *secret = NULL;
    const char *evaluation = NULL;
    enum status st = STATUS_OK;
    struct error err;
    int code = EXIT_DONE;
    for (int got = tool_next(args); got != TOOL_END && code == EXIT_DONE; got = tool_next(args)) {
        switch (got) {
        case KEYGEN_PARAMS:
            if (st == STATUS_OK)
                st = merge_config(args->value, &shape, &config, &err);
            break;
        case KEYGEN_SECRET:
            secret = args->value;
            break;
        case KEYGEN_EVALUATION:
            evaluation = args->value;
            break;
        case TOOL_OPERAND:
            code = tool_usage_error(args, "unexpected operand %s", args->value);
            goto done;
        default:
            code = args->exit_code;
            goto done;
        }
    }
    if (st == STATUS_OK && shape.context == NULL) {
        code = tool_usage_error(args, "--params is missing");
        goto done;
    }
    if (secret == NULL || evaluation == NULL) {
        code = tool_usage_error(args, "--%s is missing",
                                secret == NULL ? "secret-key" : "evaluation-key");
        goto done;
    }
    if (st == STATUS_OK)
        st = make_keys(&shape, &config, secret, evaluation, &err);
    code = ended(st, &err);
done:
    cmd_pir_shape_deinit(&shape);
    return code;
}

static const struct tool_command cmd_keygen = {
    .name = "pir keygen",
    .synopsis = "--params P --secret-key OUT --evaluation-key OUT",
    .summary = "make a device's keys for a dataset",
    .details = "Writes SerializedSecretKey and SerializedEvaluationKey. --params may be repeated: "
               "the\nevaluation key then serves all these shards.",
    .options = keygen_options,
    .option_count = ARRAY_COUNT(keygen_options),
    .has_kernels = true,
    .run = run_keygen,
};

/* ---- query ---- */

enum { QUERY_PARAMS, QUERY_SECRET, QUERY_KEYWORD, QUERY_OUT };
static const struct tool_option query_options[] = {
    [QUERY_PARAMS] = {"params", 'p', "FILE", "parameters of the keyword's shard"},
    [QUERY_SECRET] = {"secret-key", 's', "FILE", "from keygen"},
    [QUERY_KEYWORD] = {"keyword", 'k', "TEXT", "what to look up"},
    [QUERY_OUT] = {"out", 'o', "FILE", "where the query goes (EncryptedIndices)"},
};

static int run_query(struct tool_args *args)
{
    const struct random_source random = random_system();
    struct cmd_pir_shape shape = {0};
    struct bfv_secret_key *secret = NULL;
    struct pir_client_query *query = NULL;
    struct bytes message;
    struct values values;
    struct error err;
    bool go;
    const int code = take_options(args, 0xf, false, &values, &go);
    if (!go)
        return code;
    bytes_init(&message, CMD_PIR_FILE_MAX_BYTES);
    enum status st = cmd_pir_shape_read(values.option[QUERY_PARAMS], &shape, &err);
    if (st == STATUS_OK)
        st = read_secret(&shape, values.option[QUERY_SECRET], &secret, &err);
    if (st == STATUS_OK)
        st =
            pir_client_query_new(shape.context, &shape.layout, secret,
                                 span_of_text(values.option[QUERY_KEYWORD]), &random, &query, &err);
    if (st == STATUS_OK)
        st = wire_query_write(pir_client_query_message(query), &message, &err);
    if (st == STATUS_OK)
        st = file_write(values.option[QUERY_OUT], FILE_MODE_PUBLIC, bytes_view(&message), &err);
    pir_client_query_free(query);
    bfv_secret_key_free(secret);
    bytes_deinit(&message);
    cmd_pir_shape_deinit(&shape);
    return ended(st, &err);
}

static const struct tool_command cmd_query = {
    .name = "pir query",
    .synopsis = "--params P --secret-key F --keyword K --out F",
    .summary = "encrypt a question",
    .options = query_options,
    .option_count = ARRAY_COUNT(query_options),
    .has_kernels = true,
    .run = run_query,
};

/* ---- answer ---- */

enum { ANSWER_PARAMS, ANSWER_SHARD, ANSWER_EVALUATION, ANSWER_QUERY, ANSWER_OUT };
static const struct tool_option answer_options[] = {
    [ANSWER_PARAMS] = {"params", 'p', "FILE", "parameters of the shard"},
    [ANSWER_SHARD] = {"shard", 'd', "FILE", "processed shard: .pir, or the reference's .bin"},
    [ANSWER_EVALUATION] = {"evaluation-key", 'e', "FILE", "of the device that asks"},
    [ANSWER_QUERY] = {"query", 'q', "FILE", "its query (EncryptedIndices)"},
    [ANSWER_OUT] = {"out", 'o', "FILE", "where the answer goes (PIRResponse)"},
};

static enum status load_shard(const struct cmd_pir_shape *shape, const char *path,
                              struct pir_shard **ret, struct error *err)
{
    if (!cmd_pir_is_ours(path))
        return pir_shard_load_bin(path, &shape->parameters, 0, ret, err);
    struct pir_shard *shard = NULL;
    enum status st = pir_shard_open(path, 0, &shard, err);
    if (st == STATUS_OK && !pir_parameters_equal(pir_shard_parameters(shard), &shape->parameters))
        st = error_set(err, STATUS_MISMATCH, "%s: was made for other parameters than --params",
                       path);
    if (st == STATUS_OK) {
        st = pir_shard_verify(shard, err);
        if (st != STATUS_OK)
            st = error_prefix(err, st, "%s", path);
    }
    if (st == STATUS_OK)
        *ret = shard;
    else
        pir_shard_free(shard);
    return st;
}

static enum status read_evaluation_key(const struct cmd_pir_shape *shape, const char *path,
                                       struct bfv_evaluation_key **ret, struct error *err)
{
    struct bytes file;
    bytes_init(&file, CMD_PIR_FILE_MAX_BYTES);
    enum status st = read_file(path, &file, err);
    if (st == STATUS_OK) {
        st = wire_evaluation_key_read(shape->context, &shape->parameters.evaluation_key,
                                      bytes_view(&file), ret, err);
        if (st != STATUS_OK)
            st = error_prefix(err, st, "%s", path);
    }
    bytes_deinit(&file);
    return st;
}

static enum status read_query(const char *path, struct wire_query **ret, struct error *err)
{
    struct bytes file;
    bytes_init(&file, CMD_PIR_FILE_MAX_BYTES);
    enum status st = read_file(path, &file, err);
    if (st == STATUS_OK) {
        st = wire_query_read(bytes_view(&file), ret, err);
        if (st != STATUS_OK)
            st = error_prefix(err, st, "%s", path);
    }
    bytes_deinit(&file);
    return st;
}

static int run_answer(struct tool_args *args)
{
    struct cmd_pir_shape shape = {0};
    struct pir_shard *shard = NULL;
    struct bfv_evaluation_key *key = NULL;
    struct wire_query *query = NULL;
    struct pir_workspace *workspace = NULL;
    struct pir_response response;
    struct bytes message;
    struct values values;
    struct error err;
    bool go;
    const int code = take_options(args, 0x1f, false, &values, &go);
    if (!go)
        return code;
    bytes_init(&message, CMD_PIR_FILE_MAX_BYTES);
    enum status st = cmd_pir_shape_read(values.option[ANSWER_PARAMS], &shape, &err);
    if (st == STATUS_OK)
        st = load_shard(&shape, values.option[ANSWER_SHARD], &shard, &err);
    if (st == STATUS_OK)
        st = read_evaluation_key(&shape, values.option[ANSWER_EVALUATION], &key, &err);
    if (st == STATUS_OK)
        st = read_query(values.option[ANSWER_QUERY], &query, &err);
    if (st == STATUS_OK)
        st = pir_workspace_new(shape.context, &shape.layout, &workspace, &err);
    if (st == STATUS_OK)
        st = pir_answer(workspace, shard, key, wire_query_get(query), &response, &err);
    if (st == STATUS_OK)
        st = wire_response_write(&response, &message, &err);
    if (st == STATUS_OK)
        st = file_write(values.option[ANSWER_OUT], FILE_MODE_PUBLIC, bytes_view(&message), &err);
    pir_workspace_free(workspace);
    wire_query_free(query);
    bfv_evaluation_key_free(key);
    pir_shard_free(shard);
    bytes_deinit(&message);
    cmd_pir_shape_deinit(&shape);
    return ended(st, &err);
}

static const struct tool_command cmd_answer = {
    .name = "pir answer",
    .synopsis = "--params P --shard F.bin|F.pir --evaluation-key F --query F --out F",
    .summary = "answer a question, blindly",
    .options = answer_options,
    .option_count = ARRAY_COUNT(answer_options),
    .has_kernels = true,
    .run = run_answer,
};

/* ---- decrypt ---- */

enum { DECRYPT_PARAMS, DECRYPT_SECRET, DECRYPT_RESPONSE, DECRYPT_KEYWORD, DECRYPT_JSON };
static const struct tool_option decrypt_options[] = {
    [DECRYPT_PARAMS] = {"params", 'p', "FILE", "parameters of the keyword's shard"},
    [DECRYPT_SECRET] = {"secret-key", 's', "FILE", "from keygen"},
    [DECRYPT_RESPONSE] = {"response", 'r', "FILE", "the answer (PIRResponse)"},
    [DECRYPT_KEYWORD] = {"keyword", 'k', "TEXT", "what was asked for"},
    [DECRYPT_JSON] = {"json", 0, NULL, "print JSON, with the noise budget in bits"},
};

static int print_result(const struct pir_result *result, bool as_json)
{
    const int code = result->found ? EXIT_DONE : EXIT_ANSWER_NO;
    if (!as_json) {
        if (result->found)
            (void)fwrite(result->value.data, 1, result->value.size, stdout);
        else
            fputs("absent", stdout);
        putchar('\n');
        return code;
    }
    struct bytes hex;
    bytes_init(&hex, 2 * result->value.max_size + 1);
    for (size_t i = 0; i < result->value.size; i++)
        bytes_append_format(&hex, "%02x", result->value.data[i]);
    json_t *root = json_object();
    json_object_set_new(root, "found", json_boolean(result->found));
    if (result->found) {
        json_object_set_new(root, "valueHex", json_stringn((const char *)hex.data, hex.size));
        /* Only when the bytes are UTF-8. */
        json_t *text = json_stringn((const char *)result->value.data, result->value.size);
        if (text != NULL)
            json_object_set_new(root, "value", text);
    }
    json_object_set_new(root, "noiseBudgetBits",
                        isinf(result->noise_budget_bits) ? json_null()
                                                         : json_real(result->noise_budget_bits));
    if (hex.status != STATUS_OK) {
        json_decref(root);
        root = NULL;
    }
    bytes_deinit(&hex);
    return tool_print_json(root) == EXIT_DONE ? code : EXIT_FAILED;
}

static enum status read_response(const struct cmd_pir_shape *shape,
                                 const struct bfv_secret_key *secret, const char *path,
                                 const char *keyword, struct pir_result *ret, struct error *err)
{
    struct wire_response *response = NULL;
    struct bytes file;
    bytes_init(&file, CMD_PIR_FILE_MAX_BYTES);
    enum status st = read_file(path, &file, err);
    if (st != STATUS_OK)
        goto done;
    st = wire_response_read(bytes_view(&file), &response, err);
    if (st == STATUS_OK)
        st = pir_client_read_response(shape->context, &shape->layout, secret, span_of_text(keyword),
                                      wire_response_get(response), ret, err);
    if (st != STATUS_OK)
        st = error_prefix(err, st, "%s", path);
done:
    wire_response_free(response);
    bytes_deinit(&file);
    return st;
}

static int run_decrypt(struct tool_args *args)
{
    struct cmd_pir_shape shape = {0};
    struct bfv_secret_key *secret = NULL;
    struct pir_result result;
    struct values values;
    struct error err;
    bool go;
    int code = take_options(args, 0xf, false, &values, &go);
    if (!go)
        return code;
    pir_result_init(&result);
    enum status st = cmd_pir_shape_read(values.option[DECRYPT_PARAMS], &shape, &err);
    if (st == STATUS_OK)
        st = read_secret(&shape, values.option[DECRYPT_SECRET], &secret, &err);
    if (st == STATUS_OK)
        st = read_response(&shape, secret, values.option[DECRYPT_RESPONSE],
                           values.option[DECRYPT_KEYWORD], &result, &err);
    code = st == STATUS_OK ? print_result(&result, values.option[DECRYPT_JSON] != NULL)
                           : tool_fail(&err);
    pir_result_deinit(&result);
    bfv_secret_key_free(secret);
    cmd_pir_shape_deinit(&shape);
    return code;
}

static const struct tool_command cmd_decrypt = {
    .name = "pir decrypt",
    .synopsis = "--params P --secret-key F --response F --keyword K [--json]",
    .summary = "read an answer: the value, or absent",
    .details = "Prints the row's value; `absent` and exit code 3 when the keyword has no row.",
    .options = decrypt_options,
    .option_count = ARRAY_COUNT(decrypt_options),
    .has_kernels = true,
    .run = run_decrypt,
};

/* ---- import, export ---- */

enum { IMPORT_PARAMS, IMPORT_OUT };
static const struct tool_option import_options[] = {
    [IMPORT_PARAMS] = {"params", 'p', "FILE", "parameters of the shard"},
    [IMPORT_OUT] = {"out", 'o', "FILE", "where the .pir goes"},
};

static int run_import(struct tool_args *args)
{
    struct cmd_pir_shape shape = {0};
    struct pir_shard *shard = NULL;
    struct values values;
    struct error err;
    bool go;
    const int code = take_options(args, 0x3, true, &values, &go);
    if (!go)
        return code;
    enum status st = cmd_pir_shape_read(values.option[IMPORT_PARAMS], &shape, &err);
    if (st == STATUS_OK)
        st = pir_shard_load_bin(values.operand, &shape.parameters, 0, &shard, &err);
    if (st == STATUS_OK)
        st = pir_shard_save(shard, values.option[IMPORT_OUT], &err);
    pir_shard_free(shard);
    cmd_pir_shape_deinit(&shape);
    return ended(st, &err);
}

static const struct tool_command cmd_import = {
    .name = "pir import",
    .synopsis = "SHARD.bin --params P --out SHARD.pir",
    .summary = "make a mappable shard of the reference's",
    .options = import_options,
    .option_count = ARRAY_COUNT(import_options),
    .has_kernels = true,
    .run = run_import,
};

enum { EXPORT_OUT, EXPORT_PARAMS };
static const struct tool_option export_options[] = {
    [EXPORT_OUT] = {"out", 'o', "FILE", "where the .bin goes"},
    [EXPORT_PARAMS] = {"params", 'p', "FILE", "where the parameters go (default: nowhere)"},
};

static int run_export(struct tool_args *args)
{
    struct pir_shard *shard = NULL;
    struct values values;
    struct error err;
    bool go;
    const int code = take_options(args, 0x1, true, &values, &go);
    if (!go)
        return code;
    enum status st = pir_shard_open(values.operand, 0, &shard, &err);
    if (st == STATUS_OK) {
        st = pir_shard_verify(shard, &err);
        if (st != STATUS_OK)
            st = error_prefix(&err, st, "%s", values.operand);
    }
    if (st == STATUS_OK)
        st = pir_shard_export_bin(shard, 0, values.option[EXPORT_OUT], &err);
    if (st == STATUS_OK && values.option[EXPORT_PARAMS] != NULL)
        st = wire_parameters_write_file(values.option[EXPORT_PARAMS], pir_shard_parameters(shard),
                                        &err);
    pir_shard_free(shard);
    return ended(st, &err);
}

static const struct tool_command cmd_export = {
    .name = "pir export",
    .synopsis = "SHARD.pir --out SHARD.bin [--params OUT]",
    .summary = "make the reference's shard of ours",
    .options = export_options,
    .option_count = ARRAY_COUNT(export_options),
    .has_kernels = true,
    .run = run_export,
};

static const struct tool_command *const members[] = {
    &cmd_pir_process, &cmd_import, &cmd_export, &cmd_keygen, &cmd_query, &cmd_answer, &cmd_decrypt,
};

const struct tool_command command_pir = {
    .name = "pir",
    .synopsis = "COMMAND ...",
    .summary = "process databases; both sides of a private look-up, on files",
    .members = members,
    .member_count = ARRAY_COUNT(members),
};
