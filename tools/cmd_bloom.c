/* blindlist bloom build | info | check | convert; diagnose is in cmd_bloom_diagnose.c. */
#include "tools/cmd_bloom.h"

#include "bloom/formats/bloom_build.h"
#include "bloom/formats/bloom_file.h"
#include "tools/commands.h"
#include "tools/tool_json.h"
#include "tools/tool_threads.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>

/* What a filter is, the common part of build, info and convert. */
static json_t *describe_json(const char *path, const struct bloom_filter *filter)
{
    const struct bloom_meta *meta = &filter->meta;
    const double fill = bloom_filter_fill(filter);
    json_t *root = json_pack(
        "{s:s, s:s, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:s, s:i}", "file", path, "layout",
        bloom_layout_name(filter->layout), "bitCount", (json_int_t)meta->params.bit_count,
        "byteCount", (json_int_t)filter->byte_count, "hashCount",
        (json_int_t)meta->params.hash_count, "murmurSeed", (json_int_t)meta->params.murmur_seed,
        "falsePositiveTolerance", meta->false_positive_tolerance, "fill", fill,
        "estimatedFalsePositiveRate", pow(fill, meta->params.hash_count), "tag", meta->tag,
        "spareBitsSet", (int)bloom_count_spare_set(filter->bits, meta->params.bit_count));
    json_object_set_new(root, "itemCount",
                        meta->item_count > 0 ? json_integer((json_int_t)meta->item_count)
                                             : json_null());
    json_object_set_new(root, "url", meta->url[0] != '\0' ? json_string(meta->url) : json_null());
    return root;
}

static void describe_text(const char *path, const struct bloom_filter *filter)
{
    const struct bloom_meta *meta = &filter->meta;
    const double fill = bloom_filter_fill(filter);
    printf("file          %s\n", path);
    printf("layout        %s\n", bloom_layout_name(filter->layout));
    if (meta->item_count > 0)
        printf("items         %llu\n", (unsigned long long)meta->item_count);
    else
        printf("items         not said\n");
    printf("bits          %u (%zu bytes)\n", meta->params.bit_count, filter->byte_count);
    printf("hashes        %u\n", meta->params.hash_count);
    printf("murmur seed   %u\n", meta->params.murmur_seed);
    printf("fill          %.2f %%\n", 100.0 * fill);
    printf("false pos.    %.4g by the fill, %.4g promised\n", pow(fill, meta->params.hash_count),
           meta->false_positive_tolerance);
    printf("tag           %s\n", meta->tag);
    if (meta->url[0] != '\0')
        printf("url           %s\n", meta->url);
}

static void warn_spare_bits(const char *path, const struct bloom_filter *filter)
{
    const unsigned set = bloom_count_spare_set(filter->bits, filter->meta.params.bit_count);
    if (set > 0)
        fprintf(stderr,
                "blindlist: %s: %u bits behind the last are set; devices never look there, but a "
                "builder that counts bits as they do leaves them zero\n",
                path, set);
}

/* ---- build ---- */

enum build_option {
    BUILD_OUT,
    BUILD_RATE,
    BUILD_SEED,
    BUILD_BITS,
    BUILD_HASHES,
    BUILD_UNIQUE,
    BUILD_URL,
    BUILD_LAYOUT,
    BUILD_THREADS,
    BUILD_JSON
};

static const struct tool_option build_options[] = {
    [BUILD_OUT] = {"out", 'o', "FILE", "where to: .plist, or .bloom and .json beside each other"},
    [BUILD_RATE] = {"false-positive-rate", 'p', "P", "between 0 and 1 (default 0.001)"},
    [BUILD_SEED] = {"seed", 's', "N", "of MurmurHash3 (default: from the keys)"},
    [BUILD_BITS] = {"bits", 0, "N", "this many bits, instead of a rate; with --hashes"},
    [BUILD_HASHES] = {"hashes", 0, "N", "this many positions a key; with --bits"},
    [BUILD_UNIQUE] = {"unique", 'u', NULL, "count repeated keys once (takes memory)"},
    [BUILD_URL] = {"url", 0, "URL", "where the raw bits will be; a .json then has the url form"},
    [BUILD_LAYOUT] = {"layout", 0, "NAME", "of a .plist: current (default) or beta"},
    [BUILD_THREADS] = TOOL_THREADS_OPTION,
    [BUILD_JSON] = {"json", 0, NULL, "print the summary as JSON"},
};

static int take_layout(const struct tool_args *args, struct bloom_file_options *ret)
{
    if (strcmp(args->value, "current") == 0)
        ret->plist_layout = BLOOM_LAYOUT_PLIST;
    else if (strcmp(args->value, "beta") == 0)
        ret->plist_layout = BLOOM_LAYOUT_PLIST_BETA;
    else
        return tool_bad_value(args, "current or beta is wanted");
    return EXIT_DONE;
}

