#!/bin/bash
# A cookbook of one-liners, each of which is run and its answer checked.
#
#   usage: cookbook.sh MOUNT
#
# Creates an empty image and three small VMs, all named recipe..., and removes
# them, also when a recipe fails. Read it for the commands: the arguments of `show`
# are the purpose, the command as it is typed in the directory of the mount, and a
# regular expression for its output.
#
# shellcheck disable=SC2016 # commands are shown before they are expanded
set -eu -o pipefail
cd "$1"
for object in vm-instances/by-name/recipe* images/by-name/recipe*; do
	[ ! -e "$object" ] || { echo "cookbook: '$object' exists already" >&2 && exit 1; }
done
work=$(mktemp -d)

# Removes what is left of ours. The actions of an object go with it, so the fsync must be on the descriptor of the write.
clean_up() {
	local status=$? object verb
	rm -rf "$work"
	for object in vm-instances/by-name/recipe* images/by-name/recipe*; do
		[ -e "$object" ] || continue
		object=$(realpath "$object")
		verb=$([[ $object == */images/* ]] && echo delete || echo destroy)
		for verb in "$verb" expunge; do
			echo "$verb" | dd of="$object/actions" conv=notrunc,fsync status=none && continue
			echo "cookbook: '$object' is still there: $(cat last-error)" >&2
			status=1
			break
		done
	done
	exit $status
}
trap clean_up EXIT
truncate -s 1M "$work/empty.raw"
export work
count=0

# show PURPOSE COMMAND REGEX
show() {
	local output
	count=$((count + 1))
	printf '\n# %s\n$ %s\n' "$1" "$2"
	output=$(bash -c "set -eu; $2" 2>&1) || {
		printf '%s\ncookbook: this failed; last-error: %s\n' "$output" "$(cat last-error)" >&2
		exit 1
	}
	[ -z "$output" ] || printf '%s\n' "$output"
	[[ $output =~ ^($3)$ ]] || {
		printf 'cookbook: expected: %s\n' "$3" >&2
		exit 1
	}
}

# ------------------------------------------------------------------ looking

show "the version" 'head -n 1 version' 'poolfs [0-9.]+'
show "every path, explained" 'grep -cE "^ *[a-zA-Z].* 0[46][0-9]{2} " README' '[0-9]{3,}'
show "the limits" 'grep request-bytes limits' 'request-bytes 1048576'
show "all hosts and their state" 'jq -r ".inventories[] | [.name, .status] | @tsv" hosts/inventories' '.*Connected'
show "how much memory is left" 'cat hosts/by-name/*/availableMemoryCapacity | paste -sd + | bc' '[0-9]+'
show "what can be written to create" 'grep required vm-instances/create' $'name .*'
show "an object by its name" 'ls zones/by-name | head -n 1' '.+'

# ----------------------------------------------------------- images and VMs

show "add an image, and wait for it" 'echo "{\"params\":{\"name\":\"recipe\",\"url\":\"file://$work/empty.raw\",\"format\":\"raw\",\"backupStorageUuids\":[\"$(ls backup-storage | grep -xE "[0-9a-f]{32}" | head -n 1)\"]}}" > images/create; sync images/create' ''
show "is it ready?" 'cat images/by-name/recipe/status' 'Ready'
show "a VM from an offering, in the short form" 'echo "name=recipe01 imageUuid=$(cat images/by-name/recipe/uuid) instanceOfferingUuid=$(ls instance-offerings | grep -xE "[0-9a-f]{32}" | head -n 1) l3NetworkUuids=$(ls l3-networks | grep -xE "[0-9a-f]{32}" | head -n 1)" > vm-instances/create; sync vm-instances/create' ''
show "two more like it, from its own inventory" 'for i in 02 03; do jq --arg name recipe$i "{params: {name: \$name, imageUuid, instanceOfferingUuid, l3NetworkUuids: [.vmNics[].l3NetworkUuid], strategy: \"CreateStopped\"}}" vm-instances/by-name/recipe01/inventory > vm-instances/create; done; sync vm-instances/create' ''
show "their states" 'grep . vm-instances/by-name/recipe*/state' $'.*recipe01/state:Running\n.*recipe02/state:Stopped\n.*recipe03/state:Stopped'
show "the address of one" 'cat vm-instances/by-name/recipe01/nics/*/ip' '[0-9.]+'
show "the host it runs on" 'cat vm-instances/by-name/recipe01/host/name' '.+'
show "what it can do now" 'grep -E "^(stop|pause)" vm-instances/by-name/recipe01/actions | cut -d " " -f 1 | sort' $'pause\nstop'
show "and why it cannot be started" 'grep "^# start" vm-instances/by-name/recipe01/actions' '.*Running.*'

# ------------------------------------------------------------------ changing

show "start what is stopped" 'for vm in vm-instances/by-name/recipe*; do [ "$(cat $vm/state)" = Running ] || echo start > $vm/actions; done; sync vm-instances/by-name/recipe*/actions; cat vm-instances/by-name/recipe*/state | uniq -c | xargs' '3 Running'
show "stop, the hard way, and wait" 'echo "stop type=cold" > vm-instances/by-name/recipe03/actions; sync vm-instances/by-name/recipe03/actions; cat vm-instances/by-name/recipe03/state' 'Stopped'
show "the same with the body of REST" 'echo "{\"startVmInstance\":{}}" > vm-instances/by-name/recipe03/actions; sync vm-instances/by-name/recipe03/actions' ''
show "would it work?" 'echo "dry-run pause" > vm-instances/by-name/recipe03/actions; cat vm-instances/by-name/recipe03/state' 'Running'
show "why not" 'echo resume > vm-instances/by-name/recipe03/actions 2> /dev/null || cat last-error' '.*Running.*'
show "rename" 'cd vm-instances/by-name/recipe03; echo recipedb > name; cat name' 'recipedb'
show "describe it, with a stream editor" 'sed -i "s/.*/the data base/" vm-instances/by-name/recipedb/description; cat vm-instances/by-name/recipedb/description' 'the data base'
show "another size" 'cd vm-instances/by-name/recipedb; echo "stop type=cold" > actions; sync actions; echo 2 > cpuNum; echo 1G > memorySize; sync memorySize; cat cpuNum memorySize' $'2\n1073741824'
show "all of it at once: write the desired state" 'cd vm-instances/by-name/recipedb; echo "{\"cpuNum\": 1, \"state\": \"Running\", \"userTags\": [\"tier=data\"]}" > spec; sync spec; cat cpuNum state; cat tags/*' $'1\nRunning\ntier=data'
show "which operations that took" 'cat vm-instances/by-name/recipedb/jobs/*/result | jq -r ".steps[]?.operation" | paste -sd " "' 'UpdateVmInstance CreateUserTag StartVmInstance'
show "and back, from its own spec" 'cd vm-instances/by-name/recipedb; jq ".cpuNum = 2 | .state = \"Stopped\" | .userTags = []" spec > $work/spec; cp $work/spec spec; sync spec; cmp spec $work/spec; cat state' 'Stopped'
show "a request, and the job it became" 'exec 3<> vm-instances/by-name/recipedb/actions; echo start >&3; cat <&3 | jq -r .location | grep -o "^api-jobs"; sync vm-instances/by-name/recipedb/actions' 'api-jobs'
show "tag it" 'echo "resourceType=VmInstanceVO resourceUuid=$(cat vm-instances/by-name/recipedb/uuid) tag=production" > user-tags/create; cat vm-instances/by-name/recipedb/tags/*' 'production'
show "which VMs have this tag?" 'grep -lx production vm-instances/by-name/*/tags/* | cut -d / -f 3' 'recipedb'

# ------------------------------------------------------------------ watching

show "the jobs of one VM" 'cat vm-instances/by-name/recipedb/jobs/*/operation | sort | uniq -c | sort -rn | head -n 1 | awk "{ print (\$1 > 0) }"' '1'
show "what failed?" 'cat api-jobs/[0-9a-f]*/state | grep -c Failed || true' '[0-9]+'
show "the last change of anything" 'tail -n 1 events | jq -r .kind' '.+'
show "who changed the name, and from what" 'jq -r "select(.changes.name.to == \"recipedb\" and .event == \"changed\") | \"\(.uid) \(.source): \(.changes.name.from)\"" events' '[0-9]+ fs: recipe03'
show "changes of states, since a number" 'jq -r "select(.kind == \"VmInstance\" and .changes.state) | .changes.state.to" "events?since=1" | sort -u | paste -sd " "' '.*Running.*Stopped.*'
show "wait for a change, without polling" '(sleep 0.5; echo "watched" > vm-instances/by-name/recipedb/description) & timeout 20 tail -n 0 -s 0.1 -f events | grep -m 1 -o watched' 'watched'
show "VMs by state, as a monitor sees it" 'grep "state{kind=.VmInstance.,state=.Running." metrics | cut -d " " -f 2' '[0-9]+'

# ------------------------------------------------------------ copying, ending

show "a copy of all that is known of a VM" 'cp -r vm-instances/by-name/recipedb/ $work/recipedb; cmp vm-instances/by-name/recipedb/inventory $work/recipedb/inventory' ''
show "all of the pool in an archive" 'tar -cf $work/pool.tar vm-instances images; tar -tf $work/pool.tar | grep -c /inventory' '[0-9]+'
show "differences between two VMs" 'diff <(jq -S . vm-instances/by-name/recipe01/inventory) <(jq -S . vm-instances/by-name/recipe02/inventory) | grep -c "name" || true' '[0-9]+'
show "remove them: destroy, then expunge" 'for vm in recipe01 recipe02 recipedb; do uuid=$(cat vm-instances/by-name/$vm/uuid); echo destroy > vm-instances/$uuid/actions; sync vm-instances/$uuid/actions; echo expunge > vm-instances/$uuid/actions; while [ -e vm-instances/$uuid ]; do sleep 0.1; done; done; ls vm-instances/by-name | grep -c "^recipe" || true' '0'
show "and the image" 'uuid=$(cat images/by-name/recipe/uuid); echo delete > images/$uuid/actions; sync images/$uuid/actions; echo expunge > images/$uuid/actions; while [ -e images/$uuid ]; do sleep 0.1; done; ls images/by-name | grep -c "^recipe" || true' '0'

printf '\n%d recipes\n' "$count"
