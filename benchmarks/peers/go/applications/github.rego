# Repositories in organisations. Nested teams, organisations and what roles include are closed when the data is made:
#
#	data.role: {USER: {REPOSITORY: ROLE}}    the highest held there or in its organisation, in person or through teams
#	data.may: {TYPE: {ACTION: {ROLE: "always"|"own"}}}
package github

default allow := false

allow if applies(data.may[input.type][input.action][data.role[input.user][input.repository]])

applies("always")

applies("own") if input.reporter == input.user
