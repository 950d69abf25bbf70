"""Amounts as text: one formatter each for counts, bytes, percentages and durations."""

UNITS = (("GB", 2**30), ("MB", 2**20), ("kB", 2**10))


def amount(number: float) -> str:
    """``number`` as a whole number with thousands separators."""
    return f"{round(number):,}"


def counted(number: int, noun: str = "row", plural: str = "") -> str:
    """``number`` with its noun: ``1 row``, ``1,319 rows``."""
    return f"{amount(number)} {noun if number == 1 else plural or noun + 's'}"


def size(size_bytes: float) -> str:
    """Bytes of memory or of a file, with two figures: ``640 MB``, ``2.4 GB`` (binary units)."""
    for unit, scale in UNITS:
        if size_bytes >= scale * 0.95:
            value = size_bytes / scale
            return f"{value:.1f} {unit}" if value < 9.95 else f"{value:,.0f} {unit}"
    return f"{size_bytes:.0f} bytes"


def size_of(part_bytes: float, whole_bytes: float) -> str:
    """A part of some bytes and all of them: ``2.1 of 15 GB``, ``640 MB of 15 GB``."""
    part, whole = size(part_bytes), size(whole_bytes)
    unit = whole.rpartition(" ")[2]
    return f"{part.removesuffix(f' {unit}')} of {whole}"


def percent(share: float) -> str:
    """A share between 0 and 1 as a whole percentage."""
    return f"{share * 100:.0f} %"


def percent_of(part: int, whole: int) -> str:
    """``part`` of ``whole`` as a percentage: ``3 %``. More than nothing is never 0 %, less than all never 100 %."""
    share = round(100 * part / whole)
    if part and not share:
        return "less than 1 %"
    return "more than 99 %" if share == 100 and part < whole else f"{share} %"


def duration(seconds: float) -> str:
    """A time span with its two largest units: ``18 s``, ``2 min 5 s``, ``1 h 3 min``."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def rough_duration(seconds: float) -> str:
    """An estimated time span with one unit, as precise as an estimate is: ``20 s``, ``3 min``, ``2 h``."""
    if seconds < 90:
        return f"{max(10, round(seconds, -1)):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.0f} h"
