"""The encodings of texts that can be chosen, by Python's names."""

LEGACY = {
    "cp1252": "Western European (Windows)",
    "gb18030": "Chinese, simplified (GBK)",
    "big5hkscs": "Chinese, traditional (Big5)",
    "cp932": "Japanese (Shift-JIS)",
    "euc_jp": "Japanese (EUC-JP)",
    "cp949": "Korean (EUC-KR)",
    "cp1250": "Central European (Windows)",
    "cp1251": "Cyrillic (Windows)",
    "koi8_r": "Cyrillic (KOI8-R)",
    "cp1253": "Greek (Windows)",
    "cp1254": "Turkish (Windows)",
    "cp1255": "Hebrew (Windows)",
    "cp1256": "Arabic (Windows)",
    "cp1257": "Baltic (Windows)",
    "cp1258": "Vietnamese (Windows)",
}
"""Encodings of before Unicode -> what they are for."""
TITLES = {
    "auto": "Automatic: as the file says, else UTF-8",
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    **{name: f"{title}: {name}" for name, title in LEGACY.items()},
    "latin-1": "Western European: latin-1",
}
"""Every value of ``DataSettings.encoding``, and how it is called."""
