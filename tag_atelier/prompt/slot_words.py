"""Closed lists behind ``slot_rules``: first words, kinds in brackets and whole tags that decide a slot. Data only."""

from __future__ import annotations

from tag_atelier.prompt.slot_heads import HEADS


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


COLOURS = _words(
    """
    red blue green yellow black white grey gray brown pink purple orange aqua blonde silver gold golden light dark beige tan
    cyan teal crimson lavender violet turquoise magenta rainbow platinum
    """
)

_WHOLE = {
    "subject": """
        solo no_humans everyone multiple_girls multiple_boys multiple_others crowd people group couple duo trio solo_focus
        1other 2others 3others 4others 5others 6+others triplets quintuplets sextuplets identical_twins step-siblings
        half-siblings aunt_and_niece uncle_and_niece aunt_and_nephew grandfather_and_grandson grandmother_and_granddaughter
        grandfather_and_granddaughter grandmother_and_grandson parent_and_child mother_and_child step-sisters half-brothers
        triplet
        """,
    "quality": """
        masterpiece newest recent mid early oldest old new highres absurdres lowres incredibly_absurdres very_aesthetic
        very_awa high_score great_score good_score average_score bad_score low_score hires 4k 8k uhd worst_aesthetic
        displeasing very_displeasing normal_aesthetic source_anime source_pony source_furry source_cartoon rating_safe
        rating_questionable rating_explicit general sensitive questionable explicit safe jpeg_artifacts scan worst_quality
        low_quality normal_quality high_quality best_quality amazing_quality great_quality good_quality average_quality
        bad_quality horrible_quality bad_anatomy bad_hands extra_digits fewer_digits bad_proportions deformed_hands
        fused_fingers disfigured error cropped username mutated_hands extra_fingers missing_fingers extra_limbs bad_feet
        ugly draft messy
        """,
    "aesthetics": """
        beautiful aesthetic detailed beautiful_color extremely_aesthetic cinematic_lighting dramatic volumetric_lighting
        glowing_lines light_spill saturation_boost glossy translucent shimmering glistening sparkling refraction_light
        iridescent_light camera_flash eye_glitter color_contrast lens_dirt dust_motes haze_effect soft_glow film_burn
        high_exposure low_key high_key dof anamorphic static radiance_effect
        """,
    "style": """
        3d flat-pasto thin-pasto pseudo-impasto celluloid clean_color cel_shading semi-realistic official_art anime_coloring
        game_cg novel_illustration concept_art key_visual illustration abstract traditional_media photo_(medium)
        watercolor_(medium) jaggy_lines brand_name_imitation copyright credits title extra typo too_many_watermarks texture
        shiny_and_normal inktober ligne_claire recurring_image seal_impression greek_cross cyrillic error_message
        email_address diagram watermark_grid vs frutiger_aero frutiger_metro ben-day_dots draw_this_in_your_style_challenge
        comic_sans step_and_repeat image_in_thought_bubble chibikemo manhwa numbered_panels sound_effects_only omake moire
        digital_dissolve color_trace art_shift stick_figure optical_illusion psychedelic danmaku_comments framed_image
        price_list blueprint watercolor_effect shout_lines hieroglyphics script seal_script calligraphy template
        profile_picture color_drain saturated equation math graph oval_image trim_marks time_lapse artist_progress afterword
        to_be_continued game_over release_date acronym kaomoji katakana emoticon spot_the_differences shirt_cut_meme
        color_wheel_challenge expression_chart relationship_graph height_mark measurements three_sizes color_switch pixels
        ascii_art sumi-e blackletter dot-matrix fansub red_light blue_light green_light stylized_blood cut-here_line
        silhouette_demon mirror_image caution grid page_tear spiral zooming_in
        """,
    "theme": """
        science_fiction scifi dark_fantasy post-apocalypse slice_of_life cosplay teamwork murder suicide marriage_proposal
        proposal chuunibyou accident crash car_crash disguise party congratulations zero_gravity foreplay yandere_trance
        time_stop trapped food_theft clothes_theft rivalry violence kidnapped arrest jailbreak trauma traumatized nightmare
        magic_trick tea_party birthday_party parody_connection genre_connection kodomo_no_hi hinamatsuri golden_week
        oktoberfest fourth_of_july dia_de_muertos black_friday hatsumoude hatsuyume new_years_eve love_triangle polygamy
        sleepover homework first_aid medical_examination execution crucifixion captured cannibalism human_sacrifice
        zombification petrification crystallization mutation evolution transformation_sequence invisible imminent_death
        imminent_suicide implied_death implied_murder battle_damage after_battle friendship family_portrait revenge rescue
        victory exploration shopping_trip school_trip field_trip vacation barbecue camping_trip breakfast lunch dinner
        snowball_fight pillow_fight video_call streaming interview concert_hall_performance auction robbery hospital_visit
        buddhism christianity shinto catholic soviet alchemy steam_theme what-if alternate_species alternate_size
        alternate_body_size alternate_height out_of_character borrowed_design crossover_fusion fakemon japan china america
        england france germany italy russia korea spain egypt mexico brazil india vietnam taiwan poland greece canada
        ukraine sweden argentina indonesia finland netherlands united_kingdom world_war_i military_operator mafia yakuza
        gangster heisei showa taishou meiji reiwa heian roman_empire nazi anachronism role-playing body_switch reincarnation
        ritual number_pun food_pun visual_pun joke charisma_break jealous_ex rejection confrontation competition boss_fight
        dogfight aerial_battle crime_scene abduction horror_story chaos peaceful poverty racism communism politics
        propaganda history science chemistry biology geometry physics astronomy education anatomy sumo tennis golf karate
        judo table_tennis taekwondo badminton rhythmic_gymnastics martial_arts billiards poker kendo kyuudou kung_fu hip_hop
        aztec mori_kei gyaru_fashion heart_attack wardrobe_error amazon_warrior january february march april may june july
        august september october november december seasons four_seasons strip_game strip_poker flood virtual_reality
        time_travel after_school late_for_school mind_break twins_day food_fight
        """,
    "composition": """
        multi_views multi_view multiple_views close-up closeup wide_shot long_shot full_body upper_body lower_body portrait
        profile fisheye panorama isometric atmospheric_perspective vanishing_point three_quarter_profile zoomed_in feet_only
        male_hand out-of-frame facing_camera symmetrical split_image size_comparison multiple_angles isometric_view
        jump_scare first-person_view third-person_view lens_fisheye reflection_focus fourth_wall_break circle_formation
        torso_flash group_profile blurry_edges character_grid
        """,
    "main_env": """
        indoors outdoors day night evening dusk dawn morning noon spring_(season) summer autumn winter bathtub_room junkyard
        waterpark landmark eiffel_tower big_ben tokyo_tower tokyo_skytree statue_of_liberty construction_site construction
        industrial_area gensokyo barnyard tropical underground underground_world cubicle tank_interior post-apocalyptic_city
        snowscape sea_of_clouds solar_system water_world bedside poolroom
        """,
    "action": """
        wariza seiza yokozuwari all_fours fetal_position straddling planking handstand cartwheel t-pose a-pose contrapposto
        head_rest head_tilt arms_up arm_up hands_up hand_up legs_up leg_up v double_v salute offering_hand headbutt
        hip_attack piggyback_ride hand_kissing shoulder-to-shoulder front-to-back belly-to-belly cheek-to-breast
        face-to-breasts object_floating_above_hand fist_pump thumb_to_mouth pinky_to_mouth double_middle_finger middle_w
        heart_arms_duo heart_hands_failure double_finger_heart inward_v mudra dogeza prostration contortion en_pointe
        toe-point toes_up heel_pop breakdance caramelldansen one_arm_handstand frontbend suplex german_suplex uppercut
        chokehold headlock sit-up push-up shaking_head powering_up power-up kamehameha spasm burp fart applying_sunscreen
        applying_manicure applying_pedicure applying_lipstick massaging picking_up delivery handover held_up held_down
        head_pinned_down hand_over_mouth patting_lap carry_me lifted restraints hogtie immobilization electrocution capture
        tied_to_chair person_on_head pokemon_on_lap pokemon_on_arm pokemon_on_back stuck_in_a_box rolling_sleeves_up
        hair_cutting shoe_loss hat_loss dress_flip shirt_flip bed_invitation charging_forward step_and_pose mid-stride
        faceplant falling_down fainted collapsed dying bend twister jumping_rope skipping surrounded entangled buried
        immersed airborne levitating skydive crosscounter shouryuuken hadouken throwing_card pose_imitation exercise_pose
        rider_kick sword_clash sign_language forehead_flick finger_flick flick snort spit coughing_blood spitting_blood
        vomit crawl dive-roll stomp tug tug_of_war trample photobomb prank fight brawl catfight squirting stretch
        object_behind_back object_in_clothes weapon_behind_back hover_hand raised_fists crossed_knees
        """,
    "expression": """
        :d :o :p :q :t :3 :< :> :/ :| :i :x :c :s d: xd ;d ;o ;p ;q ;3 ;) :) :( >:( >:) >:d >:o >:3 =_= ^_^ ^^^ ^o^ @_@ +_+
        >_< >_o o_o 0_0 |_| x_x t_t u_u =3 =d =) ._. ... !? ? ! !! ?? ;_; (o)_(o) <o>_<o> <|>_<|> *_* x3 >< emotionless
        unhappy depressed horrified furious frustrated disappointed awkward grumpy relaxed pensive smug_look lovestruck
        dizzy oblivious clueless upset gesugao awestruck jaw_drop tantrum fingersmile pleading_face uwu tehepero lazy_eye
        cross-eyed wall-eyed eye_pop nose_shade fever phew puffed_cheek single_tear tears_from_one_eye single_blush_sticker
        nosebleed_face distress emotionless_face cheeky gloomy_face speechless stare_down feigning_sleep smug_grin
        kissing_face angry_face crazy_face sadistic_face insane sparkling_sweat
        """,
    "body_char": """
        saiyan_hair fat_rolls half-erect eye_black missing_tooth tooth_gap missing_eye scars_all_over big_head obese strong
        v-taper beehive_hairdo mons_pubis hip_dips quiff v-bangs single_drill hair_half_undone hair_undone
        hair_floating_upwards shaved_head shaved_body throat_bulge bite_mark_on_neck bite_mark_on_shoulder
        bite_mark_on_breast bite_mark_on_arm bite_mark_on_thigh bite_mark_on_leg whip_marks lipstick_mark_on_face
        lipstick_mark_on_neck slap_mark_on_face third_eye_on_chest emaciated muscular_child flesh exposed_muscle organs
        chest_tuft ear_down single_ear_down chest_hair_peek armpit_hair_peek sunken_cheeks double_chin bald_spot unibrow
        receding_hairline deltoids blowhole glowing_hand glowing_arm flaming_hand flaming_head severed_hand severed_arm
        skeletal_hand skeletal_arm single_mechanical_hand prosthetic_hand detached_arm broken_arm disembodied_eye
        lower_eyelashes_only eyebrows_visible_through_hat blush_visible_through_hair eyes_visible_through_eyewear
        toe_cleavage deep_wound wounded blood_spray blood_trail blue_blood green_blood purple_blood black_blood dripping_eye
        stitched_eye side_part middle_part sweat_stain drunk_blush red_streaks blue_streaks white_streaks pink_streaks
        crew_cut comb_over hair_tuft small_head tanlines_peek sunburn scraped_knee bruised_eye heart_on_cheek heart_on_chest
        weight_gain quadruple_amputee double_amputee triple_amputee bloated shiny_nails vampire_fangs giant_hand wrong_foot
        wrong_hand bad_arm human_head skull_head jack-o'-lantern_head mascot_head
        """,
    "clothing": """
        unworn_bikini_bottom wataboushi shiromuku low-cut low-cut_armhole han'eri haramaki karate_gi shoulder_guard
        chest_guard coat_partially_removed shirt_partially_removed skirt_rolled_up sleeve_rolled_up shirt_rolled_up
        kittysuit lace-up lace-up_top untied_bikini_top side-tie_bottom tight_top shirt_down bodycon flannel gingham
        classic_lolita qi_lolita sweater_guard smock jinbaori cowl dirndl_dress school_swimsuit_flap suspenders_gap
        innerboob underboob_peek criss-cross_back-straps victorian_maid cafe_maid female_butler firefighter lifeguard
        mechanic prisoner miko_outfit train_conductor conductor store_clerk cashier barista barmaid tour_guide
        travel_attendant stewardess kindergarten_teacher school_nurse scientist police_officer buddhist_nun monk priestess
        shihakusho tokkoufuku gyaru_v_outfit hooded_top single_sode kataginu_outfit mismatched_clothes clothes_only
        bloodstained_clothes paint_on_clothes stained_clothes bikini_bottom_removed single_sandal single_vambrace
        medical_scrubs cyber_fashion emo_fashion decora y2k_fashion scene_fashion baseball_player referee goalkeeper cowboy
        maid_uniform string_tie_dress black_bikini_bottom chinese_maid business_casual casual_clothes
        """,
    "accessories": """
        bindi scouter braces earplugs headpiece_jewel earbuds_case hirabitai sandogasa menpoo mortarboard toque_blanche
        pickelhaube stahlhelm ponytail_holder single_elbow_pad single_bangle hairpin_(ornament) nose_pads race_bib
        jewel_butt_plug cuffs-to-collar lei motoyui kamina_shades ankleband monoglove furoshiki_around_neck neck_warmer
        collar_tabs military_rank_insignia laurels chest_rig plate_carrier stopwatch_around_neck airpods kanzashi_(ornament)
        floral_wreath crown_of_thorns balloon_hat shutter_shades wrist_bobbles neck_bobbles hair_cubes bobblehat
        earflap_beanie gauze_over_eye gauze_on_face gauze_on_arm gauze_on_leg cast spurs
        """,
    "items": """
        title_card tea_set soft_serve weapon_case kamaboko narutomaki toothpick mousetrap windsock rattle spray_paint magnet
        dualshock suikawari_bat furoshiki mamemaki_bean poison hanafuda water_yoyo meteor_hammer cocktail_shaker spork
        aburaage cd_case case gunpla walker rubber_band salt_shaker pepper_shaker nigirizushi chocolate_cornet euphonium
        ipad band_(object) tanghulu cheesecake nendoroid yakiimo ikayaki cassette_player konpeitou baking_sheet tripod_stand
        violin_case phone_case king_of_hearts queen_of_hearts queen_of_spades jack_of_spades armillary_sphere gashapon
        keytar typewriter jukebox hina_ningyou placard teabag billiard_ball croquette loaf_of_bread corn_cob chicken_nuggets
        french_cruller waffle_cone wafer wafer_stick churro oreo pepperoni tapir capybara great_pyrenees husky welsh_corgi
        dobermann golden_retriever german_shepherd pug chihuahua dachshund poodle st._bernard bluebird angelfish
        butterflyfish crustacean serval ermine seabird shoebill long-tailed_tit oarfish coelacanth isopod silverfish pillbug
        cockroach finch macaw_(bird) floatplane bomber cruiser airliner jet_airliner convertible formula_racer streetcar
        bullet_train armored_personnel_carrier lever_action bipod bident shakujou kodachi chainsword uzi ak-47 ak-74 akm m16
        m16a1 mp5 mp40 famas mg42 rpg-7 rpg dvd dvd_case floppy_disk videocassette playstation_5 playstation_4 playstation_2
        playstation super_famicom famicom xbox_360 gamecube game_boy_advance wii synthesizer tsuzumi hanging_scroll kokeshi
        piggy_bank tic-tac-toe gavel tweezers pestle mortar_and_pestle stationery planter dream_catcher test_score price_tag
        jenga first-aid_kit film_strip film_reel clapperboard doormat bedroll stepladder tinsel honey_dipper hacksaw
        power_drill binder binder_clip pushpin flyswatter plunger soap_dispenser dumpster milk_churn burnt_food dough cereal
        meal bento_box kooribata nobori noren tenugui curry_bread anpan red_bean_paste inarizushi gunkanmaki zongzi mooncake
        shiitake edamame takuan umeboshi yakiniku gyuudon chikuwa natto_bowl rice_porridge mint basil herb flour_bag
        maple_syrup chocolate_syrup wasabi salt sugar mandarin_orange_slice tarot_(card) pile_of_money pile_of_books
        pile_of_skulls message_in_a_bottle furniture chaise_longue electric_fan_(object) pinball handcuff_key sandbag
        metal_pipe steel_beam syringe_gun cotton_swab cotton_ball nail_clippers dango_skewer lotus_pod shachihoko komainu
        moai crustacean_claw stick_(object) eggshell muzzle bridle keystone ouija_board 8-ball
        """,
    "secondary_env": """
        water_surface vegetation weeds sprout roots twigs mistletoe dew_drop big_dipper constellations aurora_(sky)
        poinsettia baby's-breath fly_agaric lunar_tear venus_flytrap mandrake eruption molten_metal vortex swirl_(water)
        water_splash black_liquid purple_liquid condensation ripples_(water) fog_bank light_pillar muzzle_flash_(light)
        star_trail shattered_glass ice_shard crystal_shards rust concrete scaffolding steel_structure overhead_line signpost
        curb bollard streetlights crack_of_light window_light greenery nest_(scene)
        """,
    "race": """
        saiyan elvaan hume draenei tarutaru lizardman half-harpy togruta twi'lek goron rito human cyborg_girl alraune
        cerberus mandragora carbuncle bakeneko_girl futakuchi-onna nue tsuchinoko cabbit kumiho seraph genie gnome_(fantasy)
        blob mimic droid caveman barbarian cupid parasite warrior magician prince queen king knight_(race) paladin
        necromancer gladiator assassin thief bard archer mage sorcerer cleric_(race) housewife
        """,
}

