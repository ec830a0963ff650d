/*
 * guard.h
 *		Memory contexts that AddressSanitizer sees into.
 */
#ifndef TRIGGER_GUARD_H
#define TRIGGER_GUARD_H

#include "postgres.h"

/* The arguments of AllocSetContextCreateInternal(), in whose place it comes. */
extern MemoryContext trigger_guard_context_create(MemoryContext parent,
												  const char *name,
												  Size min_context_size,
												  Size init_block_size,
												  Size max_block_size);

#endif							/* TRIGGER_GUARD_H */
