"""The miniature world's words: labels of the tiny tagger and the text its CLIP vocabulary is grown from.

A fixed list, so that files made from it stay the same when the tag catalogue grows.
"""

from __future__ import annotations

RATINGS = ("general", "sensitive", "questionable", "explicit")
"""The WD tagger's first four labels, category 9."""

RARE = (
    # action, face, garments: below 5,000 posts on Danbooru in November 2022
    *("reaching", "holding_eyewear", "fox_shadow_puppet", "armpit_peek", "knees_to_chest", "shushing", "holding_strap"),
    *("hands_on_own_knees", "sanpaku", "turn_pale", "solid_circle_eyes", "glaring", "no_mouth", ">:(", "streaming_tears"),
    *("tsundere", "dougi", "halter_dress", "fur-trimmed_dress", "business_suit", "print_dress", "kindergarten_uniform"),
    *("kindergarten", "meiji", "meiji_schoolgirl_uniform", "gothic", "gothic_lolita"),
    # below 5,000 posts at the end of 2024
    *("crossed_ankles", "\\||/", "holding_arrow", "watson_cross", "holding_syringe", "rubbing_eyes", "head_back"),
    *("fetal_position", "split_mouth", "\\m/", "3:", "d:", ":3", ":d", "yellow_sclera", "crazy_eyes"),
)
"""Tags that benchmarks ask for."""

COMMON = (
    *("1girl", "1boy", "2girls", "2boys", "multiple_girls", "multiple_boys", "solo", "no_humans", "1other"),
    *("cowboy_shot", "from_behind", "from_side", "dutch_angle", "pov", "from_above", "from_below", "close-up"),
    *("upside-down", "upper_body", "full_body", "portrait", "profile", "wide_shot", "looking_at_viewer", "looking_back"),
    *("smile", "blush", "open_mouth", "closed_mouth", "closed_eyes", "crying", "tears", "angry", "sad", "expressionless"),
    *("grin", "one_eye_closed", "tongue_out", "surprised", "parted_lips", "sweatdrop", "frown", "pout"),
    *("long_hair", "short_hair", "medium_hair", "very_long_hair", "twintails", "ponytail", "braid", "bob_cut", "ahoge"),
    *("blonde_hair", "black_hair", "brown_hair", "white_hair", "blue_hair", "pink_hair", "red_hair", "silver_hair"),
    *("purple_hair", "green_hair", "multicolored_hair", "gradient_hair", "bangs", "blunt_bangs", "hair_between_eyes"),
    *("blue_eyes", "red_eyes", "green_eyes", "brown_eyes", "purple_eyes", "yellow_eyes", "pink_eyes", "heterochromia"),
    *("animal_ears", "cat_ears", "fox_ears", "rabbit_ears", "tail", "cat_tail", "horns", "wings", "halo", "pointy_ears"),
    *("elf", "angel", "demon", "vampire", "android", "fairy", "mermaid", "cat_girl", "fox_girl", "kemonomimi_mode"),
    *("school_uniform", "serafuku", "dress", "white_dress", "black_dress", "skirt", "pleated_skirt", "shirt", "white_shirt"),
    *("jacket", "coat", "hoodie", "sweater", "kimono", "yukata", "maid", "armor", "suit", "swimsuit", "shorts", "pants"),
    *("thighhighs", "pantyhose", "socks", "boots", "shoes", "barefoot", "apron", "cape", "sleeveless", "long_sleeves"),
    *("hat", "ribbon", "hair_ribbon", "bow", "hair_bow", "gloves", "glasses", "scarf", "necklace", "earrings", "choker"),
    *("hair_ornament", "hairclip", "hairband", "flower", "hair_flower", "mask", "eyepatch", "frills", "lace", "jewelry"),
    *("sitting", "standing", "lying", "kneeling", "running", "walking", "jumping", "arms_up", "hand_on_hip", "waving"),
    *("holding", "holding_sword", "holding_book", "holding_umbrella", "holding_phone", "outstretched_arms", "hands_up"),
    *("crossed_arms", "arms_behind_back", "peace_sign", "v", "heart_hands", "finger_to_mouth", "head_rest", "leaning"),
    *("sword", "book", "umbrella", "phone", "cup", "cat", "dog", "bird", "cake", "food", "chair", "bag", "guitar"),
    *("forest", "classroom", "city", "beach", "street", "room", "bed", "library", "garden", "mountain", "indoors"),
    *("outdoors", "day", "night", "sky", "blue_sky", "cloud", "sunset", "snow", "rain", "moon", "star_(sky)", "water"),
    *("grass", "tree", "petals", "cherry_blossoms", "leaf", "window", "sunlight", "fire", "simple_background"),
    *("white_background", "gradient_background", "starry_background", "blurry_background", "grey_background"),
    *("monochrome", "greyscale", "sketch", "comic", "flat_color", "impasto", "traditional_media", "watercolor_(medium)"),
    *("chibi", "pixel_art", "lineart", "depth_of_field", "lens_flare", "backlighting", "fantasy", "halloween"),
    *("science_fiction", "cyberpunk", "wedding", "christmas", "blurry", "signature", "text_focus", "speech_bubble"),
)
"""Tags that prompts are built from."""

CHARACTERS = (
    *("hatsune_miku", "frieren", "fern_(sousou_no_frieren)", "lucy_(cyberpunk)", "ganyu_(genshin_impact)"),
    *("artoria_pendragon_(fate)", "rem_(re:zero)", "hakurei_reimu", "kirisame_marisa", "makima_(chainsaw_man)"),
    *("nakano_miku", "gotoh_hitori", "anya_(spy_x_family)", "amiya_(arknights)", "yor_briar", "souryuu_asuka_langley"),
)
"""Category 4: characters."""

PROMPT_WORDS = (
    *("best quality", "amazing quality", "high quality", "normal quality", "low quality", "worst quality", "masterpiece"),
    *("absurdres", "highres", "lowres", "newest", "oldest", "very aesthetic", "aesthetic", "beautiful color", "detailed"),
    *("bad anatomy", "bad hands", "extra digits", "fewer digits", "cropped", "jpeg artifacts", "watermark", "username"),
    *("score_9", "score_8_up", "source_anime", "rating_safe", "by artist", "a girl in the", "with", "and", "of", "on"),
)
"""What prompts hold besides labels."""

LABELS = tuple(dict.fromkeys((*RARE, *COMMON)))
"""Category 0, in file order, without repeats."""
