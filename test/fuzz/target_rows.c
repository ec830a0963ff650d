/*
 * target_rows.c
 *		json_reader.c, rows.c and convert.c: from an answer to rows.
 *
 * All columns of a real resource are read from the input, as its list or as
 * one item.  What is accepted must be JSON to PostgreSQL's own parser as well,
 * and the other way round; single values must be what jsonb makes of them.
 */
#include "fuzz.h"

#include "catalog/pg_type.h"
#include "common/jsonapi.h"
#include "convert.h"
#include "json_reader.h"
#include "mb/pg_wchar.h"
#include "parser/parse_type.h"
#include "rows.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"

typedef struct Text
{
	char	   *start;
	size_t		len;
	Datum		value;
	TriggerField *field;
	bool		present;
} Text;

static void
call_skip(void *arg)
{
	Text	   *body = arg;
	TriggerJson json;

	trigger_json_open(&json, body->start, body->len, "fuzz");
	trigger_json_skip(&json);
	trigger_json_close(&json);
}

static void
call_document(void *arg)
{
	Text	   *body = arg;

	body->present = trigger_decode_document(body->field, "fuzz", body->start, body->len,
											"fuzz", &body->value);
}

static void
call_jsonb(void *arg)
{
	Text	   *body = arg;

	body->value = DirectFunctionCall1(jsonb_in,
									  CStringGetDatum(pnstrdup(body->start, body->len)));
}

/* Deepest nesting of brackets, roughly: those in strings count. */
static int
depth_of(const char *body, size_t len)
{
	int			depth = 0;

	for (size_t i = 0; i < len; i++)
		depth += body[i] == '[' || body[i] == '{';
	return depth;
}

/*
 * Both parsers say the same.  Returns whether it is JSON.
 */
static bool
check_parsers(Text *body)
{
	bool		ours = !fuzz_raises(call_skip, body);
	bool		theirs = false;

	if (depth_of(body->start, body->len) >= TRIGGER_JSON_MAX_DEPTH)
		return ours;
	if (pg_encoding_verifymbstr(PG_UTF8, body->start, body->len) == (int) body->len)
		theirs = pg_parse_json(makeJsonLexContextCstringLen(body->start, body->len, PG_UTF8,
															false),
							   &nullSemAction) == JSON_SUCCESS;
	fuzz_require(ours == theirs);
	return ours;
}

/*
 * The body as one value of a type is what jsonb makes of it.
 */
static void
check_document(Text *body, Oid type, TriggerJsonKind kind, enum jbvType jsonb_type)
{
	TriggerField field = {.path = "", .label = "fuzz", .kind = kind, .null_slot = -1};
	Text		theirs = *body;
	JsonbValue	scalar;

	trigger_field_init(&field, type, -1);
	body->field = &field;
	if (fuzz_raises(call_document, body) || !body->present)
		return;
	if (fuzz_raises(call_jsonb, &theirs))
	{
		/* a number that numeric has no room for */
		fuzz_require(type == INT8OID);
		return;
	}
	fuzz_require(JsonbExtractScalar(&DatumGetJsonbP(theirs.value)->root, &scalar));
	fuzz_require(scalar.type == jsonb_type);
	if (type == TEXTOID)
	{
		char	   *mine = TextDatumGetCString(body->value);

		fuzz_require(strlen(mine) == scalar.val.string.len &&
					 memcmp(mine, scalar.val.string.val, strlen(mine)) == 0);
	}
	else
		fuzz_require(DatumGetInt64(body->value) ==
					 DatumGetInt64(DirectFunctionCall1(numeric_int8,
													   NumericGetDatum(scalar.val.numeric))));
}

/*
 * Fields of all columns of a resource.
 */
