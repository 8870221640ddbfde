"""What each control does and where it starts, shown as its tooltip by the page's script."""

from __future__ import annotations

from collections.abc import Mapping

from tag_atelier.ui.ids import element_id
from tag_atelier.ui.search_words import SEARCH_HINTS

_TAB = {
    "about": "Version, notifications, and the text for an issue. Closed at the start.",
    "prompt_text": "The prompt to work on, as you would write it in txt2img. Empty at the start.",
    "prompt_negative": "What is not to be drawn. It has lanes and checks of its own. Empty at the start.",
    "prompt_profile": "The model family whose tag order is used. Starts with the one in the settings.",
    "bench_compare": "Lays the ticked runs side by side on the tags and seeds that all of them have. Needs two.",
    "bench_taggers": "The taggers that are here, and those that can be fetched by a click. Closed at the start.",
    "bench_form": "Answers in fields that become the plan above. Closed at the start.",
    "bench_form_name": "Under this name the run is listed. “My benchmark” at the start.",
    "bench_form_template": "The prompt of every picture; the tag that is tested takes the place of {tag}.",
    "bench_form_negative": "What no picture shall show. “worst quality, low quality” at the start.",
    "bench_form_tags": "The tags that are tested one by one. Empty at the start; a slot beside it goes before.",
    "bench_form_slot": "Takes rare tags of this slot from the catalogue instead of a list. None at the start.",
    "bench_form_posts_below": "Only tags with fewer pictures than this on Danbooru count as rare. 5000 at the start.",
    "bench_form_take": "So many tags are taken, the most used first. 8 at the start.",
    "bench_form_x": "What changes from column to column of the grid. The tag at the start.",
    "bench_form_x_values": "Its values with commas between them, or ranges as in X/Y/Z plot: 20-28 (+4). Empty at the start.",
    "bench_form_y": "What changes from row to row of the grid. The checkpoint at the start.",
    "bench_form_y_values": "Its values, written as those of X. Empty at the start.",
    "bench_form_z": "What changes from grid to grid. None at the start.",
    "bench_form_z_values": "Its values, written as those of X. Empty at the start.",
    "bench_form_sampler": "Name of the sampler, as in txt2img. Euler a at the start.",
    "bench_form_steps": "Sampling steps of every picture. 28 at the start.",
    "bench_form_cfg_scale": "How strongly the prompt is followed. 7 at the start.",
    "bench_form_width": "Width of every picture in pixels. 832 at the start.",
    "bench_form_height": "Height of every picture in pixels. 1216 at the start.",
    "bench_form_batch_size": "So many pictures are drawn at once. 4 at the start; fewer need less memory.",
    "bench_write": "Turns the answers into the plan above and says what does not fit. Draws nothing.",
    "merge_parts": "Networks to bake in, parts of other files, number formats. Closed at the start.",
    "merge_block_panel": "A slider for every block of the model. Closed at the start.",
    "merge_shelf": "Your saved recipes, and the recipes of merges that were written. Closed at the start.",
    "search_more": "VAE, text encoders and everything else that the search leaves alone. Closed at the start.",
    "search_yaml": "The whole study as text, as it will be started. Closed at the start.",
    "bench_preset": "A plan that comes along. Choosing one replaces the text below.",
    "bench_checkpoints": "The checkpoints to compare. With none chosen, those of the plan are used, or the loaded one.",
    "bench_refresh": "Reads the list of checkpoints again.",
    "bench_spec": "What is drawn: a template with {tag} in it, the tags, the seeds and the sampling parameters.",
    "bench_plan": "Says how many images would be drawn and which tags are left out, and draws nothing.",
    "bench_start": "Starts the run. The same plan started again goes on where it stopped.",
    "merge_first": "The model to start from: it gives everything whose weight is 0.",
    "merge_base": "What the method subtracts, usually the model the others were trained from. None at the start.",
    "merge_parameter_1": "A number of the method's own; starts where the method has it.",
    "merge_parameter_2": "Another number of the method's own; starts where the method has it.",
    "merge_more": "Shows another row for a model to mix in, up to five.",
    "merge_fewer": "Hides the last row and leaves its model out.",
    "merge_layout": "Which tool's meaning a pasted line of numbers has. At the start SuperMerger's.",
    "merge_architecture": "Whose blocks are shown. “Show the plan” finds it from the files; SDXL at the start.",
    "merge_letter": "Which model's weights the blocks below show and change. B at the start.",
    "merge_preset_name": "A name for the block weights above, to find them again among the presets. Empty at the start.",
    "merge_keep_preset": "Keeps the block weights above as a preset of your own.",
    "merge_drop_preset": "Forgets your own preset of this name.",
    "merge_save": "Keeps the recipe under the name beside it; in a WebUI it then stands in the checkpoint list as NAME.merge.",
    "merge_second": "The model that is mixed in.",
    "merge_refresh": "Reads the list of checkpoints again.",
    "merge_method": "How the models are put together. Weighted sum at the start.",
    "merge_dtype": "Number format of the new file. Keeps that of model A at the start.",
    "merge_vae": "Whose VAE the new file gets: a model's letter or a VAE file. At the start that of model A, unless a "
    "weight names the VAE.",
    "merge_networks": "LoRA, LoHa, LoKr, DoRA, OFT and the like, a name and a weight per line; a prompt's "
    "<lora:name:0.6> works too. None at the start.",
    "merge_add_network": "Appends the chosen network to the list above at weight 1.",
    "merge_elements": "Weights of single tensors, laid over the block weights; lines as SuperMerger writes them. None "
    "at the start.",
    "merge_adjust": "Moves the first and last layers: IN, OUT, OUT2 (detail), CONT (contrast), BRI, COL1, COL2, COL3; "
    "useful from -5 to 5. None at the start.",
    "merge_clip_l": "Whose CLIP-L the new file gets: a model's letter or a file's name. At the start what the weights say.",
    "merge_clip_g": "Whose CLIP-G the new file gets: a model's letter or a file's name. At the start what the weights say.",
    **dict.fromkeys(
        ("merge_unet_dtype", "merge_text_dtype", "merge_vae_dtype"),
        "Number format of this part alone. As the whole at the start.",
    ),
    "merge_format": "One file, a folder as diffusers reads it, or a LoRA of what the recipe changes in A. One file at "
    "the start.",
    "merge_rank": "Rank of the written LoRA: higher holds more and is larger. 32 at the start.",
    "merge_conv_rank": "Rank of the LoRA's convolutions; 0 leaves them out. 0 at the start.",
    "merge_prune": "Keeps of A only what the WebUI loads; what no block holds, such as training leftovers, is not "
    "written. Off at the start.",
    "merge_ema": "Takes the averaged weights of training checkpoints for the UNet where a file has them. Off at the start.",
    "merge_second_weight": "How much of model B, from 0 to 1; a preset is multiplied with it. 0.5 at the start.",
    "merge_preset": "A named curve of weights over the blocks. The same weight in every block at the start.",
    "merge_blocks_text": "Blocks whose weight differs, or a line of 20 (SDXL) or 26 (SD1.5) numbers from another tool.",
    "merge_recipe": "The recipe that is carried out. The form writes it; what you change here counts.",
    "merge_shipped": "Writes a recipe that comes along, with the chosen models in place of A, B and C. None at the start.",
    "merge_check": "Reads the headers of the files and says what the merge would do, without reading a tensor.",
    "merge_read": "Sets the form to what the text says.",
    "merge_name": "Name of the new checkpoint or of the saved recipe, without a folder. No checkpoint is ever overwritten.",
    "merge_write": "Writes the merge to a new checkpoint file.",
    "merge_live": "Changes the loaded model itself until Restore; nothing is written to disk.",
    "merge_restore": "Puts the loaded model's own weights back, bit for bit.",
}

