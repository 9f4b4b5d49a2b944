/* The wire: requests in, answers out, one JSON object a line. */

#ifndef WIRE_H
#define WIRE_H

#define MAX_RANK 8
#define MAX_ARGUMENTS 16
#define MAX_WANTED 16

/* One named argument of a call. Text has no numbers, numbers have no text. */
typedef struct {
    const char *name;
    const char *kind; /* "real", "index", "mask" or "text" */
    int rank;         /* number of axes; 0 for a scalar */
    long shape[MAX_RANK];
    long size;        /* number of elements */
    double *data;     /* in C order: the last axis is the fastest */
    const char *text;
} Argument;

typedef struct {
    long id; /* must be echoed */
    const char *message;
    const char *operation;
    int wanted;
    const char *want[MAX_WANTED];
    int arguments;
    Argument argument[MAX_ARGUMENTS];
} Request;

/* Reads the next line; 0 at the end of the input. The line is kept by this module. */
char *read_line(void);

/* Takes a line apart, in place: names and texts point into it. Returns 0 when it is no
   message of the protocol. Free what it holds with free_request. */
int parse_request(char *line, Request *request);
void free_request(Request *request);

/* The argument of a name, or NULL. */
const Argument *find(const Request *request, const char *name);

/* Answers with outputs: begin, one call for each that is wanted, end. What is wanted and
   not to be had must be said to be missing. */
void begin_outputs(const Request *request);
void put_output(const char *name, int rank, const long *shape, const double *data);
void put_missing(const char *name);
void end_outputs(void);

/* Answers in words. `message` is "errored", "not_implemented" or "skipped"; `kind` is
   that of an error, like "ValueError", and NULL otherwise. */
void put_reason(const Request *request, const char *message, const char *kind,
                const char *reason);

#endif
