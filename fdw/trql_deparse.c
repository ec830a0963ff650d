/*-------------------------------------------------------------------------
 *
 * trql_deparse.c
 *		Expressions of SQL to expressions of the query engine.
 *
 * An expression is written if, and only if, it means exactly the same in both
 * places, for every value that the columns may have.  Everything here fails
 * softly: what cannot be written is PostgreSQL's work.
 *
 * The language in front of the engine loses the grouping of infix AND and OR,
 * reads BETWEEN and backslashes wrongly, and compares with NULL as with IS
 * NULL.  So everything is written as calls of functions, which are safe, and
 * NULL as a function's result.
 *
 * A text column that is not declared Nullable has the empty text where there
 * is no value; SQL sees NULL.  Such a column is written as nullIf(x, ''), and
 * the engine's own three-valued logic, which is SQL's, does the rest.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "trql_deparse.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/pg_locale.h"

/* Operator families without a symbol in the server's headers. */
#define DATETIME_FAMILY		434
#define FLOAT_FAMILY		1970
#define NUMERIC_FAMILY		1988

/* Longer decimals have no type that is longer still, to compare them in. */
#define MAX_DECIMAL_DIGITS	38

/*
 * Set the result.
 */
bool
trql_result(TrqlExpr *expr, char *text, TrqlClass class, bool nullable)
{
	memset(expr, 0, sizeof(*expr));
	expr->text = text;
	expr->class = class;
	expr->nullable = nullable;
	expr->digits = class == TRQL_INT ? TRQL_INT_DIGITS : 0;
	expr->low = PG_INT64_MIN;
	expr->high = PG_INT64_MAX;
	return true;
}

/*
 * Can a node be computed before the query is sent?
 */
bool
trql_is_value(TrqlContext *cx, Node *node)
{
	return !bms_is_member(cx->rel->relid, pull_varnos(cx->root, node)) &&
		!contain_volatile_functions(node) && !contain_subplans(node) &&
		!contain_agg_clause(node);
}

/*
 * The mark of a value in a query's text.  "kind" is a TrqlValueKind, with the
 * digits that belong to it if it is a decimal's.
 */
char *
trql_mark(TrqlContext *cx, Node *node, int kind)
{
	int			n = 0;
	ListCell   *value;
	ListCell   *other;

	forboth(value, cx->values, other, cx->kinds)
	{
		if (lfirst_int(other) == kind && equal(lfirst(value), node))
			return psprintf("%c%d%c", TRQL_MARK, n, TRQL_MARK);
		n++;
	}
	cx->values = lappend(cx->values, node);
	cx->kinds = lappend_int(cx->kinds, kind);
	return psprintf("%c%d%c", TRQL_MARK, n, TRQL_MARK);
}

/*
 * The number of the value that a mark is of.
 */
int
trql_mark_number(const char *mark)
{
	Assert(*mark == TRQL_MARK);
	return atoi(mark + 1);
}

/*
 * Strip what changes a type in name only.  Types with other comparisons, like
 * char(n), may have the same bytes.
 */
Node *
trql_strip(Node *node)
{
	while (node && IsA(node, RelabelType))
	{
		RelabelType *relabel = (RelabelType *) node;

		if (relabel->resulttype != TEXTOID && relabel->resulttype != VARCHAROID &&
			relabel->resulttype != exprType((Node *) relabel->arg))
			break;
		node = (Node *) relabel->arg;
	}
	return node;
}

/*
 * The column that a node is, NULL if it is none of this table's.
 */
const TrqlColumn *
trql_match_column(TrqlContext *cx, Node *node)
{
	Var		   *var = (Var *) trql_strip(node);

	if (var == NULL || !IsA(var, Var) || var->varlevelsup != 0 ||
		var->varno != cx->rel->relid)
		return NULL;
	return trql_table_column(cx->table, var->varattno);
}

/*
 * A column as a value.  Those whose values are translated by name, or that
 * hold what cannot be compared, are not one.
 */
