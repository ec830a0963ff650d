/*-------------------------------------------------------------------------
 *
 * qual.c
 *		Which conditions of a query the API can apply.
 *
 * A condition qualifies if its column has a filter, its operator is the one
 * that the filter implements (by operator family, not by name), equality is
 * bytewise equality, and its other side can be computed before the scan.
 * Whether the values can be sent is known only then, see bind.c; whatever
 * happens there, the rows that the API sends are a superset, and nearly
 * every condition is checked again by the executor.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "qual.h"

#include "access/stratnum.h"
#include "access/sysattr.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

/* Operators that have no symbol in the server's headers. */
#define TRIGGER_BOOL_EQ_OP		91
#define TRIGGER_BTREE_DATETIME_FAMILY 434

/*
 * Strip what changes a value's type in name only.
 */
static Expr *
strip_relabel(Expr *expr)
{
	while (expr && IsA(expr, RelabelType))
		expr = ((RelabelType *) expr)->arg;
	return expr;
}

/*
 * The attribute that an expression is, NULL if it is anything else.
 */
static const TriggerAttribute *
match_column(RelOptInfo *baserel, const TriggerRelation *rel, Expr *expr)
{
	Var		   *var = (Var *) strip_relabel(expr);

	if (var == NULL || !IsA(var, Var) || var->varlevelsup != 0 ||
		var->varno != baserel->relid)
		return NULL;
	return trigger_relation_attribute(rel, var->varattno);
}

/*
 * Can a value be computed before the scan starts, and is it the same for
 * every row?
 */
static bool
is_usable_value(PlannerInfo *root, RelOptInfo *baserel, Expr *value)
{
	return !bms_is_member(baserel->relid, pull_varnos(root, (Node *) value)) &&
		!contain_volatile_functions((Node *) value) &&
		!contain_subplans((Node *) value);
}

/*
 * Is this operator bytewise equality of text (or its negation)?
 */
static bool
is_text_equality(Oid opno, Oid collation, bool negated)
{
	if (negated)
		opno = get_negator(opno);
	return OidIsValid(opno) &&
		get_op_opfamily_strategy(opno, TEXT_BTREE_FAM_OID) == BTEqualStrategyNumber &&
		(!OidIsValid(collation) || get_collation_isdeterministic(collation));
}

/*
 * Is the type one of text's?
 */
static bool
is_text(Oid type)
{
	return type == TEXTOID || type == VARCHAROID;
}

/*
 * Make a condition if the filter can do "op".
 */
static TriggerCondition *
make_condition(const TriggerRelation *rel, const TriggerAttribute *attribute,
			   TriggerOp op, Expr *value, Expr *clause)
{
	const TriggerFilter *filter = &rel->resource->filters[attribute->filter];
	bool		able = false;
	TriggerCondition *condition;

	switch (op)
	{
		case TRIGGER_OP_EQ:
		case TRIGGER_OP_ANY:
			able = (filter->kind != TRIGGER_FILTER_HAS_ANY &&
					filter->kind != TRIGGER_FILTER_HAS_ONE &&
					(op == TRIGGER_OP_EQ ||
					 (filter->kind != TRIGGER_FILTER_TIME &&
					  filter->kind != TRIGGER_FILTER_AFTER &&
					  filter->kind != TRIGGER_FILTER_BOOLEAN)));
			break;
		case TRIGGER_OP_NE:
		case TRIGGER_OP_NOT_ANY:
			/* the rest of a closed vocabulary, if the column always has one */
			able = filter->words != NULL &&
				(attribute->column->flags & TRIGGER_COL_REQUIRED);
			break;
		case TRIGGER_OP_LT:
		case TRIGGER_OP_LE:
			able = filter->kind == TRIGGER_FILTER_TIME;
			break;
		case TRIGGER_OP_GT:
		case TRIGGER_OP_GE:
			able = filter->kind == TRIGGER_FILTER_TIME ||
				filter->kind == TRIGGER_FILTER_AFTER;
			break;
		case TRIGGER_OP_OVERLAPS:
		case TRIGGER_OP_CONTAINS:
		case TRIGGER_OP_HAS:
			able = filter->kind == TRIGGER_FILTER_HAS_ANY ||
				filter->kind == TRIGGER_FILTER_HAS_ONE;
			break;
		case TRIGGER_OP_TRUE:
		case TRIGGER_OP_FALSE:
			able = filter->kind == TRIGGER_FILTER_BOOLEAN;
			break;
	}
	if (!able)
		return NULL;

	condition = palloc0(sizeof(TriggerCondition));
	condition->filter = attribute->filter;
	condition->op = op;
	condition->value = value;
	condition->clause = clause;
	return condition;
}

