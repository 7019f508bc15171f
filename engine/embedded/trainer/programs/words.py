"""Words that programs work on."""

WORDS = """
    apple river stone cloud tiger music green happy light bread water house chair plane sugar
    dance night world smile storm pencil garden window yellow python banana orange silver
""".split()
