"""Talks may not read the catalogue, so they have the numbers of its fields once more: they are the catalogue's."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module

import pytest

import watchline.talks
from watchline.catalogue import load_catalogue


def numbers() -> Iterator[tuple[str, str, str, int]]:
    """Each number that a module of talks has: the module, the form, the field's name and its number."""
    for found in pkgutil.iter_modules(watchline.talks.__path__):
        module = import_module(f"watchline.talks.{found.name}")
        for form, fields in getattr(module, "FIELDS", {}).items():
            yield from ((found.name, form, name, number) for name, number in fields.items())


def test_modules_that_read_forms_are_found() -> None:
    assert {"commitments", "arrangements", "agreement", "review"} <= {module for module, *_ in numbers()}


@pytest.mark.parametrize(("form", "name", "number"), sorted({found[1:] for found in numbers()}))
def test_number_of_a_field_is_that_of_the_catalogue(form: str, name: str, number: int) -> None:
    assert {field.name: field.number for field in load_catalogue().form(form).fields}[name] == number
