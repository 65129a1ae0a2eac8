#!/bin/bash
# poolctl does everything by names, waits, tells why something failed, and completes; @name works in the tree, too.
. "$(dirname "$0")/../tree/lib.sh"

PATH=$BUILD/poolctl:$PATH
mount_pool
export POOLCTL_MOUNT=$MOUNT
truncate -s 1M debian.raw
add_image "$CASE_DIR/debian.raw" raw debian >/dev/null
echo small >"$MOUNT/instance-offerings/$(first instance-offerings)/name"
l3=$(first l3-networks)
echo net1 >"$MOUNT/l3-networks/$l3/name"
sync "$MOUNT/l3-networks/$l3/name"
wait_for "hosts/$(first hosts)/status" Connected 20

step "create, by names, with an address and a disk of a size"
vm=$(poolctl create vm web --image debian --offering small --network net1 --ip 10.123.0.50 --disk 20G --disk 20G --wait)
assert_eq "$(value "$vm/state") $(cat "$MOUNT/$vm"/nics/*/ip)" "Running 10.123.0.50" "the VM"
assert_eq "$(jq -c '[.allVolumes[].size] | sort' "$MOUNT/$vm/inventory")" "[1048576,21474836480,21474836480]" "its disks"
offerings=$(ls "$MOUNT/disk-offerings")
assert_eq "$(poolctl create vm dry --image debian --offering small --network net1 --disk 30G --dry-run)" "it would be accepted"
assert_fails "no host having cpu" poolctl create vm big --image debian --cpu 2 --memory 900T --network net1 --wait
assert_eq "$(ls "$MOUNT/disk-offerings")" "$offerings" "the disk offerings, which a size does not need"
assert_fails "there is no option '--colour' here, or several are like it; there are --name --instance-offering" \
	poolctl create vm x --colour red