struct build_request {
    const char *keys;
    const char *out;
    struct bloom_build_options build;
    struct bloom_file_options file;
    size_t threads; /* 0 = as many as cores */
    bool has_rate;
    bool has_layout;
    bool as_json;
};

/* EXIT_DONE, or the exit code to end with. */
static int take_build_option(struct build_request *request, int got, const struct tool_args *args)
{
    struct bloom_build_options *build = &request->build;
    switch (got) {
    case TOOL_OPERAND:
        if (request->keys != NULL)
            return tool_usage_error(args, "one file of keys, not also %s", args->value);
        request->keys = args->value;
        return EXIT_DONE;
    case BUILD_OUT:
        request->out = args->value;
        return EXIT_DONE;
    case BUILD_RATE:
        request->has_rate = true;
        return tool_take_share(args, &build->rate);
    case BUILD_SEED:
        build->has_seed = true;
        return tool_take_u32(args, 0, UINT32_MAX, &build->murmur_seed);
    case BUILD_BITS:
        return tool_take_u32(args, 1, UINT32_MAX, &build->bit_count);
    case BUILD_HASHES:
        return tool_take_u32(args, 1, BLOOM_MAX_HASH_COUNT, &build->hash_count);
    case BUILD_UNIQUE:
        build->unique = true;
        return EXIT_DONE;
    case BUILD_URL:
        request->file.url = args->value;
        return EXIT_DONE;
    case BUILD_LAYOUT:
        request->has_layout = true;
        return take_layout(args, &request->file);
    case BUILD_THREADS:
        return tool_take_threads(args, &request->threads);
    case BUILD_JSON:
        request->as_json = true;
        return EXIT_DONE;
    default:
        return args->exit_code;
    }
}

/* What must be there, and what does not go together. */
static int check_build(const struct build_request *request, const struct tool_args *args)
{
    if (request->keys == NULL)
        return tool_usage_error(args, "which keys? A file is missing");
    if (request->out == NULL)
        return tool_usage_error(args, "--out is missing");
    if ((request->build.bit_count == 0) != (request->build.hash_count == 0))
        return tool_usage_error(args, "--bits and --hashes go together");
    if (request->build.bit_count != 0 && request->has_rate)
        return tool_usage_error(args, "either --false-positive-rate, or --bits and --hashes");
    return EXIT_DONE;
}

/* Options that say nothing about this kind of file are a mistake worth telling. */
static int check_output(struct tool_args *args, const char *out,
                        const struct bloom_file_options *options, bool has_layout)
{
    struct error error;
    enum bloom_layout layout = BLOOM_LAYOUT_PLIST;
    if (bloom_file_layout(out, options, &layout, &error) != STATUS_OK)
        return tool_usage_error(args, "%s", error.message);
    const bool is_plist = layout == BLOOM_LAYOUT_PLIST || layout == BLOOM_LAYOUT_PLIST_BETA;
    if (is_plist && options->url != NULL)
        return tool_usage_error(args, "a property list has no --url");
    if (!is_plist && has_layout)
        return tool_usage_error(args, "--layout is for a .plist");
    return EXIT_DONE;
}

static void print_build(const struct build_request *request, struct bloom_filter *filter,
                        const struct bloom_build_summary *summary)
{
    printf("lines         %llu read, %llu empty", (unsigned long long)summary->line_count,
           (unsigned long long)summary->empty_count);
    if (request->build.unique)
        printf(", %llu repeated", (unsigned long long)summary->repeat_count);
    printf("\n");
    describe_text(request->out, filter);
}

static int build_run(struct tool_args *args)
{
    struct bloom_filter *filter = NULL;
    struct bloom_build_summary summary;
    struct thread_pool *pool = NULL;
    struct build_request request = {.build = {.rate = BLOOM_DEFAULT_RATE, .show_progress = true}};
    struct error error;
    for (int got = tool_next(args); got != TOOL_END; got = tool_next(args)) {
        const int code = take_build_option(&request, got, args);
        if (got == TOOL_STOP || code != EXIT_DONE)
            return code;
    }
    int exit_code = check_build(&request, args);
    if (exit_code == EXIT_DONE)
        exit_code = check_output(args, request.out, &request.file, request.has_layout);
    if (exit_code != EXIT_DONE)
        return exit_code;
    if (tool_thread_pool_new(request.threads, &pool, &error) != STATUS_OK)
        return tool_fail(&error);
    request.build.pool = pool;
    const enum status status =
        bloom_build_file(request.keys, &request.build, &filter, &summary, &error);
    thread_pool_free(pool);
    if (status != STATUS_OK)
        return tool_fail(&error);
    if (bloom_file_write(request.out, filter, &request.file, &error) != STATUS_OK) {
        bloom_filter_free(filter);
        return tool_fail(&error);
    }
    /* Shows what was written; its kind was checked above. */
    (void)!bloom_file_layout(request.out, &request.file, &filter->layout, NULL);
    if (request.as_json) {
        json_t *root = describe_json(request.out, filter);
        json_object_set_new(root, "lines", json_integer((json_int_t)summary.line_count));
        json_object_set_new(root, "emptyLines", json_integer((json_int_t)summary.empty_count));
        json_object_set_new(root, "repeatedLines", json_integer((json_int_t)summary.repeat_count));
        json_object_set_new(root, "unaskedLines", json_integer((json_int_t)summary.unasked_count));
        exit_code = tool_print_json(root);
    } else {
        print_build(&request, filter, &summary);
    }
    if (summary.unasked_count > 0)
        fprintf(stderr,
                "blindlist: note: no device asks for %llu of the lines, which begin with http://, "
                "https:// or as rules: `blindlist compile` reads lists, `blindlist suburls --key` "
                "tells keys\n",
                (unsigned long long)summary.unasked_count);
    bloom_filter_free(filter);
    return exit_code;
}

