/*-------------------------------------------------------------------------
 * about.c
 *	  viflo version, viflo help.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/command/command.h"
#include "cli/output.h"

static int
version_run(VifloRequest *request)
{
	viflo_output_line("viflo %s", VIFLO_VERSION);
	viflo_output_json(json_pack("{s:s}", "version", VIFLO_VERSION));
	return VIFLO_EXIT_DONE;
}

/* The same help as a document: the commands, or one of them. */
static json_t *
help_document(const VifloCommand *command)
{
	json_t	   *array;

	if (command != NULL)
		return json_pack("{s:s, s:s, s:s, s:s}", "command", command->name,
						 "arguments", command->arguments,
						 "summary", command->summary, "help", command->help);
	array = json_array();
	for (int i = 0; viflo_commands[i] != NULL; i++)
	{
		if (!viflo_commands[i]->hidden)
			json_array_append_new(array, help_document(viflo_commands[i]));
	}
	return array;
}

static int
help_run(VifloRequest *request)
{
	const VifloCommand *command = NULL;
	VifloFailure failure;

	if (request->nargs > 0)
	{
		command = viflo_command_find(request->args[0]);
		if (command == NULL)
		{
			viflo_failure(&failure, VIFLO_EXIT_USAGE, "unknown command \"%s\"",
						  request->args[0]);
			viflo_failure_hint(&failure, "\"viflo help\" lists the commands.");
			return viflo_output_failure(&failure);
		}
	}
	if (viflo_output_is_json())
		viflo_output_json(help_document(command));
	else
		viflo_command_usage(stdout, command);
	return VIFLO_EXIT_DONE;
}

const VifloCommand viflo_command_version = {
	.name = "version",
	.options = "",
	.arguments = "",
	.summary = "print the version of this program",
	.help =
	"Prints the version of this program.\n"
	"\n"
	"Example:\n"
	"  viflo version\n",
	.no_settings = true,
	.run = version_run
};

const VifloCommand viflo_command_help = {
	.name = "help",
	.options = "",
	.max_args = 1,
	.arguments = "[COMMAND]",
	.summary = "print help, overall or on a command",
	.help =
	"Prints the list of commands, or how to use COMMAND.\n"
	"\n"
	"Example:\n"
	"  viflo help upgrade\n",
	.no_settings = true,
	.run = help_run
};
