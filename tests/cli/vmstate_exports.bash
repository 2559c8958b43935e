# Small exports with all that stands beside a dump, written by hand: "old", of a QEMU that does not tell
# what machines set, and "new"; old.dump and new.dump are what QEMU itself would have written.

# NAME of NAME.about and NAME.dump, and what jq makes of it.
document() { # NAME [FILTER]
	jq -n --slurpfile about "$1.about" --slurpfile dump "$1.dump" \
		'{guestscope: $about[0], dump: $dump[0]}' | jq "${2:-.}"
}

# A device of one field, and what jq makes of it.
device() { # TYPE [FILTER]
	jq -n --arg type "$1" '{version_id: 1, minimum_version_id: 1} as $v |
		$v + {Name: $type, Description: ($v + {name: $type,
			Fields: [{field: "a", version_id: 0, field_exists: false, num: 1, size: 4}]})} |
		{($type): .}' | jq --arg type "$1" "if .[\$type] then .[\$type] |= (${2:-.}) else . end"
}

dump() { jq -s '{vmschkmachine: {Name: "none"}} + add'; }

old_dump() { { device nic && device disk && device other; } | dump; }

# Subsections that the old one does not know.
new_dump() {
	local subsection='.Description.Subsections = [{version_id: 1, minimum_version_id: 1, Fields: [], name: '
	{ device nic "$subsection\"nic/timadj\"}]" && device disk "$subsection\"disk/queue\"}]" &&
		device other; } | dump
}

old_about() {
	cat <<-'EOT'
		{"format": 1, "qemu": {"version": "7.2.1", "package": "Fake 7", "target": "x86_64"},
		 "machines": [{"name": "pc-2.0", "alias": "pc"}, {"name": "pc-1.0"}, {"name": "none"}]}
	EOT
}

new_about() {
	cat <<-'EOT'
		{"format": 1, "qemu": {"version": "10.0.0", "target": "x86_64"},
		 "types": {"abstract": {"card": "device"}, "real": {"nic": "card", "disk": "card", "other": "device"}},
		 "machines": [{"name": "pc-3.0", "alias": "pc", "compat-props": []},
		  {"name": "none", "compat-props": []},
		  {"name": "pc-2.0", "deprecated": true, "compat-props": [
		   {"qom-type": "nic", "property": "migrate-timadj", "value": "on"},
		   {"qom-type": "other", "property": "timadj", "value": "on"},
		   {"qom-type": "card", "property": "migrate-timadj", "value": "off"},
		   {"qom-type": "card", "property": "x-power", "value": "1"}]}]}
	EOT
}

make_exports() {
	old_dump >old.dump && new_dump >new.dump
	old_about >old.about && new_about >new.about
	document old >old && document new >new
}
