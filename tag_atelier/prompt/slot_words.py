"""Closed lists behind ``slot_rules``: nouns and words that decide a slot by themselves. Data only.

``HEADS`` is looked up with the last word of a tag ("striped_dress" → dress), ``WHOLE`` with the whole tag.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


COLOURS = _words(
    """
    red blue green yellow black white grey gray brown pink purple orange aqua blonde silver gold golden light
    dark beige tan cyan teal crimson lavender violet turquoise magenta rainbow platinum
    """
)

_HEADS = {
    "clothing": """
        dress skirt shirt t-shirt blouse sweater hoodie jacket coat vest pants trousers jeans shorts leggings tights
        pantyhose thighhighs kneehighs socks sock stockings legwear footwear shoes shoe boots boot sandals sneakers
        loafers heels slippers geta zouri tabi kimono yukata hakama haori happi obi uniform serafuku gakuran suit swimsuit
        bikini leotard bodysuit jumpsuit overalls romper apron robe cloak cape capelet poncho kaftan toga tunic
        tabard armor breastplate underwear panties bra lingerie boxers briefs camisole chemise nightgown negligee
        pajamas sleepwear babydoll corset bustier bloomers buruma sarong loincloth fundoshi sarashi cardigan blazer
        tuxedo turtleneck bandeau crop_top tank_top tube_top tube_dress sundress gown minidress miniskirt microskirt
        sleeves sleeve cheongsam hanfu hanbok dirndl costume clothes outfit attire wear sportswear bathrobe labcoat
        waistcoat greaves sabatons cuirass faulds dougi pinafore surcoat windbreaker parka raincoat sweatpants yoga_pants
        spats hotpants chaps catsuit wetsuit spacesuit plugsuit pilot_suit pumps mules clogs shrug bolero tube
        leg_warmers petticoat crinoline habit vestments cassock sweatshirt jersey culottes
        """,
    "accessories": """
        ribbon bow bowtie necktie ascot jabot scarf shawl stole gloves glove mittens gauntlets gauntlet vambraces hat
        cap beret hood helmet headband hairband hairclip hairpin hair_ornament hair_flower headdress headpiece crown
        tiara circlet veil mask eyepatch glasses eyewear sunglasses goggles monocle earrings earring necklace pendant
        choker collar bracelet bangle armlet anklet ring brooch badge pin belt sash buckle button buttons zipper pocket
        frills frill lace trim fringe tassel tassels pom_pom patch emblem epaulettes epaulette pauldrons pauldron
        armband wristband wrist_cuffs cuffs garter garters garter_belt straps strap suspenders neckerchief
        neck_ribbon kerchief bandana headscarf scrunchie hair_ribbon hair_bow hair_bell jewelry jewel earmuffs
        headphones earphones headset headgear holster sheath quiver pouch watch wristwatch wings_ornament piercing
        bandaid bandage bandages gem beads rosary lanyard aiguillette cufflinks ornament halo neckwear
        headwear hat_ornament hair_tie hair_bobbles hair_tubes ear_covers kanzashi corsage boutonniere
        sleeve_cuffs armbands visor hachimaki facial_mark_sticker print
        """,
    "items": """
        sword katana knife dagger spear lance axe hammer scythe polearm halberd weapon gun rifle pistol handgun shotgun
        revolver staff wand shield arrow arrows crossbow bomb grenade missile cannon turret blade whip mace club
        cup mug glass bottle can plate bowl dish tray teapot kettle pot pan spoon fork chopsticks food fruit vegetable cake
        bread candy chocolate cookie pastry ice_cream dessert sandwich hamburger pizza noodles ramen rice onigiri sushi egg
        cheese meat soup tea coffee juice milk beer wine sake alcohol drink apple banana orange_(fruit) lemon strawberry
        cherry grapes watermelon peach pumpkin tomato carrot mushroom book books notebook letter newspaper magazine
        scroll paper pen pencil brush paintbrush box bag backpack handbag suitcase basket bucket umbrella parasol fan
        lantern lamp candle candlestand mirror clock hourglass phone smartphone cellphone camera computer laptop
        keyboard monitor television microphone instrument guitar piano violin flute drum trumpet cello harp toy doll
        ball balloon balloons card cards dice key keys lock chain chains rope ladder chair stool throne bench sofa couch
        table desk bed pillow blanket towel curtain_rod cushion shelf bookshelf cabinet drawer sign flag banner
        poster car bus truck train bicycle motorcycle airplane aircraft helicopter ship boat spacecraft tank vehicle
        robot drone machine tool wrench scissors saw shovel broom mop syringe pill medicine potion flask
        cigarette pipe lighter coin money cat dog bird rabbit fox wolf horse cow pig sheep goat bear mouse rat
        squirrel hamster snake lizard turtle frog fish shark whale dolphin octopus squid crab jellyfish butterfly bee
        spider insect bug dragonfly penguin owl crow raven dove eagle chicken duck swan parrot panda tiger lion
        leopard elephant deer monkey dinosaur animal creature slime skull bone gift present teddy_bear
        stuffed_toy stuffed_animal plushie puppet kite swing tombstone statue coffin cage altar gears crystal orb
        feather mannequin game_controller handheld_game_console racket bat_(baseball) bat skateboard surfboard
        innertube swim_ring beachball bouquet vase potted_plant teacup saucer thermos bento lunchbox
        """,
    "body_char": """
        twintails ponytail braid braids bun buns bangs ahoge sidelocks hair_intakes drills bob_cut eyes eyelashes
        eyebrows pupils sclera ears ear tail tails horns horn wings wing antennae antlers fangs skin freckles mole scar
        scars tattoo breasts chest abs muscles pectorals nipples navel stomach midriff belly thighs legs leg arms feet toes
        hands fingers fingernails toenails nails hips waist ass back shoulders collarbone neck armpits cheekbones beard
        mustache stubble goatee facial_hair eyeshadow lipstick makeup eyeliner lips nose fur scales feathers gills fin
        fins tentacles hooves paws claws beak snout mane stretch_marks birthmark facial_mark tanlines
        """,
    "main_env": """
        forest classroom city beach room bedroom bathroom kitchen library school church temple shrine castle palace
        street alley road bridge park garden field meadow mountain mountains desert island ocean lake river pond
        waterfall cave ruins village town cityscape cafe restaurant bar shop store market mall hospital office
        laboratory dungeon prison stage theater stadium gym pool poolside onsen bathhouse rooftop balcony
        hallway corridor staircase train_station station airport harbor dock pier lighthouse farm barn greenhouse
        aquarium zoo amusement_park playground cemetery graveyard space underwater jungle swamp valley cliff canyon
        hill house mansion cabin apartment tent arena casino museum factory warehouse basement attic courtyard
        convenience_store arcade bus_stop parking_lot infirmary clubroom dressing_room locker_room throne_room
        bamboo_forest pavilion gazebo interior planet city_lights battlefield
        """,
    "secondary_env": """
        sky cloud clouds sun moon star stars sunlight sunbeam sunset sunrise rain snow snowflakes wind fog mist smoke
        fire flame flames water waves wave splash bubbles bubble petals leaf leaves tree trees branch bush grass flower
        flowers rose roses sunflower tulip lily lotus hydrangea vines plant plants moss rock rocks sand ice icicle
        lightning thunder aurora rainbow puddle ripples horizon constellation comet window windows door
        fence railing stairs pillar column wall floor ceiling torii streetlight lamppost power_lines curtains
        debris dust embers sparks ember fireworks shooting_star firefly fireflies seashell shell coral seaweed
        clover daisy iris wisteria hibiscus camellia peony chrysanthemum dandelion maple_leaf autumn_leaves spider_web
        building buildings skyscraper
        """,
    "background": "background backdrop wallpaper",
    "style": """
        sketch lineart monochrome greyscale comic pixel_art chibi painting (style) (medium) parody impasto watercolor
        realistic photorealistic 3d manga crosshatching flat_color cel_shading screentones halftone
        oekaki ukiyo-e minimalism silhouette theme
        """,
    "theme": "wedding halloween christmas fantasy festival valentine fiction steampunk cyberpunk tanabata easter horror",
    "race": """
        elf fairy vampire demon angel android cyborg witch mermaid centaur lamia harpy oni kitsune succubus werewolf
        zombie ghost goblin orc dwarf furry kemono catgirl foxgirl dragonborn slime_girl humanoid golem mummy youkai
        tengu nekomata kyuubi devil nymph dryad centauroid arachne undead skeleton alien mecha robot_girl doll_joints
        """,
    "expression": """
        smile grin frown pout smirk expression blush tears mouth teeth tongue face glare sweatdrop anger_vein sneer
        scowl laugh laughing crying drooling angry sad happy surprised scared embarrassed nervous worried annoyed bored
        sleepy drunk smug serious confused disgust fear shy flustered
        """,
    "main_char": "hair",
    "composition": "shot view focus pov frame out_of_frame perspective angle",
    "action": """
        pose salute hug kiss gesture stance squat kick punch jump dance walk run stretch handshake piggyback shushing
        carry wave_hand sitting standing lying kneeling
        """,
    "aesthetics": """
        lighting light_particles lens_flare bokeh bloom vignetting glare_effect sparkle glow rays light_rays aberration
        grain blur depth_of_field backlighting rim_light god_rays
        """,
    "quality": "quality",
}

HEADS = {word: slot for slot, words in _HEADS.items() for word in words.split()}

_WHOLE = {
    "subject": """
        solo no_humans everyone multiple_girls multiple_boys multiple_others crowd people group couple duo trio
        solo_focus 1other 2others 3others 4others 5others 6+others
        """,
    "quality": """
        masterpiece newest recent mid early oldest old new highres absurdres lowres incredibly_absurdres very_aesthetic
        very_awa high_score great_score good_score average_score bad_score low_score hires 4k 8k uhd worst_aesthetic
        displeasing very_displeasing normal_aesthetic source_anime source_pony source_furry source_cartoon rating_safe
        rating_questionable rating_explicit general sensitive questionable explicit safe jpeg_artifacts scan
        worst_quality low_quality normal_quality high_quality best_quality amazing_quality great_quality
        good_quality average_quality bad_quality horrible_quality bad_anatomy bad_hands extra_digits fewer_digits
        bad_proportions deformed_hands fused_fingers disfigured error cropped username mutated_hands extra_fingers
        missing_fingers extra_limbs bad_feet ugly draft messy
        """,
    "aesthetics": """
        beautiful aesthetic detailed beautiful_color extremely_aesthetic cinematic_lighting dramatic volumetric_lighting
        """,
    "style": """
        3d flat-pasto thin-pasto pseudo-impasto celluloid clean_color cel_shading semi-realistic official_art
        anime_coloring game_cg novel_illustration concept_art key_visual illustration abstract traditional_media
        photo_(medium) watercolor_(medium) jaggy_lines
        """,
    "theme": "science_fiction scifi dark_fantasy post-apocalypse slice_of_life cosplay",
    "composition": """
        multi_views multi_view multiple_views close-up closeup wide_shot long_shot full_body upper_body lower_body
        portrait profile fisheye panorama isometric atmospheric_perspective vanishing_point
        """,
    "main_env": "indoors outdoors day night evening dusk dawn morning noon spring_(season) summer autumn winter",
    "action": """
        wariza seiza yokozuwari all_fours fetal_position straddling planking handstand cartwheel t-pose a-pose
        contrapposto head_rest head_tilt arms_up arm_up hands_up hand_up legs_up leg_up v double_v salute
        """,
    "expression": """
        :d :o :p :q :t :3 :< :> :/ :| :i :x :c :s d: xd ;d ;o ;p ;q ;3 ;) :) :( >:( >:) >:d >:o >:3 =_= ^_^
        ^^^ ^o^ @_@ +_+ >_< >_o o_o 0_0 |_| x_x t_t u_u =3 =d =) ._. ... !? ? ! !! ?? ;_; (o)_(o) <o>_<o>
        <|>_<|> *_* x3 ><
        """,
}

WHOLE = {word: slot for slot, words in _WHOLE.items() for word in words.split()}

ACTION_STARTS = _words(
    """
    holding looking sitting standing lying leaning walking running jumping eating drinking wearing reading
    writing playing pulling pushing lifting grabbing hugging kissing licking biting touching pointing reaching
    adjusting covering carrying riding flying floating swimming sleeping dancing singing fighting firing
    aiming throwing catching cooking cutting pouring feeding petting hiding peeking waving stretching
    squatting kneeling crossed crossing spreading spread showing presenting opening closing tying untying
    undressing dressing bathing washing cleaning drawing painting taking using pinching poking rubbing
    scratching head-pat hair_pull own interlocked clenched outstretched index feet_up wading facing turning
    mouth_hold unzipping untucking squeezing crying_on shouting giving receiving handing sharing blowing
    casting praying saluting sniffing smelling listening talking tucking twirling viewing hair_tucking
    heart_hands heart_arms spinning climbing falling crawling crouching bending bent clapping steepled grab
    tail_around tail_wagging
    """
)
LIMBS = _words("hand hands arm arms leg legs knee knees foot finger fingers elbow elbows")
WORN = frozenset(word for word, slot in HEADS.items() if slot in ("clothing", "accessories")) | _words(
    "tattoo tattoos mirror fan hair armor scar mirrors bag grenade gun puppet"
)
PATTERNED = _words(
    "striped polka dot plaid checkered print floral torn open see-through frilled layered pleated sleeveless strapless"
)
EXPRESSION_STARTS = _words(
    """
    open_mouth closed_mouth smiling crying blushing frowning grinning tearing teary
    """
)
