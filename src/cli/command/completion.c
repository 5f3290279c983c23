/*-------------------------------------------------------------------------
 * completion.c
 *	  viflo completion: a script for a shell; viflo complete: its answers.
 *
 * The scripts know nothing: whenever TAB is pressed, they hand the words of
 * the line to "viflo complete", which answers from the tables of commands and
 * options of the very program that is installed, from viflo.conf, and from
 * the folder.  No answer leaves it to the shell, which offers files.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "getopt_long.h"

#include "cli/command/command.h"
#include "cli/output.h"

/* What the value of an option is; of the others nothing is known. */
static const struct
{
	const char *option;
	const char *kind;			/* as the arguments of commands say it */
}			option_kinds[] = {
	{"database", "DATABASE"},
	{"format", "FORMAT"},
	{"layout", "LAYOUT"},
	{"late", "refuse|apply|list"},
	{"placeholders", "dollar|psql|none"},
	{"head", "REV"},
	{"depends-on", "REV"},
	{"range", "RANGE"}
};

/* What was found out from the words before the one to complete. */
typedef struct Line
{
	VifloSettings settings;
	const VifloCommand *command;
	const struct option *option;	/* whose value the last word is, or NULL */
	const char *word;			/* to complete */
	bool		only_words;		/* after "--" */
	int			nargs;			/* arguments of the command before it */
} Line;

/*-------------------------------------------------------------------------
 * Reading the line
 *-------------------------------------------------------------------------
 */

/* The option that word names, "--name" or "-n", or NULL. */
static const struct option *
find_option(const char *word)
{
	const struct option *options = viflo_command_options();
	int			length = strcspn(word, "=");

	for (int i = 0; options[i].name != NULL; i++)
	{
		if (strncmp(word, "--", 2) == 0 ?
			strlen(options[i].name) == length - 2 && strncmp(options[i].name, word + 2, length - 2) == 0 :
			options[i].val == word[1] && word[2] == '\0')
			return &options[i];
	}
	return NULL;
}

/* What is said about folder and database holds for the answer, too. */
static void
take_value(Line *line, const struct option *option, const char *value)
{
	char	   *copy = pstrdup(value);

	if (strcmp(option->name, "dir") == 0)
		line->settings.dir = copy;
	else if (strcmp(option->name, "layout") == 0)
		line->settings.layout = copy;
	else if (strcmp(option->name, "config") == 0)
		line->settings.config_file = copy;
	else if (strcmp(option->name, "database") == 0)
		line->settings.database = copy;
}

static void
take_word(Line *line, const char *word)
{
	const struct option *option = NULL;

	if (line->option != NULL)
	{
		take_value(line, line->option, word);
		line->option = NULL;
		return;
	}
	if (!line->only_words && strcmp(word, "--") == 0)
		line->only_words = true;
	else if (!line->only_words && word[0] == '-' && word[1] != '\0')
	{
		const char *value = strchr(word, '=');

		option = find_option(word);
		if (option == NULL || (option->has_arg != required_argument && value == NULL))
			return;
		if (value != NULL)
			take_value(line, option, value + 1);
		else
			line->option = option;
	}
	else if (line->command == NULL)
		line->command = viflo_command_find(word);
	else
		line->nargs++;
}

/*-------------------------------------------------------------------------
 * Answering
 *-------------------------------------------------------------------------
 */

/* One answer, if it goes on from what is typed. */
static void
offer(const Line *line, const char *answer)
{
	if (strncmp(answer, line->word, strlen(line->word)) == 0)
		viflo_output_line("%s", answer);
}

static void
offer_all(const Line *line, const char *const *answers)
{
	for (int i = 0; answers != NULL && answers[i] != NULL; i++)
		offer(line, answers[i]);
}

static void
offer_commands(const Line *line)
{
	for (int i = 0; viflo_commands[i] != NULL; i++)
	{
		if (!viflo_commands[i]->hidden)
			offer(line, viflo_commands[i]->name);
	}
}

/* Does any command claim the option for its own? */
static bool
is_common(const struct option *option)
{
	for (int i = 0; viflo_commands[i] != NULL; i++)
	{
		if (option->val < 256 && strchr(viflo_commands[i]->options, option->val) != NULL)
			return false;
	}
	return true;
}

