/*-------------------------------------------------------------------------
 *
 * trql_output.c
 *		What a query selects, and the plan that says so.
 *
 * Every output has a name of its own, because the server loses one of two
 * that are called alike and translates the values of some by their names.
 * Two columns are shown in words only under their own names.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "trql_plan.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/planmain.h"
#include "trql_aggregate.h"
#include "utils/lsyscache.h"

/*
 * Add a field under a name.  Returns its number.
 */
static int
add_named(TrqlRel *rel, char *text, const char *name, const char *label,
		  TrqlClass class, int flags, Oid type, int32 typmod)
{
	rel->texts = lappend(rel->texts, text);
	rel->names = lappend(rel->names, makeString(pstrdup(name)));
	rel->labels = lappend(rel->labels, makeString(pstrdup(label)));
	rel->fields = lappend(rel->fields,
						  lappend_int(list_make5_int(class, flags, (int) type, typmod,
													 TRQL_COMBINE_NONE), -1));
	return list_length(rel->fields) - 1;
}

/*
 * Add a field.  Returns its number.
 */
int
trql_add_field(TrqlRel *rel, const char *text, const char *label,
			   TrqlClass class, int flags, Oid type, int32 typmod)
{
	char	   *name = psprintf("c%d", list_length(rel->fields) + 1);

	return add_named(rel, psprintf("%s AS %s", text, name), name, label, class,
					 flags, type, typmod);
}

/*
 * Add a column as it is.  Returns the field's number.
 */
int
trql_add_column(TrqlRel *rel, const TrqlColumn *column)
{
	TrqlExpr	expr = {.text = pstrdup(column->name),.class = column->type.class};
	int			flags = 0;

	if (column->special == TRQL_ENVIRONMENT || column->special == TRQL_PROJECT)
		return add_named(rel, expr.text, column->name, column->attname, TRQL_TEXT,
						 TRQL_FIELD_EMPTY_NULL, column->atttype, column->typmod);
	switch (column->type.class)
	{
		case TRQL_TEXT:
			if (!column->type.nullable)
				flags = TRQL_FIELD_EMPTY_NULL;
			if (column->special == TRQL_STATUS)
				flags |= TRQL_FIELD_STATUS;
			break;
		case TRQL_INT:
			if (column->type.bits <= 32)
				flags = TRQL_FIELD_PLAIN_NUMBER;
			else
				expr.text = trql_output_text(&expr);
			break;
		case TRQL_FLOAT:
			/* the API's numbers have no negative zero, but its texts do */
			expr.text = psprintf("plus(%s, 0)", expr.text);
			expr.text = trql_output_text(&expr);
			break;
		case TRQL_DECIMAL:
			expr.text = trql_output_text(&expr);
			break;
		case TRQL_JSON:
			if (column->type.json_text)
				flags = TRQL_FIELD_JSON_TEXT;
			break;
		case TRQL_BOOL:
		case TRQL_DATE:
		case TRQL_TIME:
		case TRQL_TEXTS:
			break;
	}
	return trql_add_field(rel, expr.text, column->attname, column->type.class, flags,
						  column->atttype, column->typmod);
}

/*
 * Add a column of the scan that has a field.
 */
static void
add_to_tlist(TrqlRel *rel, Node *node, int field)
{
	rel->tlist = lappend(rel->tlist, node);
	rel->columns = lappend_int(rel->columns, field);
}

/*
 * Add an aggregate that is computed here from several fields.  False if it is
 * none.
 */
static bool
add_parts(TrqlRel *rel, Aggref *aggref)
{
	char	   *label = get_func_name(aggref->aggfnoid);
	TrqlParts	parts;
	int			first = list_length(rel->fields);

	if (!trql_deparse_parts(&rel->cx, aggref, &parts))
		return false;
	for (int i = 0; i < parts.n; i++)
	{
		TrqlExpr   *part = &parts.parts[i];
		List	   *field;

		(void) trql_add_field(rel, trql_output_text(part), label, part->class, 0,
							  part->class == TRQL_TEXTS ? TEXTARRAYOID : NUMERICOID, -1);
		if (i > 0)
			continue;
		field = llast(rel->fields);
		lfirst_int(list_nth_cell(field, TrqlFieldCombination)) = parts.combination;
		lfirst_int(list_nth_cell(field, TrqlFieldArgument)) = parts.argument;
	}
	add_to_tlist(rel, (Node *) aggref, first);
	return true;
}

