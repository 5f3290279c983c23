/*-------------------------------------------------------------------------
 * sourcegraph.c
 *	  Sourcegraph's own: NUMBER[_name]/up.sql, down.sql and metadata.yaml.
 *
 * metadata.yaml names the parents by number, so this is a graph; the name of
 * the directory is the id.  An index that is created concurrently is said to
 * be so, and runs outside of a transaction; what else the file says
 * (privileged, nonIdempotent) means nothing here.
 *
 * Rules: sourcegraph's internal/database/migration/definition/read.go.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <time.h>
#include <yaml.h>

#include "cli/reader/directories.h"
#include "cli/reader/numbered.h"
#include "common/script.h"

static const char *const file_names[VIFLO_DIRECTORY_FILES] = {
	"up.sql", "down.sql", "metadata.yaml"
};

/* What metadata.yaml says. */
typedef struct Metadata
{
	char	   *name;
	VifloNames	parents;		/* numbers, as text without leading zeros */
	VifloNames	lines;			/* the line of each */
	bool		concurrent;
} Metadata;

static bool
sourcegraph_wants(const char *name, int dir_length)
{
	const char *base = name + dir_length + 1;
	int			digits = strspn(name, "0123456789");

	if (dir_length == 0 || memchr(name, '/', dir_length) != NULL || digits == 0 ||
		(name[digits] != '_' && digits != dir_length))
		return false;
	for (int i = 0; i < VIFLO_DIRECTORY_FILES; i++)
	{
		if (strcmp(base, file_names[i]) == 0)
			return true;
	}
	return false;
}

static VifloClaim
sourcegraph_claims(const VifloFolder *folder, const VifloFile *file)
{
	if (!sourcegraph_wants(file->name, file->dir_length))
		return VIFLO_CLAIM_NONE;
	if (strcmp(viflo_file_base(file), "metadata.yaml") == 0)
		return VIFLO_CLAIM_SURE;
	return viflo_folder_find(folder, psprintf("%.*s/metadata.yaml", file->dir_length, file->name)) ?
		VIFLO_CLAIM_NAME : VIFLO_CLAIM_NONE;
}

/* A number as it is compared: without leading zeros. */
static char *
number_text(const char *text)
{
	int			zeros = strspn(text, "0");
	int			digits = strspn(text + zeros, "0123456789");

	return digits > 0 ? pnstrdup(text + zeros, digits) : pstrdup("0");
}

/* Adds a parent, which must be a number; 0 is none, as in Go. */
static bool
add_parent(const yaml_node_t *node, Metadata *metadata)
{
	const char *text = (const char *) node->data.scalar.value;

	if (node->type != YAML_SCALAR_NODE || text[0] == '\0' ||
		strspn(text, "0123456789") != strlen(text))
		return false;
	if (strspn(text, "0") == strlen(text))
		return true;
	viflo_names_add(&metadata->parents, number_text(text));
	viflo_names_add(&metadata->lines, psprintf("%d", (int) node->start_mark.line + 1));
	return true;
}

/* Is there no value, or one that YAML has for none? */
static bool
is_null(const yaml_node_t *node)
{
	static const char *const words[] = {"", "~", "null", "Null", "NULL"};
	bool		null = false;

	if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (int i = 0; i < lengthof(words); i++)
		null |= strcmp((const char *) node->data.scalar.value, words[i]) == 0;
	return null;
}

