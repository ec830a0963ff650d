/*-------------------------------------------------------------------------
 *
 * connection.c
 *		Connections of a session, kept from statement to statement.
 *
 * One TriggerHttp for each user mapping that is used, so that nothing of one
 * mapping is ever shared with another: no connection, no
 * rate-limit state.  The credential is not part of it; each request brings
 * its own.  A session's tokens, of which there may be any number, are kept
 * apart by keeping the last one's connection only.
 *
 * ALTER SERVER and ALTER USER MAPPING only mark a connection.  A marked one
 * is not handed out again and is closed when its last user is gone; a scan
 * that is running keeps what it has.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "connection.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

/* One connection object; it may outlive its place in the table. */
typedef struct Connection
{
	TriggerHttp *http;
	int			users;			/* contexts that hold it */
	bool		stale;			/* options have changed: do not hand out */
	TimestampTz statement;		/* last statement that used it */
	Oid			serverid;
	struct Connection *next;	/* in the list of abandoned ones */
} Connection;

/*
 * Whoever shares a mapping (PUBLIC's) shares the connection; who brings a
 * token of the session's has one of their own.
 */
typedef struct ConnectionKey
{
	Oid			serverid;
	Oid			umid;			/* InvalidOid: the session's token */
	Oid			userid;			/* then, of whom; else InvalidOid */
} ConnectionKey;

typedef struct ConnectionEntry
{
	ConnectionKey key;			/* must be first */
	Connection *connection;		/* NULL: closed */
	uint64		token;			/* hash of the session's token that uses it */
	TriggerHttpStats past;		/* counters of connections closed before */
} ConnectionEntry;

/* A context's hold on a connection. */
typedef struct ConnectionUse
{
	MemoryContextCallback callback;
	Connection *connection;
} ConnectionUse;

static HTAB *connections = NULL;
static Connection *abandoned = NULL;
static bool any_stale = false;

/*
 * Something about servers or mappings has changed.  Which one cannot be told
 * cheaply from the hash value, and it happens rarely: mark them all.
 */
static void
invalidate_connections(Datum arg, int cacheid, uint32 hashvalue)
{
	HASH_SEQ_STATUS scan;
	ConnectionEntry *entry;

	hash_seq_init(&scan, connections);
	while ((entry = (ConnectionEntry *) hash_seq_search(&scan)) != NULL)
	{
		if (entry->connection)
		{
			entry->connection->stale = true;
			any_stale = true;
		}
	}
}

/*
 * Add one set of counters to another.
 */
static void
add_stats(TriggerHttpStats *sum, const TriggerHttpStats *stats)
{
	sum->requests += stats->requests;
	sum->retries += stats->retries;
	sum->bytes += stats->bytes;
	sum->rate_limit_waits += stats->rate_limit_waits;
	sum->wait_time += stats->wait_time;
	sum->backoff_time += stats->backoff_time;
	if (stats->rate_remaining >= 0)
		sum->rate_remaining = stats->rate_remaining;
}

/*
 * Take a connection out of its entry: close it, or leave it to its users.
 */
static void
drop_connection(ConnectionEntry *entry)
{
	Connection *connection = entry->connection;

	entry->connection = NULL;
	add_stats(&entry->past, trigger_http_stats(connection->http));
	if (connection->users > 0)
	{
		connection->stale = true;
		connection->next = abandoned;
		abandoned = connection;
		return;
	}
	trigger_http_destroy(connection->http);
	pfree(connection);
}

/*
 * A context that held a connection goes away.  Must not fail.
 */
static void
release_connection(void *arg)
{
	Connection *connection = ((ConnectionUse *) arg)->connection;
	Connection **link;

	if (--connection->users > 0)
		return;
	for (link = &abandoned; *link; link = &(*link)->next)
	{
		if (*link == connection)
		{
			*link = connection->next;
			trigger_http_destroy(connection->http);
			pfree(connection);
			return;
		}
	}
}

/*
 * The table of connections, made at first use.
 */
static HTAB *
get_connections(void)
{
	HASHCTL		control;

	if (connections)
		return connections;
	memset(&control, 0, sizeof(control));
	control.keysize = sizeof(ConnectionKey);
	control.entrysize = sizeof(ConnectionEntry);
	connections = hash_create("trigger_fdw connections", 8, &control,
							  HASH_ELEM | HASH_BLOBS);
	CacheRegisterSyscacheCallback(FOREIGNSERVEROID, invalidate_connections, 0);
	CacheRegisterSyscacheCallback(USERMAPPINGOID, invalidate_connections, 0);
	return connections;
}