static const struct tool_command command_build = {
    .name = "bloom build",
    .synopsis = "KEYS --out FILE.plist|.bloom|.json [--false-positive-rate P]",
    .summary = "make a filter from a file with one key a line",
    .details = "Keys are taken as they are: sub-URLs without scheme, such as example.com/path.\n"
               "The file is read twice, so it cannot be a pipe. The default seed is made from the\n"
               "keys, so that the same keys give the same filter.",
    .options = build_options,
    .option_count = ARRAY_COUNT(build_options),
    .run = build_run,
};

/* ---- info ---- */

enum info_option { INFO_JSON };

static const struct tool_option info_options[] = {
    [INFO_JSON] = {"json", 0, NULL, "print as JSON"},
};

static int info_run(struct tool_args *args)
{
    struct bloom_filter *filter = NULL;
    const char *path = NULL;
    bool as_json = false;
    struct error error;
    for (int got = tool_next(args); got != TOOL_END; got = tool_next(args)) {
        switch (got) {
        case TOOL_OPERAND:
            if (path != NULL)
                return tool_usage_error(args, "one filter, not also %s", args->value);
            path = args->value;
            break;
        case INFO_JSON:
            as_json = true;
            break;
        default:
            return args->exit_code;
        }
    }
    if (path == NULL)
        return tool_usage_error(args, "which filter? A file is missing");
    if (bloom_file_read(path, &filter, &error) != STATUS_OK)
        return tool_fail(&error);
    int exit_code = EXIT_DONE;
    if (as_json)
        exit_code = tool_print_json(describe_json(path, filter));
    else
        describe_text(path, filter);
    warn_spare_bits(path, filter);
    bloom_filter_free(filter);
    return exit_code;
}

static const struct tool_command command_info = {
    .name = "bloom info",
    .synopsis = "FILE",
    .summary = "tell what a filter is",
    .options = info_options,
    .option_count = ARRAY_COUNT(info_options),
    .run = info_run,
};

/* ---- check ---- */

enum check_option { CHECK_JSON };

static const struct tool_option check_options[] = {
    [CHECK_JSON] = {"json", 0, NULL, "print as JSON"},
};

static int check_run(struct tool_args *args)
{
    struct bloom_filter *filter = NULL;
    const char *path = NULL;
    bool as_json = false;
    struct error error;
    size_t key_count = 0;
    /* Operands point into argv, where the keys move to the front: no list has to be made. */
    char **keys = args->argv;
    for (int got = tool_next(args); got != TOOL_END; got = tool_next(args)) {
        switch (got) {
        case TOOL_OPERAND:
            if (path == NULL)
                path = args->value;
            else
                keys[key_count++] = args->argv[args->position - 1];
            break;
        case CHECK_JSON:
            as_json = true;
            break;
        default:
            return args->exit_code;
        }
    }
    if (path == NULL || key_count == 0)
        return tool_usage_error(args, "a filter and at least one key are needed");
    if (bloom_file_read(path, &filter, &error) != STATUS_OK)
        return tool_fail(&error);
    warn_spare_bits(path, filter);
    const struct bloom_reader reader = bloom_filter_reader(filter);
    int exit_code = EXIT_DONE;
    json_t *list = as_json ? json_array() : NULL;
    for (size_t i = 0; i < key_count; i++) {
        const bool is_in = bloom_reader_has_key(&reader, keys[i], strlen(keys[i]));
        if (!is_in)
            exit_code = EXIT_ANSWER_NO;
        if (as_json && json_array_append_new(list, json_pack("{s:s, s:b}", "key", keys[i],
                                                             "isInFilter", (int)is_in)) != 0) {
            /* JSON cannot say such a key. */
            fprintf(stderr, "blindlist: key %zu is not UTF-8, or memory is short\n", i + 1);
            json_decref(list);
            bloom_filter_free(filter);
            return EXIT_FAILED;
        }
        if (!as_json)
            printf("%-6s  %s\n", is_in ? "in" : "absent", keys[i]);
        if (strstr(keys[i], "://") != NULL)
            fprintf(stderr, "blindlist: keys have no scheme: devices never ask for %s\n", keys[i]);
    }
    if (as_json && tool_print_json(list) != EXIT_DONE)
        exit_code = EXIT_FAILED;
    bloom_filter_free(filter);
    return exit_code;
}