assert_fails "the option '--wait' does not stand here" poolctl --wait stop web
assert_fails "there is no image 'debia'" poolctl show image/debia
assert_fails "no image is named 'debia'" poolctl create vm x --image debia --offering small --network net1
assert_fails "must follow the --network" poolctl create vm x --ip 10.0.0.1
assert_fails "one of primary-storage/" poolctl create primary-storage x
vm=${vm#*/}

step "what need not be named: the only object of its kind; of several a list is given"
poolctl create image other --url "file://$CASE_DIR/debian.raw" --wait >made.txt
assert_eq "$(jq -c '[.backupStorageRefs[].backupStorageUuid]' "$MOUNT/$(<made.txt)/inventory")" "[\"$(first backup-storage)\"]" "where it is"
assert_fails "which image? give --image with one of: debian, other" poolctl create vm x --offering small
mkdir bs
poolctl create backup-storage/image-store second --url "$CASE_DIR/bs" hostname=localhost username=root password=x --wait >/dev/null
images=$(ls "$MOUNT/images")
assert_fails "which backup storage? give --backup-storage with one of: images, second" \
	poolctl create image third --url "file://$CASE_DIR/debian.raw"
assert_eq "$(ls "$MOUNT/images")" "$images" "the images"
poolctl delete second --wait
poolctl delete "$(<made.txt)" --wait
poolctl expunge "$(<made.txt)" --wait

step "verbs"
poolctl stop web type=cold --wait
assert_eq "$(value "vm-instances/$vm/state")" Stopped
assert_eq "$(poolctl start "$vm" --dry-run) $(value "vm-instances/$vm/state")" "it would be accepted Stopped" "a dry run"
assert_match "$(poolctl start vm/web)" '^job [0-9a-f]{32}$' "the answer without --wait"
sync "$MOUNT/vm-instances/$vm/actions"
assert_fails "allowed states are" poolctl resume web
assert_fails "valid value for field[type]" poolctl stop web type=warm
assert_fails "takes no parameter 'speed'" poolctl stop web speed=1
assert_fails "no command or verb 'fly'" poolctl fly web
assert_fails "there is no object 'wep' that can do this" poolctl stop wep
assert_fails "'web' is a VM, whose verbs are: destroy " poolctl delete web
poolctl create disk-offering 20G --size 20G --wait >/dev/null
poolctl create volume data --disk-offering 20G --wait >/dev/null
poolctl attach data --vm web --wait
assert_eq "$(value volumes/by-name/data/vmInstanceUuid)" "$vm" "whose the volume is"

step "a failure of the job is a sentence, and an exit status"
truncate -s 1M odd.raw
doomed=$(poolctl create image "doomed" url="file://$CASE_DIR/nothing.raw" format=raw --backup-storage "$(value "backup-storage/$(first backup-storage)/name")" --wait 2>&1) &&
	fail "an image without a file was added: '$doomed'"
assert_match "$doomed" "^poolctl: .*nothing.raw" "why it failed"

step "what there is to give"
poolctl stop web --help >help.txt
grep -qx '    --type  *grace, cold (grace)' help.txt || fail "the help of stop: $(<help.txt)"
poolctl create vm --help >help.txt
grep -qx '    --image  *name of an image, must be given if there are several' help.txt || fail "the help of create vm: $(<help.txt)"
poolctl delete --help >help.txt
grep -q '^poolctl delete volumes/NAME' help.txt || fail "the help of delete: $(<help.txt)"
assert_eq "$(poolctl delete data --help | grep -c ^poolctl)" 1 "of one kind"
assert_fails "see 'poolctl --help'" poolctl fly --help

step "a bar on a terminal"
script -qec "poolctl stop web type=cold --wait" /dev/null </dev/null >bar
grep -qaE 'stop web \[#{30}\] 100%' bar || fail "no bar: $(cat -v bar)"
script -qec "poolctl create vm big --image debian --cpu 2 --memory 900T --network net1 --wait" /dev/null </dev/null >bar && fail "it was created"
grep -qaE 'create big \[\.{30}\]   0% Failed' bar || fail "a failure is drawn as $(cat -v bar)"
poolctl start web --wait

step "lists"
poolctl ls | grep -E '^vm-instances +1$'
assert_match "$(poolctl ls vm | tail -n 1)" '^web +Running +UserVm +vm +1 +128M +10.123.0.50$' "a line of a list, with the host"
assert_match "$(poolctl ls volumes | grep ^ROOT)" ' web$' "whose a volume is"
assert_match "$(poolctl ls nics | tail -n 1)" '10.123.0.50 .* net1 +web$' "of a kind inside another"
assert_match "$(poolctl ls jobs | grep ' StartVmInstance')" 'vm-instances/web +[A-Z]' "what a job is about"
assert_match "$(poolctl ls jobs | grep ' Failed ')" 'no host having cpu.*found' "why one failed"
assert_match "$(poolctl show web | grep ^imageUuid)" ' \(debian\)$' "a name beside a uuid"
assert_eq "$(poolctl ls vm | sed -n 1p | tr -s ' ')" "NAME state type host cpuNum memorySize addresses" "the columns"
poolctl create vm web --image debian --offering small --network net1 --wait >second
assert_match "$(poolctl ls vm)" "web +$vm .*web +$(cut -d/ -f2 second)" "two of one name"
assert_fails "is ambiguous, give one of: vm-instances/$vm, $(<second)" poolctl stop web
poolctl destroy "$(<second)" --wait
poolctl expunge "$(<second)" --wait
assert_fails "no kind 'fruit'" poolctl ls fruit
poolctl show web | grep -E '^memorySize +134217728 \(128M\)$'
cp odd.raw "$MOUNT/images/upload/web.raw"
assert_fails "is ambiguous, give one of: images/" poolctl show web
poolctl show vm/web image/web >/dev/null

step "top"
poolctl top --once >top.txt
grep -qE '^vm +Connected +\[.*\] +[0-9]+% +\[' top.txt || fail "no bars of hosts: $(cat top.txt)"
grep -qE '^web +Running +vm +1 +128M' top.txt || fail "no VM: $(cat top.txt)"

step "top shows a job that runs, and one that waits for it"
truncate -s 1M big.raw
"$TOP/tests/tree/slow-http" big.raw go >port &
wait_until 10 test -s port
slow=$(poolctl create image slow --url "http://127.0.0.1:$(cat port)/big.raw")
wait_for "api-jobs/${slow#job }/state" Processing 10
poolctl delete image/slow >later
poolctl top --once >top.txt
grep -qx '2 jobs under way' top.txt || fail "not two jobs: $(cat top.txt)"
grep -qE '^AddImage +Processing +\[#*\.*\] +[0-9]+% +images/slow$' top.txt || fail "no job that runs: $(cat top.txt)"
grep -qE '^DeleteImage +Queued +\[\.*\] +0% +images/slow$' top.txt || fail "no job that waits: $(cat top.txt)"
touch go
job_wait "$(sed 's/^job //' later)"

step "top, live: drawn again and again, until q is pressed"
cat >top.py <<'END'
import os
import pty

pid, fd = pty.fork()
if pid == 0:
    os.environ['TERM'] = 'xterm'
    os.execvp('poolctl', ['poolctl', 'top'])
seen = b''
while seen.count(b'\033[H\033[2J') < 3:
    seen += os.read(fd, 4096)
os.write(fd, b'q')
try:
    while os.read(fd, 4096):
        pass
except OSError: # it has ended
    pass
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
timeout 60 python3 top.py || fail "top ends with $?"

step "watch"
poolctl watch vm/web >watched &
watcher=$!
wait_until 10 eval 'poolctl pause web --wait && poolctl resume web --wait && grep -q "Running -> Pausing" watched'
kill $watcher
assert_match "$(<watched)" 'VmInstance web state: Running -> Pausing' "what was seen"

step "watch shows the state of what is created, which a job that ends at once has no other event of"
poolctl watch >watched &
watcher=$!
see_new() {
	poolctl create disk-offering "seen-$RANDOM" diskSize=1G >/dev/null
	grep -q 'DiskOffering seen-' watched
}
wait_until 10 see_new
kill $watcher
grep -Eq 'created  DiskOffering seen-[0-9]+ state: Enabled$' watched || fail "the new offering is not seen: $(<watched)"
grep -Eq 'created  Job [0-9a-f]{32} state: Done$' watched || fail "its job is not seen: $(<watched)"

step "console"
printf 'login: \033[2J\n' >"$STATE/console/$vm.log"
poolctl console web --no-follow >console.txt
assert_match "$(<console.txt)" '^screen: vnc://127.0.0.1:[0-9]+'$'\n''login: .\[2J$' "the console"

poolctl console web >console.txt &
follower=$!
wait_until 10 grep -q login: console.txt
echo 'what comes later' >>"$STATE/console/$vm.log"
wait_until 10 grep -qx 'what comes later' console.txt
kill $follower
rm "$STATE/console/$vm.log"
assert_fails "where no log of its serial console is written" poolctl console web

step "completion of names that a shell must quote"
poolctl create vm "my vm/1" --image debian --offering small --network net1 strategy=CreateStopped --wait >/dev/null
bash -c '
	. "$0"
	COMP_LINE="poolctl start my\ v" COMP_POINT=19 _poolctl
	[ "${COMPREPLY[*]}" = "my\ vm/1" ] || { echo "bash offers ${COMPREPLY[*]}"; exit 1; }
	COMP_LINE="poolctl start my\ vm/1 --d" COMP_POINT=26 _poolctl
	[ "${COMPREPLY[*]}" = --dry-run ] || { echo "bash offers ${COMPREPLY[*]}"; exit 1; }' "$TOP/poolctl/completion/poolctl.bash"
# shellcheck disable=SC2016 # fish expands it
assert_eq "$(HOME=$CASE_DIR fish -c 'source $argv[1]; complete -C "poolctl start my\\ v"' "$TOP/poolctl/completion/poolctl.fish")" "my vm/1" "what fish offers"
cat >zsh.py <<'END'
import os
import pty
import sys

file, typed = sys.argv[1:]
pid, fd = pty.fork()
if pid == 0:
    os.environ.update(TERM='dumb', PS1='$ ')
    os.execvp('zsh', ['zsh', '-f', '-i'])
# as compinit calls it, without the seconds that its many other files take
with open('zshrc', 'w') as rc:
    rc.write(f'completes() {{ . {file} }}; [ {file} = none ] || {{ zle -C by-file complete-word completes; bindkey "^I" by-file }}\n'
             'show() { print -r -- "$BUFFER" >line; exit }; zle -N show; bindkey "^X" show\n'
             'zle-line-init() { echo ready }; zle -N zle-line-init\n')
os.write(fd, b'. ./zshrc\n')
seen = b''
while b'ready' not in seen:
    seen += os.read(fd, 4096)
os.write(fd, typed.encode() + b'\t\x18')
try:
    while os.read(fd, 4096):
        pass
except OSError: # it has ended
    pass
END
# zsh_offers FILE TYPED LINE: what it becomes by the key TAB in a real zsh; FILE: what completes, or none
zsh_offers() {
	timeout 60 python3 zsh.py "$1" "$2" || fail "zsh has not ended"
	assert_eq "$(<line)" "$3" "what zsh makes of '$2'"
}
ours=$TOP/poolctl/completion/_poolctl
assert_eq "$(sed -n 1p "$ours")" "#compdef poolctl" "what compinit reads"
zsh_offers "$ours" 'poolctl sta' 'poolctl start '
zsh_offers "$ours" 'poolctl start my\ v' 'poolctl start my\ vm/1 '
zsh_offers "$ours" 'poolctl start "my v' 'poolctl start "my vm/1" '
zsh_offers "$ours" "poolctl start 'my v" "poolctl start 'my vm/1' "
zsh_offers "$ours" 'poolctl start my\ vm/1 --d' 'poolctl start my\ vm/1 --dry-run '
zsh_offers "$ours" 'poolctl stop my\ vm/1 ty' 'poolctl stop my\ vm/1 type='
poolctl destroy "my vm/1" --wait
poolctl expunge "my vm/1" --wait

step "completion"
complete() {
	poolctl __complete "$@" | xargs
}
assert_eq "$(complete st)" "start stop"
assert_eq "$(complete w)" "watch"
assert_eq "$(complete pause '')" "web"
assert_eq "$(complete stop web type=)" "type=grace type=cold"
assert_eq "$(complete create vm x --image de)" "debian"
assert_eq "$(complete create vm x --wa)" "--wait"
assert_match "$(complete create vol)" "^volumes"
bash -c '
	. "$0"
	COMP_LINE="poolctl stop web type=c" COMP_POINT=23 _poolctl
	[ "${COMPREPLY[*]}" = cold ] || { echo "bash offers ${COMPREPLY[*]}"; exit 1; }
	COMP_LINE="poolctl stop " COMP_POINT=13
	_poolctl
	[ "${COMPREPLY[*]}" = web ]' "$TOP/poolctl/completion/poolctl.bash"
# shellcheck disable=SC2016 # fish expands it
assert_eq "$(HOME=$CASE_DIR fish -c 'source $argv[1]; complete -C "poolctl stop w"' "$TOP/poolctl/completion/poolctl.fish")" web "what fish offers"

step "bash completes the conditions in where, as README says"
cat >complete.py <<'END'
import os
import pty
import sys

pid, fd = pty.fork()
if pid == 0:
    os.environ.update(TERM='dumb', PS1='$ ')
    os.execvp('bash', ['bash', '--norc', '--noprofile', '-i'])
os.write(fd, f"COMP_WORDBREAKS=${{COMP_WORDBREAKS//=}}; cd {sys.argv[1]}; echo rea'dy'\n".encode())
seen = b''
while b'ready' not in seen:
    seen += os.read(fd, 4096)
os.write(fd, b'ls vm-instances/where/state=Run\t')
while b'where/state=Running/' not in seen:
    seen += os.read(fd, 4096)
os.kill(pid, 9)
END
timeout 60 python3 complete.py "$MOUNT" || fail "nothing is completed"

step "zsh and fish do so by themselves"
zsh_offers none "ls $MOUNT/vm-instances/where/state=Run" "ls $MOUNT/vm-instances/where/state=Running/"
# shellcheck disable=SC2016 # fish expands it
assert_eq "$(HOME=$CASE_DIR fish -c 'complete -C "ls $argv[1]/vm-instances/where/state=Run"' "$MOUNT")" "$MOUNT/vm-instances/where/state=Running/"

step "names in the tree: actions, create, values, spec, Get files, conditions of a name that several have"
other=$(create instance-offerings '{"name":"big","cpuNum":2,"memorySize":"256M"}')
poolctl stop web type=cold --wait
echo 'change-instance-offering instanceOfferingUuid=@big' >"$MOUNT/vm-instances/$vm/actions"
sync "$MOUNT/vm-instances/$vm/actions"
assert_eq "$(value "vm-instances/$vm/instanceOfferingUuid")" "$other" "the offering"
echo @net1 >"$MOUNT/vm-instances/$vm/defaultL3NetworkUuid"
spec='{"instanceOfferingUuid": "@small", "nics": [{"l3NetworkUuid": "@net1"}], "volumes": ["@data"]}'
printf %s "$spec" >"$MOUNT/vm-instances/$vm/spec"
sync "$MOUNT/vm-instances/$vm/spec"
assert_eq "$(value "vm-instances/$vm/spec")" "$spec" "the spec"
assert_eq "$(value "vm-instances/$vm/cpuNum")" 1 "the CPUs of the offering"
assert_eq "$(jq '.allVolumes | length' "$MOUNT/vm-instances/$vm/inventory")" 2 "the disks that the spec leaves"
assert_match "$(value "hosts/capacities/cpu-memory?hostUuids=@vm")" totalMemory "a Get"
create instance-offerings '{"name":"big","cpuNum":2,"memorySize":"256M"}' >/dev/null
assert_refused "vm-instances/$vm/actions" "change-instance-offering instanceOfferingUuid=@big" EINVAL "ambiguous, 2 objects.*$other"
assert_refused "vm-instances/$vm/actions" "change-instance-offering instanceOfferingUuid=@huge" ENOENT "no instance offering is named 'huge'"