/*
 * Add an expression that the API computes.  False if it cannot.
 */
bool
trql_add_expression(TrqlRel *rel, Node *node)
{
	TrqlExpr	expr;

	if (list_member(rel->tlist, node))
		return true;
	if (!trql_deparse(&rel->cx, node, &expr))
		return IsA(node, Aggref) && add_parts(rel, (Aggref *) node);
	add_to_tlist(rel, node,
				 trql_add_field(rel, trql_output_text(&expr), "expression", expr.class,
								0, exprType(node), exprTypmod(node)));
	return true;
}

/*
 * The column that a key is, if its values are translated by name.
 */
static const TrqlColumn *
special_column(TrqlRel *rel, Node *node)
{
	Var		   *var = (Var *) node;
	const TrqlColumn *column;

	if (!IsA(var, Var) || var->varno != rel->base->relid || var->varlevelsup != 0)
		return NULL;
	column = trql_table_column(rel->table, var->varattno);
	if (column == NULL || column->special == TRQL_PLAIN || !column->known ||
		column->type.class != TRQL_TEXT || !trql_is_deterministic(exprCollation(node)))
		return NULL;
	return column;
}

/*
 * Add a key that is selected under a name; "format" makes its value of that.
 */
static void
add_key(TrqlRel *rel, Node *node, const char *text, const char *name, const char *format)
{
	rel->keys = lappend(rel->keys, node);
	rel->key_texts = lappend(rel->key_texts, pstrdup(text));
	rel->key_names = lappend(rel->key_names, pstrdup(name));
	rel->key_values = lappend(rel->key_values, psprintf(format, name));
}

/*
 * Group by a column whose values are translated by name.  Two states are
 * shown alike, and so are environments of one name; of those there is only
 * one if the query is about one environment.
 */
static bool
add_special_key(TrqlRel *rel, Node *node, const TrqlColumn *column)
{
	const char *key;
	int			field;

	if (column->special == TRQL_ENVIRONMENT && strcmp(rel->table->scope, "environment") != 0)
		return false;
	if (column->special == TRQL_STATUS)
	{
		key = "if(status = 'WAITING_FOR_DEPLOY', 'PENDING_VERSION', status)";
		field = trql_add_field(rel, key, column->attname, TRQL_TEXT,
							   TRQL_FIELD_STATUS | TRQL_FIELD_EMPTY_NULL,
							   column->atttype, column->typmod);
	}
	else
		field = trql_add_column(rel, column);
	add_key(rel, node, column->name, strVal(list_nth(rel->names, field)), "%s");
	add_to_tlist(rel, node, field);
	return true;
}

/*
 * Group by a text column that has '' for NULL.  As these are one group by any
 * name, the engine is spared the work of telling that for each row.
 */
static bool
add_text_key(TrqlRel *rel, Node *node, const TrqlColumn *column, const char *text)
{
	int			field = trql_add_field(rel, column->name, column->attname, TRQL_TEXT,
									   TRQL_FIELD_EMPTY_NULL, exprType(node),
									   exprTypmod(node));

	add_key(rel, node, text, strVal(list_nth(rel->names, field)), "nullIf(%s, '')");
	add_to_tlist(rel, node, field);
	return true;
}

/*
 * Group by an expression.  False if the groups would be others.
 */
bool
trql_add_key(TrqlRel *rel, Node *node)
{
	const TrqlColumn *column = special_column(rel, node);
	TrqlExpr	expr;
	char	   *column_text;
	char	   *output;
	int			field;

	if (list_member(rel->keys, node))
		return true;
	if (column)
		return add_special_key(rel, node, column);
	if (!trql_deparse(&rel->cx, node, &expr))
		return false;

	/* arrays and JSON have other equalities */
	if (expr.class == TRQL_TEXTS || expr.class == TRQL_JSON ||
		!trql_is_deterministic(exprCollation(node)))
		return false;
	column = trql_match_column(&rel->cx, node);
	if (column && expr.class == TRQL_TEXT && !column->type.nullable)
		return add_text_key(rel, node, column, expr.text);
	column_text = expr.text;
	if (expr.class == TRQL_FLOAT)
		expr.text = trql_float_key(expr.text);

	/*
	 * Groups are named by what is selected: of a column that is computed, the
	 * API knows no other name there.
	 */
	output = trql_output_text(&expr);
	if (strcmp(output, expr.text) != 0)
		(void) trql_add_field(rel, expr.text, "expression", TRQL_JSON, 0, JSONOID, -1);
	field = trql_add_field(rel, output, "expression", expr.class, 0, exprType(node),
						   exprTypmod(node));
	add_key(rel, node, column_text,
			psprintf("c%d", strcmp(output, expr.text) != 0 ? field : field + 1), "%s");
	add_to_tlist(rel, node, field);
	return true;
}

