#include "testvectors/vectors_kind.h"
const struct vectors_kind *vectors_kinds_exchange(size_t *count)
{
    *count = 0;
    return NULL;
}
