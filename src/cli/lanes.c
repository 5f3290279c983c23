/*-------------------------------------------------------------------------
 * lanes.c
 *	  Where the revisions and lines of a graph go when it is drawn.
 *
 * In characters, lane i stands at character 2i, and no two lanes ever wait
 * for the same revision for longer than one row: what a merge brings is put
 * right of it, moving the others to the right, and a second lane for a
 * revision goes over to the first one, over those between, after which the
 * others move back.  So there are no gaps, and the drawing is as wide as the
 * graph is at that place:
 *
 *		*    merge			* lane 2 goes to lane 0
 *		|\					| |_|/
 *		| *					|/| |
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/lanes.h"
#include "lib/stringinfo.h"

/*-------------------------------------------------------------------------
 * The order
 *-------------------------------------------------------------------------
 */

/* How many must stand above the node. */
static int
above(const VifloNode *node)
{
	return node->nchildren + node->ndependents;
}

/* One that stood above node is placed; when it was the last, node is next. */
static void
release(int node, int *waits, int *stack, int *depth)
{
	if (--waits[node] == 0)
		stack[(*depth)++] = node;
}

int *
viflo_lanes_order(const VifloGraph *graph)
{
	int		   *order = palloc(sizeof(int) * (graph->count + 1));
	int		   *waits = palloc(sizeof(int) * (graph->count + 1));
	int		   *stack = palloc(sizeof(int) * (graph->count + 1));
	int			depth = 0;
	int			count = 0;

	/* The newest of those that nothing stands above ends on top. */
	for (int i = 0; i < graph->count; i++)
	{
		int			node = graph->order[i];

		waits[node] = above(&graph->nodes[node]);
		if (waits[node] == 0)
			stack[depth++] = node;
	}
	while (depth > 0)
	{
		const VifloNode *node = &graph->nodes[stack[--depth]];

		order[count++] = node - graph->nodes;
		for (int i = 0; i < node->ndepends; i++)
			release(node->depends[i], waits, stack, &depth);
		for (int i = 0; i < node->nparents; i++)
			release(node->parents[i], waits, stack, &depth);
	}
	Assert(count == graph->count);
	pfree(waits);
	pfree(stack);
	return order;
}

/*-------------------------------------------------------------------------
 * In characters
 *-------------------------------------------------------------------------
 */

typedef struct Drawing
{
	int			count;
	int			allocated;
	int		   *lanes;			/* the node that each waits for */
	StringInfoData row;
	VifloLaneFunction fn;
	void	   *arg;
} Drawing;

static void
put(StringInfo row, int at, char c)
{
	while (row->len <= at)
		appendStringInfoChar(row, ' ');
	row->data[at] = c;
}

static void
emit(Drawing *drawing, int node)
{
	StringInfo	row = &drawing->row;

	while (row->len > 0 && row->data[row->len - 1] == ' ')
		row->data[--row->len] = '\0';
	drawing->fn(node, row->data, drawing->arg);
	resetStringInfo(row);
}

/* Lanes first .. last - 1 go straight on. */
static void
put_straight(Drawing *drawing, int first, int last)
{
	for (int i = first; i < last; i++)
		put(&drawing->row, 2 * i, '|');
}

static int
find_lane(const Drawing *drawing, int node, int from)
{
	for (int i = from; i < drawing->count; i++)
	{
		if (drawing->lanes[i] == node)
			return i;
	}
	return -1;
}

static void
insert_lane(Drawing *drawing, int at, int node)
{
	if (drawing->count >= drawing->allocated)
	{
		drawing->allocated *= 2;
		drawing->lanes = repalloc(drawing->lanes, sizeof(int) * drawing->allocated);
	}
	memmove(&drawing->lanes[at + 1], &drawing->lanes[at],
			sizeof(int) * (drawing->count - at));
	drawing->lanes[at] = node;
	drawing->count++;
}

static void
remove_lane(Drawing *drawing, int at)
{
	drawing->count--;
	memmove(&drawing->lanes[at], &drawing->lanes[at + 1],
			sizeof(int) * (drawing->count - at));
}

/* Lanes right of lane move one to the left; those before are drawn already. */
static void
put_moving_left(Drawing *drawing, int lane)
{
	for (int i = lane + 1; i < drawing->count; i++)
		put(&drawing->row, 2 * i - 1, '/');
}

/*
 * A base has no lane any more.  What comes below it, if anything does, shall
 * not look like what it revises.
 */
static void
end_lane(Drawing *drawing, int lane, bool more)
{
	put_straight(drawing, 0, lane);
	put_moving_left(drawing, lane);
	if (more)
		emit(drawing, -1);
	remove_lane(drawing, lane);
}

/* Another parent of what stands in lane gets one to the right of it. */
static void
fork_lane(Drawing *drawing, int lane, int parent)
{
	put_straight(drawing, 0, lane + 1);
	for (int i = lane; i < drawing->count; i++)
		put(&drawing->row, 2 * i + 1, '\\');
	emit(drawing, -1);
	insert_lane(drawing, lane + 1, parent);
}

