#include "pir-server/privacypass/token_verdict.h"

static const char *const texts[TOKEN_VERDICT_COUNT] = {
    [TOKEN_GOOD] = "the token is good",
    [TOKEN_MISSING] = "no PrivateToken in the Authorization header",
    [TOKEN_UNREADABLE] = "the Authorization header holds no readable token",
    [TOKEN_WRONG_LENGTH] = "the token has the wrong length, 354 bytes are due",
    [TOKEN_UNKNOWN_KEY] = "the token was made with a key that is not known here",
    [TOKEN_WRONG_TYPE] = "the token is of the wrong type, 2 is due",
    [TOKEN_WRONG_KEY_ID] = "the token names another key than it should",
    [TOKEN_WRONG_SIGNATURE] = "the token's signature is wrong",
    [TOKEN_WRONG_SALT_LENGTH] = "the token's signature has the wrong salt length, 48 is due",
    [TOKEN_SPENT] = "the token was spent before",
};

const char *token_verdict_text(enum token_verdict verdict)
{
    return texts[verdict];
}