static bool
deparse_var(TrqlContext *cx, Node *node, TrqlExpr *expr)
{
	const TrqlColumn *column = trql_match_column(cx, node);

	if (column == NULL || !column->known || column->special != TRQL_PLAIN)
		return false;
	switch (column->type.class)
	{
		case TRQL_TEXT:
			if (column->type.nullable)
				return trql_result(expr, pstrdup(column->name), TRQL_TEXT, true);
			return trql_result(expr, psprintf("nullIf(%s, '')", column->name),
						  TRQL_TEXT, true);
		case TRQL_BOOL:
			return trql_result(expr, psprintf("equals(%s, 1)", column->name),
						  TRQL_BOOL, column->type.nullable);
		case TRQL_TIME:
			/* what is finer than PostgreSQL's is not the same value here */
			if (column->type.precision > 6)
				return false;
			break;
		case TRQL_FLOAT:
			/* the text of a short float is another number as a long one */
			if (column->type.bits == 32)
				return false;
			break;
		case TRQL_JSON:
			return false;
		case TRQL_DECIMAL:
		case TRQL_TEXTS:
		case TRQL_INT:
		case TRQL_DATE:
			break;
	}
	(void) trql_result(expr, pstrdup(column->name), column->type.class,
					   column->type.nullable);
	trql_range_of_column(&column->type, expr);
	if (column->type.class == TRQL_DECIMAL && column->type.precision <= MAX_DECIMAL_DIGITS)
	{
		expr->digits = column->type.precision;
		expr->scale = column->type.scale;
	}
	else if (column->type.class == TRQL_INT && column->type.bits > 64)
		expr->digits = 0;
	return true;
}

/*
 * An integer that a numeric constant is, as extract() is compared with.
 */
static bool
deparse_numeric(Const *constant, TrqlExpr *expr)
{
	char	   *text;

	if (constant->constisnull)
		return trql_result(expr, pstrdup("nullIf(0, 0)"), TRQL_INT, true);
	text = DatumGetCString(DirectFunctionCall1(numeric_out, constant->constvalue));
	if (strlen(text) > 9 || strspn(text, "-0123456789") != strlen(text))
		return false;
	(void) trql_result(expr, text, TRQL_INT, false);
	expr->low = expr->high = atoi(text);
	return true;
}

/*
 * A value of a class that its type has.
 */
static bool
deparse_value(TrqlContext *cx, Node *node, TrqlExpr *expr)
{
	switch (exprType(node))
	{
		case TEXTOID:
		case VARCHAROID:
			return trql_result(expr, trql_mark(cx, node, TRQL_VALUE_TEXT), TRQL_TEXT, true);
		case BOOLOID:
			return trql_result(expr, trql_mark(cx, node, TRQL_VALUE_BOOL), TRQL_BOOL, true);
		case INT2OID:
		case INT4OID:
		case INT8OID:
			(void) trql_result(expr, trql_mark(cx, node, TRQL_VALUE_INT), TRQL_INT, true);
			trql_range_of_value(node, expr);
			return true;
		case FLOAT4OID:
		case FLOAT8OID:
			return trql_result(expr, trql_mark(cx, node, TRQL_VALUE_FLOAT), TRQL_FLOAT, true);
		case DATEOID:
			return trql_result(expr, trql_mark(cx, node, TRQL_VALUE_DATE), TRQL_DATE, true);
		case TIMESTAMPTZOID:
			return trql_result(expr, trql_mark(cx, node, TRQL_VALUE_TIME), TRQL_TIME, true);
		case NUMERICOID:
			return IsA(node, Const) && deparse_numeric((Const *) node, expr);
		default:
			return false;
	}
}

/*
 * Which comparison an operator is, 0 if it is none of the family.
 */
int
trql_comparison(Oid opno, Oid family)
{
	int			strategy = get_op_opfamily_strategy(opno, family);

	if (strategy == 0)
	{
		Oid			negator = get_negator(opno);

		if (OidIsValid(negator) &&
			get_op_opfamily_strategy(negator, family) == BTEqualStrategyNumber)
			return NOT_EQUAL_STRATEGY;
	}
	return strategy;
}

/*
 * The engine's function for a comparison.
 */
const char *
trql_comparison_name(int strategy)
{
	switch (strategy)
	{
		case BTLessStrategyNumber:
			return "less";
		case BTLessEqualStrategyNumber:
			return "lessOrEquals";
		case BTEqualStrategyNumber:
			return "equals";
		case BTGreaterEqualStrategyNumber:
			return "greaterOrEquals";
		case BTGreaterStrategyNumber:
			return "greater";
		default:
			return "notEquals";
	}
}

