/*-------------------------------------------------------------------------
 * graph.c
 *	  viflo graph: the revisions of folder and database, drawn.
 *
 * A folder is enough, and so is a database.  Where neither the user nor a
 * file of his names a database, one that cannot be reached is no trouble.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <langinfo.h>
#include <locale.h>
#include <unistd.h>

#include "cli/chart.h"
#include "cli/command/command.h"
#include "cli/lanes.h"
#include "cli/output.h"

static const char *const formats[] = {"dot", "mermaid", "svg", NULL};

typedef struct Drawing
{
	const VifloView *view;
	bool		unicode;
} Drawing;

/* May characters of lines and dots be used? */
static bool
wants_unicode(void)
{
	locale_t	locale;
	bool		utf8;

	if (!isatty(fileno(stdout)))
		return false;
	locale = newlocale(LC_CTYPE_MASK, "", (locale_t) 0);
	if (locale == (locale_t) 0)
		return false;
	utf8 = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
	freelocale(locale);
	return utf8;
}

/* A row of lanes in line-drawing characters; palloc'd. */
static char *
decorate(const char *row)
{
	StringInfoData text;

	initStringInfo(&text);
	for (const char *p = row; *p != '\0'; p++)
	{
		switch (*p)
		{
			case '|':
				appendStringInfoString(&text, "\342\224\202");
				break;
			case '/':
				appendStringInfoString(&text, "\342\225\261");
				break;
			case '\\':
				appendStringInfoString(&text, "\342\225\262");
				break;
			case '*':
				appendStringInfoString(&text, "\342\227\217");
				break;
			case 'o':
				appendStringInfoString(&text, "\342\227\213");
				break;
			default:
				appendStringInfoChar(&text, *p);
		}
	}
	return text.data;
}

static void
print_row(int node, const char *row, void *arg)
{
	const Drawing *drawing = arg;
	char	   *lanes = drawing->unicode ? decorate(row) : pstrdup(row);
	const char *cells[4] = {lanes};
	char	   *remarks;

	if (node < 0)
		viflo_output_line("%s", lanes);
	else
	{
		remarks = viflo_chart_remarks(drawing->view, node);
		cells[1] = drawing->view->revisions[node].id;
		cells[2] = drawing->view->revisions[node].message;
		cells[3] = remarks[0] != '\0' ? psprintf("(%s)", remarks) : NULL;
		viflo_output_table(cells, 1, 4);
		pfree(remarks);
	}
	pfree(lanes);
}

/* For people: "*" is applied, "o" is not. */
static void
print_lanes(const VifloView *view, const int *order)
{
	Drawing		drawing = {view, wants_unicode()};
	char	   *marks = palloc(view->count + 1);

	for (int i = 0; i < view->count; i++)
		marks[i] = view->nodes[i].applied ? '*' : 'o';
	viflo_lanes_draw(view->graph, order, marks, print_row, &drawing);
	pfree(marks);
}

static json_t *
names_document(const VifloNames *names)
{
	json_t	   *array = json_array();

	for (int i = 0; i < names->count; i++)
		json_array_append_new(array, viflo_output_json_string(names->names[i]));
	return array;
}

/* What no database was asked for is null. */
static json_t *
known(const VifloView *view, bool value)
{
	return view->connected ? json_boolean(value) : json_null();
}

static void
print_document(const VifloView *view, const int *order)
{
	json_t	   *array = json_array();

	for (int i = 0; i < view->count; i++)
	{
		const VifloRevision *revision = &view->revisions[order[i]];
		const VifloViewNode *node = &view->nodes[order[i]];

		json_array_append_new(array, json_pack("{s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:b}",
											   "revision", viflo_output_json_string(revision->id),
											   "message", viflo_output_json_string(revision->message),
											   "down_revision", names_document(&revision->down),
											   "depends_on", names_document(&revision->depends_on),
											   "branch_labels", names_document(&revision->labels),
											   "is_head", view->graph->nodes[order[i]].nchildren == 0,
											   "is_current", known(view, node->current),
											   "applied", known(view, node->applied),
											   "loaded", known(view, node->loaded),
											   "late", known(view, node->late),
											   "changed", known(view, node->changed),
											   "in_folder", node->local));
	}
	viflo_output_json(array);
}

static void
print_chart(const VifloView *view, const int *order, const char *format)
{
	StringInfoData text;

	initStringInfo(&text);
	if (strcmp(format, "dot") == 0)
		viflo_chart_dot(&text, view, order);
	else if (strcmp(format, "mermaid") == 0)
		viflo_chart_mermaid(&text, view, order);
	else
		viflo_chart_svg(&text, view, order);
	viflo_output_text(text.data);
	pfree(text.data);
}

/* The folder alone will do, unless a database was asked for. */
static bool
can_do_without(const VifloSettings *settings, const VifloView *view,
			   const VifloFailure *failure)
{
	if (failure->status != VIFLO_EXIT_CONNECTION || settings->url_by_option ||
		view->local.folder.path == NULL)
		return false;
	if (settings->url != NULL)
		viflo_output_warning("cannot connect, so nothing is marked as applied: %s",
							 failure->message);
	else
		viflo_output_verbose("cannot connect, so nothing is marked as applied: %s",
							 failure->message);
	return true;
}

static int
graph_run(VifloRequest *request)
{
	VifloView	view;
	VifloFailure failure;
	const char *format = request->settings.format;
	int		   *order;

	if (!viflo_view_open(&view, &request->settings, &failure) &&
		!can_do_without(&request->settings, &view, &failure))
		return viflo_output_failure(&failure);
	if (!viflo_view_read(&view, NULL, 0, NULL, &failure))
		return viflo_output_failure(&failure);
	order = viflo_lanes_order(view.graph);
	if (viflo_output_is_json())
		print_document(&view, order);
	else if (format == NULL || strcmp(format, "human") == 0)
		print_lanes(&view, order);
	else
		print_chart(&view, order, format);
	if (view.connected)
		viflo_database_close(&view.database);
	return VIFLO_EXIT_DONE;
}

const VifloCommand viflo_command_graph = {
	.name = "graph",
	.options = "",
	.arguments = "",
	.summary = "draw the revisions of folder and database",
	.help =
	"Draws the revisions, newest first, with a line to each that one revises: * is\n"
	"applied, o is not.  Files that are not registered yet are drawn, too.  A folder\n"
	"is enough, and so is a database.\n"
	"\n"
	"  --format FORMAT       human, json, dot (of Graphviz), mermaid, or svg\n"
	"\n"
	"Example:\n"
	"  viflo graph\n"
	"  viflo graph --format svg > revisions.svg\n",
	.formats = formats,
	.run = graph_run
};
