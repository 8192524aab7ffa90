"""A second reading of what a policy means, in plain and slow Python, that judges the fast one.

- `decide`: who may do what, from the checked model, rule by rule;
- `repairs`: what would have to change, by trying everything;
- `events`: what becomes of a membership event; what it says is in `heard`, the lines that it meets in `lines`, who may
  cause it in `requires`, what must stay true in `guards`;
- `histories`: policies and directories over which events are judged, and the events, put to both;
- `generate`: policies, directories and requests to judge by;
- `judge`: a generated case put to both, and what they disagree on;
- `cases`: disagreements of the past, those on events in `cases/events`.
"""
