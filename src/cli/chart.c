/*-------------------------------------------------------------------------
 * chart.c
 *	  A graph of revisions as other programs draw it: dot, Mermaid, SVG.
 *
 * Nodes are numbered in these documents, so that an id may hold any
 * character; it is part of the label, escaped as the language wants it.
 * Lines go from a revision to those it revises, or, dashed, depends on.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/chart.h"
#include "cli/lanes.h"
#include "mb/pg_wchar.h"

/* Characters of a message that a label has. */
#define LABEL_LENGTH	60

/* Of the SVG, in pixels; a character is about that wide. */
#define ROW_HEIGHT		26
#define COLUMN_WIDTH	18
#define MARGIN			20
#define RADIUS			5
#define CHARACTER_WIDTH 7.5

/*-------------------------------------------------------------------------
 * What is said of a revision
 *-------------------------------------------------------------------------
 */

static void
add_remark(StringInfo remarks, const char *remark)
{
	appendStringInfo(remarks, "%s%s", remarks->len > 0 ? ", " : "", remark);
}

char *
viflo_chart_remarks(const VifloView *view, int number)
{
	const VifloViewNode *state = &view->nodes[number];
	const VifloNode *node = &view->graph->nodes[number];
	StringInfoData remarks;

	initStringInfo(&remarks);
	if (state->current)
		add_remark(&remarks, "current");
	if (node->repeatable)
		add_remark(&remarks, "repeatable");
	else if (node->nchildren == 0)
		add_remark(&remarks, "head");
	for (int i = 0; i < view->revisions[number].labels.count; i++)
		add_remark(&remarks, view->revisions[number].labels.names[i]);
	for (int i = 0; i < node->ndepends; i++)
		add_remark(&remarks, psprintf("needs %s", view->revisions[node->depends[i]].id));
	if (state->late)
		add_remark(&remarks, "late");
	if (state->changed)
		add_remark(&remarks, "changed");
	if (!state->local && !state->loaded)
		add_remark(&remarks, "not there");
	else if (!state->local && view->folder)
		add_remark(&remarks, "no file");
	else if (!state->loaded && view->extension)
		add_remark(&remarks, "not loaded");
	return remarks.data;
}

/* A label of up to LABEL_LENGTH characters of text. */
static char *
cut(const char *text)
{
	int			length = strlen(text);
	int			at = 0;

	for (int i = 0; i < LABEL_LENGTH && at < length; i++)
		at += pg_utf_mblen((const unsigned char *) text + at);
	return at < length ? psprintf("%.*s...", at, text) : pstrdup(text);
}

/* Id, message and remarks, with between between them. */
static char *
label(const VifloView *view, int node, const char *between)
{
	const VifloRevision *revision = &view->revisions[node];
	char	   *remarks = viflo_chart_remarks(view, node);
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoString(&text, revision->id);
	if (revision->message[0] != '\0')
		appendStringInfo(&text, "%s%s", between, cut(revision->message));
	if (remarks[0] != '\0')
		appendStringInfo(&text, "%s(%s)", between, remarks);
	pfree(remarks);
	return text.data;
}

/*-------------------------------------------------------------------------
 * dot and Mermaid
 *-------------------------------------------------------------------------
 */

/* A string of dot, whose only escape of its own is the quote's. */
static void
append_dot(StringInfo out, const char *text)
{
	appendStringInfoChar(out, '"');
	for (const char *p = text; *p != '\0'; p++)
	{
		if (*p == '\n')
			appendStringInfoString(out, "\\n");
		else if ((unsigned char) *p < ' ')
			appendStringInfoChar(out, ' ');
		else
		{
			/* Labels have escapes that begin with a backslash. */
			if (*p == '"' || *p == '\\')
				appendStringInfoChar(out, '\\');
			appendStringInfoChar(out, *p);
		}
	}
	appendStringInfoChar(out, '"');
}