/*
 * Are texts of a collation equal only if their bytes are?  So are values that
 * have none.
 */
bool
trql_is_deterministic(Oid collation)
{
	return !OidIsValid(collation) || get_collation_isdeterministic(collation);
}

/*
 * Is the order of a collation that of the bytes?
 */
static bool
is_bytewise(Oid collation)
{
	return OidIsValid(collation) && lc_collate_is_c(collation);
}

/*
 * Which comparison an operator is between values of a class.
 */
static int
class_comparison(TrqlClass class, Oid opno, Oid collation)
{
	int			strategy;

	switch (class)
	{
		case TRQL_TEXT:
			strategy = trql_comparison(opno, TEXT_BTREE_FAM_OID);
			if (strategy == BTEqualStrategyNumber || strategy == NOT_EQUAL_STRATEGY)
				return OidIsValid(collation) &&
					trql_is_deterministic(collation) ? strategy : 0;
			return is_bytewise(collation) ? strategy : 0;
		case TRQL_BOOL:
			return trql_comparison(opno, BOOL_BTREE_FAM_OID);
		case TRQL_INT:
			strategy = trql_comparison(opno, INTEGER_BTREE_FAM_OID);
			return strategy ? strategy : trql_comparison(opno, NUMERIC_FAMILY);
		case TRQL_DECIMAL:
			return trql_comparison(opno, NUMERIC_FAMILY);
		case TRQL_FLOAT:
			return trql_comparison(opno, FLOAT_FAMILY);
		case TRQL_DATE:
		case TRQL_TIME:
			return trql_comparison(opno, DATETIME_FAMILY);
		default:
			return 0;
	}
}

/*
 * column = value (or <>), where the column's values are translated by name.
 */
static bool
deparse_special(TrqlContext *cx, const TrqlColumn *column, Node *value,
				bool negated, TrqlExpr *expr)
{
	char	   *text;

	if (!column->known || !trql_is_value(cx, value) ||
		(exprType(value) != TEXTOID && exprType(value) != VARCHAROID))
		return false;
	if (column->special == TRQL_STATUS)
		text = trql_mark(cx, value, TRQL_VALUE_STATUS);
	else if (strcmp(column->name, "batch_id") == 0)
		text = trql_mark(cx, value, TRQL_VALUE_BATCH);
	else if (strcmp(column->name, "root_run_id") == 0)
		text = trql_mark(cx, value, TRQL_VALUE_ROOT_RUN);
	else if (strcmp(column->name, "parent_run_id") == 0)
		text = trql_mark(cx, value, TRQL_VALUE_PARENT_RUN);
	else
		return false;
	return trql_result(expr, negated ? psprintf("not(%s)", text) : text, TRQL_BOOL, true);
}

/*
 * A comparison.
 */
static bool
deparse_comparison(TrqlContext *cx, OpExpr *op, TrqlExpr *expr)
{
	Node	   *left = linitial(op->args);
	Node	   *right = lsecond(op->args);
	const TrqlColumn *column = trql_match_column(cx, left);
	Oid			opno = op->opno;
	TrqlExpr	a,
				b;
	int			strategy;

	/* what depends on the rows comes first */
	if (column == NULL && (trql_match_column(cx, right) ||
						   (trql_is_value(cx, left) && !trql_is_value(cx, right))))
	{
		column = trql_match_column(cx, right);
		opno = get_commutator(opno);
		left = right;
		right = linitial(op->args);
	}
	if (column && column->special != TRQL_PLAIN)
	{
		strategy = OidIsValid(opno) ?
			class_comparison(TRQL_TEXT, opno, op->inputcollid) : 0;
		if (strategy != BTEqualStrategyNumber && strategy != NOT_EQUAL_STRATEGY)
			return false;
		return deparse_special(cx, column, right, strategy == NOT_EQUAL_STRATEGY,
							   expr);
	}

	if (!OidIsValid(opno))
		return false;
	strategy = trql_comparison(opno, NUMERIC_FAMILY);
	if (strategy != 0 && trql_compare_numerics(cx, strategy, left, right, expr))
		return true;
	if (!trql_deparse(cx, left, &a))
		return false;
	strategy = class_comparison(a.class, opno, op->inputcollid);
	if (strategy == 0 || a.class == TRQL_DECIMAL)
		return false;
	if (a.class == TRQL_FLOAT)
		return trql_compare_floats(cx, strategy, &a, right, expr);
	if (!trql_deparse(cx, right, &b) || a.class != b.class)
		return false;
	return trql_result(expr, psprintf("%s(%s, %s)", trql_comparison_name(strategy), a.text,
								 b.text),
				  TRQL_BOOL, a.nullable || b.nullable);
}