/*
 * A comparison of times or integers: the operator is the one that its type's
 * ordering has, and a value of another type of the family is converted as the
 * operator would do it (times in the session's time zone).
 */
static TriggerCondition *
match_ordering(const TriggerRelation *rel, const TriggerAttribute *attribute,
			   Oid opno, Oid family, Oid type, Expr *value, Expr *clause)
{
	TriggerOp	op;

	switch (get_op_opfamily_strategy(opno, family))
	{
		case BTLessStrategyNumber:
			op = TRIGGER_OP_LT;
			break;
		case BTLessEqualStrategyNumber:
			op = TRIGGER_OP_LE;
			break;
		case BTEqualStrategyNumber:
			op = TRIGGER_OP_EQ;
			break;
		case BTGreaterEqualStrategyNumber:
			op = TRIGGER_OP_GE;
			break;
		case BTGreaterStrategyNumber:
			op = TRIGGER_OP_GT;
			break;
		default:
			return NULL;
	}
	if (exprType((Node *) value) != type)
		value = (Expr *) coerce_to_target_type(NULL, (Node *) value,
											   exprType((Node *) value),
											   type, -1,
											   COERCION_IMPLICIT,
											   COERCE_IMPLICIT_CAST, -1);
	if (value == NULL)
		return NULL;
	value = (Expr *) eval_const_expressions(NULL, (Node *) value);
	return make_condition(rel, attribute, op, value, clause);
}

/*
 * column op value
 */
static TriggerCondition *
match_operator(PlannerInfo *root, RelOptInfo *baserel,
			   const TriggerRelation *rel, OpExpr *expr)
{
	Expr	   *left;
	Expr	   *right;
	Oid			opno = expr->opno;
	const TriggerAttribute *attribute;

	if (list_length(expr->args) != 2)
		return NULL;
	left = linitial(expr->args);
	right = lsecond(expr->args);
	attribute = match_column(baserel, rel, left);
	if (attribute == NULL)
	{
		attribute = match_column(baserel, rel, right);
		opno = get_commutator(opno);
		right = left;
	}
	if (attribute == NULL || attribute->filter < 0 || !OidIsValid(opno) ||
		!is_usable_value(root, baserel, right))
		return NULL;

	switch (rel->resource->filters[attribute->filter].kind)
	{
		case TRIGGER_FILTER_TIME:
			return match_ordering(rel, attribute, opno,
								  TRIGGER_BTREE_DATETIME_FAMILY,
								  TIMESTAMPTZOID, right, (Expr *) expr);

		case TRIGGER_FILTER_AFTER:
			return match_ordering(rel, attribute, opno, INTEGER_BTREE_FAM_OID,
								  INT8OID, right, (Expr *) expr);

		case TRIGGER_FILTER_BOOLEAN:
			if (opno == TRIGGER_BOOL_EQ_OP)
				return make_condition(rel, attribute, TRIGGER_OP_EQ, right,
									  (Expr *) expr);
			return NULL;

		case TRIGGER_FILTER_HAS_ANY:
		case TRIGGER_FILTER_HAS_ONE:
			if (exprType((Node *) right) != TEXTARRAYOID ||
				(OidIsValid(expr->inputcollid) &&
				 !get_collation_isdeterministic(expr->inputcollid)))
				return NULL;
			if (opno == OID_ARRAY_OVERLAP_OP)
				return make_condition(rel, attribute, TRIGGER_OP_OVERLAPS,
									  right, (Expr *) expr);
			if (opno == OID_ARRAY_CONTAINS_OP)
				return make_condition(rel, attribute, TRIGGER_OP_CONTAINS,
									  right, (Expr *) expr);
			return NULL;

		default:
			if (!is_text(exprType((Node *) strip_relabel(right))))
				return NULL;
			if (is_text_equality(opno, expr->inputcollid, false))
				return make_condition(rel, attribute, TRIGGER_OP_EQ, right,
									  (Expr *) expr);
			if (is_text_equality(opno, expr->inputcollid, true))
				return make_condition(rel, attribute, TRIGGER_OP_NE, right,
									  (Expr *) expr);
			return NULL;
	}
}