void
viflo_chart_dot(StringInfo out, const VifloView *view, const int *order)
{
	appendStringInfoString(out,
						   "digraph viflo {\n"
						   "\trankdir=TB;\n"
						   "\tnode [shape=box, style=\"rounded,filled\", fillcolor=white, fontname=\"sans-serif\"];\n");
	for (int i = 0; i < view->count; i++)
	{
		int			node = order[i];

		appendStringInfo(out, "\tr%d [label=", node);
		append_dot(out, label(view, node, "\n"));
		if (view->nodes[node].applied)
			appendStringInfoString(out, ", fillcolor=palegreen");
		if (view->nodes[node].current)
			appendStringInfoString(out, ", penwidth=2");
		appendStringInfoString(out, "];\n");
	}
	for (int i = 0; i < view->count; i++)
	{
		const VifloNode *node = &view->graph->nodes[order[i]];

		for (int p = 0; p < node->nparents; p++)
			appendStringInfo(out, "\tr%d -> r%d;\n", order[i], node->parents[p]);
		for (int d = 0; d < node->ndepends; d++)
			appendStringInfo(out, "\tr%d -> r%d [style=dashed];\n", order[i], node->depends[d]);
	}
	appendStringInfoString(out, "}\n");
}

/*
 * Mermaid's string, in which a character is written by its number between #
 * and ;.  Letters, digits, blanks and what is harmless stay.
 */
static void
append_mermaid(StringInfo out, const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
	{
		unsigned char c = *p;

		if (c < ' ' || c == 0x7f)
			appendStringInfoChar(out, ' ');
		else if (isalnum(c) || IS_HIGHBIT_SET(c) || strchr(" _-.,()+/!?:", c) != NULL)
			appendStringInfoChar(out, c);
		else
			appendStringInfo(out, "#%d;", c);
	}
}

void
viflo_chart_mermaid(StringInfo out, const VifloView *view, const int *order)
{
	appendStringInfoString(out, "flowchart TB\n");
	for (int i = 0; i < view->count; i++)
	{
		int			node = order[i];
		const char *class = view->nodes[node].current ? "current" :
		view->nodes[node].applied ? "applied" : "pending";

		appendStringInfo(out, "    r%d[\"", node);
		append_mermaid(out, label(view, node, " "));
		appendStringInfo(out, "\"]:::%s\n", class);
	}
	for (int i = 0; i < view->count; i++)
	{
		const VifloNode *node = &view->graph->nodes[order[i]];

		for (int p = 0; p < node->nparents; p++)
			appendStringInfo(out, "    r%d --> r%d\n", order[i], node->parents[p]);
		for (int d = 0; d < node->ndepends; d++)
			appendStringInfo(out, "    r%d -.-> r%d\n", order[i], node->depends[d]);
	}
	appendStringInfoString(out,
						   "    classDef applied fill:#d1f0d1,stroke:#2e7d32,color:#000\n"
						   "    classDef current fill:#d1f0d1,stroke:#2e7d32,color:#000,stroke-width:3px\n"
						   "    classDef pending fill:#fff,stroke:#888,color:#000\n");
}

/*-------------------------------------------------------------------------
 * SVG
 *-------------------------------------------------------------------------
 */

/* Text of XML; what it cannot hold at all becomes a blank. */
static void
append_xml(StringInfo out, const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
	{
		switch (*p)
		{
			case '&':
				appendStringInfoString(out, "&amp;");
				break;
			case '<':
				appendStringInfoString(out, "&lt;");
				break;
			case '>':
				appendStringInfoString(out, "&gt;");
				break;
			case '"':
				appendStringInfoString(out, "&quot;");
				break;
			default:
				if (strncmp(p, "\xEF\xBF\xBE", 3) == 0 || strncmp(p, "\xEF\xBF\xBF", 3) == 0)
				{
					appendStringInfoChar(out, ' ');
					p += 2;
				}
				else
					appendStringInfoChar(out, (unsigned char) *p < ' ' ? ' ' : *p);
		}
	}
}

static int
x_of(int column)
{
	return MARGIN + column * COLUMN_WIDTH;
}

static int
y_of(int row)
{
	return MARGIN + row * ROW_HEIGHT;
}

