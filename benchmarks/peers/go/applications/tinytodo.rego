# Lists with an owner, shared with teams that read them and teams that edit them. Nested teams and what roles include are
# closed when the data is made:
#
#	data.role: {USER: {LIST: ROLE}}    the highest held, in person or through teams
#	data.may: {ACTION: {ROLE: true}}
package tinytodo

default allow := false

allow if data.may[input.action][data.role[input.user][input.list]]
