"""Defects put on purpose into correct policies, to count which of them the linter finds and what it says beside.

| module | holds |
|---|---|
| `ground` | the policies: the shipped ones and generated ones, what they hold and where, and edits of their text |
| `seeder` | what a seeder is, and the list of them |
| `words`, `unused`, `exact`, `alike`, `twice`, `people`, `held`, `risky`, `silence` | seeders, by the code's group |
| `spelling` | conditions and rules in other words |
| `measure` | seeds, lints, compares with what was found before, and counts |
| `truth` | what the exact rules find in generated policies, held against the comparison and the evaluator |

    correct policy ──seeder──▶ the same with one defect, marked ──lint──▶ what is new: found, follows, or false
"""
