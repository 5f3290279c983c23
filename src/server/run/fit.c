/*-------------------------------------------------------------------------
 * fit.c
 *	  Does a step that failed in a transaction not fit in one?
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "run/fit.h"

/* Was the error raised by the script's statement itself, not by what it calls? */
static bool
is_of_statement(const ErrorData *error)
{
	return error->context != NULL && strncmp(error->context, "revision ", 9) == 0;
}

bool
viflo_fit_is_outside(const ErrorData *error, NodeTag statement)
{
	bool		is_block = statement == T_DoStmt || statement == T_CallStmt;

	switch (error->sqlerrcode)
	{
		case ERRCODE_INVALID_TRANSACTION_TERMINATION:
			return is_block;
		case ERRCODE_UNSAFE_NEW_ENUM_VALUE_USAGE:
			return is_of_statement(error) ||
				(is_block && error->funcname != NULL &&
				 strcmp(error->funcname, "check_safe_enum_use") == 0);
		case ERRCODE_ACTIVE_SQL_TRANSACTION:
			return is_of_statement(error) && statement != T_VariableSetStmt;
		default:
			return false;
	}
}
