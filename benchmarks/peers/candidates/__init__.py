"""One engine a module, each a process of its own that answers JSON lines (`serving.py`).

Those of the peers run in the peers' environment, so they import nothing but their engine, the standard library and
`serving`."""
