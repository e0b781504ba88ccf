/* blindlist vectors - check the published test vectors, or write them. */
#include "base/file.h"
#include "testvectors/vectors.h"
#include "tools/commands.h"
#include "tools/tool_json.h"

#include <stdio.h>
#include <unistd.h>

/* Where the files are when nobody says: in a source tree, else where `make install` put them. */
#define SOURCE_FOLDER "testvectors"

/* A folder that holds the first of the files. */
static bool has_vectors(const char *folder)
{
    char path[4096];
    const int size = snprintf(path, sizeof path, "%s/%s", folder, vectors_file_name(0));
    return size > 0 && (size_t)size < sizeof path && access(path, R_OK) == 0;
}

static const char *default_folder(struct error *err)
{
    if (has_vectors(SOURCE_FOLDER))
        return SOURCE_FOLDER;
    if (has_vectors(BLINDLIST_VECTORS_FOLDER))
        return BLINDLIST_VECTORS_FOLDER;
    error_set(err, STATUS_NOT_FOUND,
              "no test vectors in ./%s or %s; name their folder: blindlist vectors verify DIR",
              SOURCE_FOLDER, BLINDLIST_VECTORS_FOLDER);
    return NULL;
}

/* ---- verify ---- */

enum { OPT_JSON };
static const struct tool_option verify_options[] = {
    [OPT_JSON] = {"json", 0, NULL, "print a JSON object with a result for each file"},
};

enum verdict { AGREES, DIFFERS, UNREADABLE };
static const char *const verdict_names[] = {"agrees", "differs", "unreadable"};

struct totals {
    size_t cases;
    size_t files[3]; /* by verdict */
};

static void verify_one(const char *folder, size_t number, struct totals *totals, json_t *all)
{
    const char *file = vectors_file_name(number);
    struct error error = {0};
    size_t cases = 0;
    const enum status st = vectors_verify_file(folder, number, &cases, &error);
    const enum verdict verdict = st == STATUS_OK         ? AGREES
                                 : st == STATUS_MISMATCH ? DIFFERS
                                                         : UNREADABLE;
    totals->files[verdict]++;
    totals->cases += cases;
    if (all != NULL) {
        json_t *item = json_pack("{s:s, s:s, s:I}", "file", file, "result", verdict_names[verdict],
                                 "cases", (json_int_t)cases);
        if (verdict != AGREES)
            json_object_set_new(item, "message", tool_text_json(span_of_text(error.message)));
        json_array_append_new(all, item);
    } else if (verdict == AGREES) {
        printf("%s: %zu cases agree\n", file, cases);
    } else if (verdict == DIFFERS) {
        printf("%s: %s\n", file, error.message);
    } else {
        fprintf(stderr, "blindlist: %s\n", error.message);
    }
}

static int run_verify(struct tool_args *args)
{
    const char *folder = NULL;
    bool json = false;
    struct error error = {0};
    for (int got = tool_next(args); got != TOOL_END; got = tool_next(args)) {
        switch (got) {
        case OPT_JSON:
            json = true;
            break;
        case TOOL_OPERAND:
            if (folder != NULL)
                return tool_usage_error(args, "one folder only");
            folder = args->value;
            break;
        default:
            return args->exit_code;
        }
    }
    if (folder == NULL)
        folder = default_folder(&error);
    if (folder == NULL)
        return tool_fail(&error);

    struct totals totals = {0};
    json_t *all = json ? json_array() : NULL;
    if (json && all == NULL) {
        error_set(&error, STATUS_NOMEM, "out of memory");
        return tool_fail(&error);
    }
    for (size_t i = 0; vectors_file_name(i) != NULL; i++)
        verify_one(folder, i, &totals, all);
    const bool agree = totals.files[DIFFERS] + totals.files[UNREADABLE] == 0;
    if (json) {
        if (tool_print_json(json_pack("{s:b, s:I, s:o}", "agree", (int)agree, "cases",
                                      (json_int_t)totals.cases, "files", all)) != EXIT_DONE)
            return EXIT_FAILED;
    } else if (agree) {
        printf("all %zu cases agree\n", totals.cases);
    } else {
        printf("%zu cases agree; %zu files differ, %zu cannot be read\n", totals.cases,
               totals.files[DIFFERS], totals.files[UNREADABLE]);
    }
    if (totals.files[UNREADABLE] > 0)
        return EXIT_FAILED;
    return agree ? EXIT_DONE : EXIT_ANSWER_NO;
}

static const struct tool_command command_verify = {
    .name = "vectors verify",
    .synopsis = "[DIR]",
    .summary = "check every value of the test vectors in DIR",
    .details = "Computes everything again and compares. Prints the number of cases of each file,\n"
               "or the first case in it that differs. DIR is ./" SOURCE_FOLDER
               " or the installed\nfolder unless given. testvectors/verify.py checks the same and "
               "shares no code.\nExit code 3 when something differs, 1 when a file cannot be read.",
    .options = verify_options,
    .option_count = ARRAY_COUNT(verify_options),
    .has_kernels = true,
    .run = run_verify,
};

/* ---- generate ---- */

enum { OPT_OUT };
static const struct tool_option generate_options[] = {
    [OPT_OUT] = {"out", 'o', "DIR", "folder to write to (default: ./" SOURCE_FOLDER ")"},
};

static int run_generate(struct tool_args *args)
{
    const char *folder = SOURCE_FOLDER;
    struct error error = {0};
    for (int got = tool_next(args); got != TOOL_END; got = tool_next(args)) {
        switch (got) {
        case OPT_OUT:
            folder = args->value;
            break;
        case TOOL_OPERAND:
            return tool_usage_error(args, "%s is not an option; --out DIR names the folder",
                                    args->value);
        default:
            return args->exit_code;
        }
    }
    if (folder_make(folder, &error) != STATUS_OK)
        return tool_fail(&error);
    for (size_t i = 0; vectors_file_name(i) != NULL; i++) {
        size_t cases = 0;
        if (vectors_generate_file(folder, i, &cases, &error) != STATUS_OK)
            return tool_fail(&error);
        printf("%s: %zu cases\n", vectors_file_name(i), cases);
    }
    return EXIT_DONE;
}

static const struct tool_command command_generate = {
    .name = "vectors generate",
    .synopsis = "[--out DIR]",
    .summary = "write the test vectors; the same bytes each time",
    .options = generate_options,
    .option_count = ARRAY_COUNT(generate_options),
    .has_kernels = true,
    .run = run_generate,
};

static const struct tool_command *const members[] = {&command_generate, &command_verify};

const struct tool_command command_vectors = {
    .name = "vectors",
    .synopsis = "generate|verify ...",
    .summary = "test vectors for other implementations",
    .members = members,
    .member_count = ARRAY_COUNT(members),
};