static void
offer_options(const Line *line)
{
	const struct option *options = viflo_command_options();

	for (int i = 0; options[i].name != NULL; i++)
	{
		if (is_common(&options[i]) ||
			(line->command != NULL && options[i].val < 256 &&
			 strchr(line->command->options, options[i].val) != NULL))
			offer(line, psprintf("--%s", options[i].name));
	}
}

/* The names of what lies in the folder, as long as that is readable. */
static void
offer_targets(Line *line)
{
	static const char *const words[] = {"head", "heads", "base", NULL};
	VifloLocal	local;
	VifloFailure failure;

	offer_all(line, words);
	if (!line->settings.dir_exists ||
		!viflo_local_open(&local, &line->settings, &failure) ||
		!viflo_local_digests(&local, &failure))
		return;
	for (int i = 0; i < local.digests.count; i++)
		offer(line, local.digests.ids[i]);
	for (int i = 0; local.has_history && i < local.history.count; i++)
	{
		const VifloNames *labels = &local.history.revisions[i].labels;

		for (int l = 0; l < labels->count; l++)
			offer(line, labels->names[l]);
	}
}

static void
offer_layouts(const Line *line)
{
	for (int i = 0; viflo_readers[i] != NULL; i++)
		offer(line, viflo_readers[i]->name);
}

/* Words that stand as they are, separated by bars: "bash|zsh|fish". */
static void
offer_words(const Line *line, const char *kind)
{
	char	   *words = pstrdup(kind);
	char	   *state = NULL;

	for (char *word = strtok_r(words, "|", &state); word != NULL;
		 word = strtok_r(NULL, "|", &state))
		offer(line, word);
	pfree(words);
}

/* kind is what a usage line says: "[TARGET]", "REV...", "COMMAND". */
static void
offer_kind(Line *line, const char *kind)
{
	if (strstr(kind, "TARGET") != NULL || strstr(kind, "REV") != NULL ||
		strstr(kind, "RANGE") != NULL)
		offer_targets(line);
	else if (strstr(kind, "COMMAND") != NULL)
		offer_commands(line);
	else if (strstr(kind, "DATABASE") != NULL)
		offer_all(line, viflo_config_databases(line->settings.config));
	else if (strstr(kind, "LAYOUT") != NULL)
		offer_layouts(line);
	else if (strstr(kind, "FORMAT") != NULL)
	{
		offer_words(line, "human|json");
		if (line->command != NULL)
			offer_all(line, line->command->formats);
	}
	else if (strchr(kind, '|') != NULL && islower((unsigned char) kind[0]))
		offer_words(line, kind);
}

static void
offer_value(Line *line)
{
	for (int i = 0; i < lengthof(option_kinds); i++)
	{
		if (strcmp(option_kinds[i].option, line->option->name) == 0)
			offer_kind(line, option_kinds[i].kind);
	}
}

static void
answer(Line *line)
{
	if (line->option != NULL)
		offer_value(line);
	else if (!line->only_words && line->word[0] == '-')
		offer_options(line);
	else if (line->command == NULL)
		offer_commands(line);
	else if (line->command->max_args < 0 || line->nargs < line->command->max_args)
		offer_kind(line, line->command->arguments);
}

static int
complete_run(VifloRequest *request)
{
	Line		line = {.word = ""};
	VifloFailure failure;
	const char *value;

	for (int i = 0; i < request->nargs - 1; i++)
		take_word(&line, request->args[i]);
	if (request->nargs > 0)
		line.word = request->args[request->nargs - 1];

	/* "--layout=go": some shells have it as one word. */
	value = strchr(line.word, '=');
	if (line.option == NULL && strncmp(line.word, "--", 2) == 0 && value != NULL)
	{
		line.option = find_option(line.word);
		line.word = value + 1;
		if (line.option == NULL)
			return VIFLO_EXIT_DONE;
	}
	if (!viflo_settings_complete(&line.settings, false, &failure))
	{
		/*
		 * A name that the line has not got right yet: what needs none is
		 * left.
		 */
		memset(&line.settings, 0, sizeof(line.settings));
		line.settings.config = viflo_config_read("/dev/null", &failure);
	}
	answer(&line);
	return VIFLO_EXIT_DONE;
}

/*-------------------------------------------------------------------------
 * The scripts
 *-------------------------------------------------------------------------
 */

