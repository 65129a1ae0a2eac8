#!/bin/bash
# Shells, line editors, screen editors at a terminal, and the file functions of languages write values.
# limit: 300
# shellcheck disable=SC2016 # expanded by the shell under test
. "$(dirname "$0")/lib.sh"

tool_vm
D=$VM/description
export D HOME=$CASE_DIR LC_ALL=C.UTF-8

# shellcheck disable=SC2086 # "busybox sh" is two words
for shell in bash dash zsh fish "busybox sh"; do
	writes_once "$D" "$shell" $shell -c "printf '%s\\n' '$shell' >\$D"
	for run in 1 2; do # line by line, the second amends the first
		$shell -c "printf 'lines of\\n%s\\n' '$shell' >\$D"
		assert_eq "$(cat "$D")" "lines of
$shell" "after run $run of $shell"
	done
	refused "" $shell -c "echo fly >$VM/actions"
	refused "" $shell -c "echo many >$VM/cpuNum"
done

step "line editors"
writes_once "$D" "by ed" in_bash 'printf "%s\n" "1,\$c" "by ed" . w q | ed -s "$D"'
writes_once "$D" "by busybox sed" busybox sed -i 's/.*/by busybox sed/' "$D"

step "screen editors"
# shows TEXT: does the editor show it?
shows() {
	tmux -S "$CASE_DIR/tmux" capture-pane -p | finds -F "$1"
}
# screen TEXT COMMAND KEY...: runs an editor of a file with that text at a terminal; a key is text, or a name of tmux's
screen() {
	local text=$1 command=$2 key
	shift 2
	tmux -S "$CASE_DIR/tmux" -f /dev/null new-session -d -x 80 -y 24 "TERM=screen $command"
	wait_until 20 shows "$text"
	for key; do
		tmux -S "$CASE_DIR/tmux" send-keys "$key"
		sleep 0.5
	done
	(wait_until 15 eval '! tmux -S "$CASE_DIR/tmux" has-session 2>/dev/null') || {
		tmux -S "$CASE_DIR/tmux" capture-pane -p >&2
		tmux -S "$CASE_DIR/tmux" kill-server
		fail "'$command' does not end"
	}
}
names=$(ls -A "$VM")
for try in first second; do
	echo old >"$D"
	jobs=$(job_count)
	screen old "nano $D" C-k "by nano $try" C-o Enter C-x
	assert_eq "$(cat "$D") $(job_count)" "by nano $try $((jobs + 1))" "after nano"
	screen "by nano $try" "micro $D" C-a Delete "by micro $try" C-s C-q
	assert_eq "$(cat "$D") $(job_count)" "by micro $try $((jobs + 2))" "after micro"
	screen "by micro $try" "mcedit $D" C-y "by mcedit $try" Enter F2 Enter F10
	assert_eq "$(head -n 1 "$D") $(job_count)" "by mcedit $try $((jobs + 3))" "after mcedit"
	echo emacs >"$D"
	screen emacs "emacs -nw -Q $D" "by " C-x C-s C-x C-c
	assert_eq "$(cat "$D") $(job_count)" "by emacs $((jobs + 5))" "after emacs"
	echo 1 >"$VM/cpuNum"
	screen cpuNum "emacs -nw -Q $VM/cpuNum" 1 C-x C-s C-x C-c # written in two pieces, of which the first is a value, too
	assert_eq "$(cat "$VM/cpuNum")" 11 "after emacs"
	assert_eq "$(ls -A "$VM")" "$names" "names after the $try round"
done

step "Augeas"
printf 'set /augeas/load/Simplelines/lens Simplelines.lns\nset /augeas/load/Simplelines/incl "%s"\nload\nset "/files%s/1" "by augeas"\nsave\n' "$D" "$D" >augeas
echo one >"$D"
writes_once "$D" "by augeas" augtool --noautoload -f augeas

step "languages"
writes_once "$D" "by ruby" ruby -e 'File.write(ENV["D"], "by ruby\n")'
writes_once "$D" "ruby in place" ruby -i -pe '$_.replace("ruby in place\n")' "$D"
writes_once "$D" "by perl" perl -e 'open my $f, ">", $ENV{D} or die; $| = 1; print $f "by "; print $f "perl\n"; close $f or die'
writes_once "$D" "node atomically" node -e 'const fs = require("fs"), d = process.env.D; fs.writeFileSync(d + ".new", "node atomically\n"); fs.renameSync(d + ".new", d)'
writes_once "$D" "by node's stream" node -e 'const f = require("fs").createWriteStream(process.env.D); f.write("by node"); f.end("\x27s stream\n")'
