"""Two small applications with their people, beside other engines: `python -m benchmarks applications`."""
