"""People, things and places of the stories."""

PEOPLE = (
    "Alice Ben Carla David Emma Frank Grace Henry Iris Jack Kate Leo Mia Noah Olga Paul Quinn Rosa"
    " Sam Tina Uma Victor Wendy Yusuf Zoe Anna Bob Clara Dan Ella".split()
)

THINGS = (
    "apples books coins pens cards marbles stickers shells stamps eggs cookies buttons pencils"
    " balls bottles candles flowers boxes toys tickets".split()
)

PLACES = "shop market school garden library farm bakery office museum station".split()