/* Down to the next row, a curve where the column changes. */
static void
append_step(StringInfo out, int from_column, int row, int to_column)
{
	int			middle = y_of(row) + ROW_HEIGHT / 2;

	if (from_column == to_column)
		appendStringInfo(out, " V%d", y_of(row + 1));
	else
		appendStringInfo(out, " C%d %d %d %d %d %d", x_of(from_column), middle,
						 x_of(to_column), middle, x_of(to_column), y_of(row + 1));
}

static void
append_line(StringInfo out, const VifloLine *line)
{
	int			first = line->from_row;
	int			last = line->to_row - 1;

	appendStringInfo(out, "<path d=\"M%d %d", x_of(line->from_column), y_of(first));
	if (first == last)
		append_step(out, line->from_column, first, line->to_column);
	else
	{
		append_step(out, line->from_column, first, line->column);
		if (last > first + 1)
			appendStringInfo(out, " V%d", y_of(last));
		append_step(out, line->column, last, line->to_column);
	}
	appendStringInfoString(out, "\"/>\n");
}

static void
append_node(StringInfo out, const VifloView *view, int node, int column, int row, int text_x)
{
	const VifloViewNode *state = &view->nodes[node];
	const char *class = state->current ? "current" : state->applied ? "applied" : "pending";
	char	   *remarks = viflo_chart_remarks(view, node);

	appendStringInfo(out, "<circle class=\"%s\" cx=\"%d\" cy=\"%d\" r=\"%d\"/>"
					 "<text x=\"%d\" y=\"%d\"><tspan class=\"id\">",
					 class, x_of(column), y_of(row), state->current ? RADIUS + 1 : RADIUS,
					 text_x, y_of(row) + RADIUS);
	append_xml(out, view->revisions[node].id);
	appendStringInfoString(out, "</tspan> ");
	append_xml(out, cut(view->revisions[node].message));
	if (remarks[0] != '\0')
	{
		appendStringInfoString(out, " <tspan class=\"note\">(");
		append_xml(out, remarks);
		appendStringInfoString(out, ")</tspan>");
	}
	appendStringInfoString(out, "</text>\n");
	pfree(remarks);
}

/* How wide the widest label is, roughly. */
static int
text_width(const VifloView *view)
{
	int			widest = 0;

	for (int i = 0; i < view->count; i++)
	{
		char	   *text = label(view, i, " ");
		int			length = strlen(text);
		int			width = 0;

		for (int at = 0; at < length; at += pg_utf_mblen((const unsigned char *) text + at))
			width += Max(pg_encoding_dsplen(PG_UTF8, text + at), 1);
		widest = Max(widest, width);
		pfree(text);
	}
	return (int) (widest * CHARACTER_WIDTH);
}

void
viflo_chart_svg(StringInfo out, const VifloView *view, const int *order)
{
	VifloLayout layout = viflo_lanes_layout(view->graph, order);
	int			text_x = x_of(layout.width) + RADIUS;
	int			width = text_x + text_width(view) + MARGIN;
	int			height = y_of(view->count) + RADIUS;

	appendStringInfo(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
					 "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n"
					 "<title>Revisions</title>\n"
					 "<style>\n"
					 "path {fill: none; stroke: #7a8794; stroke-width: 1.5}\n"
					 "circle {stroke: #2e7d32; stroke-width: 1.5; fill: #66bb6a}\n"
					 "circle.pending {stroke: #7a8794; fill: #fff}\n"
					 "circle.current {stroke: #1b5e20; stroke-width: 3}\n"
					 "text {font: 13px sans-serif; fill: #1f2933}\n"
					 ".id {font-family: monospace; font-weight: bold}\n"
					 ".note {fill: #8a4b08}\n"
					 "</style>\n"
					 "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
					 width, height, width, height);
	for (int i = 0; i < layout.count; i++)
		append_line(out, &layout.lines[i]);
	for (int row = 0; row < view->count; row++)
		append_node(out, view, order[row], layout.columns[row], row, text_x);
	appendStringInfoString(out, "</svg>\n");
}
