"""Small tables written as text."""


def rows(text: str, separator: str | None = None) -> list[list[str]]:
    """Rows end in semicolons; columns are apart by spaces or by `separator`."""
    return [row.strip().split(separator) for row in text.split(";")]
