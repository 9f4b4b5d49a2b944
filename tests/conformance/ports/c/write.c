/* Writing answers. One line for each request, sent off at once. */

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "wire.h"

/* Of the answer that is being written. */
static int outputs, missing;
static const char *missing_names[MAX_WANTED];

static void put_number(double value)
{
    static const char digits[] = "0123456789abcdef";
    char text[16];
    uint64_t bits;
    int i;

    memcpy(&bits, &value, sizeof bits);
    for (i = 15; i >= 0; --i) {
        text[i] = digits[bits & 15];
        bits >>= 4;
    }
    fwrite(text, 1, sizeof text, stdout);
}

void begin_outputs(const Request *request)
{
    outputs = missing = 0;
    printf("{\"id\":%ld,\"message\":\"outputs\",\"outputs\":[", request->id);
}

void put_missing(const char *name)
{
    missing_names[missing++] = name;
}

void put_output(const char *name, int rank, const long *shape, const double *data)
{
    long i, size = 1;

    printf("%s{\"name\":\"%s\",\"dtype\":\"float64\",\"shape\":[", outputs++ ? "," : "",
           name);
    for (i = 0; i < rank; ++i) {
        printf("%s%ld", i ? "," : "", shape[i]);
        size *= shape[i];
    }
    fputs("],\"data\":\"", stdout);
    for (i = 0; i < size; ++i)
        put_number(data[i]);
    fputs("\"}", stdout);
}

void end_outputs(void)
{
    int i;

    fputs("],\"missing\":[", stdout);
    for (i = 0; i < missing; ++i)
        printf("%s\"%s\"", i ? "," : "", missing_names[i]);
    fputs("]}\n", stdout);
    /* Without this the line would wait for the next ones, and the suite for the line. */
    fflush(stdout);
}

void put_reason(const Request *request, const char *message, const char *kind,
                const char *reason)
{
    printf("{\"id\":%ld,\"message\":\"%s\",", request->id, message);
    if (kind)
        printf("\"kind\":\"%s\",", kind);
    printf("\"reason\":\"%s\"}\n", reason);
    fflush(stdout);
}
