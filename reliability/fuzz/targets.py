"""Every target by its name."""

from __future__ import annotations

from reliability.fuzz import (
    archive_targets,
    catalogue_targets,
    core_targets,
    desk_targets,
    evidence_targets,
    line_targets,
    pairing_targets,
    question_targets,
    renewal_targets,
    routes_targets,
    settings_targets,
    silence_targets,
)
from reliability.fuzz.target import Target

TARGETS: dict[str, Target] = {
    target.name: target
    for module in (
        core_targets,
        pairing_targets,
        renewal_targets,
        evidence_targets,
        archive_targets,
        catalogue_targets,
        desk_targets,
        routes_targets,
        line_targets,
        silence_targets,
        settings_targets,
        question_targets,
    )
    for target in module.TARGETS
}
