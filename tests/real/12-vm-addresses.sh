#!/bin/bash
# A guest gets the address, name, router and DNS that the pool says, whatever was leased before.
# limit: 900
. "$(dirname "$0")/../tree/lib.sh"

tiny_pool

# network NAME SUBNET
network() {
	local l3
	l3=$(create l3-networks "$(jq -nc --arg n "$1" --arg l2 "$(value "l3-networks/$(first l3-networks)/l2NetworkUuid")" \
		'{params: {name: $n, type: "L3BasicNetwork", l2NetworkUuid: $l2}}')")
	act "l3-networks/$l3" "{\"addIpRange\":{\"name\":\"r\",\"startIp\":\"$2.10\",\"endIp\":\"$2.20\",\"netmask\":\"255.255.255.0\",\"gateway\":\"$2.1\"}}"
	echo "$l3"
}
red=$(network red 10.81.1)
blue=$(network blue 10.81.2)

# vm NAME DEFAULT RED BLUE [TAG...]: a VM on both networks, with these addresses; boots it.
vm() {
	local name=$1 default=$2 vm
	vm=$(create_vm "$name" "$image" "$(jq -nc --arg o "$small" --arg red "$red" --arg blue "$blue" --arg d "$default" \
		--arg a "staticIp::$red::10.81.1.$3" --arg b "staticIp::$blue::10.81.2.$4" '{instanceOfferingUuid: $o,
		l3NetworkUuids: [$red, $blue], defaultL3NetworkUuid: $d, systemTags: ([$a, $b] + $ARGS.positional)}' --args "${@:5}")")
	wait_serial "$vm" "TINY ready" 180
	echo "$vm"
}

# has VM RED BLUE: the guest's two addresses.
has() {
	wait_until 90 agent_ping "$1"
	wait_until 60 guest "$1" "ip -4 -o addr show eth0 | grep -q ' 10.81.1.$2/' && ip -4 -o addr show eth1 | grep -q ' 10.81.2.$3/'" ||
		fail "not 10.81.1.$2, 10.81.2.$3: $(guest "$1" 'ip -4 -o addr')"
}

# leased NIC: what DHCP offers there.
leased() {
	guest "$1" "printf '#!/bin/sh\n[ \$1 = bound ] && env\n' >/tmp/show; chmod +x /tmp/show
		udhcpc -f -q -n -i $2 -s /tmp/show 2>/dev/null | grep -E '^(router|dns|hostname)=' | sort | paste -sd' '"
}

# entries L3: what the DHCP server of a network hands out, "address host-name" or "address -", sorted.
entries() {
	on_host net-dumpxml "poolfs-${1:0:8}" |
		sed -n "s/.*<host mac='[^']*' \(name='\([^',]*\)[^']*' \)\{0,1\}ip='[0-9.]*\.\([0-9]*\)'.*/\3 \2/p" |
		sed 's/ [^ ]*:.*/ -/; s/ $/ -/' | sort -n | paste -sd' '
}

has_entries() {
	[ "$(entries "$1")" = "$2" ]
}

step "the default network gives router and DNS, the other one gives neither"
a=$(vm a "$blue" 15 15 hostname::web)
has "$a" 15 15
assert_eq "$(leased "$a" eth0)" "hostname=web"
assert_eq "$(leased "$a" eth1)" "dns=10.81.2.1 hostname=web router=10.81.2.1"
assert_eq "$(guest "$a" 'ip route show default' | grep -o 'via [0-9.]*' | paste -sd' ')" "via 10.81.2.1"

step "a new VM gets the addresses and the name of an expunged one"
act "vm-instances/$a" destroy
act "vm-instances/$a" expunge
assert_eq "$(entries "$red")$(entries "$blue")" ""
b=$(vm b "$red" 15 15 hostname::web)
has "$b" 15 15
assert_eq "$(leased "$b" eth0)" "dns=10.81.1.1 hostname=web router=10.81.1.1"
assert_eq "$(leased "$b" eth1)" "hostname=web"
assert_eq "$(entries "$red"); $(entries "$blue")" "15 web; 15 web"

step "so does a NIC that is detached and attached again to the running guest, with another MAC"
nic=$(value "vm-instances/$b/inventory" | jq -r --arg l3 "$blue" '.vmNics[] | select(.l3NetworkUuid == $l3) | .uuid')
act "vm-instances/$b/nics/$nic" detach
wait_serial "$b" "HOTPLUG net- eth1" 20
act "vm-instances/$b" attach-l3-network "l3NetworkUuid=$blue" staticIp=10.81.2.15
has "$b" 15 15

