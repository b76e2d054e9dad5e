"""The agreed forms: fields with types, units and allowed values, and the agreed words for them in every language.

A form is data (`forms/*.json`), not code. `load_catalogue()` reads and checks it all once:

    form = load_catalogue().form("airspace-object")
    fields = form.parse({"object": "balloon", "seen": "2023-02-15T01:00:00Z", "ours": "asking"}, resolve)
    form.render(fields, "ja", "Asia/Tokyo")

What goes over the wire is a map from a field's number to its value; what a person types and reads are names and words. Pure:
it reads its own packaged files and nothing else, and knows of other floors only the byte encoding that the digest is over.
"""

from watchline.catalogue.catalogue import Catalogue, Reading, Shown, load_catalogue
from watchline.catalogue.forms import Field, Form, Row, raw_json, raw_rows
from watchline.catalogue.kinds import NameReference, ResolveReference
from watchline.catalogue.places import Place, PlaceName

__all__ = [
    "Catalogue",
    "Field",
    "Form",
    "NameReference",
    "Place",
    "PlaceName",
    "Reading",
    "ResolveReference",
    "Row",
    "Shown",
    "load_catalogue",
    "raw_json",
    "raw_rows",
]
