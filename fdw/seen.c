/*-------------------------------------------------------------------------
 *
 * seen.c
 *		Rows that a scan has handed out already.
 *
 * Pages are not one snapshot, so a row can come twice.  To remember every id
 * would make memory grow with the result; a list that is ordered by time
 * does not need it: two appearances of a row bear the same time, so only
 * rows near the current time can come again.  Two generations of ids are
 * kept; the older one is forgotten when the newer one is large enough and
 * the time has moved on.  Lists without such an order are short, and there
 * everything is remembered.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "seen.h"

#include "common/hashfn.h"
#include "utils/memutils.h"

/* Rows of a generation: more than two pages, so that repeats are noticed. */
#define GENERATION	256

typedef struct SeenKey
{
	const char *id;
	size_t		len;
} SeenKey;

typedef struct SeenEntry
{
	SeenKey		key;
	uint32		hash;
	char		status;
} SeenEntry;

/*
 * Are two ids the same?
 */
static inline bool
same_key(SeenKey a, SeenKey b)
{
	return a.len == b.len && memcmp(a.id, b.id, a.len) == 0;
}

#define SH_PREFIX		seenset
#define SH_ELEMENT_TYPE	SeenEntry
#define SH_KEY_TYPE		SeenKey
#define SH_KEY			key
#define SH_HASH_KEY(tb, key) hash_bytes((const unsigned char *) (key).id, (int) (key).len)
#define SH_EQUAL(tb, a, b) same_key(a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a) (a)->hash
#define SH_SCOPE		static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

typedef struct Generation
{
	MemoryContext context;
	seenset_hash *set;
} Generation;

struct TriggerSeen
{
	bool		forget;
	Generation	generations[2]; /* the current one first */
	TimestampTz when;			/* time of the row before */
};

/*
 * Make a memory of rows in the current context.  "forget": rows come in the
 * order of their times, older ones need not be remembered.
 */
TriggerSeen *
trigger_seen_create(bool forget)
{
	TriggerSeen *seen = palloc0(sizeof(TriggerSeen));

	seen->forget = forget;
	for (int i = 0; i < 2; i++)
	{
		Generation *generation = &seen->generations[i];

		generation->context = AllocSetContextCreate(CurrentMemoryContext,
													"trigger_fdw seen rows",
													ALLOCSET_DEFAULT_SIZES);
		generation->set = seenset_create(generation->context, GENERATION, NULL);
	}
	return seen;
}

/*
 * Forget the older generation and begin a new one.
 */
static void
next_generation(TriggerSeen *seen)
{
	Generation	old = seen->generations[1];

	MemoryContextReset(old.context);
	old.set = seenset_create(old.context, GENERATION, NULL);
	seen->generations[1] = seen->generations[0];
	seen->generations[0] = old;
}

/*
 * Has a row been seen before?  It has now.  "when" is its time (of any value
 * if nothing is forgotten).
 */
bool
trigger_seen_before(TriggerSeen *seen, const char *id, size_t len,
					TimestampTz when)
{
	SeenKey		key = {id, len};
	SeenEntry  *entry;
	Generation *current = &seen->generations[0];
	bool		found;

	if (seen->forget && when != seen->when)
	{
		if (current->set->members >= GENERATION)
			next_generation(seen);
		seen->when = when;
	}
	if (seen->generations[1].set->members > 0 &&
		seenset_lookup(seen->generations[1].set, key) != NULL)
		return true;

	entry = seenset_insert(current->set, key, &found);
	if (!found)
	{
		char	   *copy = MemoryContextAlloc(current->context, Max(len, 1));

		memcpy(copy, id, len);
		entry->key.id = copy;
	}
	return found;
}
