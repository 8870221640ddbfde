"""What a whole run reports of a truth that was planted in sampler and tagger; ``benchmarks/planted_truth.py`` does more."""

from pathlib import Path

from tests.bench.planted import draw_truth, evaluations, tallied


def test_the_reported_intervals_hold_the_planted_truth(tmp_path: Path) -> None:
    covered, false_positives = tallied(tmp_path, runs=40, tags=40, seeds=1)
    assert set(covered) == {"accuracy", "lift", "versus_others", "pair", "all"}
    assert 0.93 <= covered["all"] <= 0.97
    assert false_positives <= 0.1


def test_what_is_counted_is_what_the_tagger_threw(tmp_path: Path) -> None:
    _, tagger = draw_truth(0, 30)
    ((_, found),) = evaluations(tmp_path, runs=1, tags=30, seeds=2)
    for position, score in enumerate(found.checkpoints):
        mean = tagger._hit[position].mean()
        assert abs(score.accuracy.value - mean) < 0.2, "60 throws stray by less than four standard errors"
        assert abs(score.control_rate - tagger._false_alarm.mean()) < 0.02, "1,740 throws"
        assert all(tag.controls == 60 for tag in score.tags), "every other tag's pictures and the baselines, of both seeds"
