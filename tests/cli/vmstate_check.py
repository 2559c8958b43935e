#!/usr/bin/python3
"""vmstate_check.py JSON SARIF JUNIT: reports of one check, in three formats, say the same, and each
is what the readers of its format expect."""
import json
import re
import sys
import xml.etree.ElementTree as ET

with open(sys.argv[1]) as f:
    report = json.load(f)
with open(sys.argv[2]) as f:
    sarif = json.load(f)
junit = ET.parse(sys.argv[3]).getroot()

LEVELS = {"SILENT": "error", "BREAK": "error", "CONDITIONAL": "warning", "UNKNOWN": "warning",
          "INFO": "note"}
findings = {f["id"]: f for f in report["findings"]}
assert len(findings) == len(report["findings"]), "ids are unique"


def members(value, required, optional=()):
    """The members that SARIF 2.1.0 has for an object, as far as we use them."""
    assert isinstance(value, dict) and set(required) <= set(value), (value, required)
    assert set(value) <= set(required) | set(optional), (value, required, optional)


def message(value):
    members(value, ["text"])
    assert isinstance(value["text"], str) and value["text"]


def check_rules(driver):
    members(driver, ["name", "rules"], ["organization", "semanticVersion"])
    for rule in driver["rules"]:
        members(rule, ["id", "shortDescription"])
        message(rule["shortDescription"])
    assert len({rule["id"] for rule in driver["rules"]}) == len(driver["rules"])


def check_location(location):
    members(location, ["physicalLocation", "logicalLocations"])
    members(location["physicalLocation"], ["artifactLocation"])
    members(location["physicalLocation"]["artifactLocation"], ["uri"])
    uri = location["physicalLocation"]["artifactLocation"]["uri"]
    assert re.fullmatch(r"(?:[A-Za-z0-9._~/:-]|%[0-9A-F]{2})+", uri), uri
    (logical,) = location["logicalLocations"]
    members(logical, ["fullyQualifiedName", "kind"])


def check_suppressions(result, finding, is_any):
    assert ("suppressions" in result) == is_any
    waived = result.get("suppressions", [])
    assert bool(waived) == finding["waived"]
    for suppression in waived:
        members(suppression, ["kind", "status", "justification", "properties"])
        assert suppression["kind"] == "external" and suppression["status"] == "accepted"
        assert suppression["justification"] == finding["reason"]


def check_result(result, rules, is_any_suppressed):
    members(result, ["ruleId", "ruleIndex", "level", "message", "locations",
                     "partialFingerprints", "properties"], ["suppressions"])
    (finding_id,) = result["partialFingerprints"].values()
    finding = findings[finding_id]
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == finding["rule"]
    assert result["level"] == LEVELS[finding["verdict"]]
    message(result["message"])
    for location in result["locations"]:
        check_location(location)
    assert result["properties"]["direction"] == finding["direction"]
    assert result["properties"]["condition"] == finding["condition"]
    check_suppressions(result, finding, is_any_suppressed)
    return finding_id


def check_sarif():
    members(sarif, ["$schema", "version", "runs"])
    assert sarif["version"] == "2.1.0"
    (run,) = sarif["runs"]
    members(run, ["tool", "invocations", "columnKind", "results"])
    members(run["tool"], ["driver"])
    check_rules(run["tool"]["driver"])
    (invocation,) = run["invocations"]
    members(invocation, ["executionSuccessful", "exitCode", "toolExecutionNotifications"])
    assert invocation["exitCode"] == (0 if report["holds"] else 1)
    notes = [note["message"]["text"] for note in invocation["toolExecutionNotifications"]]
    assert notes == report["not-judged"]
    rules = run["tool"]["driver"]["rules"]
    is_any = any("suppressions" in result for result in run["results"])
    assert [check_result(result, rules, is_any) for result in run["results"]] == \
        [finding["id"] for finding in report["findings"]]


FAILING = ("BREAK", "SILENT")


def check_case(case, direction, device):
    verdict = device[direction]
    outcome = {True: "failure", False: "system-out"}[verdict["not-waived"] in FAILING]
    if verdict["verdict"] in FAILING and verdict["not-waived"] not in FAILING:
        outcome = "skipped"
    assert case.get("classname") == direction and case.get("name")
    texts = [element for element in case]
    assert len(texts) <= 1
    if outcome != "system-out" or verdict["findings"]:
        assert texts[0].tag == outcome, (case.get("name"), texts, outcome)
        lines = texts[0].text.strip().split("\n")
        assert len(lines) == verdict["findings"]
    return outcome


def check_suite(suite, direction):
    assert len(suite) == len(report["devices"])
    outcomes = [check_case(*case) for case in
                zip(suite, [direction] * len(suite), report["devices"])]
    assert int(suite.get("tests")) == len(outcomes)
    assert int(suite.get("failures")) == outcomes.count("failure")
    assert int(suite.get("skipped")) == outcomes.count("skipped")
    return outcomes


def check_junit():
    assert junit.tag == "testsuites"
    directions = list(report["counts"])
    assert len(junit) == len(directions)
    outcomes = sum((check_suite(*suite) for suite in zip(junit, directions)), [])
    for name, outcome in (("failures", "failure"), ("skipped", "skipped")):
        assert int(junit.get(name)) == outcomes.count(outcome)
    assert int(junit.get("tests")) == len(outcomes)
    assert report["holds"] == (outcomes.count("failure") == 0)


check_sarif()
check_junit()