/*
 * Is this the pattern of LIKE that both sides read alike?  An escape must be
 * followed by something.
 */
static bool
is_pattern(Node *node)
{
	Const	   *constant = (Const *) trql_strip(node);
	char	   *pattern;

	if (constant == NULL || !IsA(constant, Const) || constant->constisnull ||
		constant->consttype != TEXTOID)
		return false;
	pattern = TextDatumGetCString(constant->constvalue);
	for (char *p = pattern; *p; p++)
	{
		if (*p == '\\' && *++p == '\0')
			return false;
	}
	return true;
}

/*
 * LIKE and ILIKE, with constant patterns.  What upper and lower case is must
 * not depend on a locale.
 */
static bool
deparse_like(TrqlContext *cx, OpExpr *op, bool fold, bool negated, TrqlExpr *expr)
{
	TrqlExpr	a;
	char	   *text;

	if (!is_pattern(lsecond(op->args)) ||
		!trql_deparse(cx, linitial(op->args), &a) || a.class != TRQL_TEXT ||
		!OidIsValid(op->inputcollid) ||
		!get_collation_isdeterministic(op->inputcollid) ||
		(fold && !lc_ctype_is_c(op->inputcollid)))
		return false;
	if (fold)
		text = psprintf("like(lower(%s), %s)", a.text,
						trql_mark(cx, trql_strip(lsecond(op->args)), TRQL_VALUE_LOWER_PATTERN));
	else
		text = psprintf("like(%s, %s)", a.text,
						trql_mark(cx, trql_strip(lsecond(op->args)), TRQL_VALUE_PATTERN));
	return trql_result(expr, negated ? psprintf("not(%s)", text) : text, TRQL_BOOL,
				  a.nullable);
}

/*
 * && and @> of arrays of text.
 */
static bool
deparse_array_operator(TrqlContext *cx, OpExpr *op, TrqlExpr *expr)
{
	Node	   *left = linitial(op->args);
	Node	   *right = lsecond(op->args);
	bool		overlap = op->opfuncid == F_ARRAYOVERLAP;
	TrqlExpr	a;
	char	   *text;

	if (overlap && trql_match_column(cx, left) == NULL)
	{
		left = right;
		right = linitial(op->args);
	}
	if (trql_match_column(cx, left) == NULL || !deparse_var(cx, left, &a) ||
		a.class != TRQL_TEXTS || !trql_is_value(cx, right) ||
		exprType(right) != TEXTARRAYOID ||
		!trql_is_deterministic(op->inputcollid))
		return false;

	/* the engine takes NULL in an array for '': the mark leaves it out */
	text = psprintf("%s(%s, %s)", overlap ? "hasAny" : "hasAll", a.text,
					trql_mark(cx, right, TRQL_VALUE_TEXT_SET));
	if (!overlap)
		text = psprintf("and(%s, isNotNull(%s))", text,
						trql_mark(cx, right, TRQL_VALUE_LIST_NULL));
	return trql_result(expr, psprintf("if(%s, nullIf(0, 0), %s)",
									  trql_mark(cx, right, TRQL_VALUE_IS_NULL), text),
					   TRQL_BOOL, true);
}

/*
 * ||
 */
static bool
deparse_concatenation(TrqlContext *cx, List *args, TrqlExpr *expr)
{
	TrqlExpr	a,
				b;

	if (!trql_deparse(cx, linitial(args), &a) || !trql_deparse(cx, lsecond(args), &b) ||
		a.class != TRQL_TEXT || b.class != TRQL_TEXT)
		return false;
	return trql_result(expr, psprintf("concat(%s, %s)", a.text, b.text), TRQL_TEXT,
					   a.nullable || b.nullable);
}

/*
 * An operator.
 */
