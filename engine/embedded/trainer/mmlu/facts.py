"""Facts that questions ask for."""

from trainer.mmlu.tables import rows

# country, capital
CAPITALS = rows("""
    France Paris; Germany Berlin; Italy Rome; Spain Madrid; Portugal Lisbon; Norway Oslo;
    Sweden Stockholm; Finland Helsinki; Denmark Copenhagen; Poland Warsaw; Austria Vienna;
    Hungary Budapest; Greece Athens; Turkey Ankara; Egypt Cairo; Kenya Nairobi; Ghana Accra;
    Nigeria Abuja; Japan Tokyo; China Beijing; India Delhi; Thailand Bangkok; Vietnam Hanoi;
    Russia Moscow; Ukraine Kyiv; Canada Ottawa; Cuba Havana; Peru Lima; Chile Santiago;
    Brazil Brasilia; Ireland Dublin; Iceland Reykjavik; Belgium Brussels; Serbia Belgrade;
    Croatia Zagreb; Bulgaria Sofia; Romania Bucharest; Iran Tehran; Iraq Baghdad; Syria Damascus;
    Jordan Amman; Qatar Doha; Nepal Kathmandu; Laos Vientiane; Indonesia Jakarta;
    Philippines Manila; Australia Canberra; Morocco Rabat; Tunisia Tunis; Libya Tripoli;
    Sudan Khartoum; Senegal Dakar; Uganda Kampala; Zambia Lusaka; Angola Luanda; Mali Bamako;
    Venezuela Caracas; Ecuador Quito; Bolivia Sucre; Uruguay Montevideo; Latvia Riga;
    Estonia Tallinn; Lithuania Vilnius; Albania Tirana
    """)

CONTINENTS = {
    "Europe": """
        France Germany Italy Spain Portugal Norway Sweden Finland Denmark Poland Austria Hungary
        Greece Ukraine Ireland Iceland Belgium Serbia Croatia Bulgaria Romania Latvia Estonia
        Lithuania Albania
    """.split(),
    "Africa": """
        Egypt Kenya Ghana Nigeria Morocco Tunisia Libya Sudan Senegal Uganda Zambia Angola Mali
    """.split(),
    "Asia": """
        Japan China India Thailand Vietnam Iran Iraq Syria Jordan Qatar Nepal Laos Indonesia
        Philippines
    """.split(),
    "South America": """
        Peru Chile Brazil Venezuela Ecuador Bolivia Uruguay
    """.split(),
    "North America": """
        Canada Cuba
    """.split(),
}

# element, symbol, atomic number
ELEMENTS = rows("""
    hydrogen H 1; helium He 2; lithium Li 3; beryllium Be 4; boron B 5; carbon C 6; nitrogen N 7;
    oxygen O 8; fluorine F 9; neon Ne 10; sodium Na 11; magnesium Mg 12; aluminum Al 13;
    silicon Si 14; phosphorus P 15; sulfur S 16; chlorine Cl 17; argon Ar 18; potassium K 19;
    calcium Ca 20; titanium Ti 22; chromium Cr 24; manganese Mn 25; iron Fe 26; cobalt Co 27;
    nickel Ni 28; copper Cu 29; zinc Zn 30; arsenic As 33; bromine Br 35; krypton Kr 36;
    silver Ag 47; tin Sn 50; iodine I 53; xenon Xe 54; barium Ba 56; tungsten W 74;
    platinum Pt 78; gold Au 79; mercury Hg 80; lead Pb 82; radon Rn 86; radium Ra 88; uranium U 92
    """)

# event, year
EVENTS = rows(
    """
    the French Revolution began|1789; the First World War began|1914;
    the First World War ended|1918; the Second World War began|1939;
    the Second World War ended|1945; the Berlin Wall fell|1989;
    the first person walked on the Moon|1969; Columbus reached America|1492;
    the Magna Carta was sealed|1215; the United States declared independence|1776;
    the Russian Revolution took place|1917; the American Civil War began|1861;
    the American Civil War ended|1865; the Titanic sank|1912;
    the Battle of Hastings took place|1066; the Battle of Waterloo took place|1815;
    the Suez Canal opened|1869; the Panama Canal opened|1914;
    the first satellite was launched|1957; the euro coins were introduced|2002;
    the Great Fire of London happened|1666; the Spanish Armada was defeated|1588;
    the Korean War began|1950; the League of Nations was founded|1920;
    Gagarin flew into space|1961; Constantinople fell|1453; the Black Death reached Europe|1347;
    the Wright brothers first flew|1903; the Chernobyl accident happened|1986;
    the Mexican Revolution began|1910
    """,
    separator="|",
)

# work, author
WORKS = rows(
    """
    Hamlet|Shakespeare; War and Peace|Tolstoy; Don Quixote|Cervantes; The Odyssey|Homer;
    Faust|Goethe; Emma|Austen; Great Expectations|Dickens; Moby Dick|Melville; Dracula|Stoker;
    Frankenstein|Shelley; The Trial|Kafka; Animal Farm|Orwell; The Hobbit|Tolkien; Ulysses|Joyce;
    Candide|Voltaire; Walden|Thoreau; The Raven|Poe; The Stranger|Camus;
    Crime and Punishment|Dostoevsky; The Seagull|Chekhov; Les Miserables|Hugo; Dubliners|Joyce;
    Nineteen Eighty-Four|Orwell; Macbeth|Shakespeare; Anna Karenina|Tolstoy; Oliver Twist|Dickens;
    The Waves|Woolf; The Divine Comedy|Dante; The Aeneid|Virgil; Jane Eyre|Bronte
    """,
    separator="|",
)

# what it does, organ
ORGANS = rows(
    """
    pumps blood through the body|heart; takes in oxygen from the air|lungs;
    filters blood and makes urine|kidneys; controls thought and movement|brain;
    digests food with acid|stomach; produces bile|liver; makes insulin|pancreas; lets us see|eyes;
    lets us hear|ears; covers and protects the body|skin; stores urine|bladder;
    supports the body|skeleton; lets us smell|nose; lets us taste|tongue;
    absorbs nutrients from food|intestine; carries nerve signals down the back|spine
    """,
    separator="|",
)

# quantity, SI unit
SI_UNITS = rows(
    """
    force|newton; energy|joule; power|watt; electric current|ampere; voltage|volt; resistance|ohm;
    temperature|kelvin; pressure|pascal; frequency|hertz; electric charge|coulomb; mass|kilogram;
    length|meter; time|second; amount of substance|mole; capacitance|farad; magnetic flux|weber;
    luminous intensity|candela; inductance|henry
    """,
    separator="|",
)

PLANETS = "Mercury Venus Earth Mars Jupiter Saturn Uranus Neptune".split()

ORDINALS = "first second third fourth fifth sixth seventh eighth".split()

# small unit, big unit, how many small ones make a big one
UNIT_PAIRS = [
    ("minutes", "hours", 60),
    ("seconds", "minutes", 60),
    ("hours", "days", 24),
    ("days", "weeks", 7),
    ("months", "years", 12),
    ("centimeters", "meters", 100),
    ("meters", "kilometers", 1000),
    ("grams", "kilograms", 1000),
    ("inches", "feet", 12),
    ("feet", "yards", 3),
    ("millimeters", "centimeters", 10),
    ("cents", "dollars", 100),
    ("items", "dozen", 12),
]

# number of sides: name
POLYGONS = {
    3: "triangle",
    4: "quadrilateral",
    5: "pentagon",
    6: "hexagon",
    7: "heptagon",
    8: "octagon",
    9: "nonagon",
    10: "decagon",
    12: "dodecagon",
}
