/* tool_user_token - a user token in a file, for the commands that play a device. */
#ifndef BLINDLIST_TOOLS_TOOL_USER_TOKEN_H
#define BLINDLIST_TOOLS_TOOL_USER_TOKEN_H

#include "base/bytes.h"

/* An empty one; bytes_deinit_secret() gives it back. */
void tool_user_token_init(struct bytes *token);
/* One line, whose end does not count. *ret is the text, in `token`. STATUS_MALFORMED when there is
 * none. */
enum status tool_user_token_read(const char *path, struct bytes *token, const char **ret,
                                 struct error *err) MUST_CHECK;

#endif
