#!/usr/bin/env python3
"""Writes the software bill of materials of a build: SPDX 2.3 as JSON.

Its packages are the program, the libraries whose code is compiled in (packaging/copyright lists
them) and those that its executables load (their NEEDED entries, looked up with dpkg).

  sbom.py --output FILE --version VERSION EXECUTABLE...   write one
  sbom.py --check FILE                                    exit status 1 if it is not whole

Where dpkg is missing, versions are left out. SOURCE_DATE_EPOCH fixes the time of creation.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from debian_copyright import SPDX_LICENCES, read_notices

ROOT = Path(__file__).resolve().parents[1]


def output_of(*command: str) -> str:
    """What a command prints; nothing where it is missing or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout if done.returncode == 0 else ""


def version_of(package: str) -> str:
    return output_of("dpkg-query", "-W", "-f", "${Version}\n", package).split("\n")[0]


def needed_by(executable: str) -> set[str]:
    """The names of the libraries that an executable loads."""
    return set(re.findall(r"\(NEEDED\).*\[(.+)\]", output_of("readelf", "-dW", executable)))


def packages_of(libraries: set[str]) -> dict[str, str]:
    """Library -> the Debian package that its file belongs to."""
    listed = re.findall(r"^\s*(\S+) .* => (\S+)$", output_of("ldconfig", "-p"), re.MULTILINE)
    places = dict(reversed(listed))  # the first of a name is that of the machine's own architecture
    packages = {}
    for library in sorted(libraries):
        path = places.get(library, "")
        for candidate in (path, path.removeprefix("/usr"), "/usr" + path):
            owner = output_of("dpkg-query", "-S", candidate) if path else ""
            if owner:
                packages[library] = owner.split(":")[0]
                break
    return packages


def spdx_id(name: str) -> str:
    return "SPDXRef-Package-" + re.sub(r"[^A-Za-z0-9.-]", "-", name)


def entry(name: str, version: str, licence: str, holders: str, debian: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "SPDXID": spdx_id(debian or name),
        "name": name,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": licence,
        "licenseDeclared": licence,
        "copyrightText": holders,
    }
    if version:
        made["versionInfo"] = version
    if debian:
        purl = f"pkg:deb/debian/{debian}" + (f"@{version}" if version else "")
        made["externalRefs"] = [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": purl,
            }
        ]
    return made


def created() -> str:
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    when = (
        datetime.datetime.fromtimestamp(int(epoch), datetime.UTC)
        if epoch
        else datetime.datetime.now(datetime.UTC)
    )
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def bill_of(version: str, executables: list[str]) -> dict[str, Any]:
    notices = read_notices(ROOT)
    own = next(notice for notice in notices if notice.files == "*")
    program = entry("peakward", version, SPDX_LICENCES[own.licence], own.holders, "")
    packages, relations = [program], []

    def add(package: dict[str, Any], relation: str) -> None:
        if all(package["SPDXID"] != other["SPDXID"] for other in packages):
            packages.append(package)
        relations.append((program["SPDXID"], relation, package["SPDXID"]))

    for notice in notices:
        if not (notice.library and notice.is_compiled_in):
            continue
        number = version_of(notice.package) if notice.package else ""
        if not notice.package:
            record = ROOT / Path(notice.files).parent / "VERSION"
            number = record.read_text("utf-8").strip()
        licence = SPDX_LICENCES[notice.licence]
        add(entry(notice.library, number, licence, notice.holders, notice.package), "CONTAINS")
    libraries = set().union(*(needed_by(executable) for executable in executables))
    found = packages_of(libraries)
    for name in sorted(set(found.values())):
        package = entry(name, version_of(name), "NOASSERTION", "NOASSERTION", name)
        add(package, "DYNAMIC_LINK")
    for name in sorted(libraries - set(found)):
        add(entry(name, "", "NOASSERTION", "NOASSERTION", ""), "DYNAMIC_LINK")
    content = json.dumps([packages, relations], sort_keys=True)
    digest = hashlib.sha256(content.encode()).hexdigest()[:32]
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"peakward-{version}",
        "documentNamespace": f"https://spdx.org/spdxdocs/peakward-{version}-{digest}",
        "creationInfo": {"created": created(), "creators": ["Tool: peakward-tools-sbom.py"]},
        "packages": packages,
        "relationships": [
            {"spdxElementId": a, "relationshipType": relation, "relatedSpdxElement": b}
            for a, relation, b in [
                ("SPDXRef-DOCUMENT", "DESCRIBES", program["SPDXID"]),
                *relations,
            ]
        ],
    }


def problems_of(bill: dict[str, Any]) -> list[str]:
    """What SPDX 2.3 requires and the bill lacks, and what points nowhere."""
    problems = [
        f"the document lacks {name}"
        for name in ("SPDXID", "name", "documentNamespace", "creationInfo", "packages")
        if not bill.get(name)
    ]
    if (bill.get("spdxVersion"), bill.get("dataLicense")) != ("SPDX-2.3", "CC0-1.0"):
        problems.append("spdxVersion is not SPDX-2.3, or dataLicense is not CC0-1.0")
    when = bill.get("creationInfo", {}).get("created", "")
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", when):
        problems.append(f"creationInfo.created is '{when}'")
    ids = {bill.get("SPDXID")}
    for package in bill.get("packages", []):
        name = package.get("name", "a package")
        if not re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", package.get("SPDXID", "")):
            problems.append(f"{name}: its SPDXID is '{package.get('SPDXID')}'")
        if package.get("SPDXID") in ids:
            problems.append(f"{name}: its SPDXID is there twice")
        ids.add(package.get("SPDXID"))
        problems += [
            f"{name}: lacks {field}"
            for field in ("name", "downloadLocation", "licenseDeclared", "copyrightText")
            if not package.get(field)
        ]
    for relation in bill.get("relationships", []):
        ends = (relation.get("spdxElementId"), relation.get("relatedSpdxElement"))
        problems += [f"a relationship names {end}" for end in ends if end not in ids]
    libraries = {
        notice.library for notice in read_notices(ROOT) if notice.library and notice.is_compiled_in
    }
    missing = libraries - {package.get("name") for package in bill.get("packages", [])}
    return problems + [f"{name} is missing" for name in sorted(missing)]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path)
    parser.add_argument("--version", default="")
    parser.add_argument("--check", type=Path, metavar="FILE")
    parser.add_argument("executables", nargs="*")
    arguments = parser.parse_args()
    if arguments.check:
        problems = problems_of(json.loads(arguments.check.read_text("utf-8")))
        for problem in problems:
            print(f"{arguments.check}: {problem}")
        return 1 if problems else 0
    if not (arguments.output and arguments.version and arguments.executables):
        parser.error("name --output, --version and the executables; or --check FILE")
    bill = bill_of(arguments.version, arguments.executables)
    arguments.output.write_text(json.dumps(bill, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