static TriggerField *
fields_of(const TriggerResource *resource, bool item, int variant, int *n)
{
	static const Oid types[] = {TEXTOID, VARCHAROID, JSONBOID, JSONOID, NUMERICOID, TEXTARRAYOID,
	TIMESTAMPTZOID, BOOLOID, INT2OID, INT4OID, INT8OID, FLOAT8OID, VARCHARARRAYOID};
	TriggerField *fields = palloc0(64 * sizeof(TriggerField));

	*n = 0;
	for (const TriggerColumn *column = resource->columns; column->name; column++)
	{
		TriggerField *field = &fields[*n];
		int32		typmod = -1;
		Oid			type;

		if (column->source != TRIGGER_FROM_FIELD || column->moments ||
			(item ? column->item_field : column->list_field) == NULL || *n == 60)
			continue;
		field->path = item ? column->item_field : column->list_field;
		field->label = column->name;
		field->kind = column->kind;
		field->required = (column->flags & TRIGGER_COL_REQUIRED) != 0 && variant < 2;
		field->json_null = (column->flags & TRIGGER_COL_JSON_NULL) != 0;
		field->slug = (column->flags & TRIGGER_COL_SLUG) != 0;
		field->keep = column->keep;
		field->null_slot = -1;
		parseTypeString(column->type, &type, &typmod, false);
		/* some tables are declared otherwise */
		if (variant > 2)
			type = types[(*n + variant) % lengthof(types)];
		trigger_field_init(field, type, typmod);
		(*n)++;
	}
	return fields;
}

static void
run(FuzzInput *input)
{
	int			which = fuzz_byte(input);
	int			variant = fuzz_byte(input);
	bool		item = variant & 1;
	const TriggerResource *resource;
	const TriggerEndpoint *endpoint;
	int			nresources = 0;
	int			nfields;
	TriggerField *fields;
	TriggerDecoder *decoder;
	Text		body = {.len = input->len};
	TriggerRows *rows;
	bool		json;

	body.start = fuzz_bytes(input, body.len);
	json = check_parsers(&body);
	if (json && body.len > 0)
	{
		check_document(&body, TEXTOID, TRIGGER_JSON_STRING, jbvString);
		check_document(&body, INT8OID, TRIGGER_JSON_INTEGER, jbvNumeric);
	}

	while (trigger_resources[nresources])
		nresources++;
	resource = trigger_resources[which % nresources];
	item = item && resource->item;
	endpoint = item ? resource->item : resource->lists[0];
	if (endpoint == NULL)
		return;
	fields = fields_of(resource, item, variant / 2, &nfields);
	decoder = trigger_decoder_create(fields, nfields,
									 item ? TRIGGER_PAGING_ITEM : endpoint->paging,
									 endpoint->rows, "fuzz");
	/* twice: the second page must not depend on the first */
	for (int page = 0; page < 2; page++)
	{
		rows = trigger_decode(decoder, body.start, body.len, "fuzz");
		fuzz_require(json);
		fuzz_require(rows->nslots == nfields);
		for (int i = 0; i < rows->nrows * nfields; i++)
		{
			Oid			output;
			bool		varlena;

			if (rows->nulls[i])
				continue;
			getTypeOutputInfo(fields[i % nfields].type, &output, &varlena);
			(void) OidOutputFunctionCall(output, rows->values[i]);
		}
	}
}

FUZZ_TARGET(rows,.run = run,
			.sqlstates = (const int[]) {
				ERRCODE_PROTOCOL_VIOLATION,
	/* of the types' input functions */
				ERRCODE_INVALID_TEXT_REPRESENTATION, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
				ERRCODE_INVALID_DATETIME_FORMAT, ERRCODE_DATETIME_VALUE_OUT_OF_RANGE,
				ERRCODE_UNTRANSLATABLE_CHARACTER, ERRCODE_STATEMENT_TOO_COMPLEX,
				ERRCODE_PROGRAM_LIMIT_EXCEEDED, ERRCODE_STRING_DATA_RIGHT_TRUNCATION,
				ERRCODE_INVALID_TIME_ZONE_DISPLACEMENT_VALUE, ERRCODE_INVALID_PARAMETER_VALUE, 0
			});
