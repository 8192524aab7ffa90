"""What came of tests and asserts as JUnit XML, as CI servers read it: a suite for each policy, a case for each test and
each assert. A failure has its lines one below the other, and why; an unproven assert is one.

XML has no way to write most control characters: they are written out, as they are for a terminal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree import ElementTree as ET

from remit.report.escape import printed
from remit.report.tests_text import claim_text, failed_text, failure_text, offence_text, path_in
from remit.table.shape import Place
from remit.testing.run import Results

_SEEN = {"\n", "\t"}


def results_junit(found: Sequence[tuple[Results, float]], folder: str = "") -> str:
    """One XML text for all policies, each with the seconds it took. `folder` is where paths are relative to."""
    root = ET.Element("testsuites", name="remit")
    totals = {"tests": 0, "failures": 0, "skipped": 0}
    for results, seconds in found:
        suite = ET.SubElement(root, "testsuite", name=_clean(results.table.name))
        for case in _cases(results, folder):
            suite.append(case)
        counts = {
            "tests": len(suite),
            "failures": sum(case.find("failure") is not None for case in suite),
            "skipped": sum(case.find("skipped") is not None for case in suite),
        }
        for name, count in counts.items():
            suite.set(name, str(count))
            totals[name] += count
        suite.set("errors", "0")
        suite.set("time", f"{seconds:.3f}")
        if results.coverage is not None:
            properties = ET.Element("properties")
            ET.SubElement(properties, "property", name="coverage", value=f"{results.coverage.percent:.2f}")
            suite.insert(0, properties)
    for name, count in totals.items():
        root.set(name, str(count))
    root.set("errors", "0")
    root.set("time", f"{sum(seconds for _, seconds in found):.3f}")
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode")


def _cases(results: Results, folder: str) -> Iterator[ET.Element]:
    for test in results.tests:
        case = _case(results, test.title, test.place, test.seconds, folder)
        if test.failures:
            message = "; ".join(f"{failure.place.text}: {failure_text(failure)}" for failure in test.failures)
            failure = ET.SubElement(case, "failure", message=_clean(message), type="expectation")
            failure.text = _clean(failed_text(test, results, folder))
        yield case
    for claim in results.assertions:
        title = claim.title or next(iter(claim.place.text.splitlines()), "")
        case = _case(results, title, claim.place, 0.0, folder)
        if claim.result == "failed":
            message = "; ".join(offence_text(offence) for offence in claim.offences)
            failure = ET.SubElement(case, "failure", message=_clean(message), type="assert")
            failure.text = _clean(claim_text(claim, results.table, folder))
        elif claim.result == "unproven":
            ET.SubElement(case, "failure", message="unproven: neither proved nor refuted", type="assert")
        yield case


def _case(results: Results, title: str, place: Place, seconds: float, folder: str) -> ET.Element:
    return ET.Element(
        "testcase",
        name=_clean(title),
        classname=_clean(f"{results.table.name}.{place.file.removesuffix('.remit').replace('/', '.')}"),
        file=_clean(path_in(results.table, place.file, folder)),
        line=str(place.line),
        time=f"{seconds:.3f}",
    )


def _clean(text: str) -> str:
    """The text with whatever XML cannot hold, or a reader could not see, written out."""
    return "".join(c if c.isprintable() or c in _SEEN else printed(c) for c in text)
