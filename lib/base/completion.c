/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Completion scripts for shells. Each asks "TOOL completion words" what a word may become (see
 * complete.c): a line for each candidate, its help behind a tab; "/" stands for names of files.
 */
#include <stdio.h>
#include <string.h>

#include "command_args.h"

/*
 * bash cuts words at "=" and ":" and replaces only what stands behind the cut; the tool wants them
 * whole. Needs bash alone, not the bash-completion package.
 */
static const char bash_script[] =
	"# bash completion for TOOL, printed by \"TOOL completion bash\"\n"
	"_TOOL()\n"
	"{\n"
	"	local words=() kept line files= i\n"
	"\n"
	"	for ((i = 1; i <= COMP_CWORD; i++)); do\n"
	"		if [[ ${#words[@]} -gt 0 && (${COMP_WORDS[i]} == [=:] || "
	"${COMP_WORDS[i-1]} == [=:]) ]]; then\n"
	"			words[-1]+=${COMP_WORDS[i]}\n"
	"		else\n"
	"			words+=(\"${COMP_WORDS[i]}\")\n"
	"		fi\n"
	"	done\n"
	"	kept=${words[-1]%\"${words[-1]##*[=:]}\"}\n"
	"	COMPREPLY=()\n"
	"	while IFS= read -r line; do\n"
	"		if [[ $line == / ]]; then\n"
	"			files=1\n"
	"			continue\n"
	"		fi\n"
	"		line=${line%%$'\\t'*}\n"
	"		COMPREPLY+=(\"${line#\"$kept\"}\")\n"
	"		[[ $line != *= ]] || compopt -o nospace 2>/dev/null\n"
	"	done < <(TOOL completion words -- \"${words[@]}\" 2>/dev/null)\n"
	"	if [[ $files ]]; then\n"
	"		compopt -o filenames 2>/dev/null\n"
	"		mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "
	"\"${words[-1]#\"$kept\"}\")\n"
	"	fi\n"
	"	return 0\n"
	"}\n"
	"complete -F _TOOL TOOL\n";

static const char zsh_script[] =
	"#compdef TOOL\n"
	"# zsh completion for TOOL, printed by \"TOOL completion zsh\"\n"
	"_TOOL() {\n"
	"	local -a plain open shown\n"
	"	local line word files=\n"
	"\n"
	"	while IFS= read -r line; do\n"
	"		word=${line%%$'\\t'*}\n"
	"		if [[ $line == / ]]; then\n"
	"			files=1\n"
	"		elif [[ $word == *= ]]; then\n"
	"			open+=(\"$word\")\n"
	"		else\n"
	"			plain+=(\"$word\")\n"
	"			shown+=(\"${line/$'\\t'/  -- }\")\n"
	"		fi\n"
	"	done < <(TOOL completion words -- \"${(@)words[2,CURRENT]}\" 2>/dev/null)\n"
	"	[[ ${#plain} -eq 0 ]] || compadd -l -d shown -a plain\n"
	"	[[ ${#open} -eq 0 ]] || compadd -S '' -a open\n"
	"	[[ -z $files ]] || { compset -P '*='; _files; }\n"
	"}\n"
	"if [[ $funcstack[1] == _TOOL ]]; then _TOOL \"$@\"; else compdef _TOOL TOOL; fi\n";

static const char fish_script[] =
	"# fish completion for TOOL, printed by \"TOOL completion fish\"\n"
	"function __TOOL_words\n"
	"	set -l words (commandline -opc) (commandline -ct)\n"
	"	for line in (TOOL completion words -- $words[2..-1] 2>/dev/null)\n"
	"		if test \"$line\" = /\n"
	"			__fish_complete_path (commandline -ct)\n"
	"		else\n"
	"			echo $line\n"
	"		end\n"
	"	end\n"
	"end\n"
	"complete -c TOOL -f -a '(__TOOL_words)'\n";

static const struct {
	const char *shell, *script;
} scripts[] = {{"bash", bash_script}, {"zsh", zsh_script}, {"fish", fish_script}};

/* "TOOL" stands for the tool's name. */
static void put_script(const char *script, const char *name)
{
	const char *at;

	for (; (at = strstr(script, "TOOL")); script = at + strlen("TOOL"))
		printf("%.*s%s", (int)(at - script), script, name);
	fputs(script, stdout);
}

struct gs_error *gs_tool_completion(const struct gs_tool *tool, const char *shell)
{
	for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++) {
		if (strcmp(scripts[i].shell, shell) == 0) {
			put_script(scripts[i].script, tool->name);
			return NULL;
		}
	}
	return gs_error_create(GS_ERROR_INVALID,
			       "no completion for '%s', only for bash, zsh and fish", shell);
}
