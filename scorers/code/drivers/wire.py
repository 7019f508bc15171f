# The wire codec, Python half (wire.h is the other), and the frames on file descriptor 3.
#
# A value is one tag byte and its payload; counts and lengths are u32 little-endian. Values are
# written by their base builtin type through unbound base methods, so that a subclass's own
# __eq__, __iter__ or __class__ is never asked. What has no builtin base is "opaque": it crosses
# as its truth value and its type's name, and equals nothing on the other side.
#
# A program may put anything into builtins. The functions below keep a copy of their own: Python
# looks builtins up in the globals a function was defined with.
import builtins as _builtins

__builtins__ = dict(_builtins.__dict__)

import collections as _collections
import decimal as _decimal
import fractions as _fractions
import os as _os
import struct as _struct
import sys as _sys

_MAX_DEPTH = 190
_MAX_NODES = 1_900_000
_MAX_BYTES = 60 << 20
_MAX_ITERATED = 100_000
_u32 = _struct.Struct("<I")
_f64 = _struct.Struct("<d")
_read = _os.read  # bound now: a program may put anything into os
_write = _os.write
_mro = type.__dict__["__mro__"].__get__


class Unrepresentable(Exception):
    pass


class Opaque:
    """A value that could not cross: true or false, and equal to nothing but itself."""

    __slots__ = ("_truth", "_kind")

    def __init__(self, truth, kind):
        self._truth = truth
        self._kind = kind

    def __bool__(self):
        return self._truth

    def __repr__(self):
        return "<" + self._kind + ">"


class _Writer:
    def __init__(self):
        self.parts = []
        self.nodes = 0
        self.size = 0

    def block(self, tag, data):
        self.size += len(data)
        if self.size > _MAX_BYTES:
            raise Unrepresentable("too large")
        self.parts += (tag, _u32.pack(len(data)), data)

    def many(self, tag, items, depth):
        self.parts += (tag, _u32.pack(len(items)))
        for item in items:
            self.value(item, depth + 1)

    def value(self, value, depth):
        self.nodes += 1
        if depth > _MAX_DEPTH or self.nodes > _MAX_NODES:
            raise Unrepresentable("too deep or too large")
        kind = type(value)
        write = _WRITERS.get(kind)
        if write is None:
            for base in _mro(kind):
                write = _WRITERS.get(base)
                if write is not None:
                    break
            else:
                write = _write_numpy if _is_numpy(kind) else _write_other
        write(self, value, depth)


def _write_int(out, value, depth):
    value = int.__index__(value)
    out.block(b"i", value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True))


def _write_bool(out, value, depth):
    out.parts.append(b"T" if value else b"F")


def _write_float(out, value, depth):
    out.parts += (b"f", _f64.pack(float.__float__(value)))


def _write_complex(out, value, depth):
    real = complex.real.__get__(value)
    imag = complex.imag.__get__(value)
    out.parts += (b"c", _f64.pack(real), _f64.pack(imag))


def _write_str(out, value, depth):
    out.block(b"s", str.encode(value, "utf-8", "surrogatepass"))


def _write_dict(out, value, depth):
    out.parts += (b"d", _u32.pack(dict.__len__(value)))
    for key, item in list(dict.items(value)):
        out.value(key, depth + 1)
        out.value(item, depth + 1)


def _write_fraction(out, value, depth):
    out.parts.append(b"q")
    out.value(_fractions.Fraction.numerator.fget(value), depth + 1)
    out.value(_fractions.Fraction.denominator.fget(value), depth + 1)


def _write_range(out, value, depth):
    out.parts.append(b"r")
    for item in (value.start, value.stop, value.step):
        out.value(item, depth + 1)


def _write_dict_items(out, value, depth):
    out.many(b"m", [tuple(pair) for pair in value], depth)


def _write_opaque(out, truth, kind):
    out.parts.append(b"O" if truth else b"o")
    out.block(b"s", str(kind).encode("utf-8", "replace")[:200])


def _write_other(out, value, depth):
    kind = type(value)
    name = type.__dict__["__name__"].__get__(kind)
    try:
        if hasattr(kind, "__next__") and iter(value) is value and not hasattr(kind, "read"):
            items = []
            for item in value:
                items.append(item)
                if len(items) >= _MAX_ITERATED:
                    break
            out.many(b"I", items, depth)
            return
        truth = bool(value)
    except Unrepresentable:
        raise
    except Exception:
        truth = True
    _write_opaque(out, truth, name)


def _is_numpy(kind):
    numpy = _sys.modules.get("numpy")
    return numpy is not None and issubclass(kind, (numpy.generic, numpy.ndarray))


def _write_numpy(out, value, depth):
    numpy = _sys.modules["numpy"]
    if isinstance(value, numpy.ndarray):
        out.parts.append(b"a")
        out.value(numpy.ndarray.tolist(value), depth + 1)
        return
    item = numpy.generic.item(value)
    if isinstance(item, numpy.generic):  # longdouble gives itself back
        item = float(item)
    out.value(item, depth)


