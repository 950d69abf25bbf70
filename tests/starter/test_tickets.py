"""Each field of a ticket's JSON follows from its text."""

import json
from random import Random

from finetune.starter.shop import TROUBLES, URGENCIES
from finetune.starter.tickets import FIELDS, ticket


def test_fields_follow_from_the_text():
    rng = Random(1)
    for _ in range(500):
        text, answer = ticket(rng)
        fields = json.loads(answer)
        assert tuple(fields) == FIELDS
        assert fields["product"] in text
        assert fields["order"] in text
        assert any(cue in text for cue in TROUBLES[fields["issue"]])
        assert any(cue in text for cue in URGENCIES[fields["urgency"]])
        assert answer == json.dumps(fields, separators=(",", ":"))
