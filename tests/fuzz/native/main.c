/* Runs a fuzz target on the files that are its arguments: without libFuzzer, as under valgrind. */
#include "input.h"

int main(int count, char **paths)
{
    for (int k = 1; k < count; ++k) {
        FILE *const file = fopen(paths[k], "rb");
        if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
            perror(paths[k]);
            return 1;
        }
        const long size = ftell(file);
        uint8_t *const data = malloc((size_t)size + 1);
        rewind(file);
        if (size < 0 || data == NULL || fread(data, 1, (size_t)size, file) != (size_t)size) {
            perror(paths[k]);
            return 1;
        }
        LLVMFuzzerTestOneInput(data, (size_t)size);
        free(data);
        fclose(file);
    }
    printf("%d inputs\n", count - 1);
    return 0;
}