/* Lane from, which is right of lane to, goes over to it. */
static void
join_lane(Drawing *drawing, int to, int from)
{
	put_straight(drawing, 0, from);
	put(&drawing->row, 2 * from - 1, '/');
	for (int i = to + 1; i < from - 1; i++)
		put(&drawing->row, 2 * i + 1, '_');
	put_moving_left(drawing, from);
	emit(drawing, -1);
	remove_lane(drawing, from);
	if (from == to + 1)
		return;
	put_straight(drawing, 0, drawing->count);
	put(&drawing->row, 2 * to + 1, '/');
	emit(drawing, -1);
}

/* Joins what waits for node, of which there may be two lanes. */
static void
join_same(Drawing *drawing, int node)
{
	int			first = find_lane(drawing, node, 0);
	int			second = find_lane(drawing, node, first + 1);

	if (second >= 0)
		join_lane(drawing, first, second);
}

void
viflo_lanes_draw(const VifloGraph *graph, const int *order, const char *marks,
				 VifloLaneFunction fn, void *arg)
{
	Drawing		drawing = {.allocated = 16,.fn = fn,.arg = arg};

	drawing.lanes = palloc(sizeof(int) * drawing.allocated);
	initStringInfo(&drawing.row);
	for (int i = 0; i < graph->count; i++)
	{
		const VifloNode *node = &graph->nodes[order[i]];
		int			lane = find_lane(&drawing, order[i], 0);

		if (lane < 0)
		{
			lane = drawing.count;
			insert_lane(&drawing, lane, order[i]);
		}
		put_straight(&drawing, 0, drawing.count);
		put(&drawing.row, 2 * lane, marks[order[i]]);
		emit(&drawing, order[i]);
		if (node->nparents == 0)
		{
			end_lane(&drawing, lane, i < graph->count - 1);
			continue;
		}
		drawing.lanes[lane] = node->parents[0];
		for (int p = node->nparents - 1; p > 0; p--)
			fork_lane(&drawing, lane, node->parents[p]);
		for (int p = 0; p < node->nparents; p++)
			join_same(&drawing, node->parents[p]);
	}
	pfree(drawing.lanes);
	pfree(drawing.row.data);
}

/*-------------------------------------------------------------------------
 * With curves
 *-------------------------------------------------------------------------
 */

/* A column; node -1: free. */
typedef struct Slot
{
	int			node;
	int			from_row;
	int			from_column;
} Slot;

typedef struct Slots
{
	VifloLayout layout;
	int			allocated;
	int			count;
	Slot	   *slots;
} Slots;

/* A line from where from says, in column, to the end. */
static void
add_line(Slots *slots, const Slot *from, int column, int to_row, int to_column)
{
	VifloLayout *layout = &slots->layout;
	VifloLine  *line;

	if (layout->count >= slots->allocated)
	{
		slots->allocated *= 2;
		layout->lines = repalloc(layout->lines, sizeof(VifloLine) * slots->allocated);
	}
	line = &layout->lines[layout->count++];
	line->from_row = from->from_row;
	line->from_column = from->from_column;
	line->column = column;
	line->to_row = to_row;
	line->to_column = to_column;
}

/* The first slot that waits for node, or is free (node -1); or -1. */
static int
find_slot(const Slots *slots, int node)
{
	for (int i = 0; i < slots->count; i++)
	{
		if (slots->slots[i].node == node)
			return i;
	}
	return -1;
}

static int
free_slot(Slots *slots)
{
	int			slot = find_slot(slots, -1);

	if (slot >= 0)
		return slot;
	slots->slots = slots->slots == NULL ? palloc(sizeof(Slot)) :
		repalloc(slots->slots, sizeof(Slot) * (slots->count + 1));
	slots->slots[slots->count].node = -1;
	return slots->count++;
}

/* What waits for node ends in row; the column of it. */
static int
end_slots(Slots *slots, int node, int row)
{
	int			column = find_slot(slots, node);

	if (column < 0)
		return free_slot(slots);
	for (int i = column; i < slots->count; i++)
	{
		Slot	   *slot = &slots->slots[i];

		if (slot->node != node)
			continue;
		add_line(slots, slot, i, row, column);
		slot->node = -1;
	}
	return column;
}

/* A line from the node at row and column to a parent, which stands below. */
static void
begin_line(Slots *slots, int parent, int row, int column)
{
	Slot		from = {parent, row, column};
	int			slot = find_slot(slots, parent);

	if (slot >= 0)
		add_line(slots, &from, slot, row + 1, slot);
	else
	{
		slot = slots->slots[column].node < 0 ? column : free_slot(slots);
		slots->slots[slot] = from;
	}
}

VifloLayout
viflo_lanes_layout(const VifloGraph *graph, const int *order)
{
	Slots		slots = {.allocated = 64};

	slots.layout.columns = palloc(sizeof(int) * (graph->count + 1));
	slots.layout.lines = palloc(sizeof(VifloLine) * slots.allocated);
	for (int row = 0; row < graph->count; row++)
	{
		const VifloNode *node = &graph->nodes[order[row]];
		int			column = end_slots(&slots, order[row], row);

		slots.layout.columns[row] = column;
		for (int p = 0; p < node->nparents; p++)
			begin_line(&slots, node->parents[p], row, column);
	}
	slots.layout.width = slots.count;
	return slots.layout;
}
