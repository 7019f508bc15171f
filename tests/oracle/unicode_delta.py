#!/usr/bin/env python3
"""Where libutf8proc and the Hugging Face tokenizers differ about Unicode; run in the repository root.

Writes engine/text/unicode_delta.inc (general categories: the tokenizers' regular expressions
know a newer Unicode) and engine/text/nfc_unknown.inc (marks and compositions: their normalizer
knows an older one). Needs the Python package tokenizers and libutf8proc.so.2.
"""
import ctypes

from tokenizers import Regex, normalizers, pre_tokenizers

UTF8PROC = ctypes.CDLL("libutf8proc.so.2")
UTF8PROC.utf8proc_get_property.restype = ctypes.POINTER(ctypes.c_int16)
CATEGORIES = "Cn Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Cs Co".split()
CODES = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
NFD, NFC = normalizers.NFD(), normalizers.NFC()


def reference_categories():
    everything, out = "".join(map(chr, CODES)), {}
    for name in CATEGORIES:
        if name == "Cs":
            continue
        removed = set(everything)
        for piece, _ in pre_tokenizers.Split(Regex(rf"\p{{{name}}}+"), "removed").pre_tokenize_str(everything):
            removed -= set(piece)
        out.update({ord(c): name for c in removed})
    return out


def combining_class(code):
    return UTF8PROC.utf8proc_get_property(code)[1]


def decomposed(code):
    buffer, boundary = (ctypes.c_int32 * 64)(), ctypes.c_int(0)
    count = UTF8PROC.utf8proc_decompose_char(code, buffer, 64, 1 << 1 | 1 << 4, ctypes.byref(boundary))
    return "".join(map(chr, buffer[:count]))


def unknown_to_normalizer(code):
    """A mark that the reference does not reorder, or a composition that it does not make."""
    parts = decomposed(code)
    if parts != chr(code):
        return NFD.normalize_str(chr(code)) != parts
    mark = chr(code)
    return 0 < combining_class(code) < 240 and NFD.normalize_str("a\u0345" + mark) != "a" + mark + "\u0345"


def ranges(items):
    out = []
    for code, value in items:
        if out and out[-1][1] == code - 1 and out[-1][2] == value:
            out[-1][1] = code
        else:
            out.append([code, code, value])
    return out


def main():
    reference = reference_categories()
    changed = [(c, reference.get(c)) for c in CODES if reference.get(c) != CATEGORIES[UTF8PROC.utf8proc_category(c)]]
    with open("engine/text/unicode_delta.inc", "w") as out:
        out.write("// Characters that the reference tokenizers (0.23) categorize by Unicode 16 and utf8proc 2.8 (15) does\n"
                  "// not: {first, last, general category}. Written by tests/oracle/unicode_delta.py.\n")
        for first, last, name in ranges(changed):
            out.write(f"{{0x{first:04X}, 0x{last:04X}, UTF8PROC_CATEGORY_{name.upper()}}},\n")
    unknown = {c for c in CODES if c >= 0x80 and unknown_to_normalizer(c)}
    # What only such a composition takes as its second part must not be composed either.
    for code in [c for c in unknown if decomposed(c) != chr(c)]:
        unknown.add(ord(decomposed(code)[-1]))
    with open("engine/text/nfc_unknown.inc", "w") as out:
        out.write("// Characters that the reference normalizer (Unicode 9) leaves alone and newer tables do not:\n"
                  "// {first, last}. Written by tests/oracle/unicode_delta.py.\n")
        for first, last, _ in ranges((c, 0) for c in sorted(unknown)):
            out.write(f"{{0x{first:04X}, 0x{last:04X}}},\n")


if __name__ == "__main__":
    main()