WHOLE = {word: slot for slot, words in _WHOLE.items() for word in words.split()}

QUALIFIERS: dict[str, tuple[str, float]] = {
    kind: (slot, confidence)
    for slot, confidence, kinds in (
        ("style", 0.95, "medium style meme"),
        ("trigger", 0.95, "artist"),
        ("style", 0.75, "phrase font brand company letter"),
        (
            "items",
            0.8,
            "dog tank table lighting vessel cosmetics paper stone porcelain drug tarot bow board_game machine_gun handle",
        ),
        ("secondary_env", 0.75, "constellation"),
        ("action", 0.8, "sex bound"),
        ("theme", 0.7, "cosplay theme"),
        (
            "items",
            0.9,
            "object symbol shape weapon food fruit vehicle instrument animal bird fish insect computer chess tool"
            " projectile candy drink playing_card music toy sport sports device card game furniture machine sword gun",
        ),
        ("secondary_env", 0.9, "flower plant tree sky phenomenon nature scene water weather"),
        ("accessories", 0.85, "ornament jewelry gemstone accessory headwear hat clothes_detail"),
        ("clothing", 0.9, "clothes clothing garment armor pattern footwear outfit"),
        ("main_env", 0.85, "place season architecture location building city planet room"),
        ("race", 0.85, "creature monster youkai mythology species"),
        ("body_char", 0.85, "hair hairstyle body anatomy"),
        ("action", 0.85, "action gesture pose position dance"),
        ("expression", 0.85, "expression emotion face"),
        ("accessories", 0.6, "emblem"),
    )
    for kind in kinds.split()
}