static const struct tool_command command_bloom_check = {
    .name = "bloom check",
    .synopsis = "FILE KEY...",
    .summary = "ask a filter for keys, as a device does",
    .details = "Prints \"in\" or \"absent\" for each key. Exit code 3 when a key is absent.",
    .options = check_options,
    .option_count = ARRAY_COUNT(check_options),
    .run = check_run,
};

/* ---- convert ---- */

enum convert_option { CONVERT_URL, CONVERT_LAYOUT, CONVERT_ITEMS };

static const struct tool_option convert_options[] = {
    [CONVERT_URL] = {"url", 0, "URL", "where the raw bits will be; a .json then has the url form"},
    [CONVERT_LAYOUT] = {"layout", 0, "NAME", "of a .plist: current (default) or beta"},
    [CONVERT_ITEMS] = {"items", 0, "N", "number of items, when the input does not say"},
};

static int convert_run(struct tool_args *args)
{
    struct bloom_filter *filter = NULL;
    struct bloom_file_options options = {.url = NULL};
    const char *paths[2] = {NULL, NULL};
    size_t path_count = 0;
    uint64_t items = 0;
    bool has_layout = false;
    struct error error;
    for (int got = tool_next(args); got != TOOL_END; got = tool_next(args)) {
        switch (got) {
        case TOOL_OPERAND:
            if (path_count == 2)
                return tool_usage_error(args, "one input and one output, not also %s", args->value);
            paths[path_count++] = args->value;
            break;
        case CONVERT_URL:
            options.url = args->value;
            break;
        case CONVERT_LAYOUT:
            if (take_layout(args, &options) != EXIT_DONE)
                return EXIT_USAGE;
            has_layout = true;
            break;
        case CONVERT_ITEMS:
            if (tool_take_u64(args, 1, INT64_MAX, &items) != EXIT_DONE)
                return EXIT_USAGE;
            break;
        default:
            return args->exit_code;
        }
    }
    if (path_count != 2)
        return tool_usage_error(args, "an input and an output are needed");
    int exit_code = check_output(args, paths[1], &options, has_layout);
    if (exit_code != EXIT_DONE)
        return exit_code;
    if (bloom_file_read(paths[0], &filter, &error) != STATUS_OK)
        return tool_fail(&error);
    warn_spare_bits(paths[0], filter);
    if (filter->meta.item_count == 0)
        filter->meta.item_count = items;
    else if (items != 0 && items != filter->meta.item_count)
        exit_code = tool_usage_error(args, "the input says %llu items itself",
                                     (unsigned long long)filter->meta.item_count);
    enum bloom_layout layout = BLOOM_LAYOUT_URL;
    (void)!bloom_file_layout(paths[1], &options, &layout, NULL);
    if (exit_code == EXIT_DONE && filter->meta.item_count == 0 && layout != BLOOM_LAYOUT_URL) {
        fprintf(stderr, "blindlist: %s does not say how many items it has: give --items N\n",
                paths[0]);
        exit_code = EXIT_FAILED;
    }
    if (exit_code == EXIT_DONE && bloom_file_write(paths[1], filter, &options, &error) != STATUS_OK)
        exit_code = tool_fail(&error);
    bloom_filter_free(filter);
    return exit_code;
}

static const struct tool_command command_convert = {
    .name = "bloom convert",
    .synopsis = "IN OUT.plist|.bloom|.json [--layout NAME] [--url URL]",
    .summary = "write a filter in another form",
    .details = "The input's form is found out. Bits and numbers stay what they are; the tag\n"
               "becomes the SHA-256 of the bits.",
    .options = convert_options,
    .option_count = ARRAY_COUNT(convert_options),
    .run = convert_run,
};

/* ---- the group ---- */

static const struct tool_command *const members[] = {
    &command_build, &command_info, &command_bloom_check, &command_convert, &command_bloom_diagnose};

const struct tool_command command_bloom = {
    .name = "bloom",
    .synopsis = "COMMAND ...",
    .summary = "build, look into and mend Bloom filters (prefilters)",
    .members = members,
    .member_count = ARRAY_COUNT(members),
};