static bool
deparse_operator(TrqlContext *cx, OpExpr *op, TrqlExpr *expr)
{
	set_opfuncid(op);
	switch (op->opfuncid)
	{
		case F_TEXTLIKE:
			return deparse_like(cx, op, false, false, expr);
		case F_TEXTNLIKE:
			return deparse_like(cx, op, false, true, expr);
		case F_TEXTICLIKE:
			return deparse_like(cx, op, true, false, expr);
		case F_TEXTICNLIKE:
			return deparse_like(cx, op, true, true, expr);
		case F_TEXTCAT:
			return deparse_concatenation(cx, op->args, expr);
		case F_ARRAYOVERLAP:
		case F_ARRAYCONTAINS:
			return deparse_array_operator(cx, op, expr);
		default:
			if (trql_deparse_arithmetic(cx, op, expr))
				return true;
			return list_length(op->args) == 2 && deparse_comparison(cx, op, expr);
	}
}

/*
 * column = ANY (array) where the column's values are translated by name.
 */
static bool
deparse_special_list(TrqlContext *cx, const TrqlColumn *column, Node *array,
					 bool negated, TrqlExpr *expr)
{
	char	   *text;

	if (!column->known)
		return false;
	if (column->special == TRQL_STATUS)
		text = trql_mark(cx, array, TRQL_VALUE_STATUS_LIST);
	else if (strcmp(column->name, "batch_id") == 0)
		text = trql_mark(cx, array, TRQL_VALUE_BATCH_LIST);
	else if (strcmp(column->name, "root_run_id") == 0)
		text = trql_mark(cx, array, TRQL_VALUE_ROOT_RUN_LIST);
	else if (strcmp(column->name, "parent_run_id") == 0)
		text = trql_mark(cx, array, TRQL_VALUE_PARENT_RUN_LIST);
	else
		return false;
	return trql_result(expr, negated ? psprintf("not(%s)", text) : text, TRQL_BOOL, true);
}

/*
 * x = ANY (array), x <> ALL (array), and 'x' = ANY (column).
 */
static bool
deparse_array_comparison(TrqlContext *cx, ScalarArrayOpExpr *op, TrqlExpr *expr)
{
	Node	   *left = linitial(op->args);
	Node	   *right = lsecond(op->args);
	Oid			element = get_element_type(exprType(right));
	const TrqlColumn *column = trql_match_column(cx, right);
	bool		negated = !op->useOr;
	TrqlExpr	a;
	int			strategy;
	char	   *text;

	if (column)
	{
		if (negated || column->special != TRQL_PLAIN ||
			!deparse_var(cx, right, &a) || a.class != TRQL_TEXTS ||
			!trql_is_value(cx, left) || exprType(left) != TEXTOID ||
			class_comparison(TRQL_TEXT, op->opno, op->inputcollid) !=
			BTEqualStrategyNumber)
			return false;
		return trql_result(expr, psprintf("has(%s, %s)", a.text,
									 trql_mark(cx, left, TRQL_VALUE_TEXT)),
					  TRQL_BOOL, true);
	}

	if (!trql_is_value(cx, right) || !OidIsValid(element))
		return false;
	column = trql_match_column(cx, left);
	if (column && column->special != TRQL_PLAIN)
	{
		strategy = class_comparison(TRQL_TEXT, op->opno, op->inputcollid);
		if (strategy != (negated ? NOT_EQUAL_STRATEGY : BTEqualStrategyNumber) ||
			element != TEXTOID)
			return false;
		return deparse_special_list(cx, column, right, negated, expr);
	}
	if (!trql_deparse(cx, left, &a))
		return false;
	strategy = class_comparison(a.class, op->opno, op->inputcollid);
	if (strategy != (negated ? NOT_EQUAL_STRATEGY : BTEqualStrategyNumber))
		return false;
	text = trql_in_list(cx, &a, right);
	if (text == NULL)
		return false;
	/* nothing is in an empty list, and of NULL that is known as well */
	if (a.nullable)
		text = psprintf("if(isNull(%s), if(%s, nullIf(0, 0), equals(1, 0)), %s)", a.text,
						trql_mark(cx, right, TRQL_VALUE_LIST_SOME), text);
	return trql_result(expr, negated ? psprintf("not(%s)", text) : text, TRQL_BOOL, true);
}

/*
 * AND, OR, NOT: always as functions, because infix operators lose grouping.
 */
