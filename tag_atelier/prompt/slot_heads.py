"""Nouns that decide a slot: looked up with the last word, or the last two words, of a tag. Data only, for ``slot_rules``."""

from __future__ import annotations

_HEADS = {
    "clothing": """
        ankle_socks ao_dai aoqun apron apron_dress arm_guards armguards armor armor_dress armour attire babydoll
        ballet_slippers bandeau bandeau_top bathrobe beizi bell-bottoms beltskirt bikini blazer bloomers blouse bobby_socks
        bodice bodystocking bodysuit bolero boot bottoms boxers bra bra_strap bralette brassiere breast_curtain breastplate
        bridal_gauntlets briefs brogues bunny_suit bunnysuit buruma bustier bustle camis camisole cape capelet capris
        cardigan cargo_pants cassock catsuit chainmail changshan chaps chasuble chemise cheongsam chestplate chinos chiton
        cleats cloak clogs clothes coat codpiece corset costume couter coveralls crinoline crop-top crop_top cropped_top
        crotch_plate cuirass cuisses culottes cutaway cutout daxiushan dinner_jacket dirndl diving_suit doublet dougi dress
        dress_shirts drysuit duffel_coat duijin dungarees duster duster_coat espadrilles farthingale fashion faulds fishnets
        flight_suit flip-flops flippers footwear frock_coat fundoshi furisode g-string gaiters gakuran galoshes gambeson
        garterless_stockings gauntlet geta gi gorget gown greave gym_suit habit haidate hakama halter_top hanbok hanfu
        hanfu_dress hanten haori happi harem_pants hauberk hazmat_suit heels himation hip_vent hitatare hoodie hoop_skirt
        hosiery hot_pants hotpants ice_skates jacket jeans jerkin jersey jiaoling jika-tabi jinbei jockstrap jodhpur joggers
        judogi jumper jumpsuit kaftan karate_gi kariginu kataginu keikogi khakis kigurumi kilt kimono kimono_skirt
        knee-highs kneehighs kosode kusazuri kutte lab_coat labcoat lederhosen leg_armor leg_warmers leg_wear leggings
        legwear legwear_garter leisure_suit leotard letterman letterman_jacket lingerie loafers loincloth male_swimwear
        mamianqun mantle microskirt minidress miniskirt moccasins monokini mules nagajuban neckline negligee nightdress
        nightgown nightshirt nylons obi okobo onesie outfit over-kneehighs overalls overcoat overshirt overskirt oxfords
        pajamas panties pants pantsuit panty_straps pantyhose pareo parka pauldron peacoat pedal_pushers pelisse peplos
        petticoat pilot_suit pinafore plate_armor playboy_suit plugsuit pointe_shoes poleyn polo_shirt poncho power_suit
        print pullover pumps qipao race_suit raincoat rash_guard removed rerebrace robe roller_skates rollerblades romper
        ruqun sabaton salwar_kameez sandals sarashi sari sarong school_uniforms scrubs serafuku serafuku_top serape
        shin_guards shirt shoe shorts shorts_rolled shoulder_plates shrug singlet skates skirt skort slacks sleepwear sleeve
        sleeve_rolled_up sleeves_rolled slip slippers slit sneakers sock space_suit spacesuit spats speedo sportswear
        stilettos stockings stola straitjacket stripe suikan suit sundress suneate surcoat surplice suspenders sweater
        sweatpants sweatshirt swim_briefs swim_shorts swim_trunks swimsuit swimwear t-shirt tabard tabi tank_top tankini
        tassets tees thighhighs thong tights toe_socks toga track_suit tracksuit trainers trench_coat trousers tube_dress
        tube_socks tube_top tunic turtleneck tutu tuxedo two-sided_fabric uchikake undershirt undershorts underskirt
        undersuit underwear uniform unitard uwabaki vambraces vest vestment waistcoat waraji warmers wear wedges wetsuit
        windbreaker wrap_skirt yoga_pants yuanlingpao yukata zhiduo zouri
        """,
    "accessories": """
        aiguillette amulet ankle_cuff anklet appliqué armband armlet ascot backpack badge bag balaclava baldric band-aid
        bandage bandaid bandana bandanna bandolier bangle barrette beads beanie bell belt beret bicorne blindfold bobble
        body_chain bonnet boutonniere bow bowler bowtie bracelet brooch buckle bun_cover burqa button cap chain_leash charm
        choker choker_necklace chullo circlet collar coronet corsage cowboy_hat cravat crest cross_necklace crown cuff_links
        cufflink cuffs cummerbund deerstalker diadem dog_tags doily drawstrings dress_flower ear_bow ear_cover ear_cuff
        ear_piercing ear_tag earbuds earmuffs earphone earring edging emblem embroidery epaulette eye_mask eyelets eyepatch
        eyewear eyewear_strap face_mask face_shield facial_mark_sticker fake_beard fake_mustache false_eyelashes fan_charm
        fanny_pack fascinator fedora fez flight_deck frill fringe fur-trim fur_trim gag garter garter_belt gas_mask gem
        gemstone girdle glasses glasses_chain glove gloved_hands goggles grommets guards habit_veil hachimaki hair_accessory
        hair_bell hair_bobbles hair_bow hair_cube hair_flower hair_ornament hair_ribbon hair_tie hair_tube hairband hairclip
        hairnet hairpin halo handbag handkerchief haori_himo hard_hat hardhat harness hat hat_chain hat_ornament hat_pin
        hat_tassel head_chain head_ornament head_wreath headband headdress headgear headkerchief headphone headpiece
        headscarf headset headwear helm helmet hijab holster hood horn_bow horn_ribbon id_badge insignia jabot jewel
        jewellery jewelry jingasa kabuto kanzashi kasa keffiyeh kepi kerchief kusudama lace lace_trim lanyard lapel
        lapel_pin lariat laurel_crown leg_cuffs leg_garter lip_ring locket lorgnette maedate mantilla mask medal medallion
        mempo mitre mitten mob_cap monocle mouth_mask muff muffler mustache_mask nail_art name_tags nametag neck_brace
        neck_ribbon neckerchief necklace necktie neckwear nenju netsuke newsboy_cap nipple_bar niqab noh_mask nose_ring
        obiage obidome obijime oni_mask ornament pad party_hat pasties patch pauldrons_strap pearl pendant piercing pin
        pince-nez piping pocket pom_pom pouch prosthesis_cover quiver rebato respirator rhinestones ribbon ribbon_trim ring
        rivets rosary ruff ruffle sailor_cap sash scabbards scarf scarves school_emblem scrunchie sequin shackle shako shawl
        sheaths shoelaces shoulder_boards signet sleeve_cuffs snapback snaps sombrero spectacles stetson stole strap stud
        sunglass surgical_mask sweatband tail_bow tail_ribbon tail_ring tassel tassel_charm tasuki thigh_pouch thighlet
        thumb_ring tiara tignon toe_ring toggles tongue_stud towel_around_neck trapper_hat tricorne trim turban ushanka
        utility_belt veil velcro visor waistband watch wig wimple wing_ornament wings_ornament wrap wreath wrist_cuff
        wristband wristlet wristwatch zipper
        """,
    "items": """
        abacus accordion acorn acoustic_guitar action_figure air_conditioner aircraft aircraft_carrier airplane airship
        alarm_clock albatross album alcohol alligator almond alpaca altar ambulance ammo ammunition amplifier anal_beads
        anal_tail anchor anemone anglerfish animal ankh anmitsu ant anteater antelope antenna ape apple apricot
        arcade_cabinet armadillo armchair armored_vehicle arrow artillery ashtray asparagus assault_rifle atm atv autocannon
        avocado axe axolotl baboon bacon badger badminton_racket bagel bagpipes baguette ball balloon ballpoint_pen
        bamboo_shoot banana bandage_roll banjo banknote banner baozi bar barbell bardiche barnacle barrel barricade barrier
        baseball baseball_bat basket basketball bass_guitar bassoon bat bat_(baseball) bathtub baton battery battle_axe
        battleship bayonet bazooka beach_ball beachball beaker bean bear beaver bed bee beef beer beet beetle bell_pepper
        bench bench_press bento berry bible bicycle bidet bill billboard bin binoculars biplane bird birdcage birdhouse
        biscuit bison biwa blackberry blackboard blade blanket blender blimp blinds blocks blood_vial blowgun blueberry
        blunderbuss bo_staff boar board board_game boat bodyboard bokken bolt bomb bone book bookcase bookshelf boombox
        boomerang bottle bottle_cap bouquet bowl bowling_ball bows_and_arrows box brain bread breast_milk brick briefcase
        broadsword broccoli broom brush bubble_tea bubble_wand bucket budgerigar buffalo bug bugle building_block bull
        bulldozer bullet bulletin_board bumblebee bunk_bed bunnies burger burrito bus butter butterfly cabbage cabinet cable
        caduceus cage cake calculator calendar calf camel camera can can_opener candelabra candle candlestand candlestick
        candy candy_cane cane cannon canoe cantaloupe canteen cappuccino capsule car carafe caramel carbine card
        cardboard_box carp carpet carriage carrot cart carton cartridge cases cassette castanets cat caterpillar catfish
        cauliflower cd ceiling_fan celery cello cellphone centipede certificate chain chainsaw chair chakram chalice chalk
        chalkboard chameleon champagne chandelier charcoal chariot chart chat_log cheese cheetah cherry chess chess_piece
        chessboard chestnut chick chicken chili_pepper chimpanzee chipmunk chisel chocolate chocolate_bar chopstick
        christmas_ornament christmas_tree cicada cider cigar cigarette circuit_board clam clarinet claymore cleaver clef
        clipboard clock cloth clothes_hanger clothesline clothespin clownfish club coal coaster coat_rack cobra cockatiel
        cockatoo cocktail cocoa coconut coffee coffee_maker coffee_pot coffin cog coin coin_purse cola colander comb
        combination_lock comforter comics compass computer computer_mouse conch condom condor console container contract
        contraption controllers cookie cooking_pot cord cork corkscrew corn couch counter cow coyote crab cracker cradle
        cranberry crane crate crayfish crayon cream creature credit_card crepe crib cricket cricket_bat crocodile croissant
        crosier crossbow crow crowbar crucifix crutch crystal crystal_ball cub cucumber cudgel cup cupboard cupcake curry
        curry_rice curtain_rod cushion cutlass cutlery cutting_board cuttlefish cymbals dagger daifuku daikon dango dart
        daruma decanter deer dehumidifier depth_charge desk desk_lamp dessert destroyer device dialogue_box diary dice
        dictionary dildo dinosaur diploma dish document dog dog_bowl doghouse doll dolphin domino donkey donut door dorayaki
        double_bass doughnut dove dragonfly drawer drawing_tablet dresser drink drone drum drumstick dryer duck duckling
        ducts duffel_bag dumbbell dumpling dustpan dvd dynamite eagle earthworm easel eel egg egg_yolk eggplant electric_fan
        electric_guitar elephant elixir elk ema emoji emu engine envelope eraser erhu espresso estoc excavator
        exclamation_mark exercise_ball explosive extension_cord eyeballs fabric falchion falcon fan faucet fawn feather
        feather_duster ferret ferry fig fighter_jet figurine file fire_hydrant fire_truck firearm fireplace firewood
        first_aid_kit fish fish_tank fishbowl fishing_net fishing_rod flag flagpole flail flamberge flamethrower flamingo
        flan flashlight flask flintlock flip_phone flour flute fly foal folder folding_fan folding_screen food food_bite
        food_stand football fork forklift fossil fountain_pen fox frames freezer french_horn fridge fried_chicken fried_egg
        frisbee frog fruit fudge futon gadget game_boy game_controller game_piece gamepad garbage garbage_bag garlic gas_can
        gatling_gun gazelle gear gecko geese gelatin gelato generator gerbil gift gift_bag gift_wrap ginger giraffe gladius
        glaive glass glider globe glockenspiel glue goat goblet gohei gold_bar goldfish golf_ball golf_club gondola gong
        goose gorilla gourd grand_piano grandfather_clock grapefruit grapes grasshopper grater gravestone greatsword
        green_onion grenade grenade_launcher grimoire guandao guardrail guinea_pig guitar gull gum gumball gun gunblade
        gurney gyoza hair_dryer hairbrush halberd ham hamburger hammer hammock hamster hand_fan hand_mirror hand_net
        hand_puppet handcuff handgun handheld_game_console handle hang_glider hare harmonica harp harpoon hatchet hawk
        headlight hearts heater hedgehog helicopter hen heron hexagram hilt hippopotamus hockey_stick hoe honey honeydew
        hook hookah hornet horse hose hot_air_balloon hot_chocolate hot_dog hotpot hound hourglass howitzer hula_hoop
        humidifier hummingbird hyena ice_cream ice_cube icon iguana incense incense_burner ingot inhaler ink inkwell
        innertube insect instrument ironing_board iv_drip iv_stand jack-o'-lanterns jackal jaguar jam jar javelin jay jeep
        jello jelly jellyfish jet jet_engine jigsaw_puzzle jitte journal joystick jug juice juice_box jump_rope kagami_mochi
        kakigoori kama kangaroo karaage karambit katana katar kayak kebab keg kendama ketchup kettle kettlebell key key_ring
        keyboard keychain khopesh kimchi kingfisher kiseru kite kitten kiwi knife knitting knitting_needle knives knob koala
        koi koinobori kopis kotatsu koto kukri kunai kusarigama label ladder ladle ladybug lamb lamp lance landmine lantern
        laptop lasagna lasso latte launcher laundry lawnmower leash leech leek lego lemon lemonade leopard letter lettuce
        lever license_plate lid life_buoy life_vest lifebuoy lighter lime limousine lion liquor lizard llama lobster lock
        locker locomotive log lollipops longbow longsword lotus_root luggage lunch_box lunchbox lute lynx lyre macaron macaw
        mace machete machine machine_gun machinery magazine magic_book magic_circle magic_wand magnifying_glass magpie
        mahjong mahjong_tile mail mailbox maki_sushi mallet mammoth manatee mandarin_orange mandolin maneki-neko mango manju
        mannequin manta_ray mantis map maracas margarine marionette marker marshmallow martini mat matcha matchbox matches
        matryoshka mattress maul mayo mayonnaise mead meat meatball mechanism medicine megaphone melon messenger_bag
        metronome mic mic_stand mice microchip microphone microscope microwave milk milkshake millipede mine minigun mirror
        miso missile mochi model_kit molotov_cocktail money monitor monkey monorail moose mop mop_bucket moped moray_eel
        morningstar mortar mosquito moth motorbike motorcycle mouse mousse muffin mug mule mushroom music_box music_stand
        musical_notes musket mussel mustard nachos naginata napkin natto nautilus needle nest net newspaper newt nightstand
        nigiri nikuman ninjato nodachi noodles nori notebook nougat novel number nunchaku nut oar oboe ocarina octopus
        odachi oden ofudas oil_drum okonomiyaki olive omamori omelet omelette omurice onigiri onion opener orange_(fruit)
        oranges orangutan orb orca ore organ ostrich otter outlet oven owl ox oyster package packet paddle padlock
        paintbrush palette pan pan_flute pancake panda panther papaya paper paper_bag paper_clip paper_lantern parachute
        parakeet parasol parcel parfait parrot partisan partition party_popper pasta pastry pea peace_symbol peach peacock
        peanut pear pebble peeler pelican pen pencil penguin pentagram pepper periscope persimmon pheasant phone phone_booth
        photograph photos piano pick pickaxe pickle pickup_truck picture_frame pie pig pigeon piglet pike pill pillow pinata
        pincushion pineapple ping_pong_ball pinwheel pipe pistol pitcher pitchfork pizza pizza_slice placemat plank
        plastic_bag plate playing_cards plectrum pliers plug plum plush plushie poke_balls pokeball polar_bear pole polearm
        poleaxe police_car pomegranate pony popsicle porcupine pork postcard poster pot potato potion potted_plant
        power_cord prawn praying_mantis present pretzel printer projector prop propane propeller protractor pterosaur
        pudding pufferfish puffin pulley puma pumpkin punching_bag puppet puppy purse puzzle puzzle_piece python quail
        quarterstaff quesadilla question_mark quill quilt rabbit raccoon race_car rack racket radiator radio radish raft rag
        railgun rake ramen rapier raspberry rat raven razor record recorder recycling_bin red_panda refrigerator reindeer
        remote remote_control revolver rhinoceros rhinoceros_beetle ribcage rice rice_cooker riding_crop rifle road_sign
        robin robot rocket rocket_launcher rocking_chair rod roe roller rolling_pin rooster rope rotary_phone roulette
        rowboat rubik's_cube rug rugby_ball ruler rum runestone saber sabre sack safe safety_pin sai sail sailboat sake
        salad salamander salmon sandwich sarissa sashimi satellite satellite_dish sauce saucer sausage saw saxophone scale
        scallion scallop scalpel scanner scarecrow scepter sceptre scimitar scissors scone scooter scope scorpion screen
        screw screwdriver scroll sculpture scythe sea_cucumber sea_lion sea_urchin seagull seahorse seal seaplane seatbelt
        seed seesaw senbei sewing_machine sewing_needle sextoy shabu-shabu shamisen shampoo shape shark shaved_ice sheath
        sheathed_sword sheep sheet_music shelf shell shell_casing shelves shide shield shimenawa shinai ship shogi_board
        shopping_bag shopping_cart shortbow shortsword shotgun shovel shower_head shrimp shuriken shuttlecock sickle sign
        signboard silencer silverware sink skateboard sketchbook ski ski_pole skillet skull skunk sled sledgehammer sleigh
        slice slide slime sling slingshot slot_machine sloth slug smartphone smg smoking_pipe smoothie snail snake snare
        snare_drum sniper_rifle snowboards snowman snowmen snowmobile soap soba soccer_ball soda sofa solar_panel sorbet
        soul_gem soup soybean space_shuttle spacecraft spaceship spaghetti sparrow spatula speaker spear spellbook spider
        spinach spinning_top sponge spool spoon sports_car spray_bottle spray_can sprayer squid squirrel stack staff stag
        stag_beetle stamp stand stapler starfish starship statue steak steering_wheel stereo stew stick sticker stingray
        stone_tablet stool stop_sign stork stove strainer straw strawberry streamer stretcher string stuffed_animal
        stuffed_toy sub submachine_gun submarine subway_train suitcase sukiyaki sundae sundial suppressor surfboard
        surgical_tool sushi suv swan sweet_potato sweets swim_ring swing switches sword sword_hilt swordfish symbol syringe
        table table_tennis_paddle tablecloth tablet tablet_computer tablet_pc tachi taco tadpole taiko taiyaki takoyaki
        talismans tambourine tangerine tank tankard tanto tanuki tap tape tarantula tarot tarot_card tart tatami_mat taxi
        tea teacup teapot teddy_bear telephone telephone_booth telescope television tempura tennis_ball tennis_racket
        teru_teru_bouzu test_tube textbook thermometer thermos thermos_bottle thread throne thumbtack ticket tiger tin tire
        tissue tissue_box toad toast toaster toffee tofu toilet toilet_paper tomahawk tomato tombstone tonfa tongs tonkatsu
        tool tool_box toolbox toothbrush toothpaste torch torpedo tortoise tote_bag totem toucan towel toy tractor
        traffic_cone traffic_light traffic_sign train train_car tram trampoline trap trash trash_bag trash_can tray
        treadmill treasure treasure_chest triceratops tricycle trident triforce trilobite tripod trolley trombone trophy
        trout trowel truck trumpet tuba tube tugboat tuna turnip turntable turret turtle tv twig tyrannosaurus udon ufo
        ukulele umbrella unicycle urn utensil vacuum_cleaner van vape vase vegetable vehicle vending_machine vent vial
        vibrator vibrator_egg video_camera video_game viola violin viper vodka volleyball voodoo_doll vulture wading_pool
        waffle wagashi wagon wakizashi walking_stick walkman wallaby wallet walnut walrus wand war_hammer wardrobe warhammer
        warship washing_machine wasp water_bottle watering_can watermelon weapon weaponry weasel webcam weights whale wheat
        wheel wheelbarrow wheelchair whip whipped_cream whisk whiskey whistle whiteboard wild_boar wind_chime windchime
        window wine wire wok wolf wolf_pup woodpecker worm wrapper wrench xiphos xylophone yacht yakisoba yakitori yari yarn
        yin_yang yo-yo yoga_mat yogurt yokan zebra zodiac_sign zucchini zweihander
        """,
    "body_char": """
        abs afro ahoge amputee ankle antennae antler anus areolae arm_hair armpit_hair armpits arms ass back back_muscles
        bags_under_eyes bald_head bangs beak beard belly belly_button bicep birthmark blush_lines bob_cut body_hair
        body_markings body_paint body_type body_writing bodypaint braid breasts bruise build bulges bun buzz_cut calves
        carapace cheek cheek_mark cheekbones chest chest_hair chignon chin claw_hand claws cleavage clitoris collarbone
        complexion cornrows covered_face cowlick crotch cum_string curl cuts dimples dirty_face dreadlocks drills ear
        ear_tufts earlobe erection exoskeleton extra_mouth eye_bags eyebrow eyelash eyelid eyelid_crease eyeliner eyes
        eyeshadow face_markings face_paint facepaint facial_hair facial_mark fang feet fin fingernails fingers
        fishtail_braid flipper fluff forearm forehead forehead_mark forelock foreskin freckles french_braid fur gills glans
        goatee groin hair_intakes hair_ring haircut hairline hairstyle hands happy_trail heterochromia hip_bones hipbones
        hips hoof hooves horn injury irises jaw jawline joints labia lactation leg leg_hair limb lip lipgloss lipstick locks
        love_handles makeup mandible mane markings mascara mechanical_arm mechanical_hand mechanical_leg midriff mohawk mole
        moustache mullet muscles mustache nail nail_polish navel navel_hair neck nipples nose nostrils obliques palm paunch
        paw pecs pectoral pelt pelvis penis physique pigtail pixie_cut plumage pompadour ponytail pores pregnancy proboscis
        prosthesis prosthetic_arm prosthetic_leg prosthetic_limb pubic_hair pupil pussy pussy_juice ribs ringlets robot_ears
        rouge scales scar scarring sclera sclerae shin shoulder sideboob sideburn sidecut sidelocks six-pack skin
        skin_markings snout sole spiked_shell spine stinger stitched_face stitched_mouth stitches stomach stretch_marks
        stubble stump suction_cups sweat tail tail_tip talon tan tan_lines tanline tattoo tentacle_limb tentacles testicles
        thigh toe toenails tongue_piercing_hole tooth topknot torso triceps tummy turtle_shell tusk twintails udder
        underboob undercut updo veins vulva waist waistline warpaint wattle whisker_markings whiskers widow's_peak wing
        wound wrinkles wrist
        """,
    "main_env": """
        abandoned_building abbey afterlife afternoon airport akihabara alien_planet alley alleyway altar_room amphitheater
        amphitheatre amusement_park ancient_ruins apartment apartment_building apartment_complex aquarium arcade arch
        archery_range architecture archway arena art_gallery art_room art_studio asteroid_belt asylum atrium attic
        auditorium auto_shop avenue aviary backstage backstreet backyard badlands bakery balcony ballroom bamboo_forest
        banquet_hall barn barracks baseball_field baseball_stadium basement basketball_court bathhouse bathroom battlefield
        bay bazaar beach beachside bedroom bell_tower big_top bistro bleachers blue_hour boardroom boardwalk bog boiler_room
        bookstore booth botanical_garden boulevard boutique bowling_alley boxing_ring brewery brick_wall bridge brook
        buddhist_temple building bungalow bunker bus_interior bus_station bus_stop butcher_shop cabin cafe cafeteria camp
        campground campsite campus canal candy_store canyon capitol car_interior carousel casino castle castle_town cat_cafe
        catacomb cathedral cave ceiling cellar cemetery chalet changing_room chapel chicken_coop chinatown church cinema
        circus circus_tent citadel city city_hall city_lights cityscape classroom cliff cliffside clinic clock_tower closet
        clothing_store cloud_city clubroom coast coastline cockpit coffee_shop coliseum college colonnade colosseum column
        computer_lab concert concert_hall condominium conference_room conservatory control_room convenience_store convent
        coop coral_reef corridor cottage council_room countryside court courthouse courtroom courtyard cove crater
        crawlspace creek crossroads crosswalk crypt cul-de-sac cyberspace dam dance_studio daytime deck deep_sea den
        department_store desert dimension diner dining_room dirt_road disco district dock dojo dome doorway dorm dorm_room
        dormitory downtown drawbridge drawing_room dreamscape dressing_room driveway dugout dunes dungeon early_morning
        elementary_school elevator elevator_hall embassy engine_room entrance entryway era escalator escape_room exhibition
        expressway factory faculty_office fairground fantasy_world farm ferris_wheel festival_grounds field fitting_room
        fjord floating_city floating_island floor florist flower_field flower_garden flower_shop food_stall football_field
        footbridge forest fort fortress fountain_plaza foyer freeway front_line front_yard galaxy gallery garage garden
        gas_station gate gatehouse gateway gazebo ghost_town glacier golden_hour golf_course gorge granary grandstand
        grassland graveyard great_hall green_room greenhouse grocery_store grove guest_room gym gymnasium hall hallway
        hangar harbor haunted_house heaven hedge_maze hell high-rise high_school highway hill hokora holy_place hospital
        hospital_room hostel hot_spring hotel hotel_room house housing_complex hovel hut ice_cave ice_cream_parlor ice_rink
        iceberg_field infirmary inn interior interrogation_room intersection island izakaya jail jail_cell japanese_garden
        jetty jewelry_store jungle karaoke karaoke_box keep kennel kindergarten kiosk kitchen kitchen_garden kyoto lab
        laboratory labyrinth lagoon lake lakeside landscape lane laundromat laundry_room lawn lecture_hall library
        lighthouse limbo living_room lobby locker_room log_cabin london lounge love_hotel lunar_surface maid_cafe mall manor
        mansion marina market marketplace mars marsh mausoleum maze meadow meeting_room memorial mesa midnight military_base
        mill minefield mineshaft moat monastery monument moon_base morgue mosque motel mountain movie_theater museum
        music_room nebula neighborhood new_york newsstand nightclub nighttime nunnery nurse's_office nursing_home oasis
        observatory ocean ocean_floor office office_building oil_rig onsen opera_house operating_room orchard ossuary
        otherworld outback outer_space outpost overpass pagoda palace pantry paris park parking_garage parking_lot
        parliament parlor parlour pasture path patio patisserie pavement pavilion peak penthouse period pharmacy
        photo_studio pier pigsty pillar plain planet_surface planetarium plantation plateau platform playground plaza
        police_station pond pool pool_hall poolside porch power_plant prairie preschool principal's_office prison
        prison_cell pub public_bath public_restroom pyramid quarry race_track racetrack railroad railroad_crossing
        railroad_tracks railway rainforest rampart ranch rapids ravine recording_studio red-light_district reef refinery
        reservoir resort restaurant restroom rice_field rice_paddy river riverbank riverside road rock_garden roller_coaster
        roof rooftop room rose_garden rowhouse ruins runway ryokan sanctuary sauna savanna savannah sawmill scenery school
        school_gate school_hallway schoolyard science_lab seabed seascape seashore seaside server_room sewer shack shed
        shelter shibuya shinto_shrine ship_deck ship_interior shipwreck shipyard shooting_range shop shopfront
        shopping_district shopping_mall shore shoreline shower_room shrine sidewalk silo sitting_room skate_park
        skating_rink ski_lift ski_resort ski_slope sky_city sky_island skyline skyscraper slum snowfield soccer_field spa
        space space_elevator space_station spacecraft_interior spaceport spaceship_interior spiral_staircase spire
        sports_field springtime square stable stadium staff_room stage staircase stairs stairway stairwell stall station
        steppe stone_path stone_wall storage_room store storefront storeroom strait street street_market studio study suburb
        subway subway_station summer_festival summit sundown sunflower_field sunrise sunset supermarket swamp synagogue
        taiga tavern tea_house tea_room teahouse temple temple_ruins tennis_court tent terrace theater theatre theme_park
        throne_room tiled_floor tiled_wall toilet_stall tokyo tomb torii torii_path tower town town_square townhouse
        townscape toy_store train_interior train_platform train_station train_tracks trench tundra tunnel twilight
        underground_city underpass underwater underworld universe university uptown valley vegetable_garden vehicle_interior
        velodrome venice veranda vestibule villa village vineyard virtual_world void volcano volleyball_court waiting_room
        walkway wall war_zone ward warehouse washroom wasteland watchtower water_park waterfall watermill wetland wharf
        wheat_field wilderness windmill wine_cellar winery wintertime wooden_wall woodland woods workshop wrestling_ring
        yard yatai zen_garden ziggurat zoo
        """,
    "secondary_env": """
        air_bubbles algae aloe amaryllis apple_blossom ash aster asteroid aurora aurora_borealis autumn_leaf autumn_leaves
        avalanche awning azalea baby's_breath balustrade bamboo barbed_wire bark begonia bellflower birch blast blaze
        blizzard blood_moon blossom blue_moon bluebell bonfire bonsai bougainvillea boulder branch breeze bubble bud burning
        bush cacti cactus camellia campfire canopy carnation cattail cedar chain-link_fence cherry_blossom cherry_tree
        chimney chrysanthemum cinder cloud clover cobblestone cobweb comet condensation_trail constellation contrail coral
        cornflower cosmos crack crescent_moon crocus crystal_cluster cumulonimbus_cloud curtains daffodil dahlia daisy
        dandelion daylight debris delphinium dew dewdrop dirt doorknob downpour driftwood drizzle dust dust_cloud earth
        eclipse edelweiss electricity ember energy epiphyllum eustoma exhaust explosion fairy_lights fallen_leaves
        falling_leaves fence fern fir fire fireball firefly fireworks flame floating_lanterns flower flower_petals foam fog
        foliage forget-me-not fountain four-leaf_clover foxglove frangipani freesia frost full_moon fungus fusuma gardenia
        gentian geranium gerbera ginkgo ginkgo_leaf gladiolus glass_door gloriosa grass gravel guard_rail gust gypsophila
        hail half_moon handrail hay haystack haze heat_haze heather hedge hellebore hibiscus higanbana hole honeysuckle
        horizon hurricane hyacinth hydrangea ice iceberg icicle inferno iris ivy jacaranda jasmine jet_trail kelp lamp_post
        lamppost lantern_festival lava leaf leaves lichen lightning lightning_bolt lights lilac lily lily_pad lotus
        lotus_leaf lunar_eclipse lycoris magma magnolia maple maple_leaf maple_tree marigold meteor meteor_shower milky_way
        mirage mist moon moonlight morning_glory moss mud nasturtium nemophila new_moon nigella night_sky oak oleander orbit
        orchid osmanthus overcast overgrowth palm_leaf palm_trees pampas_grass pansy passion_flower peach_blossom peony
        petal petunia picket_fence pine pine_cone pine_tree pinecone planet plant plasma plum_blossoms plumeria poppy
        pothole power_line protea puddle rail railing rain rainbow raincloud raindrop ranunculus rapeseed_blossom red_moon
        red_spider_lily reed rhododendron ripple rock root rose rubble sakura salvia sand sand_castle sandcastle sandstorm
        sea_foam sea_spray seashell seaweed shadow_puppet shamrock shockwave shooting_star shouji shrub shutters sky
        sky_lantern sleet sliding_door smog smoke smoke_ring smoke_trail smokestack snapdragon snow snowdrop snowfall
        snowflake snowstorm soil solar_eclipse soot spark spider_lily spider_web splash spray stalactite stalagmite star
        starlight starry_sky steam stem stepping_stones stone_lantern storm storm_cloud stream street_lamp streetlamp
        streetlight string_lights succulent sun sun_rays sunbeam sunflower sunlight sunray sunspot surf susuki_grass tansy
        telephone_pole thistle thorn thorn_bush thunder thundercloud thunderstorm tide toadstool topiary tornado
        transmission_tower tree tree_stump treetop trillium tulip tumbleweed undergrowth utility_pole vapor verbena vine
        violets water water_drops water_lily wave well whirlpool whirlwind willow wind wind_turbine window_shade windowsill
        wisteria wooden_fence wreckage yarrow zinnia
        """,
    "background": """
        backdrop background wallpaper
        """,
    "style": """
        (medium) (style) 3d acrylic art art_deco art_nouveau border_art caption caricature cartoon cel_shading cels censor
        censoring censorship cg charcoal_drawing chibi claymation collage color_scheme color_theme coloring colors comic
        comic_strip concept_art condom_art copyright_notice cover crayon_drawing crosshatching crossover_style cubism
        dialogue doodle drawing engraving etching expressionism fake_cover fake_screenshot flat_color font fresco
        fusion_style gouache graffiti greyscale halftone hatching homage hyperrealism illustration impasto impressionism
        inking lettering line_art lineart linework logo low_poly lowpoly manga media minimalism monochrome mural name
        narration oekaki oil_painting onomatopoeia origami_style outline page painting panel papercut parody pastel
        phone_screenshot photorealism photorealistic pixel_art pointillism pop_art realism realistic render rendering retro
        screenshot screentones scribble shading silhouette sketch sound_effect speech_bubble stencil stippling stop_motion
        strip subtitle surrealism synthwave text textlogo theme timestamp title_page toon typography ukiyo-e username
        vaporwave vector vector_art vintage voxel watercolor watercolour woodblock_print woodcut
        """,
    "theme": """
        adventure alternate_universe ancient_egypt ancient_rome anniversary apocalypse art_deco_theme au baroque birthday
        body_swap carnival celebration ceremony christmas comedy competition connection contest cosplay costume_switch
        crossover cyberpunk dystopia easter edwardian eldritch espionage fairy_tale fantasy festival fiction folklore
        funeral genderswap gothic gothic_horror halloween holiday horror legend lovecraftian medieval military_theme mystery
        mythology ninja_theme noir occult olympics parade personality_switch pirate_theme post-apocalyptic prehistoric
        rebellion renaissance revolution ritual roaring_twenties role_reversal romance samurai satire sci-fi slice-of-life
        sports steampunk swap tanabata thriller time_paradox tournament tragedy utopia valentine victorian war warfare
        wedding western witchcraft
        """,
    "race": """
        alien alien_girl android angel animal_boy animal_girl anthro arachne archangel archdemon automaton bakeneko banshee
        basilisk beast brownie catgirl catman centaur centauroid changeling cherub chimera cockatrice cyborg cyclops
        dark_elf deity demigod demon devil dhampir doll_joints doppelganger dragon dragonborn draugr drow dryad dullahan
        dwarf elf fae fairy fallen_angel familiar faun fiend foxgirl furry gargoyle gashadokuro ghost ghoul giant giantess
        goblin god goddess golem gorgon griffin grim_reaper gryphon gynoid half-elf harpy headless_horseman high_elf
        hippogriff hitotsume homunculus humanoid hybrid hydra imp inugami jiangshi jorougumo karasu-tengu kemono kitsune
        kobold kraken kuchisake-onna kyuubi lamia leprechaun leviathan lich living_armor living_doll lycanthrope martian
        mecha mecha_girl medusa merfolk mermaid merman minotaur monster monster_boy mummy mutant naga nekomata nephilim
        nurikabe nymph ogre oni orc pegasus phantom phoenix pixie replicant revenant robot_girl rokurokubi satyr scylla
        sea_monster selkie seraphim shapeshifter shinigami siren skeleton slime_girl specter sphinx spirit succubus sylph
        tengu titan troll tsukumogami undead undine unicorn valkyrie vampire werebear werecat wererabbit werewolf witch
        wolfman wood_elf wraith wyrm wyvern youkai yuki_onna zashiki-warashi zombie
        """,
    "expression": """
        agony anger anger_vein angry annoyance annoyed anxiety astonishment bewilderment blank_stare bliss blush blushing
        bored boredom cackle chuckle concentration confidence confused confusion contempt crying crying_eyes dandere deadpan
        delight despair determination disdain disgust drool drooling drowsiness drunk ecstasy embarrassed embarrassment
        emotionless envy excitement exhaustion expression eyed_smile face fatigue fear flustered frown frustration fury gasp
        giggle glare grief grin guilt happiness happy insanity irritation jealousy joy kuudere laugh laughing lust madness
        mouth nervous nose_bubble pain panic pity pleasure pout pouty_lips pride puffed_cheeks puffy_cheeks pursed_lips rage
        sad sadness saliva scared scorn scowl serious shaded_face shame shock shy shyness sigh sleepiness sleepy smile smirk
        smug smug_face sneer sneeze sob sobbing sorrow stare stress surprise surprised sweatdrop tear teardrop teeth terror
        tongue tsundere whimper wink worried worry yandere yawn
        """,
    "main_char": """
        hair
        """,
    "composition": """
        aerial_view angle angle_shot body_shot border bust_shot close-ups closeup composition crop cropped cut-in eye_level
        focus frame framing headshot horizon_line inset mirror_view out_of_frame panorama_view perspective pov
        reflection_shot shot silhouette_view split_screen symmetry vantage view viewpoint
        """,
    "action": """
        aim apart aside backflip baking bathing battle_stance beckoning bite bondage camping caress carry catch chase
        cheek_kiss chop cleaning clutch combat cooking crossed crouch cuddle cuddling curtsey curtsy cycling dance
        dance_move diving dozing driving duel ejaculation embrace escape exercise extended farming fellatio fighting
        finger_gun finger_heart fingers_together fishing fist_bump forehead_kiss frontflip gaming gardening gesture grab
        grasp grip hand_kiss hand_sign handjob handshake handsign handspring hang heart_hand high_five hiking hold hug
        hunting insertion ironing jump kick kiss kissing kneeling lap_pillow leap lecture lick lunge lying massage
        masturbation meditation modeling napping nibble nod nuzzle ok_sign outstretched paizuri parry pat peace_sign
        penetration perch performance piggyback pinch pirouette point poke pose posing prayer pull-ups punch push-ups rape
        reload rest riding rowing run sailing salute scuba_diving selfie_pose sex shoot shopping shushing sit-ups sitting
        sitting_position skateboarding skating skiing slash snorkeling snowboarding snuggling somersault sparring spooning
        squat squeeze stab stance standing stimulation stretch stretching_pose strike stroke studying suck sunbathing
        surfing teaching texting threesome throw thumbs_down thumbs_up tickling toss typing v_sign walk wave_hand workout
        wrestling writing yoga
        """,
    "aesthetics": """
        aberration afterimages ambience ambient_occlusion anamorphic_flare atmosphere backlight backlighting beam_of_light
        bioluminescence bloom blur bokeh caustics chiaroscuro contrast crepuscular_rays dappled_light dappled_moonlight
        dappled_sunlight depth_of_field desaturation dispersion distortion dust_particles film_noise flare ghosting
        glare_effect gleam glint glitch glitter gloss glow god_rays grain halation halo_effect hdr high_contrast highlight
        iridescence lens_distortion lens_flare light_beam light_leaks light_particles light_rays lighting low_contrast
        luminescence mood motion_trail neon_glow overexposure particles phosphorescence radiance ray_tracing rays
        reflections refraction rim_light rimlight saturation scanlines shadow sheen shimmer sidelight sidelighting
        silhouette_lighting sparkle speedlines spotlights subsurface_scattering sunflare tenebrism tilt-shift tilt_shift
        tonemapping twinkle underexposure underlighting uplighting vhs_effect vignette vignetting
        """,
    "quality": """
        quality
        """,
}

HEADS = {word: slot for slot, words in _HEADS.items() for word in words.split()}