/*
 * Drop every connection whose server or mapping may have changed or gone: not
 * only the one that is wanted, or those of dropped servers would stay open
 * until the session ends.
 */
static void
drop_stale_connections(void)
{
	HASH_SEQ_STATUS scan;
	ConnectionEntry *entry;

	if (!any_stale)
		return;
	any_stale = false;
	hash_seq_init(&scan, connections);
	while ((entry = (ConnectionEntry *) hash_seq_search(&scan)) != NULL)
	{
		if (entry->connection && entry->connection->stale)
			drop_connection(entry);
	}
}

/*
 * The session's connection to a target, opened if need be (which contacts
 * nobody yet).  It is held until the context "user" goes away.
 */
TriggerHttp *
trigger_connection_get(const TriggerTarget *target, MemoryContext user)
{
	ConnectionKey key = {target->serverid, target->umid,
	OidIsValid(target->umid) ? InvalidOid : target->userid};
	ConnectionEntry *entry;
	ConnectionUse *use;
	bool		found;
	TimestampTz now = GetCurrentStatementStartTimestamp();
	uint64		token = 0;

	if (!OidIsValid(target->umid) && target->credential)
		token = hash_bytes_extended((const unsigned char *) target->credential,
									strlen(target->credential), 0);

	/* allocate what can fail before anything is counted */
	use = MemoryContextAllocZero(user, sizeof(ConnectionUse));

	entry = (ConnectionEntry *) hash_search(get_connections(), &key, HASH_ENTER,
											&found);
	if (!found)
	{
		entry->connection = NULL;
		memset(&entry->past, 0, sizeof(entry->past));
		entry->past.rate_remaining = -1;
	}
	drop_stale_connections();
	if (entry->connection && entry->token != token)
		drop_connection(entry);
	if (entry->connection == NULL)
	{
		Connection *connection = MemoryContextAllocZero(TopMemoryContext,
														sizeof(Connection));

		connection->serverid = target->serverid;
		PG_TRY();
		{
			connection->http = trigger_http_create(&target->http);
		}
		PG_CATCH();
		{
			pfree(connection);
			PG_RE_THROW();
		}
		PG_END_TRY();
		entry->connection = connection;
		entry->token = token;
	}

	if (entry->connection->statement != now)
	{
		trigger_http_new_statement(entry->connection->http);
		entry->connection->statement = now;
	}

	use->connection = entry->connection;
	use->callback.func = release_connection;
	use->callback.arg = use;
	MemoryContextRegisterResetCallback(user, &use->callback);
	entry->connection->users++;
	return entry->connection->http;
}

/*
 * Close this session's connections to a server; those in use are closed when
 * they no longer are.  True if there was any.
 */
bool
trigger_connection_close(Oid serverid)
{
	HASH_SEQ_STATUS scan;
	ConnectionEntry *entry;
	bool		any = false;

	hash_seq_init(&scan, get_connections());
	while ((entry = (ConnectionEntry *) hash_seq_search(&scan)) != NULL)
	{
		if (entry->key.serverid == serverid && entry->connection)
		{
			drop_connection(entry);
			any = true;
		}
	}
	return any;
}

/*
 * Counters of all connections to a server, those closed before included.
 */
static void
sum_server(Oid serverid, TriggerHttpStats *sum)
{
	HASH_SEQ_STATUS scan;
	ConnectionEntry *entry;

	memset(sum, 0, sizeof(*sum));
	sum->rate_remaining = -1;
	hash_seq_init(&scan, get_connections());
	while ((entry = (ConnectionEntry *) hash_seq_search(&scan)) != NULL)
	{
		if (entry->key.serverid != serverid)
			continue;
		add_stats(sum, &entry->past);
		if (entry->connection)
			add_stats(sum, trigger_http_stats(entry->connection->http));
	}
}

/*
 * Report the counters of every server that this session has used.
 */
void
trigger_connection_visit(TriggerConnectionVisitor visitor, void *arg)
{
	HASH_SEQ_STATUS scan;
	ConnectionEntry *entry;
	List	   *servers = NIL;
	ListCell   *cell;

	hash_seq_init(&scan, get_connections());
	while ((entry = (ConnectionEntry *) hash_seq_search(&scan)) != NULL)
		servers = list_append_unique_oid(servers, entry->key.serverid);
	foreach(cell, servers)
	{
		TriggerHttpStats stats;

		sum_server(lfirst_oid(cell), &stats);
		visitor(lfirst_oid(cell), &stats, arg);
	}
}
