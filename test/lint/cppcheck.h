/*
 * What cppcheck has to know of PostgreSQL's headers, which it does not read:
 * they would take it minutes, and find nothing of ours.
 */
#include <stdlib.h>

#define PG_VERSION_NUM 150000
#define LIBCURL_VERSION_NUM 0x075801
#define pg_attribute_printf(a, b)
#define pg_attribute_noreturn() __attribute__((noreturn))
#define PG_FUNCTION_INFO_V1(name) extern int name
#define PG_MODULE_MAGIC extern int magic
#define PG_FUNCTION_ARGS int fcinfo
#define FLEXIBLE_ARRAY_MEMBER 1

/* an error ends the function; so does a notice here, which hides nothing */
#define ereport(level, ...) do { (void) (__VA_ARGS__); exit(level); } while (0)
#define elog(level, ...) ereport(level, __VA_ARGS__)
#define PG_RE_THROW() exit(1)

#define foreach(cell, list) \
	for (cell = list_head(list); cell != NULL; cell = lnext(list, cell))
#define forboth(cell1, list1, cell2, list2) \
	for (cell1 = list_head(list1), cell2 = list_head(list2); \
		 cell1 != NULL && cell2 != NULL; \
		 cell1 = lnext(list1, cell1), cell2 = lnext(list2, cell2))
#define PG_TRY() do {
#define PG_CATCH() } while (0); if (rand()) {
#define PG_FINALLY() } while (0); {
#define PG_END_TRY() }
#define Assert(condition) do { if (!(condition)) abort(); } while (0)
#define StaticAssertStmt(condition, text)
#define StaticAssertDecl(condition, text)
