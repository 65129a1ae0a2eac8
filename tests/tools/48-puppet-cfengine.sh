#!/bin/bash
# Puppet's file and CFEngine's files: only the first run changes a file, and a refusal fails the run.
# limit: 300
. "$(dirname "$0")/lib.sh"

puppet=$("$LAB/unpack" puppet-agent)
cfengine=$("$LAB/unpack" cfengine3)/usr/bin

# manifest TEXT: Puppet applies it once.
manifest() {
	echo "$1" >manifest.pp
	RUBYLIB=$puppet/usr/lib/ruby/vendor_ruby ruby "$puppet/usr/bin/puppet" apply --color false --detailed-exitcodes \
		--confdir "$PWD/conf" --codedir "$PWD/code" --vardir "$PWD/var" --publicdir "$PWD/public" --ssldir "$PWD/ssl" \
		--logdir "$PWD/logs" --rundir "$PWD/run" manifest.pp >said 2>&1
}

# puppet TEXT: its exit status is 2 if it changed something.
puppet() {
	local status=0
	manifest "$1" || status=$?
	[ $status = 0 ] || [ $status = 2 ] || {
		cat said >&2
		return 1
	}
	echo "   exit status $status"
}

# policy TEXT: CFEngine applies a bundle of promises about files.
export CFENGINE_TEST_OVERRIDE_WORKDIR=$CASE_DIR/cfengine
mkdir -p cfengine/bin
ln -s "$cfengine/cf-promises" cfengine/bin
"$cfengine/cf-key" >/dev/null
policy() {
	cat >policy.cf <<END
bundle agent main
{
files:
  $1
}
bundle edit_line text(line)
{
delete_lines: ".*";
insert_lines: "\$(line)";
}
body edit_defaults no_backup
{
  edit_backup => "false";
}
body copy_from from(file)
{
  source => "\$(file)";
  compare => "digest";
  copy_backup => "false";
}
END
	chmod 600 policy.cf
	"$cfengine/cf-agent" -K -I -f "$PWD/policy.cf" >said 2>&1 || return 1
	! grep -i error said
}

tool_vm
D=$VM/description
wanted puppet
echo "from a source" >source

# Each run takes Puppet seconds to look at the machine, so one manifest has several files.
step "Puppet: content with mode and owner, a source, a document, a backup, a text without a newline"
manifest="file { '$D': ensure => file, content => \"by puppet\\n\", mode => '0644', owner => 'root', group => 'root', backup => '.old' }
file { '$VM/cpuNum': content => inline_epp(\"<%= 1 + 2 %>\\n\") }
file { '$MOUNT/zones/$(first zones)/description': source => '$PWD/source' }
file { '$MOUNT/clusters/$(first clusters)/description': content => 'bare' }"
echo before >"$D"
jobs=$(job_count)
puppet "$manifest
file { '$VM/spec': source => '$PWD/puppet.json', require => File['$D', '$VM/cpuNum'] }"
sync "$VM/spec"
cmp puppet.json "$VM/spec"
assert_eq "$(cat "$D" "$VM/cpuNum" "$MOUNT/zones/$(first zones)/description" "$D.old" "$VM/name") $(job_count)" "by puppet
3
from a source
before
puppet $((jobs + 5))"
rm "$D.old"
assert_eq "$(puppet "$manifest")" "   exit status 2" "the second run"
assert_eq "$(grep -c 'content changed' said)" 1 "files that differ: only the one without a newline, which stays as it is"
cat said
assert_eq "$(puppet "file { ['$D', '$VM/cpuNum']: ensure => file, mode => '0644' }
file { '$VM/spec': source => '$PWD/puppet.json' }")" "   exit status 0" "the third run"
assert_eq "$(cat "$MOUNT/clusters/$(first clusters)/description") $(job_count)" "bare $((jobs + 5))"
assert_eq "$(find "$VM" -maxdepth 1 \( -name '*lock' -o -name '.*' -o -name '*.old' \))" "" "files that are left"

step "Puppet: refusals; what is made absent is not created anew, and comes back"
refused "" puppet "file { '$VM/cpuNum': content => \"many\\n\" }
file { '$VM/state': content => \"Running\\n\" }
file { '$D': ensure => absent }"
assert_match "$(cat said)" "Invalid argument"
assert_eq "$(cat "$VM/cpuNum" "$VM/state")" "3
Stopped"
wait_until 8 test -e "$D"
assert_eq "$(cat "$D")" "by puppet"

step "CFEngine: lines, with and without a backup, and a copy"
writes_once "$D" "by cfengine" policy "\"$D\" edit_line => text(\"by cfengine\"), edit_defaults => no_backup;"
policy "\"$D\" edit_line => text(\"with a backup\");"
assert_eq "$(cat "$D" "$D.cf-before-edit")" "with a backup
by cfengine"
rm "$D.cf-before-edit"
echo "by copy" >source
writes_once "$D" "by copy" policy "\"$D\" copy_from => from(\"$PWD/source\");"
wanted cfengine
spec_once cfengine policy "\"$VM/spec\" copy_from => from(\"$PWD/cfengine.json\");"
refused "" policy "\"$VM/cpuNum\" edit_line => text(\"many\"), edit_defaults => no_backup;"
assert_eq "$(cat "$VM/cpuNum")" 3
