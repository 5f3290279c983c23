/*-------------------------------------------------------------------------
 * plan_scale.c
 *	  How building and planning grow with the number of revisions.
 *
 * Prints milliseconds of processor time for 1,000, 10,000 and 100,000 revisions as a line, as
 * diamonds, and on two roots with dependencies between them, and what ten
 * times the revisions cost.  The best of several runs counts.  Build and run:
 *
 *	make -C test/unit bench
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <time.h>

#include "common/plan.h"

#define RUNS	8
#define NOOPS	1000

typedef enum Shape
{
	LINE,
	DIAMONDS,
	TWO_ROOTS,
	NSHAPES
} Shape;

static const char *const shape_names[] = {"line", "diamonds", "two roots"};

typedef enum Measure
{
	BUILD,
	UP,
	DOWN,
	RESOLVE,
	NOTHING,
	NMEASURES
}			Measure;

static const char *const measure_names[] = {
	"build", "plan heads", "plan base", "plan rNNN", "no-op (us)"
};

static double
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * 1e3 + ts.tv_nsec / 1e6;
}

static void
add(VifloNames *names, int n)
{
	if (n >= 0)
		viflo_names_add(names, psprintf("r%07d", n));
}

static VifloRevision *
make_shape(Shape shape, int n)
{
	VifloRevision *list = palloc0(sizeof(VifloRevision) * n);

	for (int i = 0; i < n; i++)
	{
		list[i].id = psprintf("r%07d", i);
		list[i].message = "";
		if (shape == LINE)
			add(&list[i].down, i - 1);
		else if (shape == TWO_ROOTS)
		{
			add(&list[i].down, i - 2);
			if (i % 2 == 1)
				add(&list[i].depends_on, i - 1);
		}
		else if (i % 3 == 0)
		{
			add(&list[i].down, i - 2);
			add(&list[i].down, i - 1);
		}
		else
			add(&list[i].down, i - i % 3);
	}
	return list;
}

static void
check(bool ok, const VifloError *error)
{
	if (!ok)
	{
		fprintf(stderr, "plan_scale: %s\n", error->message);
		exit(1);
	}
}

static double
plan_ms(const VifloGraph *graph, VifloState state, bool down, const char *target)
{
	VifloPlan	plan = {0};
	VifloError	error = {0};
	double		start = now_ms();
	double		elapsed;

	check(down ? viflo_plan_downgrade(graph, state, target, &plan, &error) :
		  viflo_plan_upgrade(graph, state, target, &plan, &error), &error);
	elapsed = now_ms() - start;
	if (plan.steps != NULL)
		pfree(plan.steps);
	return elapsed;
}

/* One upgrade with nothing to do. */
static double
noop_us(const VifloGraph *graph, VifloState state)
{
	double		start = now_ms();

	for (int i = 0; i < NOOPS; i++)
	{
		VifloPlan	plan = {0};
		VifloError	error = {0};

		check(viflo_plan_upgrade(graph, state, "heads", &plan, &error), &error);
	}
	return (now_ms() - start) * 1000 / NOOPS;
}

static void
measure(Shape shape, int n, double *best)
{
	VifloRevision *list = make_shape(shape, n);
	bool	   *all = palloc(n);
	VifloState	none = {NULL, true};
	VifloState	full = {all, true};
	char	   *middle = psprintf("r%07d", n / 2 + 1);

	memset(all, true, n);
	for (int m = 0; m < NMEASURES; m++)
		best[m] = 1e9;
	for (int run = 0; run < RUNS; run++)
	{
		VifloError	error = {0};
		double		start = now_ms();
		VifloGraph *graph = viflo_graph_build(list, n, &error);
		double		elapsed = now_ms() - start;

		check(graph != NULL, &error);
		best[BUILD] = Min(best[BUILD], elapsed);
		for (int i = 0; i < RUNS; i++)
		{
			best[UP] = Min(best[UP], plan_ms(graph, none, false, "heads"));
			best[DOWN] = Min(best[DOWN], plan_ms(graph, full, true, "base"));
			best[RESOLVE] = Min(best[RESOLVE], plan_ms(graph, none, false, middle));
		}
		best[NOTHING] = Min(best[NOTHING], noop_us(graph, full));
		viflo_graph_free(graph);
	}
}

int
main(void)
{
	static const int sizes[] = {1000, 10000, 100000};
	double		best[lengthof(sizes)][NMEASURES];

	printf("%-10s %-11s %9s %9s %9s %8s %8s\n", "", "ms", "1,000", "10,000",
		   "100,000", "x 10", "x 100");
	for (int shape = 0; shape < NSHAPES; shape++)
	{
		for (int i = 0; i < lengthof(sizes); i++)
			measure(shape, sizes[i], best[i]);
		for (int m = 0; m < NMEASURES; m++)
			printf("%-10s %-11s %9.4f %9.4f %9.4f %8.2f %8.2f\n",
				   shape_names[shape], measure_names[m], best[0][m], best[1][m],
				   best[2][m], best[2][m] / best[1][m], best[2][m] / best[0][m]);
	}
	return 0;
}
