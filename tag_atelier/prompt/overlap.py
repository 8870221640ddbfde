"""Advises on tags that say the same twice: a narrow tag beside the broader one it implies. Never removes anything.

Pairs come from the catalogue's ``broader`` column and from how a name is built: more words before the same noun
("striped_dress" implies "dress", "very_long_hair" implies "long_hair"), and what a first or last word says by itself.
Called by page, API and command line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.prompt.grammar import parse
from tag_atelier.prompt.reading import tags_of
from tag_atelier.prompt.slot_words import COLOURS
from tag_atelier.prompt.slots import canonical

MAX_CHARACTERS = 65_536


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Nouns of which a qualified form always shows the plain one, unless a word in front denies it.
_NOUNS = _words(
    """
    dress skirt shirt t-shirt blouse sweater hoodie hat cap beret jacket coat cardigan blazer gloves mittens boots shoes
    sandals sneakers loafers heels slippers footwear legwear thighhighs kneehighs pantyhose stockings tights leggings socks
    pants jeans shorts bikini swimsuit leotard bodysuit jumpsuit armor kimono yukata hakama haori obi robe uniform serafuku
    suit clothes necktie bowtie ascot neckerchief neckwear hair_ornament hair_ribbon hair_bow hair_flower hairband headband
    hairclip headwear headdress crown tiara earrings necklace bracelet choker pendant jewelry scarf shawl cape capelet cloak
    apron vest corset camisole sash sunglasses glasses eyewear goggles mask helmet eyepatch veil halo sleeves panties bra
    underwear lingerie nightgown pajamas costume outfit tank_top crop_top tube_top nails eyeshadow lipstick eyelashes eyebrows
    eyeliner ponytail twintails braid braids bangs drills hair_bun ahoge pupils sclera skin fur horns wings tail animal_ears
    ears tattoo breasts pectorals thighs lips antlers beard mustache hair sword gun rifle handgun knife bow_(weapon) staff
    shield fan umbrella parasol lantern lamp candle book bag backpack box cup mug bottle glass plate bowl tray table chair
    desk stool bench couch bed pillow blanket curtains window door mirror clock guitar flag balloon card gem gemstone feather
    feathers key bell butterfly flower flowers rose petals leaf leaves tree sky cloud clouds moon star grass snow fire water
    light sunlight building room field forest street wall floor stairs bridge garden background border theme outline text
    background_text focus smile frown grin blush tears horn girl boy robot dragon censoring print trim cutout gag piercing
    collar_tag maid nurse bunny kiss hug lighting shadow perspective pose stance selfie cake ice_cream chocolate cookie candy
    bread noodles rice tea coffee juice milk hat_ornament brooch anklet armlet gauntlets sarong poncho
    """
)
_UNREAL = _words("no fake unworn holding adjusting removing toy stuffed invisible imminent incoming implied")
_DENYING = _UNREAL | _words(
    """
    removed missing covered covering lifting without invisible unfastened toy detached stuffed inflatable character hat head
    neck under over on around through behind between from and stolen shared alternate partially single_removed removing tying
    untying tugging grabbing pulling undone absent lost broken extra multiple mechanical implied imminent anti non faux
    training half after before paper cardboard food-themed swapped borrowed dropped painted
    drawn traditional electric flat garter seat diving swim bath shower ear teddy hot sea fire
    water drinking playing watching wringing smelling throwing hugging biting licking eating cutting brushing washing cleaning
    opening reading changing
    """
)
# Where a small thing is worn tells it from another of its kind: a hair ribbon says nothing of the ribbon on a dress.
_PLACES = _words(
    """
    hair hat head neck leg thigh ankle wrist arm tail ear horn wing chest back waist sleeve shoe footwear bag dress weapon
    sword belt bra panty skirt nipple navel tongue lip nose eyebrow cheek shoulder underwear collar choker breast pom finger
    toe
    """
)
_PLACED = _words(
    """
    ribbon bow flower flowers bell wings ornament scarf belt tie ring rose feather feathers butterfly star heart jewelry jewel
    print light lighting gem horn cutout bandage piercing tattoo chain rings mask leaf cross trim skin fur
    """
)
_MODIFIERS = COLOURS | _words(
    """
    long short very absurdly extremely large huge big small tiny mini micro thin thick wide narrow tall high low open closed
    striped vertical-striped diagonal-striped pinstripe plaid checkered argyle floral print polka dot frilled lace
    lace-trimmed fur-trimmed ribbon-trimmed gold-trimmed ruffled pleated layered ribbed knit cable-knit denim leather latex
    silk satin velvet wool fishnet see-through sheer transparent shiny glowing sleeveless strapless backless sideless
    off-shoulder short-sleeved long-sleeved puffy juliet bell torn wet dirty bloody loose tight baggy oversized cropped
    collared hooded double-breasted single-breasted unbuttoned belted tied side-tie front-tie string halter spaghetti strap
    high-waist low-rise highleg lowleg ornate fancy plain simple dark light pale bright deep pastel neon metallic wooden metal
    glass stone iron steel golden crystal old new ancient modern traditional wavy curly straight messy spiked drill single
    twin double side parted blunt swept asymmetrical crossed braided pointed pointy round square heart-shaped star-shaped star
    heart cross feathered fluffy furry sharp curved curled floppy cat dog fox rabbit wolf bear tiger lion cow horse sheep goat
    mouse bat bird demon angel dragon fairy butterfly sailor school military wedding maid nurse gothic lolita summer winter
    santa witch pirate cowboy baseball straw sun starry cloudy night blue-sky full crescent red-tinted gentle slight evil sad
    happy nervous seductive soft warm cold dim dappled rim indoor outdoor two three white-and-black
    """
)
# What is done to a garment, said behind its name, unless it is done to something else.
_ACTS = {"lift": "clothes_lift", "pull": "clothes_pull", "removed": "unworn_clothes", "cutout": "clothing_cutout"}
_UNSEWN = _words("arm breast cheek chin ear eyelid face hair leash leg mouth nipple tail thigh wind")
# First words that are a tag by themselves; the second ones only where the whole tag is an action (not "riding crop").
_STARTS = _words("holding sitting standing lying carrying")
_DEEDS = _words("riding pointing walking running sleeping reading eating jumping")
# What a name says in brackets of itself: "amber_(gemstone)" is a gem.
_KINDS = {
    **{word: word for word in _words("animal armor axe bird cake dog fish flower food fruit gun helmet instrument mushroom")},
    **{word: word for word in _words("planet playing_card polearm spear sword tank vegetable weapon cosplay")},
    "gemstone": "gem",
    "insect": "bug",
}
# What the first word of a garment's name says by itself.
_STATES = {
    state: tuple(implied.split())
    for state, implied in {
        "open": "open_clothes",
        "torn": "torn_clothes",
        "wet": "wet_clothes wet",
        "see-through": "see-through_clothes see-through",
        "taut": "taut_clothes",
        "layered": "layered_clothes",
        "striped": "striped_clothes striped",
        "vertical-striped": "striped_clothes vertical_stripes striped",
        "diagonal-striped": "striped_clothes diagonal_stripes striped",
        "horizontal-striped": "striped_clothes horizontal_stripes striped",
        "plaid": "plaid_clothes plaid",
        "checkered": "checkered_clothes checkered",
        "argyle": "argyle_clothes argyle",
        "multicolored": "multicolored_clothes",
        "two-tone": "two-tone_clothes multicolored_clothes",
        "sleeveless": "sleeveless",
        "strapless": "strapless",
        "off-shoulder": "off_shoulder",
        "halter": "halterneck",
        "frilled": "frills",
        "lace-trimmed": "lace_trim lace",
        "fur-trimmed": "fur_trim",
        "ribbon-trimmed": "ribbon_trim",
        "gold-trimmed": "gold_trim",
        "denim": "denim",
        "leather": "leather",
        "latex": "latex",
        "fishnet": "fishnets",
        "camouflage": "camouflage",
        "o-ring": "o-ring",
        "highleg": "highleg",
        "lowleg": "lowleg",
    }.items()
}
_WORN = ("clothing", "accessories")
_SPOTS = _words("scar mole tattoo bandaid freckles blood sweat mark birthmark bruise cum")
# What stands behind a garment's name where it is not worn as usual; the second, at the end.
_ASIDE = _words("on around behind in removed partially")
_MOVED = _words("aside pull lift tug")


@dataclass(frozen=True)
class Overlap:
    """``broad`` adds nothing beside ``narrow``; both as they stand in the prompt."""

    narrow: str
    broad: str

    def as_dict(self) -> dict[str, str]:
        """``{"narrow", "broad"}``."""
        return {"narrow": self.narrow, "broad": self.broad}


def find_overlaps(text: str, catalogue: Catalogue, negative: bool = False) -> list[Overlap]:
    """Overlaps among the plain tags of ``text``, as written; a broad tag with a weight of its own is kept.

    None for a prompt above 65,536 characters, which is not looked at.
    """
    if len(text) > MAX_CHARACTERS:
        return []
    written: dict[str, str] = {}
    for item in parse(text, negative).items:
        if tags_of(item.core) == (item.core,):
            written.setdefault(canonical(item.core), item.core)
    nouns: dict[str, list[str]] = {}
    for name in written:
        nouns.setdefault(name.rsplit("_", 1)[-1], []).append(name)
    return [
        Overlap(written[narrow], written[broad]) for narrow in written for broad in _broader(narrow, written, nouns, catalogue)
    ]


def implies(narrow: str, broad: str, catalogue: Catalogue) -> bool:
    """Whether the canonical tag ``broad`` is always true of a picture of ``narrow``."""
    return broad in _broader(narrow, {broad: broad}, {broad.rsplit("_", 1)[-1]: [broad]}, catalogue)


def _broader(narrow: str, present: dict[str, str], nouns: dict[str, list[str]], catalogue: Catalogue) -> Iterator[str]:
    """Every tag of ``present`` that ``narrow`` implies; ``nouns`` holds them by their last word."""
    found = {narrow}
    for name in _ancestors(narrow, catalogue):
        rivals = nouns.get(name.rsplit("_", 1)[-1], ())
        for broad in (name, *(rival for rival in rivals if _more_words(name, rival, catalogue))):
            if broad in present and broad not in found:
                found.add(broad)
                yield broad


def _ancestors(narrow: str, catalogue: Catalogue) -> list[str]:
    """``narrow``, what its row, its words and the rows of those imply; nearest first."""
    reached = [narrow]
    for name in reached:
        entry = catalogue.get(name)
        if entry is not None and entry.slot == "character":
            continue
        parents = [*_by_shape(name, catalogue), *catalogue.implied(name)]
        if entry is not None and entry.broader and not (_unreal(name, entry.broader) or _aside(name, entry.broader, catalogue)):
            parents.append(entry.broader)
        elif entry is None:
            parents.extend(noun for noun in _tails(name) if catalogue.get(noun) and _more_words(name, noun, catalogue))
        reached.extend(parent for parent in parents if parent not in reached)
    return reached


def _tails(name: str) -> Iterator[str]:
    """``name`` without its first word, without its first two, and so on."""
    while "_" in name:
        name = name.split("_", 1)[1]
        yield name


def _by_shape(name: str, catalogue: Catalogue) -> list[str]:
    """What the first or the last word of ``name`` says by itself."""
    shapes: list[str] = []
    words = name.split("_")
    kind = _KINDS.get(name[name.rfind("_(") + 2 : -1]) if name.endswith(")") else None
    if kind is not None:
        shapes.append(kind)
    held = name.removeprefix("holding_")
    if held != name:
        holdings = (f"holding_{broad}" for broad in _ancestors(held, catalogue)[1:])
        shapes += [holding for holding in holdings if catalogue.get(holding)]
    if len(words) > 1 and name != "holding_hands":
        first, last = words[0], words[-1]
        slot = catalogue.slot(name).slot
        if last in _ACTS and first not in _UNSEWN:
            shapes.append(_ACTS[last])
        if first in _STARTS or (first in _DEEDS and slot == "action"):
            shapes.append(first)
        if first in _STATES and slot in _WORN:
            shapes += _STATES[first]
        if first == "unworn" and catalogue.slot(name.removeprefix("unworn_")).slot == "clothing":
            shapes.append("unworn_clothes")
        if words[0] in _SPOTS and words[1] in ("on", "under", "above", "across"):
            shapes.append(words[0])
    return [shape for shape in shapes if shape != name]


def _unreal(narrow: str, broad: str) -> bool:
    """``broad`` ends ``narrow``, but the words in front say that it is not really there."""
    front = narrow.removesuffix(broad).split("_") if narrow.endswith(f"_{broad}") else [""]
    return front[0] in _UNREAL or not _UNREAL.isdisjoint(word for word in front[1:] if word != "no")


def _aside(narrow: str, broad: str, catalogue: Catalogue) -> bool:
    """``narrow`` names the thing worn first, and then that it is not worn as usual."""
    behind = narrow.removeprefix(f"{broad}_").split("_")
    moved = behind[0] in _ASIDE or behind[-1] in _MOVED
    worn = behind[0] == "around" or catalogue.slot(broad).slot in _WORN
    return moved and worn and narrow.startswith(f"{broad}_") and broad not in _SPOTS


def _more_words(narrow: str, broad: str, catalogue: Catalogue) -> bool:
    """``broad`` is ``narrow`` less some words in front of the noun, none of which denies it."""
    left, right = narrow.split("_"), broad.split("_")
    if len(left) <= len(right) or left[-1] != right[-1]:
        return False
    rest = iter(left)
    if not all(word in rest for word in right):
        return False
    extra = list(left)
    for word in right:
        extra.remove(word)
    if _DENYING & set(extra) or (broad in _PLACED and _PLACES & set(extra)) or broad == "hair":
        return False
    known = right[-1] in _NOUNS or "_".join(right[-2:]) in _NOUNS
    return known or (_MODIFIERS.issuperset(extra) and catalogue.get(broad) is not None)
