/* replay - runs a fuzz target over its corpus as an ordinary test.
 *
 *   build/replay/fuzz_NAME [FILE...]      default: all of fuzz/corpus/NAME
 *
 * Prints one TAP line a file; a crash ends the program, which the test runner counts as a failure.
 */
#include "base/bytes.h"
#include "base/file.h"
#include "base/mem.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#define INPUT_MAX_BYTES ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path, int number)
{
    struct bytes input;
    struct error error;
    bytes_init(&input, INPUT_MAX_BYTES);
    const enum status status = file_read(path, &input, &error);
    if (status == STATUS_OK) {
        /* An exact copy, so that a read beyond the end is seen by the address sanitizer. */
        uint8_t *copy = mem_alloc(input.size, 1);
        if (copy == NULL)
            abort();
        if (input.size > 0)
            memcpy(copy, input.data, input.size);
        LLVMFuzzerTestOneInput(copy, input.size);
        mem_free(copy);
        printf("ok %d - %s\n", number, path);
    } else {
        printf("not ok %d - %s\n# %s\n", number, path, error.message);
    }
    fflush(stdout);
    bytes_deinit(&input);
    return status == STATUS_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    int failed = 0;
    int number = 0;
    for (int i = 1; i < argc; i++)
        failed |= replay(argv[i], ++number);
    if (argc > 1)
        return failed;

    const char *slash = strrchr(argv[0], '/');
    const char *name = slash == NULL ? argv[0] : slash + 1;
    if (strncmp(name, "fuzz_", 5) == 0)
        name += 5;
    char *folder = path_join("fuzz/corpus", name);
    DIR *listing = folder == NULL ? NULL : opendir(folder);
    if (listing == NULL) {
        printf("not ok 1 - no corpus fuzz/corpus/%s\n", name);
        return 1;
    }
    for (const struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
        if (entry->d_name[0] == '.')
            continue;
        char *path = path_join(folder, entry->d_name);
        failed |= path == NULL ? 1 : replay(path, ++number);
        mem_free(path);
    }
    closedir(listing);
    mem_free(folder);
    printf("1..%d\n", number);
    return failed;
}
