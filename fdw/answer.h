/*-------------------------------------------------------------------------
 *
 * answer.h
 *		What an answer means: a body to read, nothing, or an error.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_ANSWER_H
#define TRIGGER_ANSWER_H

#include "postgres.h"

#include "http.h"
#include "target.h"

extern bool trigger_answer_check(const TriggerHttpResponse *response,
								 const TriggerTarget *target,
								 const TriggerEndpoint *endpoint,
								 const char *source, bool search);
extern char *trigger_answer_message(const TriggerHttpResponse *response,
									const TriggerTarget *target);

#endif							/* TRIGGER_ANSWER_H */
