/*
 * fuzz.c
 *		libFuzzer in a backend.
 *
 * fuzz(target, arguments) hands a target to libFuzzer, with its command line.
 * Each input runs in a memory context of its own in which every palloc is
 * watched, and its errors are caught as a statement's would be.
 */
#include "postgres.h"

#include "fuzz.h"

#include <sanitizer/lsan_interface.h>

#include "../sanitize/guard.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"

extern int	LLVMFuzzerRunDriver(int *argc, char ***argv,
								int (*callback) (const uint8_t *data, size_t size));

PG_FUNCTION_INFO_V1(fuzz);

static const FuzzTarget *target;
static MemoryContext context;

/*
 * Report a counterexample: libFuzzer writes the input to a file.
 */
void
fuzz_fail(const char *fmt,...)
{
	va_list		args;

	va_start(args, fmt);
	fprintf(stderr, "FAILED: ");
	vfprintf(stderr, fmt, args);
	fprintf(stderr, "\n");
	va_end(args);
	abort();
}

/*
 * Call, and say whether it raised an error, which is forgotten.
 */
bool
fuzz_raises(FuzzCallback callback, void *arg)
{
	MemoryContext old = CurrentMemoryContext;
	volatile bool raised = false;

	PG_TRY();
	{
		callback(arg);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(old);
		FlushErrorState();
		raised = true;
	}
	PG_END_TRY();
	return raised;
}

/*
 * See fuzz.h.
 */
char *
fuzz_text(FuzzInput *input, char end)
{
	const unsigned char *found = memchr(input->data, end, input->len);
	size_t		len = found ? found - input->data : input->len;
	char	   *text = palloc(len + 1);

	memcpy(text, input->data, len);
	text[len] = '\0';
	input->data += len;
	input->len -= len;
	if (found)
		fuzz_byte(input);
	if (strlen(text) != len ||
		pg_encoding_verifymbstr(PG_UTF8, text, len) != (int) len)
		return NULL;
	return text;
}

/*
 * One input.
 */
static int
run_input(const uint8_t *data, size_t size)
{
	FuzzInput	input = {data, size};
	MemoryContext old = MemoryContextSwitchTo(context);

	PG_TRY();
	{
		target->run(&input);
	}
	PG_CATCH();
	{
		ErrorData  *error;
		bool		expected = false;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		for (const int *state = target->sqlstates; *state; state++)
			expected = expected || *state == error->sqlerrcode;
		if (!expected || error->sqlerrcode == ERRCODE_INTERNAL_ERROR)
			fuzz_fail("unexpected error %s: %s (%s:%d)",
					  unpack_sql_state(error->sqlerrcode), error->message,
					  error->filename, error->lineno);
		if (target->error)
			target->error(error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	MemoryContextReset(context);
	return 0;
}

/*
 * fuzz(target text, arguments text[]): does not return, libFuzzer exits.
 */
Datum
fuzz(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Datum	   *values;
	int			n;
	int			argc;
	char	  **argv;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false,
					  TYPALIGN_INT, &values, NULL, &n);
	argc = n + 1;
	argv = palloc0((argc + 1) * sizeof(char *));
	argv[0] = name;
	for (int i = 0; i < n; i++)
		argv[i + 1] = TextDatumGetCString(values[i]);

	target = (const FuzzTarget *) load_external_function("$libdir/trigger_fuzz",
														 psprintf("fuzz_target_%s", name),
														 true, NULL);
	context = trigger_guard_context_create(CurrentMemoryContext, "fuzz",
										   ALLOCSET_DEFAULT_SIZES);
	LLVMFuzzerRunDriver(&argc, &argv, run_input);
	PG_RETURN_VOID();
}