/*
 * column op ANY (array), or value = ANY (column)
 */
static TriggerCondition *
match_array_operator(PlannerInfo *root, RelOptInfo *baserel,
					 const TriggerRelation *rel, ScalarArrayOpExpr *expr)
{
	Expr	   *left = linitial(expr->args);
	Expr	   *right = lsecond(expr->args);
	const TriggerAttribute *attribute;
	Oid			element;

	attribute = match_column(baserel, rel, left);
	if (attribute != NULL && attribute->filter >= 0)
	{
		element = get_element_type(exprType((Node *) right));
		if (!is_text(element) || !is_usable_value(root, baserel, right))
			return NULL;
		if (expr->useOr &&
			is_text_equality(expr->opno, expr->inputcollid, false))
			return make_condition(rel, attribute, TRIGGER_OP_ANY, right,
								  (Expr *) expr);
		if (!expr->useOr &&
			is_text_equality(expr->opno, expr->inputcollid, true))
			return make_condition(rel, attribute, TRIGGER_OP_NOT_ANY, right,
								  (Expr *) expr);
		return NULL;
	}

	attribute = match_column(baserel, rel, right);
	if (attribute != NULL && attribute->filter >= 0 && expr->useOr &&
		is_text(exprType((Node *) left)) &&
		is_usable_value(root, baserel, left) &&
		is_text_equality(expr->opno, expr->inputcollid, false))
		return make_condition(rel, attribute, TRIGGER_OP_HAS, left,
							  (Expr *) expr);
	return NULL;
}

/*
 * Elements of an array that is written out in the query.
 */
static List *
array_elements(Expr *array)
{
	List	   *result = NIL;
	Datum	   *values;
	bool	   *nulls;
	int			n;
	Const	   *constant = (Const *) array;

	if (IsA(array, ArrayExpr) && !((ArrayExpr *) array)->multidims)
		return list_copy(((ArrayExpr *) array)->elements);
	if (!IsA(array, Const) || constant->constisnull)
		return NIL;
	deconstruct_array(DatumGetArrayTypeP(constant->constvalue), TEXTOID, -1,
					  false, TYPALIGN_INT, &values, &nulls, &n);
	for (int i = 0; i < n; i++)
		result = lappend(result,
						 makeConst(TEXTOID, -1, constant->constcollid, -1,
								   values[i], nulls[i], false));
	return result;
}

/*
 * column = a OR column = b OR column IN (c, d): the same as one IN.
 */
static TriggerCondition *
match_or(PlannerInfo *root, RelOptInfo *baserel, const TriggerRelation *rel,
		 BoolExpr *expr)
{
	List	   *elements = NIL;
	const TriggerAttribute *column = NULL;
	ArrayExpr  *array;
	ListCell   *cell;

	foreach(cell, expr->args)
	{
		Expr	   *arm = (Expr *) lfirst(cell);
		TriggerCondition *condition;
		const TriggerAttribute *attribute;

		List	   *args;

		if (IsA(arm, OpExpr))
			args = ((OpExpr *) arm)->args;
		else if (IsA(arm, ScalarArrayOpExpr))
			args = ((ScalarArrayOpExpr *) arm)->args;
		else
			return NULL;
		condition = trigger_qual_match(root, baserel, rel, arm);
		if (condition == NULL)
			return NULL;
		attribute = match_column(baserel, rel, linitial(args));
		if (attribute == NULL)
			attribute = match_column(baserel, rel, lsecond(args));
		if (attribute == NULL || !is_text(attribute->type) ||
			(column != NULL && column != attribute))
			return NULL;
		column = attribute;

		if (condition->op == TRIGGER_OP_EQ)
			elements = lappend(elements, condition->value);
		else if (condition->op == TRIGGER_OP_ANY)
		{
			List	   *more = array_elements(condition->value);

			if (more == NIL)
				return NULL;
			elements = list_concat(elements, more);
		}
		else
			return NULL;
	}

	array = makeNode(ArrayExpr);
	array->array_typeid = TEXTARRAYOID;
	array->array_collid = exprCollation(linitial(elements));
	array->element_typeid = TEXTOID;
	array->elements = elements;
	array->location = -1;
	return make_condition(rel, column, TRIGGER_OP_ANY, (Expr *) array,
						  (Expr *) expr);
}

/*
 * A boolean column used as a condition.
 */