step "two VMs swap their addresses, one of them with a new MAC and the name of the other"
c=$(vm c "$red" 16 16)
has "$c" 16 16
act "vm-instances/$b" stop type=cold
act "vm-instances/$c" stop type=cold
for l3 in "$red 10.81.1" "$blue 10.81.2"; do
	act "vm-instances/$b" set-static-ip "l3NetworkUuid=${l3% *}" "ip=${l3#* }.20"
	act "vm-instances/$c" set-static-ip "l3NetworkUuid=${l3% *}" "ip=${l3#* }.15"
	act "vm-instances/$b" set-static-ip "l3NetworkUuid=${l3% *}" "ip=${l3#* }.16"
done
act "vm-instances/$b" set-hostname hostname=db
act "vm-instances/$c" set-hostname hostname=web
nic=$(value "vm-instances/$c/inventory" | jq -r --arg l3 "$red" '.vmNics[] | select(.l3NetworkUuid == $l3) | .uuid')
act "vm-instances/$c/nics/$nic" update-mac mac=fa:00:00:00:81:0c
act "vm-instances/$b" start
act "vm-instances/$c" start
has "$b" 16 16
has "$c" 15 15
assert_eq "$(leased "$b" eth0)" "dns=10.81.1.1 hostname=db router=10.81.1.1"
assert_eq "$(leased "$c" eth0)" "dns=10.81.1.1 hostname=web router=10.81.1.1"
assert_eq "$(entries "$red"); $(entries "$blue")" "15 web 16 db; 15 web 16 db"

step "whatever has become of the entries meanwhile is put right when the host connects; the guests do not notice"
mac=$(value "vm-instances/$b/inventory" | jq -r --arg l3 "$red" '.vmNics[] | select(.l3NetworkUuid == $l3) | .mac')
on_host net-update "poolfs-${red:0:8}" delete ip-dhcp-host "<host mac='$mac'/>" --live --config
on_host net-update "poolfs-${red:0:8}" add ip-dhcp-host "<host mac='fa:00:00:00:00:01' name='stray' ip='10.81.1.19'/>" --live --config
assert_eq "$(entries "$red")" "15 web 19 stray"
act "hosts/$(first hosts)" reconnect
wait_for "hosts/$(first hosts)/status" Connected 20
wait_until 20 has_entries "$red" "15 web 16 db" || fail "entries: $(entries "$red")"
guest "$b" 'ping -c 1 -W 5 10.81.1.15 >/dev/null' || fail "the guests do not reach each other"
assert_eq "$(leased "$b" eth0)" "dns=10.81.1.1 hostname=db router=10.81.1.1"

step "a subnet that the host has already: the start says so"
on_host net-define /dev/stdin <<<"<network><name>other</name><bridge name='brother'/><ip address='10.81.9.1' netmask='255.255.255.0'/></network>"
on_host net-start other
green=$(network green 10.81.9)
job=$(submit vm-instances/create "$(vm_json d "$image" "$(jq -nc --arg o "$small" --arg l3 "$green" '{instanceOfferingUuid: $o, l3NetworkUuids: [$l3]}')")")
job_wait "$job" 60 2>/dev/null && fail "started on a subnet that is in use"
assert_match "$(value "api-jobs/$job/error")" "cannot start network 'poolfs-${green:0:8}': .*already in use by interface"

step "with vm.cleanTraffic a guest can use its own addresses only"
# speaks AS: does the guest get an answer from the gateway, with another address?
speaks() {
	guest "$b" "ip addr replace $1/24 dev eth0; ping -c 1 -W 5 -I $1 10.81.1.1 >/dev/null"
}
speaks 10.81.1.99 || fail "without the setting, it cannot use another address"
echo true >"$MOUNT/global-configurations/vm/cleanTraffic/value"
sync "$MOUNT/global-configurations/vm/cleanTraffic/value"
act "vm-instances/$b" reboot
has "$b" 16 16
speaks 10.81.1.16 || fail "its own address does not work"
speaks 10.81.1.99 && fail "it can use another address"
guest "$b" 'ip link set eth0 down; ip link set eth0 address fa:00:00:00:99:99; ip link set eth0 up'
speaks 10.81.1.16 && fail "it can use another MAC"
true
