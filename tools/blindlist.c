/* blindlist - compile blocklists, look into them, ask a server about URLs. */
#include "tools/commands.h"
#include "tools/tool.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* In the order in which --help lists them. */
static const struct tool_command *const commands[] = {
    &command_check,  &command_bloom,   &command_compile, &command_dataset,
    &command_doctor, &command_explain, &command_ios,     &command_pir,
    &command_sign,   &command_sources, &command_suburls, &command_token,
    &command_tune,   &command_update,  &command_vectors, NULL,
};

static const struct tool_command *find(const struct tool_command *const *list, size_t count,
                                       const char *name)
{
    for (size_t i = 0; i < count && list[i] != NULL; i++) {
        /* Members of a group are named "bloom build": the last word counts. */
        const char *space = strrchr(list[i]->name, ' ');
        if (strcmp(space != NULL ? space + 1 : list[i]->name, name) == 0)
            return list[i];
    }
    return NULL;
}

static void print_help(FILE *out)
{
    fputs("usage: blindlist COMMAND ...\n\n"
          "Private URL blocking: compiles blocklists into what Apple's URL filter asks for,\n"
          "looks into the results and asks a server about URLs exactly as a device does.\n\n"
          "commands:\n",
          out);
    for (size_t i = 0; i < ARRAY_COUNT(commands) && commands[i] != NULL; i++)
        fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\n'blindlist COMMAND --help' tells more. Exit codes: 0 done, 1 failed, 2 wrong usage,\n"
          "3 the answer is no (denied, absent, not in the filter, different, damaged).\n",
          out);
}

int main(int argc, char **argv)
{
    /* A closed pipe, or a file that may not grow, is a failed write with a message, not a silent
     * death. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        print_help(stdout);
        return tool_finish(EXIT_DONE);
    }
    if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
        printf("blindlist %s\n", BLINDLIST_VERSION);
        return tool_finish(EXIT_DONE);
    }
    const struct tool_command *command =
        argc < 2 ? NULL : find(commands, ARRAY_COUNT(commands), argv[1]);
    if (command == NULL) {
        if (argc >= 2)
            fprintf(stderr, "blindlist: unknown command %s\n\n", argv[1]);
        print_help(stderr);
        return EXIT_USAGE;
    }
    struct tool_args args = {.command = command, .argc = argc - 2, .argv = argv + 2};
    if (command->run == NULL) { /* a group: its member decides */
        const struct tool_command *member =
            args.argc > 0 ? find(command->members, command->member_count, args.argv[0]) : NULL;
        if (member == NULL) {
            const int got = tool_next(&args);
            if (got == TOOL_STOP)
                return tool_finish(args.exit_code);
            if (got == TOOL_END)
                return tool_usage_error(&args, "which one? A command is missing");
            return tool_usage_error(&args, "unknown command %s", args.value);
        }
        args = (struct tool_args){.command = member, .argc = args.argc - 1, .argv = args.argv + 1};
    }
    return tool_finish(args.command->run(&args));
}
