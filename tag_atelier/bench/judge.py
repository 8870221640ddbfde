"""What to know of the tagger that judges a run, said before it starts and in its report. Loads without numpy."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from tag_atelier.bench.names import label_of
from tag_atelier.bench.spec import BenchSpec
from tag_atelier.language import found_again, say
from tag_atelier.ports import Scorer

LISTED = 20
AIDXL_THRESHOLD = 0.35
"""With a WD SwinV2 tagger this is how AIDXL's own training data were captioned and how its author counts."""
TRAINING_JUDGE = (
    "This tagger, at or near this threshold, may have captioned the training data of AIDXL and models made of it: it may see "
    "in their pictures what it taught them. Compare across model families with a second tagger."
)
OFFER = (
    "The threshold {threshold} is not 0.35, with which AIDXL's author uses this WD SwinV2 tagger; write 'threshold: 0.35' to "
    "measure as there."
)


def is_training_judge(scorer_identity: str) -> bool:
    """Whether the tagger is of the family that captioned AIDXL's training data, as its folder's name tells.

    >>> is_training_judge("wd-v1-4-swinv2-tagger-v2 0123+4567"), is_training_judge("ml-danbooru 0123+4567")
    (True, False)
    """
    name = scorer_identity.split(" ")[0].lower()
    return "swinv2" in name and "wd" in name


def judge_warning(scorer_identity: str) -> str:
    """The warning for a report; empty where there is nothing to warn of."""
    return TRAINING_JUDGE if is_training_judge(scorer_identity) else ""


def judge_notes(spec: BenchSpec, scorer: Scorer, tags: Mapping[str, Sequence[str]]) -> list[str]:
    """Sentences for the page that shows a plan. ``tags``: canonical tag → what it implies."""
    notes = [found_again(getattr(scorer, "note", "")), found_again(judge_warning(scorer.identity))]
    if is_training_judge(scorer.identity) and spec.threshold != AIDXL_THRESHOLD:
        notes.append(say(OFFER, threshold=f"{spec.threshold:g}"))
    return [note for note in (*notes, _unscored(set(scorer.labels), tags)) if note]


def _unscored(labels: Collection[str], tags: Mapping[str, Sequence[str]]) -> str:
    """Which tags will be in no number, as far as the label file tells; empty where it knows them all."""
    unknown = [tag for tag, implied in tags.items() if label_of(tag, labels, implied).status in ("proxy", "unscored")]
    if not unknown:
        return ""
    shown = ", ".join([*unknown[:LISTED], *(["…"] if len(unknown) > LISTED else [])])
    return say(
        "The tagger knows no label of {count} of the {total} tags: they are drawn for the eye and are in no number; another "
        "tagger may know them. {tags}",
        count=len(unknown),
        total=len(tags),
        tags=shown.replace("_", " "),
    )
