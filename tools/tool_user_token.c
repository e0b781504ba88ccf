#include "tools/tool_user_token.h"

#include "base/file.h"

/* Longer than any user token that a header holds. */
#define TOKEN_FILE_MAX_BYTES ((size_t)8192)

void tool_user_token_init(struct bytes *token)
{
    bytes_init(token, TOKEN_FILE_MAX_BYTES);
}

enum status tool_user_token_read(const char *path, struct bytes *token, const char **ret,
                                 struct error *err)
{
    bytes_reserve(token, TOKEN_FILE_MAX_BYTES); /* no copy stays behind */
    enum status status = file_read(path, token, err);
    if (status != STATUS_OK)
        return status;
    while (token->size > 0 &&
           (token->data[token->size - 1] == '\n' || token->data[token->size - 1] == '\r'))
        token->size--;
    if (token->size == 0 || memchr(token->data, 0, token->size) != NULL)
        return error_set(err, STATUS_MALFORMED, "%s: holds no user token", path);
    bytes_append_u8(token, 0);
    status = bytes_status(token, path, err);
    if (status == STATUS_OK)
        *ret = (const char *)token->data;
    return status;
}