static bool
deparse_boolean(TrqlContext *cx, BoolExpr *boolean, TrqlExpr *expr)
{
	StringInfoData buf;
	bool		nullable = false;
	ListCell   *cell;

	initStringInfo(&buf);
	appendStringInfoString(&buf, boolean->boolop == AND_EXPR ? "and(" :
						   boolean->boolop == OR_EXPR ? "or(" : "not(");
	foreach(cell, boolean->args)
	{
		TrqlExpr	a;

		if (!trql_deparse(cx, lfirst(cell), &a) || a.class != TRQL_BOOL)
			return false;
		if (cell != list_head(boolean->args))
			appendStringInfoString(&buf, ", ");
		appendStringInfoString(&buf, a.text);
		nullable = nullable || a.nullable;
	}
	appendStringInfoChar(&buf, ')');
	return trql_result(expr, buf.data, TRQL_BOOL, nullable);
}

/*
 * IS NULL and IS NOT NULL.
 */
static bool
deparse_null_test(TrqlContext *cx, NullTest *test, TrqlExpr *expr)
{
	const TrqlColumn *column = trql_match_column(cx, (Node *) test->arg);
	bool		is_null = test->nulltesttype == IS_NULL;
	TrqlExpr	a;

	if (test->argisrow)
		return false;
	/* columns that are something else in a condition than in the answer */
	if (column && column->known && !column->type.nullable &&
		((column->special == TRQL_PREFIXED && column->type.class == TRQL_TEXT) ||
		 (column->type.json_text && strcmp(column->name, "attributes") != 0)))
		return trql_result(expr, psprintf(is_null ? "%s = ''" : "%s != ''", column->name),
					  TRQL_BOOL, false);
	if (column && column->special == TRQL_STATUS)
		return trql_result(expr, pstrdup(is_null ? "equals(1, 0)" : "equals(1, 1)"),
					  TRQL_BOOL, false);
	if (!trql_deparse(cx, (Node *) test->arg, &a))
		return false;
	if (!a.nullable)
		return trql_result(expr, pstrdup(is_null ? "equals(1, 0)" : "equals(1, 1)"),
					  TRQL_BOOL, false);
	return trql_result(expr, psprintf("%s(%s)", is_null ? "isNull" : "isNotNull", a.text),
				  TRQL_BOOL, false);
}

/*
 * IS TRUE and its kin.
 */
static bool
deparse_boolean_test(TrqlContext *cx, BooleanTest *test, TrqlExpr *expr)
{
	const char *format = NULL;
	TrqlExpr	a;

	if (!trql_deparse(cx, (Node *) test->arg, &a) || a.class != TRQL_BOOL)
		return false;
	switch (test->booltesttype)
	{
		case IS_TRUE:
			format = "ifNull(%s, 0)";
			break;
		case IS_NOT_TRUE:
			format = "not(ifNull(%s, 0))";
			break;
		case IS_FALSE:
			format = "not(ifNull(%s, 1))";
			break;
		case IS_NOT_FALSE:
			format = "ifNull(%s, 1)";
			break;
		case IS_UNKNOWN:
			format = "isNull(%s)";
			break;
		case IS_NOT_UNKNOWN:
			format = "isNotNull(%s)";
			break;
	}
	return trql_result(expr, psprintf(format, a.text), TRQL_BOOL, false);
}

/*
 * Write an expression.  False if it cannot be written so that it means the
 * same; the context may have got values then that nothing refers to.
 */
bool
trql_deparse(TrqlContext *cx, Node *node, TrqlExpr *expr)
{
	node = trql_strip(node);
	if (node == NULL)
		return false;
	if (trql_is_value(cx, node))
		return deparse_value(cx, node, expr);
	switch (nodeTag(node))
	{
		case T_Var:
			return deparse_var(cx, node, expr);
		case T_OpExpr:
			return deparse_operator(cx, (OpExpr *) node, expr);
		case T_ScalarArrayOpExpr:
			return deparse_array_comparison(cx, (ScalarArrayOpExpr *) node, expr);
		case T_BoolExpr:
			return deparse_boolean(cx, (BoolExpr *) node, expr);
		case T_NullTest:
			return deparse_null_test(cx, (NullTest *) node, expr);
		case T_BooleanTest:
			return deparse_boolean_test(cx, (BooleanTest *) node, expr);
		case T_CoalesceExpr:
			return trql_deparse_coalesce(cx, (CoalesceExpr *) node, expr);
		case T_CaseExpr:
			return trql_deparse_case(cx, (CaseExpr *) node, expr);
		case T_FuncExpr:
			return trql_deparse_function(cx, (FuncExpr *) node, expr);
		case T_Aggref:
			return trql_deparse_aggregate(cx, (Aggref *) node, expr);
		default:
			return false;
	}
}