/* Takes one key and its value. */
static bool
take_key(yaml_document_t *document, const yaml_node_t *key, const yaml_node_t *value,
		 Metadata *metadata)
{
	const char *name = (const char *) key->data.scalar.value;
	const char *text = (const char *) value->data.scalar.value;

	if (key->type != YAML_SCALAR_NODE)
		return false;
	if (is_null(value))
		return true;
	if (strcmp(name, "name") == 0)
	{
		if (value->type == YAML_SCALAR_NODE)
			metadata->name = pstrdup(text);
		return value->type == YAML_SCALAR_NODE;
	}
	if (strcmp(name, "parent") == 0)
		return add_parent(value, metadata);
	if (strcmp(name, "createIndexConcurrently") == 0)
	{
		metadata->concurrent = value->type == YAML_SCALAR_NODE && strcmp(text, "true") == 0;
		return value->type == YAML_SCALAR_NODE &&
			(metadata->concurrent || strcmp(text, "false") == 0);
	}
	if (strcmp(name, "parents") != 0)
		return true;
	if (value->type != YAML_SEQUENCE_NODE)
		return false;
	for (yaml_node_item_t *item = value->data.sequence.items.start;
		 item < value->data.sequence.items.top; item++)
	{
		if (!add_parent(yaml_document_get_node(document, *item), metadata))
			return false;
	}
	return true;
}

/* The document's root must be a mapping; an empty one says nothing. */
static bool
take_document(yaml_document_t *document, const char *path, Metadata *metadata,
			  VifloFailure *failure)
{
	yaml_node_t *root = yaml_document_get_root_node(document);

	if (root == NULL)
		return true;
	if (root->type != YAML_MAPPING_NODE)
		return viflo_failure_file(failure, path, root->start_mark.line + 1, NULL,
								  "metadata is not a list of keys");
	for (yaml_node_pair_t *pair = root->data.mapping.pairs.start;
		 pair < root->data.mapping.pairs.top; pair++)
	{
		const yaml_node_t *key = yaml_document_get_node(document, pair->key);

		if (!take_key(document, key, yaml_document_get_node(document, pair->value), metadata))
			return viflo_failure_file(failure, path, key->start_mark.line + 1, NULL,
									  "value of this key cannot be read");
	}
	return true;
}

static bool
read_metadata(const VifloFolder *folder, const VifloFile *file, Metadata *metadata,
			  VifloFailure *failure)
{
	char	   *path = viflo_folder_path(folder, file->name);
	yaml_parser_t parser;
	yaml_document_t document;
	bool		good;

	memset(metadata, 0, sizeof(*metadata));
	if (!viflo_folder_check_text(folder, file, failure))
		return false;
	if (!yaml_parser_initialize(&parser))
		return viflo_failure(failure, VIFLO_EXIT_REFUSED, "out of memory");
	yaml_parser_set_input_string(&parser, (const unsigned char *) file->text, file->length);
	if (!yaml_parser_load(&parser, &document))
		good = viflo_failure_file(failure, path, parser.problem_mark.line + 1, NULL,
								  "metadata is not YAML: %s", parser.problem);
	else
	{
		good = take_document(&document, path, metadata, failure);
		yaml_document_delete(&document);
	}
	yaml_parser_delete(&parser);
	return good;
}

/* A directory and its number, as text. */
typedef struct Numbered
{
	const VifloDirectory *directory;
	char	   *number;
} Numbered;

static int
compare_numbered(const void *a, const void *b)
{
	return strcmp(((const Numbered *) a)->number, ((const Numbered *) b)->number);
}

static bool
add_revision(const VifloFolder *folder, VifloHistory *history,
			 const Numbered *all, int count, const Numbered *numbered,
			 VifloFailure *failure)
{
	const VifloDirectory *directory = numbered->directory;
	const VifloFile *file = directory->files[2];
	VifloRevision *revision;
	Metadata	metadata;

	if (file == NULL)
		return viflo_failure_file(failure, viflo_folder_path(folder, directory->name), 0, NULL,
								  "migration has no \"%s\"", file_names[2]);
	if (!read_metadata(folder, file, &metadata, failure) ||
		!viflo_directory_add(folder, history, directory, directory->files[0], file_names[0],
							 directory->files[1], failure))
		return false;
	revision = &history->revisions[history->count - 1];
	viflo_reader_last(history)->version = numbered->number;
	if (metadata.name != NULL && metadata.name[0] != '\0')
		revision->message = metadata.name;
	if (metadata.concurrent)
		revision->transaction = VIFLO_TRANSACTION_OFF;
	for (int i = 0; i < metadata.parents.count; i++)
	{
		Numbered	key = {.number = metadata.parents.names[i]};
		const Numbered *parent = bsearch(&key, all, count, sizeof(Numbered), compare_numbered);

		if (parent == NULL)
			return viflo_failure_file(failure, viflo_folder_path(folder, file->name),
									  atoi(metadata.lines.names[i]), NULL,
									  "parent %s is not in the folder", metadata.parents.names[i]);
		if (!viflo_names_contain(&revision->down, parent->directory->name))
			viflo_names_add(&revision->down, parent->directory->name);
	}
	return true;
}