static TriggerCondition *
match_boolean(RelOptInfo *baserel, const TriggerRelation *rel, Expr *expr,
			  TriggerOp op, Expr *clause)
{
	const TriggerAttribute *attribute = match_column(baserel, rel, expr);

	if (attribute == NULL || attribute->filter < 0)
		return NULL;
	return make_condition(rel, attribute, op, NULL, clause);
}

/*
 * The condition that a clause is, NULL if the API cannot apply it.
 */
TriggerCondition *
trigger_qual_match(PlannerInfo *root, RelOptInfo *baserel,
				   const TriggerRelation *rel, Expr *clause)
{
	BoolExpr   *boolean;
	BooleanTest *test;

	switch (nodeTag(clause))
	{
		case T_OpExpr:
			return match_operator(root, baserel, rel, (OpExpr *) clause);
		case T_ScalarArrayOpExpr:
			return match_array_operator(root, baserel, rel,
										(ScalarArrayOpExpr *) clause);
		case T_Var:
			return match_boolean(baserel, rel, clause, TRIGGER_OP_TRUE, clause);
		case T_BoolExpr:
			boolean = (BoolExpr *) clause;
			if (boolean->boolop == NOT_EXPR)
				return match_boolean(baserel, rel, linitial(boolean->args),
									 TRIGGER_OP_FALSE, clause);
			if (boolean->boolop == OR_EXPR)
				return match_or(root, baserel, rel, boolean);
			return NULL;
		case T_BooleanTest:
			test = (BooleanTest *) clause;
			if (test->booltesttype == IS_TRUE)
				return match_boolean(baserel, rel, test->arg, TRIGGER_OP_TRUE,
									 clause);
			if (test->booltesttype == IS_FALSE)
				return match_boolean(baserel, rel, test->arg, TRIGGER_OP_FALSE,
									 clause);
			return NULL;
		default:
			return NULL;
	}
}

/*
 * Is a condition's column one that rows do not carry?  Then only the API can
 * check it, and the executor must not.
 */
bool
trigger_qual_only_remote(const TriggerRelation *rel,
						 const TriggerCondition *condition)
{
	const char *name = rel->resource->filters[condition->filter].column;

	return trigger_column_find(rel->resource, name)->source == TRIGGER_FROM_FILTER;
}

/*
 * Attributes of the table that an expression uses, as plain numbers; member
 * 0 stands for the whole row.
 */
Bitmapset *
trigger_qual_attributes(RelOptInfo *baserel, Node *node)
{
	Bitmapset  *offset = NULL;
	Bitmapset  *result = NULL;
	int			bit = -1;

	pull_varattnos(node, baserel->relid, &offset);
	while ((bit = bms_next_member(offset, bit)) >= 0)
	{
		int			attno = bit + FirstLowInvalidHeapAttributeNumber;

		if (attno >= 0)
			result = bms_add_member(result, attno);
	}
	return result;
}

/*
 * A clause will be checked by the executor: refuse it if it uses a column
 * that reads NULL whatever the run's real value is.  The answer would be
 * silently wrong.
 */
void
trigger_qual_check_local(PlannerInfo *root, RelOptInfo *baserel,
						 const TriggerRelation *rel, Expr *clause)
{
	Bitmapset  *attributes = trigger_qual_attributes(baserel, (Node *) clause);
	int			attno = -1;

	while ((attno = bms_next_member(attributes, attno)) >= 0)
	{
		const TriggerAttribute *attribute = trigger_relation_attribute(rel, attno);

		if (attribute == NULL || attribute->column == NULL)
			continue;
		if (attribute->column->source == TRIGGER_FROM_FILTER)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("condition on column \"%s\" of foreign table \"%s\" cannot be applied",
							attribute->name, rel->name),
					 errdetail("The API can filter by it but does not return it."),
					 errhint("Compare it by = or IN with values that are known before the scan.")));
		if (attribute->column->source == TRIGGER_FROM_INSERT)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("column \"%s\" of foreign table \"%s\" is returned by INSERT only",
							attribute->name, rel->name),
					 errdetail("It otherwise reads NULL, so no condition can use it.")));
		if (attribute->column->source == TRIGGER_FROM_NOWHERE)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("column \"%s\" of foreign table \"%s\" is write-only",
							attribute->name, rel->name),
					 errdetail("It always reads NULL, so no condition can use it."),
					 rel->resource->write_only_hint ?
					 errhint("%s", rel->resource->write_only_hint) : 0));
	}
}