/*
 * Write a condition.
 */
bool
trql_deparse_condition(TrqlContext *cx, Node *node, char **text)
{
	TrqlExpr	expr;

	if (!trql_deparse(cx, node, &expr) || expr.class != TRQL_BOOL)
		return false;
	*text = expr.text;
	return true;
}

/*
 * If a condition bounds the time column, note it for the request's window,
 * which is wider (milliseconds) and which the condition itself does not
 * replace.
 */
bool
trql_deparse_bound(TrqlContext *cx, Node *node)
{
	OpExpr	   *op = (OpExpr *) node;
	const TrqlColumn *column;
	Node	   *value;
	Oid			opno;
	int			strategy;
	TrqlBound  *bound;
	TrqlExpr	expr;

	if (cx->table->time_column == NULL || !IsA(op, OpExpr) ||
		list_length(op->args) != 2)
		return false;
	opno = op->opno;
	column = trql_match_column(cx, linitial(op->args));
	value = lsecond(op->args);
	if (column == NULL)
	{
		column = trql_match_column(cx, lsecond(op->args));
		value = linitial(op->args);
		opno = get_commutator(opno);
	}
	if (column == NULL || !column->known || !OidIsValid(opno) ||
		strcmp(column->name, cx->table->time_column) != 0 ||
		column->type.class != TRQL_TIME || exprType(value) != TIMESTAMPTZOID ||
		!trql_is_value(cx, value) || !deparse_value(cx, value, &expr))
		return false;
	strategy = trql_comparison(opno, DATETIME_FAMILY);
	if (strategy == 0 || strategy == NOT_EQUAL_STRATEGY)
		return false;
	bound = palloc(sizeof(TrqlBound));
	bound->strategy = strategy;
	bound->value = trql_mark_number(expr.text);
	cx->bounds = lappend(cx->bounds, bound);
	return true;
}

/*
 * Write a sort key.  The engine has nulls (and NaN) last whatever the
 * direction, and drops what a query says about it.
 */
bool
trql_deparse_order(TrqlContext *cx, Node *node, Oid collation, bool descending,
				   bool nulls_first, char **text)
{
	StringInfoData buf;
	TrqlExpr	expr;

	if (!trql_deparse(cx, node, &expr) || trql_is_value(cx, node))
		return false;
	initStringInfo(&buf);
	if (expr.nullable)
		appendStringInfo(&buf, "isNull(%s) %s, ", expr.text,
						 nulls_first ? "DESC" : "ASC");
	switch (expr.class)
	{
		case TRQL_TEXT:
			if (!is_bytewise(collation))
				return false;
			break;
		case TRQL_FLOAT:
			appendStringInfo(&buf, "ifNull(isNaN(%s), 0) %s, ", expr.text,
							 descending ? "DESC" : "ASC");
			break;
		case TRQL_BOOL:
		case TRQL_INT:
		case TRQL_DECIMAL:
		case TRQL_DATE:
		case TRQL_TIME:
			break;
		default:
			return false;
	}
	appendStringInfo(&buf, "%s %s", expr.text, descending ? "DESC" : "ASC");
	*text = buf.data;
	return true;
}

/*
 * An expression as an answer can carry it without losing anything: numbers
 * as text, because the server reads them as doubles, times in UTC.
 */
char *
trql_output_text(const TrqlExpr *expr)
{
	switch (expr->class)
	{
		case TRQL_BOOL:
		case TRQL_INT:
		case TRQL_FLOAT:
		case TRQL_DECIMAL:
		case TRQL_DATE:
			return psprintf("toString(%s)", expr->text);
		case TRQL_TIME:
			return psprintf("toString(toTimeZone(%s, 'UTC'))", expr->text);
		case TRQL_TEXT:
		case TRQL_TEXTS:
		case TRQL_JSON:
			break;
	}
	return expr->text;
}