static bool
sourcegraph_read(const VifloFolder *folder, VifloHistory *history, VifloFailure *failure)
{
	VifloDirectory *directories;
	int			count = viflo_directories_find(folder, history, history->reader, file_names,
											   &directories);

	Numbered   *all = palloc(sizeof(Numbered) * (count + 1));

	for (int i = 0; i < count; i++)
	{
		all[i].directory = &directories[i];
		all[i].number = number_text(directories[i].name);
	}
	qsort(all, count, sizeof(Numbered), compare_numbered);
	for (int i = 1; i < count; i++)
	{
		if (strcmp(all[i].number, all[i - 1].number) == 0)
			return viflo_failure_file(failure,
									  viflo_folder_path(folder, all[i].directory->name), 0, NULL,
									  "second folder of version %s, beside \"%s\"",
									  all[i].number, all[i - 1].directory->name);
	}
	for (int i = 0; i < count; i++)
	{
		if (!add_revision(folder, history, all, count, &all[i], failure))
			return false;
	}
	return true;
}

/* As "sg migration add" makes it: numbered by the second. */
static bool
sourcegraph_create(const VifloHistory *history, const VifloNewRevision *wanted,
				   char **id, VifloNewFiles *files, VifloFailure *failure)
{
	const VifloRevision *native = wanted->native;
	uint64		number = wanted->time;
	StringInfoData name;
	StringInfo	metadata;

	if (native != NULL && (native->depends_on.count > 0 || native->labels.count > 0))
		return viflo_failure(failure, VIFLO_EXIT_USAGE,
							 "this layout has neither dependencies nor branch labels");
	for (int i = 0; i < history->count; i++)
		number = Max(number, strtou64(history->revisions[i].id, NULL, 10) + 1);
	initStringInfo(&name);
	appendStringInfo(&name, UINT64_FORMAT "_", number);
	viflo_script_slug(&name, wanted->message, 60);
	*id = name.data;
	viflo_numbered_empty_down(wanted, *id, "sourcegraph");
	metadata = viflo_new_file(files, psprintf("%s/%s", name.data, file_names[2]));
	appendStringInfoString(metadata, "name: '");
	for (const char *p = wanted->message; *p != '\0'; p++)
	{
		if (*p == '\'')
			appendStringInfoChar(metadata, '\'');
		appendStringInfoChar(metadata, *p == '\n' || *p == '\r' ? ' ' : *p);
	}
	appendStringInfoString(metadata, "'\nparents: [");
	for (int i = 0; native != NULL && i < native->down.count; i++)
		appendStringInfo(metadata, "%s%s", i > 0 ? ", " : "", number_text(native->down.names[i]));
	if (native == NULL && history->count > 0)
		appendStringInfoString(metadata, number_text(history->revisions[history->count - 1].id));
	appendStringInfoString(metadata, "]\n");
	if (wanted->no_transaction)
		appendStringInfoString(metadata, "createIndexConcurrently: true\n");
	appendStringInfoString(viflo_new_file(files, psprintf("%s/%s", name.data, file_names[0])),
						   wanted->up ? wanted->up : "");
	appendStringInfoString(viflo_new_file(files, psprintf("%s/%s", name.data, file_names[1])),
						   wanted->down ? wanted->down : "");
	return true;
}

const VifloReader viflo_reader_sourcegraph = {
	.name = "sourcegraph",
	.wants = sourcegraph_wants,
	.claims = sourcegraph_claims,
	.read = sourcegraph_read,
	.linear = false,
	.create = sourcegraph_create,
	.keeps_no_transaction = true,
};