HOVERING = _words("floating flying falling hanging spinning burning flaming swinging rolling melting")

ACTION_STARTS = _words(
    """
    bound bouncing averting upturned applying caressing ruffling bunching braiding chained imminent incoming sharing shared
    mutual sipping chewing swallowing peeling pouring_over filling rolling_up dragging leading following chasing petting
    saving guarding operating using_phone aiming_at wielding wading soaking sweeping mopping ironing steering pedaling
    paddling floating_on double-handed one-handed cooperative reverse assisted clothed_sex after groping fingering tickling
    spanking choking strangling stomping stepping trampling crushing pushing_up tearing ripping cracking breaking smashing
    slapping punching kicking stabbing slashing shooting reloading polishing sharpening measuring weighing counting pressing
    squeezing_out rocking shaking nodding bowing cheering celebrating thinking waiting resting relaxing_on napping_on watching
    typing dialing taking_off putting putting_on leaning walking running jumping eating drinking wearing reading writing
    playing pulling pushing lifting grabbing hugging kissing licking biting touching pointing reaching adjusting covering
    carrying riding flying floating swimming sleeping dancing singing fighting firing aiming throwing catching cooking cutting
    pouring feeding hiding peeking waving stretching squatting kneeling crossed crossing spreading spread showing presenting
    opening closing tying untying undressing dressing bathing washing cleaning drawing painting taking using pinching poking
    rubbing scratching head-pat hair_pull own interlocked clenched outstretched index feet_up facing turning mouth_hold
    unzipping untucking squeezing crying_on shouting giving receiving handing blowing casting praying saluting sniffing
    smelling listening talking tucking twirling viewing hair_tucking heart_hands heart_arms spinning climbing falling crawling
    crouching bending bent clapping steepled grab tail_around tail_wagging
    """
)
LIMBS = _words("hand hands arm arms leg legs knee knees foot finger fingers elbow elbows")
WORN = frozenset(word for word, slot in HEADS.items() if slot in ("clothing", "accessories")) | _words(
    "tattoo mirror fan hair armor scar bag grenade gun puppet guards pads wrap wear warmers fur scales markings bone"
)
PATTERNED = _words(
    "striped polka dot plaid checkered print floral torn open see-through frilled layered pleated sleeveless strapless"
)

JOINING = _words("on with around over under through between behind in of from to for and")
UNSURE = _words(
    """
    bag backpack handbag chain nail nails lipstick eyeshadow hood collar print fence railing teeth tongue cross chimney
    smokestack wire windowsill rail pole crack hole garland wreath cover strip muzzle stripes tiger bun gear teapot fireworks
    ornament emblem crest badge patch towel statue window door curtain curtains glass art drawing figurine knight angel medal
    robot maid creature armor earphones headphones collarbone
    """
)
"""Nouns on whose slot careful readers differ."""
