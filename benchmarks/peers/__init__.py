"""remit beside what a team would pick instead, on the same work in the same run; see the section of ../README.md."""
