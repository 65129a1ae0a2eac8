#!/bin/bash
# A mount that is served by sshd, Samba and NFS-Ganesha: reading, values, documents, verbs, uploads, refusals.
# limit: 300
# shellcheck disable=SC2016 # expanded by the shell under test
. "$(dirname "$0")/lib.sh"

# The servers must end before the pool can be unmounted.
servers=()
end_servers() {
	local status=$?
	! mountpoint -q "$PWD/remote" || umount -l "$PWD/remote"
	[ ${#servers[@]} = 0 ] || kill "${servers[@]}" 2>/dev/null || true
	wait || true
	return $status
}
trap 'end_servers; at_exit' EXIT

# serves PORT LOG COMMAND...: starts a server and waits until it listens.
serves() {
	local port=$1 log=$2
	shift 2
	setsid "$@" >"$log" 2>&1 & # smbd ends its whole process group
	servers+=($!)
	(wait_until 30 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port") 2>/dev/null || {
		cat "$log" >&2
		fail "'$1' does not serve"
	}
}

tool_vm
vm=vm-instances/${VM##*/}
D=$VM/description
truncate -s 1M disk.raw
printf 'the system' | dd of=disk.raw conv=notrunc status=none
echo many >bad

step "sshfs"
ssh=$("$LAB/unpack" openssh-server)/usr/sbin/sshd
mkdir -p /run/sshd remote
{
	cat /etc/passwd
	grep -q ^sshd: /etc/passwd || echo "sshd:x:65533:65533::/run/sshd:/usr/sbin/nologin"
} >passwd
mount --bind passwd /etc/passwd
ssh-keygen -q -t ed25519 -N '' -f host-key
ssh-keygen -q -t ed25519 -N '' -f key
cat >sshd_config <<END
Port 2022
ListenAddress 127.0.0.1
HostKey $PWD/host-key
AuthorizedKeysFile $PWD/key.pub
PermitRootLogin yes
StrictModes no
UsePAM no
PidFile none
Subsystem sftp /usr/lib/openssh/sftp-server
END
serves 2022 sshd.log "$ssh" -D -e -f "$PWD/sshd_config"
options=(-o "port=2022,IdentityFile=$PWD/key,StrictHostKeyChecking=no,UserKnownHostsFile=/dev/null,LogLevel=ERROR")
sshfs "${options[@]}" -o sshfs_sync,dir_cache=no "root@127.0.0.1:$MOUNT" remote
R=$PWD/remote/$vm
export R D
cmp "$R/inventory" "$VM/inventory"
assert_eq "$(ls "$R")" "$(ls "$VM")"
echo before >"$D"
writes_once "$D" "over ssh" in_bash 'echo "over ssh" >"$R/description"'
pieces=$'line 1\nline 2'
for run in 1 2; do
	bash -c 'printf "line 1\nline 2\n" >"$R/description"'
	assert_eq "$(cat "$R/description")" "$pieces" "after run $run" # sshfs does not wait for a close, but does things in order
done
writes_once "$D" "line one" sed -i -e 's/line 1/line one/' -e '/line 2/d' "$R/description"
wanted sshfs
spec_once sshfs cp sshfs.json "$R/spec"
refused "Input/output error" cp bad "$R/cpuNum" # SFTP has one error for all
assert_eq "$(cat "$R/cpuNum")" 1
echo start >"$R/actions"
sync "$R/actions" # sshd offers fsync(2) by name
assert_eq "$(cat "$R/state")" Running
cp disk.raw remote/images/upload/ssh.raw
wait_for images/by-name/ssh/status Ready 10
cmp "$MOUNT/images/by-name/ssh/data" disk.raw
act "$vm" stop type=cold
umount remote

step "without sshfs_sync a program hears of a refusal when it closes the file"
sshfs "${options[@]}" "root@127.0.0.1:$MOUNT" remote
refused "failed to close" cp bad "$R/cpuNum"
assert_eq "$(cat "$VM/cpuNum")" 1
umount remote
echo "by sftp" >new
sftp_put() {
	echo "put -p new $D" | sftp -b - -P 2022 -i key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR 127.0.0.1 >said
}
writes_once "$D" "by sftp" sftp_put

step "Samba"
smbd=$("$LAB/unpack" samba)/usr/sbin/smbd
mkdir -p smb/private smb/lock smb/state smb/cache smb/pid smb/ncalrpc
cat >smb.conf <<END
[global]
server role = standalone server
map to guest = Bad User
guest account = root
private dir = $PWD/smb/private
lock directory = $PWD/smb/lock
state directory = $PWD/smb/state
cache directory = $PWD/smb/cache
pid directory = $PWD/smb/pid
ncalrpc dir = $PWD/smb/ncalrpc
smb ports = 4450
interfaces = lo
bind interfaces only = yes
load printers = no
disable spoolss = yes
rpc start on demand helpers = no
[pool]
path = $MOUNT
guest ok = yes
read only = no
END
serves 4450 smbd.log "$smbd" -F --no-process-group --debug-stdout -s "$PWD/smb.conf"
smb() {
	smbclient -s smb.conf -p 4450 -N -g //127.0.0.1/pool -D "$vm" -c "$1" >said 2>&1 && ! grep -E '^(NT_|ERR)' said
}
smb 'ls inventory' && grep -q inventory said
smb 'get inventory got' && cmp got "$VM/inventory"
echo "by samba" >new
writes_once "$D" "by samba" smb 'put new description'
wanted samba
spec_once samba smb 'put samba.json spec'
refused "" smb 'put bad cpuNum'
assert_eq "$(cat "$VM/cpuNum")" 1
refused "" smb 'del state'
echo start >verb
smb 'put verb actions'
sync "$VM/actions"
assert_eq "$(cat "$VM/state")" Running
act "$vm" stop type=cold
smb "cd /images/upload; put disk.raw samba.raw"
wait_for images/by-name/samba/status Ready 10
cmp "$MOUNT/images/by-name/samba/data" disk.raw

step "NFS-Ganesha, with a client in user space"
ganesha=$("$LAB/unpack" nfs-ganesha)
mkdir -p nfs
cat >ganesha.conf <<END
NFS_CORE_PARAM {
	Protocols = 4; NFS_Port = 20490; Enable_NLM = false; Enable_RQUOTA = false;
	Plugins_Dir = $("$LAB/unpack" nfs-ganesha-vfs)/usr/lib/x86_64-linux-gnu/ganesha;
}
NFSv4 { RecoveryRoot = $PWD/nfs; Graceless = true; Lease_Lifetime = 5; }
EXPORT {
	Export_Id = 1; Path = $MOUNT; Pseudo = /pool; Access_Type = RW; Squash = None; SecType = sys; FSAL { Name = VFS; }
}
END
serves 20490 ganesha.log env LD_LIBRARY_PATH="$ganesha/usr/lib/ganesha" "$ganesha/usr/bin/ganesha.nfsd" -F -f ganesha.conf \
	-L "$PWD/ganesha.log" -p "$PWD/ganesha.pid"
# nfs PATH: its URL
nfs() {
	echo "nfs://127.0.0.1/pool/$1?nfsport=20490&version=4"
}
nfs-ls "$(nfs "$vm")" | awk '{ print $NF }' | finds -x description
nfs-cat "$(nfs "$vm/inventory")" | cmp - "$VM/inventory"
# over URL FILE [trunc]: writes a file that exists.
over() {
	"$TOP/tests/tools/nfs-write" "$(nfs "$1")" "${@:3}" <"$2"
}
echo "by nfs" >new
writes_once "$D" "by nfs" over "$vm/description" new
echo "by nfs anew" >new
writes_once "$D" "by nfs anew" over "$vm/description" new trunc
wanted nfs
spec_once nfs over "$vm/spec" nfs.json trunc
refused "Invalid argument" over "$vm/cpuNum" bad trunc
assert_eq "$(cat "$VM/cpuNum")" 1
over "$vm/actions" verb
sync "$VM/actions"
assert_eq "$(cat "$VM/state")" Running
act "$vm" stop type=cold
# The server opens a new file a second time for the first write, and an upload has one writer.
assert_fails "Failed to write" nfs-cp disk.raw "$(nfs images/upload/nfs.raw)"
assert_match "$(value last-error)" "is being uploaded already"
wait_until 60 eval '[ -z "$(ls -A "$MOUNT/images/upload")" ]'
[ ! -e "$MOUNT/images/by-name/nfs" ] || fail "half an upload has become an image"