_WRITERS = {
    type(None): lambda out, value, depth: out.parts.append(b"N"),
    bool: _write_bool,
    int: _write_int,
    float: _write_float,
    complex: _write_complex,
    str: _write_str,
    bytes: lambda out, value, depth: out.block(b"b", bytes.__getitem__(value, slice(None))),
    bytearray: lambda out, value, depth: out.block(b"B", bytes(memoryview(value))),
    list: lambda out, value, depth: out.many(b"l", list.__getitem__(value, slice(None)), depth),
    tuple: lambda out, value, depth: out.many(b"t", tuple.__getitem__(value, slice(None)), depth),
    set: lambda out, value, depth: out.many(b"S", list(set.__iter__(value)), depth),
    frozenset: lambda out, value, depth: out.many(b"z", list(frozenset.__iter__(value)), depth),
    dict: _write_dict,
    range: _write_range,
    type({}.keys()): lambda out, value, depth: out.many(b"k", list(value), depth),
    type({}.values()): lambda out, value, depth: out.many(b"v", list(value), depth),
    type({}.items()): _write_dict_items,
    _collections.deque: lambda out, value, depth: out.many(
        b"Q", list(_collections.deque.__iter__(value)), depth
    ),
    _fractions.Fraction: _write_fraction,
    _decimal.Decimal: lambda out, value, depth: out.block(
        b"D", _decimal.Decimal.__str__(value).encode()
    ),
}


def encode(value):
    """The value's bytes. What is too deep or too large crosses as opaque as a whole."""
    out = _Writer()
    try:
        out.value(value, 0)
    except Unrepresentable as why:
        out = _Writer()
        _write_opaque(out, True, type(value).__name__ + ", " + str(why))
    return b"".join(out.parts)


class _Reader:
    def __init__(self, data, at):
        self.data = data
        self.at = at

    def take(self, size):
        self.at += size
        return self.data[self.at - size : self.at]

    def count(self):
        return _u32.unpack(self.take(4))[0]

    def block(self):
        return self.take(self.count())

    def many(self):
        return [self.value() for _ in range(self.count())]

    def value(self):
        return _READERS[self.take(1)](self)


def _read_dict(read):
    result = {}
    for _ in range(read.count()):
        key = read.value()
        result[key] = read.value()
    return result


def _read_array(read):
    return read.value()  # as the nested list it stands for


_READERS = {
    b"N": lambda read: None,
    b"T": lambda read: True,
    b"F": lambda read: False,
    b"i": lambda read: int.from_bytes(read.block(), "little", signed=True),
    b"f": lambda read: _f64.unpack(read.take(8))[0],
    b"c": lambda read: complex(_f64.unpack(read.take(8))[0], _f64.unpack(read.take(8))[0]),
    b"s": lambda read: read.block().decode("utf-8", "surrogatepass"),
    b"b": lambda read: bytes(read.block()),
    b"B": lambda read: bytearray(read.block()),
    b"l": lambda read: read.many(),
    b"t": lambda read: tuple(read.many()),
    b"S": lambda read: set(read.many()),
    b"z": lambda read: frozenset(read.many()),
    b"d": _read_dict,
    b"q": lambda read: _fractions.Fraction(read.value(), read.value()),
    b"D": lambda read: _decimal.Decimal(read.block().decode()),
    b"r": lambda read: range(read.value(), read.value(), read.value()),
    b"k": lambda read: dict.fromkeys(read.many()).keys(),
    b"v": lambda read: dict(enumerate(read.many())).values(),
    b"m": lambda read: dict(read.many()).items(),
    b"Q": lambda read: _collections.deque(read.many()),
    b"I": lambda read: iter(read.many()),
    b"a": _read_array,
    b"O": lambda read: Opaque(True, read.value()),
    b"o": lambda read: Opaque(False, read.value()),
}


def decode(data, at=0):
    return _Reader(data, at).value()


class Channel:
    """Frames to and from the trusted side: u32 length, then the bytes."""

    def __init__(self, number=3):
        self._number = number
        self._buffer = bytearray()

    def send(self, kind, *parts):
        frame = b"".join((kind,) + parts)
        rest = memoryview(_u32.pack(len(frame)) + frame)
        while rest:
            rest = rest[_write(self._number, rest) :]

    def receive(self):
        size = _u32.unpack(self._take(4))[0]
        return self._take(size)

    def _take(self, size):
        while len(self._buffer) < size:
            data = _read(self._number, 1 << 18)
            if not data:
                raise SystemExit(0)  # the trusted side has gone
            self._buffer += data
        result = bytes(self._buffer[:size])
        del self._buffer[:size]
        return result


def describe(error):
    """An exception as it crosses: names of its classes, most derived first, and one line."""
    names = [kind.__name__ for kind in _mro(type(error))]
    try:
        text = str(error)[:400]
    except Exception:
        text = ""
    return [names[:20], text.replace("\n", " ")]
