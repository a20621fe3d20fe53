"""The section ``[audit]`` of the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from longwire_server.config.section import Section


class AuditSection(Section):
    """``[audit]``: where it is recorded who did what."""

    # Whether it is. None: where callers must show who they are.
    enabled: bool | None = Field(default=None, examples=["true"])
    # The file, to which records are added. `~` is expanded; a relative path starts at
    # the configuration file's directory. None: audit.jsonl in server.data_dir.
    file: Annotated[Path, Field(strict=False)] | None = Field(
        default=None, examples=["'/var/log/longwire/audit.jsonl'"]
    )

    def beside(self, directory: Path) -> AuditSection:
        """Returns the section with its path made absolute, a relative one in a directory."""
        file = self.file and directory / self.file.expanduser()
        return self.model_copy(update={"file": file})
