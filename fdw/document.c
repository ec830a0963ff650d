/*-------------------------------------------------------------------------
 *
 * document.c
 *		Values that the API keeps in object storage.
 *
 * A large payload or output comes as a URL that is good for five minutes.
 * It carries its own permission, so no credential is sent along, and it is
 * never shown: who has it can read the value.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "document.h"

#include "answer.h"
#include "utils/memutils.h"

static const TriggerEndpoint stored_document = {
	.operation = "download of a stored value",
	.credentials = TRIGGER_CRED_ANYONE,
	.paging = TRIGGER_PAGING_ITEM,
};

/*
 * Is the URL one that may be asked?  Whoever answers for the API chose it;
 * it must be no less safe than the API's own.
 */
static bool
is_safe(const char *url, const TriggerTarget *target)
{
	if (strncmp(url, "https://", 8) == 0)
		return true;
	return strncmp(url, "http://", 7) == 0 &&
		strncmp(target->base_url, "http://", 7) == 0;
}

/*
 * Read a stored value.  Waits.  False if it is SQL's NULL; the value is
 * allocated in the current context.
 */
bool
trigger_document_read(TriggerHttp *http, const TriggerTarget *target,
					  const char *url, TriggerField *field, const char *table,
					  TriggerFetchStats *stats, Datum *value)
{
	static const char *const headers[] = {NULL};
	TriggerHttpRequest request = {.method = "GET", .url = url,
		.headers = headers, .repeat = TRIGGER_REPEAT_SAFE};
	const char *source = psprintf("stored value of column \"%s\"", field->label);
	MemoryContext context;
	TriggerTransfer *transfer;
	TriggerHttpResponse *response;
	bool		result;

	if (!is_safe(url, target))
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("answer of the API is not as promised"),
				 errdetail("The URL of the %s is not an https URL.", source)));

	context = AllocSetContextCreate(CurrentMemoryContext, "trigger_fdw document",
									ALLOCSET_SMALL_SIZES);
	transfer = trigger_transfer_start(http, &request, context, &stats->http);
	trigger_http_wait(http, transfer);
	response = trigger_transfer_response(transfer);
	(void) trigger_answer_check(response, target, &stored_document, source, false);
	result = trigger_decode_document(field, table, response->body,
									 response->body_len, source, value);
	MemoryContextDelete(context);
	return result;
}
