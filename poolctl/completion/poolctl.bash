# shellcheck shell=bash
# Completion of poolctl for bash: the program knows the candidates.
_poolctl() {
	local line=${COMP_LINE:0:COMP_POINT} words cur candidate
	# xargs takes quotes and backslashes as the shell does, and expands nothing.
	mapfile -t words < <(xargs -n 1 printf '%s\n' <<<"$line" 2>/dev/null)
	[[ $line != *[[:space:]] || $line == *\\[[:space:]] ]] || words+=("")
	((${#words[@]} > 1)) || return 0
	cur=${words[-1]}
	COMPREPLY=()
	while IFS= read -r candidate; do
		# For bash "=" ends a word: what stands before it is there already.
		[[ $cur != *=* || $COMP_WORDBREAKS != *=* ]] || candidate=${candidate#"${cur%%=*}="}
		COMPREPLY+=("$(printf '%q' "$candidate")")
	done < <(poolctl __complete "${words[@]:1}" 2>/dev/null)
	[[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace 2>/dev/null
	return 0
}
complete -F _poolctl poolctl
