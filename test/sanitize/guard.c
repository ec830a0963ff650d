/*
 * guard.c
 *		Memory contexts that AddressSanitizer sees into.
 *
 * PostgreSQL's own contexts carve their chunks out of large blocks, so that
 * AddressSanitizer would not notice a byte too much, or a chunk used after
 * its pfree.  Here each chunk is a malloc() of exactly its size, whoever asks
 * for it, the server or the extension.
 *
 * Until PostgreSQL 15 a context is found through the pointer before a chunk,
 * so any code can have contexts of its own; later, the kinds are numbered,
 * and this falls back to an ordinary context.
 */
#include "postgres.h"

#undef AllocSetContextCreateInternal
#include "guard.h"
#include "utils/memutils.h"

#if PG_VERSION_NUM < 160000

#include "lib/ilist.h"
#include "nodes/memnodes.h"

typedef struct GuardContext
{
	MemoryContextData header;
	dlist_head	chunks;
} GuardContext;

/* Before each chunk; the context must be the last member. */
typedef struct GuardChunk
{
	dlist_node	node;
	Size		size;
	MemoryContext context;
} GuardChunk;

#define CHUNK_OF(pointer) ((GuardChunk *) (pointer) - 1)

/* In "context", as malloc() has it. */
static void *
guard_alloc(MemoryContext context, Size size)
{
	GuardChunk *chunk = malloc(sizeof(GuardChunk) + size);

	if (chunk == NULL)
		return NULL;
	dlist_push_tail(&((GuardContext *) context)->chunks, &chunk->node);
	chunk->size = size;
	chunk->context = context;
	context->mem_allocated += size;
	/* as a server with assertions does, so that nobody relies on zeros */
	memset(chunk + 1, 0x7f, size);
	return chunk + 1;
}

static void
guard_free(MemoryContext context, void *pointer)
{
	GuardChunk *chunk = CHUNK_OF(pointer);

	dlist_delete(&chunk->node);
	context->mem_allocated -= chunk->size;
	free(chunk);
}

/* Never in place, so that an old pointer is a wrong one. */
static void *
guard_realloc(MemoryContext context, void *pointer, Size size)
{
	void	   *result = guard_alloc(context, size);

	if (result)
	{
		memcpy(result, pointer, Min(size, CHUNK_OF(pointer)->size));
		guard_free(context, pointer);
	}
	return result;
}

static void
guard_reset(MemoryContext context)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &((GuardContext *) context)->chunks)
		guard_free(context, dlist_container(GuardChunk, node, iter.cur) + 1);
}

static void
guard_delete(MemoryContext context)
{
	guard_reset(context);
	free(context);
}

static Size
guard_chunk_space(MemoryContext context, void *pointer)
{
	return CHUNK_OF(pointer)->size;
}

static bool
guard_is_empty(MemoryContext context)
{
	return dlist_is_empty(&((GuardContext *) context)->chunks);
}

static void
guard_stats(MemoryContext context, MemoryStatsPrintFunc printfunc,
			void *passthru, MemoryContextCounters *totals,
			bool print_to_stderr)
{
	if (totals)
		totals->totalspace += context->mem_allocated;
}

#ifdef MEMORY_CONTEXT_CHECKING
static void
guard_check(MemoryContext context)
{
}
#endif

static const MemoryContextMethods guard_methods = {
	.alloc = guard_alloc,
	.free_p = guard_free,
	.realloc = guard_realloc,
	.reset = guard_reset,
	.delete_context = guard_delete,
	.get_chunk_space = guard_chunk_space,
	.is_empty = guard_is_empty,
	.stats = guard_stats,
#ifdef MEMORY_CONTEXT_CHECKING
	.check = guard_check,
#endif
};

/*
 * Make such a context.
 */
MemoryContext
trigger_guard_context_create(MemoryContext parent, const char *name,
							 Size min_context_size, Size init_block_size,
							 Size max_block_size)
{
	GuardContext *context = malloc(sizeof(GuardContext));

	if (context == NULL)
		elog(ERROR, "out of memory");
	dlist_init(&context->chunks);
	/* the tag is one that the server knows */
	MemoryContextCreate((MemoryContext) context, T_AllocSetContext,
						&guard_methods, parent, name);
	return (MemoryContext) context;
}

#else

MemoryContext
trigger_guard_context_create(MemoryContext parent, const char *name,
							 Size min_context_size, Size init_block_size,
							 Size max_block_size)
{
	return AllocSetContextCreateInternal(parent, name, min_context_size,
										 init_block_size, max_block_size);
}

#endif
