/* blindlist tune - measures what the work of a query costs on this machine. */
#include "base/file.h"
#include "pir-server/dataset/cost_measure.h"
#include "pir-server/dataset/dataset_write.h"
#include "pir-server/pir/pir_cost_file.h"
#include "tools/commands.h"

#include <inttypes.h>
#include <stdio.h>

#define ROUNDS     51
#define ROUNDS_MAX 10000

enum { OPT_OUT, OPT_ROUNDS, OPT_JSON };
static const struct tool_option options[] = {
    [OPT_OUT] = {"out", 'o', "FILE", "write the costs for compile --costs FILE"},
    [OPT_ROUNDS] = {"rounds", 0, "N", "ask each sample N times, the fastest counts [51]"},
    [OPT_JSON] = {"json", 0, NULL, "print what --out writes"},
};

static enum status measure(const struct bfv_context *context, size_t rounds,
                           struct pir_cost_constants *ret, struct error *err)
{
    struct progress progress;
    const struct cost_measure how = {.context = context, .rounds = rounds, .progress = &progress};
    progress_begin(&progress, "measuring", rounds);
    const enum status status = cost_measure_constants(&how, ret, err);
    progress_end(&progress);
    return status;
}

static void print_constants(const struct pir_cost_constants *constants, const char *kernel)
{
    printf("kernel %s, nanoseconds of one piece on one thread\n", kernel);
    printf("  %-14s %9s %9s\n", "", "here", "shipped");
    for (size_t i = 0; i < PIR_COST_TERM_COUNT; i++)
        printf("  %-14s %9" PRIu64 " %9" PRIu64 "\n", pir_cost_term_name((enum pir_cost_term)i),
               constants->ns[i], pir_cost_shipped()->ns[i]);
}

static enum status tune(const char *out, size_t rounds, bool json, struct error *err)
{
    const struct bfv_named_parameters *set = bfv_named_parameters_find(DATASET_RLWE_PARAMETERS);
    struct bfv_context *context = NULL;
    struct pir_cost_constants constants;
    struct bytes text;
    bytes_init(&text, PIR_COST_FILE_MAX_BYTES);
    enum status status = bfv_context_new(&set->parameters, 0, NULL, &context, err);
    if (status == STATUS_OK)
        status = measure(context, rounds, &constants, err);
    if (status == STATUS_OK)
        status = pir_cost_file_format(&constants, bfv_context_kernel_name(context), &text, err);
    if (status == STATUS_OK && out != NULL)
        status = file_write(out, FILE_MODE_PUBLIC, bytes_view(&text), err);
    if (status == STATUS_OK && json)
        fwrite(text.data, 1, text.size, stdout);
    else if (status == STATUS_OK)
        print_constants(&constants, bfv_context_kernel_name(context));
    bfv_context_free(context);
    bytes_deinit(&text);
    return status;
}

static int run(struct tool_args *args)
{
    const char *out = NULL;
    size_t rounds = ROUNDS;
    bool json = false;
    struct error error = {0};
    for (int got = tool_next(args); got != TOOL_END; got = tool_next(args)) {
        switch (got) {
        case OPT_OUT:
            out = args->value;
            break;
        case OPT_ROUNDS:
            if (tool_take_size(args, 1, ROUNDS_MAX, &rounds) != EXIT_DONE)
                return EXIT_USAGE;
            break;
        case OPT_JSON:
            json = true;
            break;
        case TOOL_OPERAND:
            return tool_usage_error(args, "no operand is taken: %s", args->value);
        default:
            return args->exit_code;
        }
    }
    return tune(out, rounds, json, &error) == STATUS_OK ? EXIT_DONE : tool_fail(&error);
}

const struct tool_command command_tune = {
    .name = "tune",
    .synopsis = "[--out FILE]",
    .summary = "measure what a query's work costs here, for compile --costs",
    .details = "Asks made-up shards of several shapes, on one thread, and finds from their times\n"
               "what each kind of work costs. Takes some seconds and 250 MB; nothing else should\n"
               "run meanwhile.",
    .options = options,
    .option_count = ARRAY_COUNT(options),
    .has_kernels = true,
    .run = run,
};
