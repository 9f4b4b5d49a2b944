/* A port of three losses to C, to be judged with

       cc -O2 -o port *.c -lm
       conformance run --impl exec:./port

   It answers each line of its input with one line of output, and ends with the input. */

#include <stdio.h>
#include <string.h>

#include "losses.h"
#include "wire.h"

static const struct {
    const char *name;
    void (*answer)(const Request *request);
} operations[] = {
    {"binary_cross_entropy_with_logits", binary_cross_entropy_with_logits},
    {"sigmoid_focal_loss", sigmoid_focal_loss},
    {"cross_entropy", cross_entropy},
};

#define COUNT (sizeof operations / sizeof *operations)

static void put_capabilities(const Request *request)
{
    size_t i;

    printf("{\"id\":%ld,\"message\":\"capabilities\",\"protocol\":\"1.0\","
           "\"name\":\"c-port\",\"version\":\"1.0\",\"operations\":[",
           request->id);
    for (i = 0; i < COUNT; ++i)
        printf("%s\"%s\"", i ? "," : "", operations[i].name);
    puts("],\"dtypes\":[\"float64\"]}");
    fflush(stdout);
}

static void evaluate(const Request *request)
{
    size_t i;

    for (i = 0; i < COUNT; ++i)
        if (request->operation && !strcmp(operations[i].name, request->operation)) {
            operations[i].answer(request);
            return;
        }
    put_reason(request, "not_implemented", NULL, "no such operation");
}

int main(void)
{
    char *line;
    Request request;

    while ((line = read_line())) {
        if (!parse_request(line, &request)) {
            fputs("no message of the protocol\n", stderr);
            return 1;
        }
        if (!strcmp(request.message, "stop"))
            return 0;
        if (!strcmp(request.message, "start"))
            put_capabilities(&request);
        else
            evaluate(&request);
        free_request(&request);
    }
    return 0;
}
