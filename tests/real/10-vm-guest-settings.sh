#!/bin/bash
# Host name, passwords and console, as a real guest and a real VNC client see them.
# limit: 600
. "$(dirname "$0")/../tree/lib.sh"

tiny_pool
vm=$(create_vm guest "$image" '{"instanceOfferingUuid":"'"$small"'"}')
dir=vm-instances/$vm
wait_serial "$vm" "TINY ready" 120
wait_until 20 agent_ping "$vm"

vnc() {
	"$LAB/vnc-auth" "$(value "$dir/console-addresses" | jq -r .port)" "$@" || true
}

# The dhcp entry that the running network has for the VM.
lease() {
	on_host net-dumpxml "poolfs-$(first l3-networks | cut -c1-8)" | grep -o "<host mac='$mac'[^>]*>"
}

step "the guest has a CPU of this decade: all that x86-64-v2 asks for"
for flag in cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3; do
	guest "$vm" cat /proc/cpuinfo | finds "^flags.* $flag\b" || fail "the CPU has no $flag"
done

step "its machine does not offer a sleep from which it would wake without its power management"
assert_eq "$(guest "$vm" cat /sys/power/mem_sleep)" "[s2idle]"

step "a new password is accepted inside the guest"
act "$dir" set-qga enable=true
act "$dir" change-password account=root 'password=N3w-secret!'
hash=$(guest "$vm" 'sed -n "s/^root:\([^:]*\):.*/\1/p" /etc/shadow')
salt=$(cut -d'$' -f3 <<<"$hash")
assert_eq "$(openssl passwd -6 -salt "$salt" 'N3w-secret!')" "$hash" "the hash in the guest's /etc/shadow"
job=$(submit "$dir/actions" "change-password account=nobody-there password=x")
job_wait "$job" 2>/dev/null && fail "the password of an unknown account was changed"
assert_eq "$(value "api-jobs/$job/error" | jq -r .code)" VM.1011

step "a host name set while the guest runs reaches it with the next DHCP renewal"
mac=$(value "$dir/inventory" | jq -r '.vmNics[0].mac')
renew() {
	# shellcheck disable=SC2016 # for the shell in the guest
	guest "$vm" 'kill -USR1 "$(cat /run/udhcpc.eth0.pid)"; sleep 1; hostname'
}
is_hostname() {
	[ "$(renew)" = "$1" ]
}
act "$dir" set-hostname hostname=live-name
assert_match "$(lease)" "name='live-name'"
wait_until 20 is_hostname live-name
act "$dir" delete-hostname
lease | lacks name= || fail "the lease still has a name: $(lease)"

step "one set while the VM is stopped is there at the next start, and so is an ssh key"
act "$dir" stop
act "$dir" set-hostname hostname=cold-name
create system-tags '{"params":{"resourceType":"VmInstanceVO","resourceUuid":"'"$vm"'","tag":"vmCpuMode::Nehalem"}}' >/dev/null
odd=$'it\'s "a" & <b>, 100% {c} $d; é'
key="ssh-ed25519 AAAAkey me@here $odd"
act "$dir" "$(jq -nc --arg k "$key" '{setVmSshKey: {SshKey: $k}}')"
for field in name description; do
	echo "$odd" >"$MOUNT/$dir/$field"
	sync "$MOUNT/$dir/$field"
done
act "$dir" start
assert_eq "$(on_host dumpxml "$vm" | xmllint --xpath 'string(/domain/title)' -)" "$odd" "the title that libvirt reads"
assert_match "$(lease)" "name='cold-name'"
wait_serial "$vm" "TINY ready" 120 2
wait_until 20 agent_ping "$vm"
wait_until 20 is_hostname cold-name
assert_match "$(guest "$vm" cat /proc/cpuinfo | grep -m1 '^model name')" Nehalem
assert_eq "$(guest "$vm" cat /run/seed/meta-data | jq -r '.["public-keys"][0]')" "$key" "the key that the guest reads"

step "the console listens on the loopback address alone"
assert_eq "$(value "$dir/console-addresses" | jq -r .hostIp)" 127.0.0.1
assert_eq "$(on_host dumpxml "$vm" | xmllint --xpath 'string(//graphics/@listen)' -)" 127.0.0.1

step "before a console password is set, none is accepted"
assert_eq "$(vnc)" password
assert_eq "$(vnc "")" denied

step "a password set while the guest runs applies at once"
act "$dir" set-console-password consolePassword=first
assert_eq "$(vnc first)" accepted
assert_eq "$(vnc wrong)" denied
assert_refused "$dir/actions" "set-console-password consolePassword=second-is-long" EINVAL "VNC must have 1 to 8 characters, not 14"
assert_eq "$(vnc first)" accepted
act "$dir" set-console-password consolePassword=second-i
assert_eq "$(vnc first)" denied
assert_eq "$(vnc second-i)" accepted
act "$dir" reboot
assert_eq "$(vnc second-i)" accepted
act "$dir" "$(jq -nc '{setVmConsolePassword: {consolePassword: "a\u0027\"<&>b,"}}')"
assert_eq "$(vnc "a'\"<&>b,")" accepted
act "$dir" set-console-password consolePassword=second-i
act "$dir" delete-console-password
assert_eq "$(vnc second-i)" denied

step "a password that the host refuses is not stored"
act "$dir" set-console-password consolePassword=kept
host killd h1
wait_for "$dir/state" Unknown 10
host restart h1
wait_for "$dir/state" Running 15
assert_eq "$(value "$dir/console-passwords" | jq -r .password)" kept
