"""A second reading of what a policy means, in plain and slow Python, that judges the fast one.

- `decide`: who may do what, from the checked model, rule by rule;
- `repairs`: what would have to change, by trying everything;
- `generate`: policies, directories and requests to judge by;
- `judge`: a generated case put to both, and what they disagree on;
- `cases`: disagreements of the past.
"""
