/*-------------------------------------------------------------------------
 *
 * exchange.h
 *		Personal access tokens exchanged for tokens of one environment.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_EXCHANGE_H
#define TRIGGER_EXCHANGE_H

#include "postgres.h"

#include "http.h"
#include "request.h"

extern void trigger_exchange(TriggerHttp *http, TriggerRequest *request);
extern char *trigger_exchange_scopes(const TriggerRequest *request);
extern bool trigger_exchange_renew(const TriggerRequest *request, int status);
extern void trigger_exchange_forget(Oid serverid);

#endif							/* TRIGGER_EXCHANGE_H */