static const struct
{
	const char *shell;
	const char *script;
}			scripts[] = {

	{
		"bash",
		"# Completion of viflo for bash: eval \"$(viflo completion bash)\"\n"
		"_viflo()\n"
		"{\n"
		"\tlocal words=() word i\n"
		"\n"
		"\t# bash makes three words of --name=value.\n"
		"\tfor ((i = 1; i <= COMP_CWORD; i++)); do\n"
		"\t\tword=${COMP_WORDS[i]}\n"
		"\t\tif [[ $word == '=' && ${#words[@]} -gt 0 ]]; then\n"
		"\t\t\twords[-1]+='='\n"
		"\t\t\t[[ $i -lt $COMP_CWORD ]] && words[-1]+=${COMP_WORDS[++i]}\n"
		"\t\telse\n"
		"\t\t\twords+=(\"$word\")\n"
		"\t\tfi\n"
		"\tdone\n"
		"\tmapfile -t COMPREPLY < <(\"${COMP_WORDS[0]}\" complete -- \"${words[@]}\" 2>/dev/null)\n"
		"}\n"
		"complete -o default -o bashdefault -F _viflo viflo\n"
	},
	{
		"zsh",
		"#compdef viflo\n"
		"# Completion of viflo for zsh: source <(viflo completion zsh), after compinit\n"
		"_viflo()\n"
		"{\n"
		"\tlocal -a answers\n"
		"\n"
		"\tanswers=(${(f)\"$(\"${words[1]}\" complete -- \"${(@)words[2,CURRENT]}\" 2>/dev/null)\"})\n"
		"\tif (( ${#answers} )); then\n"
		"\t\t[[ $PREFIX == --*=* ]] && compset -P '*='\n"
		"\t\tcompadd -a answers\n"
		"\telse\n"
		"\t\t_files\n"
		"\tfi\n"
		"}\n"
		"compdef _viflo viflo\n"
	},
	{
		"fish",
		"# Completion of viflo for fish: viflo completion fish | source\n"
		"function __viflo_complete\n"
		"\tset -l words (commandline -opc) (commandline -ct)\n"
		"\tset -l last $words[-1]\n"
		"\tset -l answers ($words[1] complete -- $words[2..-1] 2>/dev/null)\n"
		"\tif test (count $answers) -eq 0\n"
		"\t\t__fish_complete_path $last\n"
		"\telse if string match -q -- '--*=*' $last\n"
		"\t\tprintf '%s\\n' (string replace -r '=.*' = -- $last)$answers\n"
		"\telse\n"
		"\t\tprintf '%s\\n' $answers\n"
		"\tend\n"
		"end\n"
		"complete -c viflo -f -a '(__viflo_complete)'\n"
	}
};

static int
completion_run(VifloRequest *request)
{
	VifloFailure failure;

	for (int i = 0; i < lengthof(scripts); i++)
	{
		if (strcmp(request->args[0], scripts[i].shell) != 0)
			continue;
		viflo_output_text(scripts[i].script);
		viflo_output_json(json_pack("{s:s, s:s}", "shell", scripts[i].shell,
									"script", scripts[i].script));
		return VIFLO_EXIT_DONE;
	}
	viflo_failure(&failure, VIFLO_EXIT_USAGE, "unknown shell \"%s\"", request->args[0]);
	viflo_failure_hint(&failure, "Shells are: %s.", viflo_command_completion.arguments);
	return viflo_output_failure(&failure);
}

const VifloCommand viflo_command_completion = {
	.name = "completion",
	.options = "",
	.min_args = 1,
	.max_args = 1,
	.arguments = "bash|zsh|fish",
	.summary = "print a script for your shell's TAB key",
	.help =
	"Prints a script that makes the shell complete commands, options, layouts,\n"
	"databases of viflo.conf, and revisions of the folder.\n"
	"\n"
	"Example:\n"
	"  viflo completion bash > ~/.local/share/bash-completion/completions/viflo\n"
	"  eval \"$(viflo completion bash)\"\n"
	"  source <(viflo completion zsh)\n"
	"  viflo completion fish | source\n",
	.no_settings = true,
	.run = completion_run
};

/* For those scripts. */
const VifloCommand viflo_command_complete = {
	.name = "complete",
	.options = "",
	.max_args = -1,
	.arguments = "-- [WORD]...",
	.summary = "answer a shell that completes a line",
	.help =
	"Prints what the last WORD of a command line can go on to, a line each.\n"
	"\n"
	"Example:\n"
	"  viflo complete -- --layout go\n",
	.no_settings = true,
	.hidden = true,
	.run = complete_run
};
