#include "pir-server/privacypass/token_verdict.h"

static const struct {
    const char *name;
    const char *text;
} verdicts[TOKEN_VERDICT_COUNT] = {
    [TOKEN_GOOD] = {"good", "the token is good"},
    [TOKEN_MISSING] = {"missing", "no PrivateToken in the Authorization header"},
    [TOKEN_UNREADABLE] = {"unreadable", "the Authorization header holds no readable token"},
    [TOKEN_WRONG_LENGTH] = {"wrong_length", "the token has the wrong length, 354 bytes are due"},
    [TOKEN_UNKNOWN_KEY] = {"unknown_key", "the token was made with a key that is not known here"},
    [TOKEN_WRONG_TYPE] = {"wrong_type", "the token is of the wrong type, 2 is due"},
    [TOKEN_WRONG_KEY_ID] = {"wrong_key_id", "the token names another key than it should"},
    [TOKEN_WRONG_SIGNATURE] = {"wrong_signature", "the token's signature is wrong"},
    [TOKEN_WRONG_SALT_LENGTH] = {"wrong_salt_length",
                                 "the token's signature has the wrong salt length, 48 is due"},
    [TOKEN_SPENT] = {"spent", "the token was spent before"},
};

const char *token_verdict_name(enum token_verdict verdict)
{
    return verdicts[verdict].name;
}

const char *token_verdict_text(enum token_verdict verdict)
{
    return verdicts[verdict].text;
}
