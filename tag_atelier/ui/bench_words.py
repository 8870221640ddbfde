"""What the scripts of runs, verdicts and taggers say; handed to them translated, see ``words.Words.script_table``."""

from __future__ import annotations

from tag_atelier.bench.published import ANSWERS

BENCH_SENTENCES = (
    "1 to 4 judge and go on, 5 marks a reservation, arrows turn the pages.", "Accuracy", "Baseline", "Checkpoint", "Close",
    "Compare", "Delete '{name}' with its pictures and verdicts for good ({size})?", "Difference", "Discordant", "Export",
    "Export verdicts", "Fetch", "Fetch '{name}' (about {size}) from {source}?", "Fetch this tagger…",
    "From {count} on the accuracy is also shown corrected.", "Hits", "Judge by eye", "Next picture", "Note",
    "Pair", "Pausing…", "Previous picture",
    "Others are under “Taggers” on the Benchmark tab; or put any WD-type tagger's model.onnx and selected_tags.csv into a "
    "folder of their own there.",
    "People judged {judged} pictures of known tags and agree with the tagger on {share}.",
    "Suggested: {name}, about {size}, from {source} into '{folder}'. Nothing is asked of the network before you agree.",
    "The source announced no checksum; this is what arrived.", "The source announced this checksum.",
    "There is no tagger yet, and a benchmark needs one as its judge.",
    "This run has no picture to judge yet.", "Tick at least two runs to compare them.", "Tier", "but…", "here", "p (Holm)",
    "seed {seed}", "tagger: {value}", "the tagger does not know this tag",
    "{name}: {rate}, corrected {corrected} ({low} to {high})",
    "{tags} tags in common, seeds {seeds}.",
    *ANSWERS,
)  # fmt: skip

RUN_NOTES = (
    "The runs were scored by different taggers, so a part of the difference is theirs.",
    "The runs have different templates, so a part of the difference is the prompt's.",
    "The runs were drawn with different parameters, so a part of the difference is theirs.",
    "The runs were drawn on different hosts, whose pictures of one prompt differ.",
    "Stopped while drawing; the unfinished batch was thrown away.",
    "The benchmark was stopped; run it again to go on where it stopped.",
    "the page of ConfusionXL V2.0",
)
"""What runs and their jobs say of themselves, as the scripts get it over HTTP: ``bench.compare``, ``bench.run``, verdicts."""
