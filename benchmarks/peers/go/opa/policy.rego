# What the roles may do is data, so the policy has the same few rules at any size: two levels of objects lead to the rows
# of a type and an action, and the user's own roles are looked up in one. Inheritance is closed when the data is made.
#
#	data.users: {USER: [ROLE, ..]}
#	data.cells: {TYPE: {ACTION: {"deny"|"allow": {ROLE: "always"|"own"}}}}
package peers

# The letters are those of the benchmark: allowed, denied by a rule, nothing matched.
default decision := "n"

decision := "d" if {
	row := data.cells[input.type][input.action].deny
	some role in data.users[input.user]
	applies(row[role])
} else := "a" if {
	row := data.cells[input.type][input.action].allow
	some role in data.users[input.user]
	applies(row[role])
}

applies("always")

applies("own") if input.owner == input.user
