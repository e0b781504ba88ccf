/* blindlist ios - what the app side needs: sources, profiles, the onboarding of a relay. */
#include "tools/cmd_ios.h"

#include "tools/commands.h"
#include "tools/deployment_names.h"

#include <stdio.h>
#include <string.h>

enum { NAME_BUNDLE_ID, NAME_EXTENSION_ID, NAME_SERVER, NAME_ISSUER, NAME_DEVELOPMENT };

void ios_names_take(struct ios_names *names, int got, const struct tool_args *args)
{
    switch (got) {
    case NAME_BUNDLE_ID:
        names->bundle_id = args->value;
        return;
    case NAME_EXTENSION_ID:
        names->extension_id = args->value;
        return;
    case NAME_SERVER:
        names->server = args->value;
        return;
    case NAME_ISSUER:
        names->issuer = args->value;
        return;
    default:
        names->is_development = true;
    }
}

const char *ios_names_extension(const struct ios_names *names, char buffer[IOS_EXTENSION_ID_BYTES])
{
    if (names->extension_id != NULL)
        return names->extension_id;
    snprintf(buffer, IOS_EXTENSION_ID_BYTES, "%s.URLFilter", names->bundle_id);
    return buffer;
}

/* Quotes and backslashes would end a text in the sources that are made. */
static const char *url_fault(const struct ios_names *names, const char *url)
{
    if (!names->is_development || !deployment_is_http_url(url))
        return deployment_url_fault(url);
    return strpbrk(url, "\"\\<>& \t\r\n") != NULL ? "has what is in no URL" : NULL;
}

static int check_url(const struct ios_names *names, const struct tool_args *args,
                     const char *option, const char *url)
{
    const char *fault = url_fault(names, url);
    if (fault == NULL)
        return EXIT_DONE;
    return tool_usage_error(args, "--%s %s %s; devices take https:// and a host name", option, url,
                            fault);
}

int ios_names_check(const struct ios_names *names, const struct tool_args *args)
{
    char buffer[IOS_EXTENSION_ID_BYTES];
    if (names->bundle_id == NULL || names->server == NULL)
        return tool_usage_error(args, "--bundle-id and --server are needed");
    const char *fault = deployment_bundle_id_fault(names->bundle_id);
    if (fault != NULL)
        return tool_usage_error(args, "--bundle-id %s %s", names->bundle_id, fault);
    const char *extension = ios_names_extension(names, buffer);
    const size_t size = strlen(names->bundle_id);
    if (deployment_bundle_id_fault(extension) != NULL ||
        strncmp(extension, names->bundle_id, size) != 0 || extension[size] != '.')
        return tool_usage_error(args, "--extension-id %s does not begin with that of the app",
                                extension);
    int code = check_url(names, args, "server", names->server);
    if (code == EXIT_DONE && names->issuer != NULL)
        code = check_url(names, args, "issuer", names->issuer);
    return code;
}

static const struct tool_command *const members[] = {
    &command_ios_init,
    &command_ios_profile,
    &command_ios_checklist,
};

const struct tool_command command_ios = {
    .name = "ios",
    .synopsis = "init|profile|checklist ...",
    .summary = "what the app side needs: sources, profiles, the way to the relay",
    .members = members,
    .member_count = ARRAY_COUNT(members),
};
