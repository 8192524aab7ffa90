# What the roles may do is data, so the policy has the same few rules at any size: two levels of objects lead to the rows
# of a type and an action, and the user's own roles are looked up in one. Inheritance is closed when the data is made.
# OPA's candidate has the same with fewer rules; an `else` behind a body that iterates, though, is not reached on the
# virtual machine of regorus 0.14.1.
#
#	data.users: {USER: [ROLE, ..]}
#	data.cells: {TYPE: {ACTION: {"deny"|"allow": {ROLE: "always"|"own"}}}}
package peers

# The letters are those of the benchmark: allowed, denied by a rule, nothing matched.
default decision := "n"

decision := "d" if denied

else := "a" if allowed

denied if {
	row := data.cells[input.type][input.action].deny
	some role in data.users[input.user]
	row[role] == "always"
}

denied if {
	input.owner == input.user
	row := data.cells[input.type][input.action].deny
	some role in data.users[input.user]
	row[role]
}

allowed if {
	row := data.cells[input.type][input.action].allow
	some role in data.users[input.user]
	row[role] == "always"
}

allowed if {
	input.owner == input.user
	row := data.cells[input.type][input.action].allow
	some role in data.users[input.user]
	row[role]
}
