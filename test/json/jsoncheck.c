/*
 * jsoncheck.c
 *		Compare trigger_fdw's JSON reader with PostgreSQL's own parser.
 *
 * Only for run.py.  The reader's source is compiled in.
 */
#include "postgres.h"

#include "../../fdw/json_reader.c"

#include "common/jsonapi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(json_reader_accepts);
PG_FUNCTION_INFO_V1(json_parser_accepts);

/*
 * json_reader_accepts(bytea): does our reader take it as one JSON value?
 */
Datum
json_reader_accepts(PG_FUNCTION_ARGS)
{
	bytea	   *text = PG_GETARG_BYTEA_PP(0);
	MemoryContext context = CurrentMemoryContext;
	volatile bool result = true;

	PG_TRY();
	{
		TriggerJson json;

		trigger_json_open(&json, VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text),
						  "test");
		trigger_json_skip(&json);
		trigger_json_close(&json);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		FlushErrorState();
		result = false;
	}
	PG_END_TRY();
	PG_RETURN_BOOL(result);
}

/*
 * json_parser_accepts(bytea): does PostgreSQL's parser?  It does not check
 * encodings, so that is done here.
 */
Datum
json_parser_accepts(PG_FUNCTION_ARGS)
{
	bytea	   *text = PG_GETARG_BYTEA_PP(0);
	int			len = VARSIZE_ANY_EXHDR(text);
	JsonLexContext *lex;

	if (pg_encoding_verifymbstr(PG_UTF8, VARDATA_ANY(text), len) != len)
		PG_RETURN_BOOL(false);
	lex = makeJsonLexContextCstringLen(VARDATA_ANY(text), len, PG_UTF8, false);
	PG_RETURN_BOOL(pg_parse_json(lex, &nullSemAction) == JSON_SUCCESS);
}
