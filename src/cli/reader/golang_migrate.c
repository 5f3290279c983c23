/*-------------------------------------------------------------------------
 * golang_migrate.c
 *	  golang-migrate: NUMBER_name.up.sql and NUMBER_name.down.sql.
 *
 * The number, an unsigned 64-bit one, orders them and pairs up with down; the
 * names of a pair may differ, and up's counts.  Nothing in the text means
 * anything.  A revision without down is fine, one without up is not.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <inttypes.h>
#include "cli/reader/reader.h"
#include "cli/output.h"
#include "common/script.h"

/* A file name taken apart. */
typedef struct Part
{
	VifloFile  *file;
	uint64		number;
	int			digits;			/* of the number, leading zeros included */
	int			length;			/* of NUMBER_name */
	bool		down;
} Part;

/*
 * Takes name apart.  False when it is not of this layout; *overflow when it
 * would be but for a number of more than 64 bits.
 */
static bool
read_name(const char *name, Part *part, bool *overflow)
{
	int			length = strlen(name);
	char	   *end;

	memset(part, 0, sizeof(*part));
	*overflow = false;
	if (viflo_has_suffix(name, ".up.sql"))
		part->length = length - 7;
	else if (viflo_has_suffix(name, ".down.sql"))
	{
		part->length = length - 9;
		part->down = true;
	}
	else
		return false;
	part->digits = strspn(name, "0123456789");
	if (part->digits == 0 || part->digits >= part->length || name[part->digits] != '_')
		return false;
	errno = 0;
	part->number = strtou64(name, &end, 10);
	*overflow = errno == ERANGE;
	return true;
}

static VifloClaim
golang_claims(const VifloFolder *folder, const VifloFile *file)
{
	Part		part;
	bool		overflow;

	return file->dir_length == 0 && read_name(file->name, &part, &overflow) ?
		VIFLO_CLAIM_NAME : VIFLO_CLAIM_NONE;
}

/* By number, and up before down. */
static int
compare_parts(const void *a, const void *b)
{
	const Part *left = a;
	const Part *right = b;

	if (left->number != right->number)
		return left->number < right->number ? -1 : 1;
	if (left->down != right->down)
		return left->down ? 1 : -1;
	return strcmp(left->file->name, right->file->name);
}

/* The parts of all files of this layout, in order.  -1 on failure. */
static int
read_names(const VifloFolder *folder, VifloHistory *history, Part **parts,
		   VifloFailure *failure)
{
	int			count = 0;

	*parts = palloc(sizeof(Part) * (folder->count + 1));
	for (int i = 0; i < folder->count; i++)
	{
		VifloFile  *file = &folder->files[i];
		Part	   *part = &(*parts)[count];
		bool		overflow;

		if (file->dir_length == 0 && read_name(file->name, part, &overflow))
		{
			part->file = file;
			count++;
			if (overflow)
			{
				viflo_failure_file(failure, viflo_folder_path(folder, file->name),
								   0, NULL, "version number is out of range");
				return -1;
			}
		}
		else if (file->wanted && file->dir_length == 0 &&
				 isdigit((unsigned char) file->name[0]))
			viflo_reader_warn(history, folder, file->name,
							  "ignored, as it ends in neither .up.sql nor .down.sql");
		else
			viflo_output_verbose("%s: not a migration, ignored",
								 viflo_folder_path(folder, file->name));
	}
	qsort(*parts, count, sizeof(Part), compare_parts);
	return count;
}

static bool
add_revision(const VifloFolder *folder, VifloHistory *history, const Part *up,
			 const Part *down, VifloFailure *failure)
{
	VifloRevision *revision = viflo_reader_add(history, up->file->name);

	revision->id = pnstrdup(up->file->name, up->length);
	revision->message = viflo_reader_message(revision->id + up->digits + 1);
	viflo_reader_last(history)->version = psprintf(UINT64_FORMAT, up->number);
	viflo_reader_last(history)->file = up->file;
	return viflo_reader_section(folder, up->file, history, &revision->up, failure) &&
		(down == NULL ||
		 viflo_reader_section(folder, down->file, history, &revision->down_section, failure));
}

static bool
golang_read(const VifloFolder *folder, VifloHistory *history,
			VifloFailure *failure)
{
	Part	   *parts;
	int			count = read_names(folder, history, &parts, failure);

	for (int i = 0; i < count; i++)
	{
		Part	   *up = &parts[i];
		Part	   *down = NULL;

		if (up->down)
			return viflo_failure_file(failure,
									  viflo_folder_path(folder, up->file->name), 0,
									  NULL, "down without an up of version " UINT64_FORMAT,
									  up->number);
		if (i + 1 < count && parts[i + 1].number == up->number && parts[i + 1].down)
			down = &parts[++i];
		if (i + 1 < count && parts[i + 1].number == up->number)
		{
			Part	   *twin = down && parts[i + 1].down ? down : up;

			return viflo_failure_file(failure,
									  viflo_folder_path(folder, parts[i + 1].file->name),
									  0, NULL, "second file of version " UINT64_FORMAT ", beside \"%s\"",
									  up->number, twin->file->name);
		}
		if (!add_revision(folder, history, up, down, failure))
			return false;
	}
	return count >= 0;
}

/*
 * The next number in the style of the last one: a UTC time of 14 digits, or
 * one more with as many digits, as "migrate create" does.
 */
static char *
next_number(const VifloHistory *history, time_t now)
{
	Part		last;
	bool		overflow;
	char		stamp[32];

	if (history->count == 0 ||
		!read_name(history->migrations[history->count - 1].source, &last, &overflow))
		return pstrdup("000001");
	if (last.digits != 14 || last.number < UINT64CONST(19700101000000))
		return psprintf("%0*" PRIu64, last.digits, last.number + 1);
	strftime(stamp, sizeof(stamp), "%Y%m%d%H%M%S", gmtime(&now));
	if (strtou64(stamp, NULL, 10) <= last.number)
		return psprintf(UINT64_FORMAT, last.number + 1);
	return pstrdup(stamp);
}

static bool
golang_create(const VifloHistory *history, const VifloNewRevision *wanted,
			  char **id, VifloNewFiles *files, VifloFailure *failure)
{
	StringInfoData name;

	initStringInfo(&name);
	appendStringInfo(&name, "%s_", next_number(history, wanted->time));
	viflo_script_slug(&name, wanted->message, 60);
	*id = name.data;
	appendStringInfoString(viflo_new_file(files, psprintf("%s.up.sql", name.data)),
						   wanted->up ? wanted->up : "");
	if (wanted->down != NULL || wanted->up == NULL)
		appendStringInfoString(viflo_new_file(files, psprintf("%s.down.sql", name.data)),
							   wanted->down ? wanted->down : "");
	return true;
}

const VifloReader viflo_reader_golang_migrate = {
	.name = "golang-migrate",
	.claims = golang_claims,
	.read = golang_read,
	.linear = true,
	.create = golang_create,
};
