/*
 * fuzz.h
 *		What a fuzz target is.  See README.
 */
#ifndef TRIGGER_FUZZ_H
#define TRIGGER_FUZZ_H

#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* Bytes that a target takes its input from, front to back. */
typedef struct FuzzInput
{
	const unsigned char *data;
	size_t		len;
} FuzzInput;

typedef struct FuzzTarget
{
	/* one input; may raise the errors below, and leave memory behind */
	void		(*run) (FuzzInput *input);
	/* SQLSTATEs that it may raise, ended by 0; XX000 never is one of them */
	const int  *sqlstates;
	/* called with each of these errors; may be NULL */
	void		(*error) (const ErrorData *error);
} FuzzTarget;

/* Defines target NAME, in file target_NAME.c. */
#define FUZZ_TARGET(name, ...) \
	PGDLLEXPORT const FuzzTarget fuzz_target_##name = {__VA_ARGS__}

/* Calls a function and says whether it raised an error. */
typedef void (*FuzzCallback) (void *arg);
extern bool fuzz_raises(FuzzCallback callback, void *arg);

/* The input is a counterexample. */
extern void fuzz_fail(const char *fmt,...) pg_attribute_printf(1, 2) pg_attribute_noreturn();
#define fuzz_require(condition) \
	((condition) ? (void) 0 : \
	 fuzz_fail("%s:%d: %s", __FILE__, __LINE__, #condition))

/* The next byte, 0 at the end. */
static inline unsigned char
fuzz_byte(FuzzInput *input)
{
	if (input->len == 0)
		return 0;
	input->len--;
	return *input->data++;
}

/* A copy of the next bytes, of exactly that size: nothing follows them. */
static inline char *
fuzz_bytes(FuzzInput *input, size_t len)
{
	char	   *copy;

	len = Min(len, input->len);
	copy = palloc(len);
	memcpy(copy, input->data, len);
	input->data += len;
	input->len -= len;
	return copy;
}

/*
 * A text up to the next byte "end", or to the end of the input.  NULL if it
 * could not have come from a client: it has a NUL or is not valid UTF-8.
 */
extern char *fuzz_text(FuzzInput *input, char end);

#endif							/* TRIGGER_FUZZ_H */
