"""What the scripts of the sub-tab Search say, and its tooltips; handed over translated, see ``words`` and ``hints``."""

from __future__ import annotations

from collections.abc import Mapping

from tag_atelier.tune.sentences import SENTENCES

SEARCH_SENTENCES = (
    "A search needs the package optuna, which is not installed. Nothing that is installed already will be moved.",
    "Apply to the loaded model", "Benchmark it", "Best so far: candidate {number}, lift {score}, {gain} over the best parent.",
    "Candidate", "Candidate {number}", "Candidates", "Confirmation", "Delete the search '{name}' for good ({size})?", "Done",
    "End early", "Finer search", "Importance of the groups", "Install optuna", "Lift", "Lift over the best parent", "Look",
    "Name of the new checkpoint", "Over the best parent",
    "No searches yet. Choose models and a plan, look at what it will cost, then start.", "Parents", "Pause",
    "Previews", "Prompts", "Save as checkpoint…", "Seconds", "State", "Take best", "The answer",
    "The answer on the search's prompts: lift {search}; with fresh seeds {fresh}; on validation {validation}.", "Validation",
    "best on the search's prompts", "best parent", "best so far", "mean of the last eight", "paused",
    "{parent} alone: lift {score}.", "{pictures} of at most {planned} pictures",
)  # fmt: skip
"""Of ``tag_atelier_studies.js`` and ``tag_atelier_study_view.js``."""

STUDY_SENTENCES = (*SENTENCES, "elsewhere", "lost", "stopped early")
"""What a study and its candidates say of themselves, as the scripts get it over HTTP."""

SEARCH_HINTS: Mapping[str, str] = {
    "merge_search": "Opens Search with the recipe's models, to let a benchmark choose their weights.",
    "search_preset": "A study that comes along. Choosing one replaces everything below but your models.",
    "search_plan": "Template, tags and sampling of a benchmark that comes along; many-tags at the start. “own”: what the "
    "YAML says.",
    "search_models": "Two models or more. The first is loaded, and the others are mixed into it. None at the start.",
    "search_refresh": "Reads the list of checkpoints again.",
    "search_groups": "Blocks that share a weight: eight parts of the UNet at the start; eleven: ConfusionXL's; blocks: each "
    "alone; model: one weight a model.",
    "search_low": "Lowest weight of a model in a block. -0.2 at the start; negative ones are penalised: they break pictures.",
    "search_high": "Highest weight of a model in a block. 1 at the start.",
    "search_sampler": "cma (at the start), tpe and gp climb accuracy; nsga2 climbs accuracy and diversity; theatre mixes in "
    "random partners by small steps.",
    "search_trials": "So many candidates are tried, the models alone among them. 60 at the start.",
    "search_tags_per_prompt": "So many rare tags stand in each prompt. 32 at the start, as ConfusionXL's author did.",
    "search_prompts": "So many prompts of each candidate, each with every seed of the plan. 16 at the start.",
    "search_text_encoders": "first (at the start): the text encoders stay those of the first model.",
    "search_vae": "first (at the start): the VAE stays that of the first model.",
    "search_refine": "After the search, a third of the candidates goes on in these finer groups. None at the start.",
    "search_keep_style": "Leaves output blocks and text encoders, which carry a model's style, as they are. Off at the start.",
    "search_spec": "The study that is carried out. The form writes it; what you change here counts.",
    "search_cost": "Says how many pictures, how long and which differences can be seen; draws nothing.",
    "search_start": "Starts the search. The same study started again goes on where it stopped.",
}
"""Element → tooltip."""
