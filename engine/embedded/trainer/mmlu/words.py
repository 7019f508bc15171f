"""Words that questions are about."""

from trainer.mmlu.tables import rows

PARTS_OF_SPEECH = {
    "noun": """
        table river doctor window apple teacher mountain kitchen bottle engine island letter
        pencil ticket forest bridge camera pocket market brother planet shadow summer island
        blanket
    """.split(),
    "verb": """
        run eat write think sing build carry arrive forget explain decide swim climb borrow listen
        deliver gather wander choose destroy pretend enjoy begin teach grow
    """.split(),
    "adjective": """
        happy large quiet bright heavy gentle clever narrow ancient empty honest angry wooden
        purple fragile famous hungry lazy modern careful dusty polite sharp tall wide
    """.split(),
    "adverb": """
        quickly slowly often never always carefully loudly soon almost gently rarely suddenly
        badly quietly easily happily yesterday together perhaps seldom nearly twice bravely
        politely calmly
    """.split(),
}

SYNONYMS = rows("""
    big large; small little; happy glad; sad unhappy; fast quick; smart clever; begin start;
    end finish; rich wealthy; angry mad; quiet silent; hard difficult; easy simple; brave bold;
    correct right; buy purchase; ill sick; odd strange; close shut; answer reply; gift present;
    job work; road street; house home; kid child; shout yell; choose pick; fix repair;
    hide conceal; jump leap; rock stone; tidy neat; tired weary; vacant empty
    """)

ANTONYMS = rows("""
    hot cold; up down; big small; tall short; fast slow; happy sad; light dark; hard soft;
    rich poor; old young; early late; wet dry; open closed; full empty; strong weak; loud quiet;
    near far; clean dirty; thick thin; wide narrow; high low; love hate; win lose; buy sell;
    push pull; give take; first last; true false; day night; war peace; begin end; above below;
    inside outside; always never; rough smooth; sharp dull; sweet sour; deep shallow
    """)

SYNONYM_WORDS = sorted({word for pair in SYNONYMS for word in pair})
ANTONYM_WORDS = sorted({word for pair in ANTONYMS for word in pair})

CATEGORIES = {
    "mammal": """
        dog cat horse whale bat lion tiger mouse rabbit elephant cow dolphin wolf bear
    """.split(),
    "bird": """
        eagle sparrow penguin owl parrot crow duck ostrich pigeon swan robin falcon
    """.split(),
    "fish": """
        salmon tuna shark trout cod herring carp eel goldfish sardine
    """.split(),
    "insect": """
        ant bee butterfly beetle mosquito wasp moth cricket ladybug dragonfly
    """.split(),
    "reptile": """
        snake lizard turtle crocodile gecko iguana alligator tortoise cobra python
    """.split(),
    "fruit": """
        apple banana cherry grape lemon mango orange peach pear plum
    """.split(),
    "vegetable": """
        carrot onion potato spinach cabbage broccoli celery lettuce radish turnip
    """.split(),
    "tool": """
        hammer saw drill wrench chisel pliers screwdriver axe shovel rake
    """.split(),
    "instrument": """
        piano guitar violin flute drum trumpet harp cello clarinet banjo
    """.split(),
    "color": """
        red blue green yellow black white brown gray pink violet
    """.split(),
    "metal": """
        iron gold silver copper tin zinc nickel lead aluminum titanium
    """.split(),
    "planet": """
        Mercury Venus Earth Mars Jupiter Saturn Uranus Neptune
    """.split(),
}

# Planets are proper names and stay out.
WORDS = sorted(
    {word for words in PARTS_OF_SPEECH.values() for word in words}
    | {word for name, words in CATEGORIES.items() if name != "planet" for word in words}
)
# English, Spanish
SPANISH = rows("""
    dog perro; cat gato; house casa; water agua; bread pan; milk leche; sun sol; moon luna;
    book libro; table mesa; red rojo; blue azul; green verde; white blanco; black negro; day dia;
    night noche; friend amigo; school escuela; tree arbol; fish pez; bird pajaro; hand mano;
    head cabeza; fire fuego; snow nieve; street calle; city ciudad; door puerta; window ventana;
    king rey; bridge puente; sea mar; wine vino; cheese queso; apple manzana; flower flor;
    horse caballo; sky cielo; heart corazon
    """)

# English, French
FRENCH = rows("""
    dog chien; cat chat; house maison; water eau; bread pain; milk lait; sun soleil; moon lune;
    book livre; red rouge; blue bleu; green vert; white blanc; black noir; day jour; night nuit;
    friend ami; school ecole; tree arbre; fish poisson; bird oiseau; hand main; head tete;
    fire feu; snow neige; street rue; city ville; door porte; window fenetre; king roi;
    bridge pont; sea mer; wine vin; cheese fromage; apple pomme; flower fleur; horse cheval;
    sky ciel; heart coeur; garden jardin
    """)

DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()

MONTHS = """
    January February March April May June July August September October November December
""".split()

ALPHABET = "abcdefghijklmnopqrstuvwxyz"

MOVABLE_THINGS = "key book coin ball cup phone letter ring pen map".split()

SPOTS = "box drawer bag kitchen garden basket car cupboard pocket cellar".split()
