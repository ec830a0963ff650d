/*-------------------------------------------------------------------------
 *
 * chain.h
 *		One list, read by as many streams at once as it pays to.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_CHAIN_H
#define TRIGGER_CHAIN_H

#include "postgres.h"

#include "fetch.h"

typedef struct TriggerChain TriggerChain;

extern TriggerChain *trigger_chain_create(const TriggerFetchPlan *plan,
										  TriggerRequest *item, List *lists);
extern TriggerChain *trigger_chain_create_retrieve(const TriggerFetchPlan *plan,
												   const TriggerRequest *list,
												   Datum key);
extern void trigger_chain_limit(TriggerChain *chain, int64 remaining,
								int width);
extern bool trigger_chain_started(const TriggerChain *chain);
extern void trigger_chain_start(TriggerChain *chain);
extern bool trigger_chain_advance(TriggerChain *chain, bool look);
extern bool trigger_chain_done(const TriggerChain *chain);
extern bool trigger_chain_peek(TriggerChain *chain, TriggerRow *row);
extern void trigger_chain_next(TriggerChain *chain);
extern void trigger_chain_free(TriggerChain *chain);

#endif							/* TRIGGER_CHAIN_H */