_PANEL = {
    "panel": "Order, checks and preset words for every prompt that is drawn here. Closed at the start.",
    "merge_panel": "A merge of models for these pictures alone. Closed at the start.",
    "enabled": "Arranges every prompt when drawing, and adds the words chosen below. Remembered; off until you tick it.",
    "arrange": "Off: the words chosen below are added, and the order stays as it is written. On at the start.",
    "profile": "The model family whose tag order is used. At the start the checkpoint says which.",
    "quality": "Quality words of the family, added where it wants them. None at the start.",
    "negative": "Negative words of the family, added to the negative prompt. None at the start.",
    "arrange_now": "Arranges the prompt box above now; Ctrl+Z or Undo takes it back.",
    "check": "Says what in the prompt above will not do what it looks like, and changes nothing.",
    "undo": "Puts the prompt back as it was before the last Arrange now.",
    "merge": "A recipe that is merged into the loaded model for the pictures of this job only. Empty at the start.",
    "merge_saved": "Fills in a recipe that was saved on the Merge tab. None at the start.",
    "apply": "Sets the WebUI's own controls to what the family was tried with. Nothing is drawn.",
    "apply_clip_skip": "The button on its left sets clip skip too, as an override of the settings. Off at the start.",
}

_ROW = {
    "": "Another model that is mixed in. None at the start.",
    "_weight": "How much of this model, from 0 to 1; a preset is multiplied with it. 0.5 at the start.",
    "_preset": "A named curve of this model's weights over the blocks. The same weight in every block at the start.",
    "_blocks_text": "Blocks in which this model's weight differs, or a line of numbers from another tool.",
}

HINTS: Mapping[str, str] = {
    **{
        element_id("merge", f"{row}{part}"): hint
        for row in ("third", "fourth", "fifth", "sixth")
        for part, hint in _ROW.items()
    },
    **{element_id(name): hint for name, hint in (_TAB | SEARCH_HINTS).items()},
    **{element_id(tab, name): hint for tab in ("txt2img", "img2img") for name, hint in _PANEL.items()},
    element_id("script_plan"): "One argument: a shipped plan by name, or a plan of your own. rare-8 at the start.",
}
"""Element id → tooltip, in English."""
