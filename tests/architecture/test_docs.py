"""What the documentation says is so: links, commands, settings, reasons."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel
from repository import ROOT, relative, repository_files, text_files

from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_pb2 import JobState
from longwire_server.config.audit_section import AuditSection
from longwire_server.config.auth_section import AuthSection, CertificateSection
from longwire_server.config.connections_section import ConnectionsSection
from longwire_server.config.loading import ENVIRONMENT
from longwire_server.config.model import (
    BackendSection,
    LimitsSection,
    PoolSection,
    RetentionSection,
    ServerSection,
    StoreSection,
)
from longwire_server.config.oidc_section import OidcSection
from longwire_server.config.quotas_section import QuotasSection
from longwire_server.config.tls_section import TlsSection

PAGES = [path for path in repository_files() if path.suffix == ".md"]
LINK = re.compile(r"\]\(([^)\s]+)\)")
MAKE_COMMAND = re.compile(r"\bmake((?: [a-z-]+)+)(?![a-z-])")
CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)
# Folders in which people and machines keep their checkouts.
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:work|root|home|Users)/\w")


def _text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }


def _make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", _text("Makefile"), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_links_lead_somewhere(page: Path) -> None:
    dead = []
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        target, _, anchor = link.partition("#")
        path = (page.parent / target).resolve() if target else page
        if not path.exists() or (anchor and anchor not in _anchors(path)):
            dead.append(link)
    assert dead == []


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_make_commands_exist(page: Path) -> None:
    code = "\n".join(CODE.findall(page.read_text(encoding="utf-8")))
    named = {target for targets in MAKE_COMMAND.findall(code) for target in targets.split()}
    assert named - _make_targets() == set()


def test_every_page_of_docs_is_in_its_index() -> None:
    index = {(ROOT / "docs" / link).resolve() for link in LINK.findall(_text("docs/README.md"))}
    index |= {
        (ROOT / "docs/decisions" / link).resolve()
        for link in LINK.findall(_text("docs/decisions/README.md"))
    }
    pages = {page for page in PAGES if relative(page).startswith("docs/")}
    assert pages - index == {ROOT / "docs/README.md"}


def test_decisions_are_numbered_without_gaps() -> None:
    names = [path.name for path in PAGES if path.parent.name == "decisions"]
    numbers = sorted(int(name[:4]) for name in names if name != "README.md")
    assert numbers == list(range(1, len(numbers) + 1))


def test_repository_names_no_place_of_a_machine() -> None:
    found = [
        f"{relative(path)}: {match.group()}"
        for path in text_files()
        for match in MACHINE_PATH.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("heading", "section"),
    [
        ("## [server]", ServerSection),
        ("## [tls]", TlsSection),
        ("## [connections]", ConnectionsSection),
        ("## [limits]", LimitsSection),
        ("## [store]", StoreSection),
        ("## [retention]", RetentionSection),
        ("## [auth]", AuthSection),
        ("## [auth.oidc]", OidcSection),
        ("## [[auth.certificate]]", CertificateSection),
        ("## [quotas]", QuotasSection),
        ("## [audit]", AuditSection),
        ("## [[pool]]", PoolSection),
        ("## [[backend]]", BackendSection),
    ],
)
def test_configuration_page_has_every_setting_and_no_other(
    heading: str, section: type[BaseModel]
) -> None:
    part = _text("docs/reference/configuration.md").split(f"{heading}\n")[1].split("\n## ")[0]
    settings = re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE)
    assert sorted(settings) == sorted(section.model_fields)


def test_configuration_page_has_every_variable() -> None:
    page = _text("docs/reference/configuration.md")
    assert [name for name in ENVIRONMENT if f"`{name}`" not in page] == []


def test_protocol_page_has_every_reason() -> None:
    page = _text("docs/protocol.md")
    reasons = [name.removeprefix("ERROR_REASON_") for name, number in ErrorReason.items() if number]
    assert [reason for reason in reasons if reason not in page] == []


def test_nomenclature_has_every_state() -> None:
    page = _text("docs/nomenclature.md")
    states = [name.removeprefix("JOB_STATE_") for name, number in JobState.items() if number]
    assert [state for state in states if f"`{state}`" not in page] == []