/*
 * A list of texts with something between them.
 */
static char *
join(List *texts, const char *separator)
{
	StringInfoData buf;
	ListCell   *cell;

	initStringInfo(&buf);
	foreach(cell, texts)
		appendStringInfo(&buf, "%s%s", cell == list_head(texts) ? "" : separator,
						 (char *) lfirst(cell));
	return buf.data;
}

/*
 * Conditions as one: never by infix operators, which lose their grouping.
 */
static char *
conjunction(List *conditions)
{
	if (list_length(conditions) <= 1)
		return join(conditions, "");
	return psprintf("and(%s)", join(conditions, ", "));
}

/*
 * GROUP BY and HAVING.
 */
static char *
group_text(const TrqlRel *rel)
{
	StringInfoData buf;

	initStringInfo(&buf);
	if (rel->key_texts)
		appendStringInfo(&buf, " GROUP BY %s", join(rel->key_names, ", "));
	if (rel->having)
		appendStringInfo(&buf, " HAVING %s", conjunction(rel->having));
	return buf.data;
}

/*
 * The field of a column that pages are told apart by, added if it is not
 * there; -1 if the table has no such column.
 */
static int
paging_field(TrqlRel *rel, const char *column, bool is_time)
{
	ListCell   *text;
	int			n = 0;

	if (column == NULL)
		return -1;
	foreach(text, rel->texts)
	{
		List	   *field = list_nth(rel->fields, n);
		char	   *plain = psprintf("%s AS c%d", column, n + 1);

		if (strcmp(lfirst(text), plain) == 0 && !is_time &&
			list_nth_int(field, TrqlFieldType) == TEXTOID)
			return n;
		n++;
	}
	return trql_add_field(rel, column, column, TRQL_TEXT, 0, TEXTOID, -1);
}

/*
 * The plan of a query.  "quals" are checked by the executor; "scanrelid" is 0
 * for what is above a table; "hint" is a number of rows, 0 if not known.
 */
ForeignScan *
trql_make_plan(TrqlRel *rel, List *tlist, List *quals, int scanrelid, int hint,
			   Plan *outer_plan)
{
	bool		paged = scanrelid > 0 && rel->table->time_column != NULL;
	int			time = paged ? paging_field(rel, rel->table->time_column, true) : -1;
	int			key = paged ? paging_field(rel, rel->table->key_column, false) : -1;
	List	   *numbers;
	List	   *bounds = NIL;
	List	   *scan_tlist = NIL;
	List	   *private;
	ListCell   *cell;

	/* something must be selected, if only to count the rows */
	if (rel->fields == NIL)
		(void) trql_add_field(rel, "toUInt8(1)", "row", TRQL_INT,
							  TRQL_FIELD_PLAIN_NUMBER, INT4OID, -1);
	numbers = list_make4_int(paged, rel->limit, rel->offset, hint);
	numbers = lappend_int(lappend_int(lappend_int(numbers, time), key), rel->keyed);
	foreach(cell, rel->cx.bounds)
	{
		TrqlBound  *bound = lfirst(cell);

		bounds = lappend_int(lappend_int(bounds, bound->strategy), bound->value);
	}
	foreach(cell, rel->tlist)
		scan_tlist = lappend(scan_tlist,
							 makeTargetEntry(lfirst(cell), list_length(scan_tlist) + 1,
											 NULL, false));

	private = list_make5(makeString(psprintf("SELECT %s FROM %s", join(rel->texts, ", "),
											 rel->table->name)),
						 makeString(conjunction(rel->conditions)),
						 makeString(group_text(rel)),
						 makeString(rel->order ? rel->order : pstrdup("")),
						 numbers);
	private = lappend(private, rel->names);
	private = lappend(private, rel->labels);
	private = lappend(private, rel->fields);
	private = lappend(private, rel->columns);
	private = lappend(private, rel->cx.kinds);
	private = lappend(private, bounds);
	return make_foreignscan(tlist, quals, scanrelid, rel->cx.values, private,
							scanrelid > 0 ? NIL : scan_tlist, NIL, outer_plan);
}
