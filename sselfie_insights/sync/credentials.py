"""What may be a credential though no contract says so: judged by name, by type and by content.

Only tables and columns that the contract does not know are judged. Whatever looks like a
credential stays in Postgres until ``sselfie.toml`` opens it. Content is judged by Postgres, in the
rows that are about to be read, so that nothing but the verdict leaves it.

The forms of tokens are those that their issuers document. Text of high entropy is found by
Shannon's entropy per character, with the limits that scanners of source code use.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sselfie_insights import contract
from sselfie_insights.sql import literal, quote
from sselfie_insights.sync.catalog import SYSTEM_SCHEMAS, SourceColumn, SourceTable
from sselfie_insights.sync.columns import Column, Mirror
from sselfie_insights.sync.source import Source

BY_SETTING = "closed by [mirror]"
BY_NAME = "its name looks like that of a credential"
BY_TABLE = "its table looks like one of credentials"
BY_TYPE = "its type looks like that of a credential"
BY_ORIGIN = "it may show a column that stays in Postgres"
BY_CONTENT = "some of its values look like credentials"

MIN_ENTROPY = 3.5
MIN_HEX_ENTROPY = 3
"""Bits per character from which letters and digits are no words, nor are hexadecimal digits."""

_SPOKEN = re.compile(
    "token|secret|passw|passphrase|credential|cookie|bearer|encrypt|cipher|mnemonic"
    "|signature|oauth|authorization|connection_?string|webhook_?url|magic_?link"
    "|(api|access|private|secret|recovery|ssh)_?key"
    "|passord|kennwort|wachtwoord|l[oö]senord|contrase[nñ]a|mot_?de_?passe|senha|parola"
)
"""What names a credential anywhere in a name."""

_WORDS = re.compile(
    "hash|hashed|digest|salt|pepper|keys?|pass|pw|psw|pswd|creds?|jwt|sessid|sid|auth|nonce|verifier"
    "|csrf|xsrf|hmac|hotp|psk|pem|pfx|p12|dsn|seed|iv|has[lł]o|clave|salasana"
)
"""What names a credential as a word of its own."""

_NUMBERED = re.compile("otp|totp|mfa|2fa|pin|pincode|cvv2?|cvc2?|passcodes?|pwd")
"""What names a credential that may be a number."""

_CODE_OF = re.compile(
    "verification|verify|confirmation|confirm|recovery|backup|auth|reset|security|access|login"
    "|signin|one|time|magic|device|activation|unlock"
)
"""What makes a ``code`` a credential."""

_JOINED = re.compile(
    "(hash|pwd|otp|jwt"
    "|(pass|public|encryption|signing|master|license|auth|app|service|session|client|deploy|host)keys?)$"
)
"""The end of a word that is written together: ``passhash``."""

_TABLE = re.compile("token|secret|passw|credential|vault|(api|private|access|ssh)_?keys?")

_ID = re.compile("ids?|[ug]?uid|uuid|ulid|cuid")
"""The last word of a name whose values are random and no credentials."""

_CLOCKED = frozenset(
    ("bool", "date", "time", "timetz", "timestamp", "timestamptz", "interval", "float4", "float8")
)
_NUMBERS = frozenset(("int2", "int4", "int8", "numeric", "oid", "money"))
_NO_TEXT = _CLOCKED | _NUMBERS | {"uuid", "inet", "cidr", "macaddr", "macaddr8"}
"""Types whose values are no text; what a name says holds for some of them all the same."""


# Regular expressions of PostgreSQL.
_FORMS = (
    # hashes of passwords
    r"\$2[abxy]?\$\d\d\$|\$argon2|\$scrypt\$|\$pbkdf2|\mpbkdf2[_:]|\$[156y]\$|\{S?SHA\d*\}"
    r"|\mscrypt:\d|\mSCRAM-SHA-256\$|\mmd5[0-9a-f]{32}\M|\mbcrypt_sha256\$|\msha1\$"
    # keys and signed tokens
    r"|\meyJ[\w-]{8,}\.[\w-]{8,}\.|-----BEGIN [A-Z ]+-----|\mAGE-SECRET-KEY-|\mPuTTY-User-Key"
    r"|\motpauth://|_secret_\w"
    # what issuers begin their tokens with
    r"|\m[srp]k_(live|test)_|\mwhsec_|\msk-[\w-]{16,}|\mgh[pousr]_\w{16,}|\mgithub_pat_|\mglpat-"
    r"|\mnpm_\w{30,}|\mpypi-\w{16,}|\mxox[abeoprs]-|\mxapp-|\mhooks\.slack\.com/services"
    r"|\mA[KS]IA[A-Z0-9]{16}\M|\mAIza[\w-]{30,}|\mya29\.|\m1//0[\w-]{20,}|\mGOCSPX-"
    r"|\mSG\.[\w-]{16,}\.|\mkey-[0-9a-f]{32}\M|\m(AC|SK)[0-9a-f]{32}\M|\mhf_\w{20,}|\mr8_\w{20,}"
    r"|\mdo[opr]_v1_|\mshp(at|ss|ca|pa)_|\msq0[a-z]{3}-|\mEAA[A-Za-z0-9]{20,}|\mIG(QV|AA)\w{20,}"
    r"|\mnapi_\w{16,}|\mpscale_|\msbp_|\mlin_api_|\mntn_\w{16,}|\mvercel_blob_rw_"
    r"|\mre_[A-Za-z0-9]+_\w{16,}|\m\d{8,10}:[\w-]{35}\M|\mdapi[0-9a-f]{32}|\mglsa_|\mhvs\."
    r"|\mtskey-|\mPMAK-|\mrnd_\w{20,}|\mphx_\w{20,}|/api/webhooks/\d+/"
)
_FORMS_IN_ANY_CASE = (
    # a password in an address, a token in its query, and a value under a telling name
    r"""[a-z][a-z0-9+.-]*://[^\s/@:]*:[^\s/@]+@|\m(bearer|basic) +[\w+/=.~-]{16,}"""
    r"""|[?&;](\w*token|\w*secret|\w*passw\w*|sig|\w*signature|api_?key|auth|code)=[^&\s]"""
    r"""|(token|secret|passw\w*|passphrase|passord|credentials?|(api|private|access)[_-]?key"""
    r"""|\mpwd|\mauthorization|\mjwt|\motp|_hash|session_?id|\mcookie)[\"'\\]*\s*(:|=|=>)\s*"""
    r"""[\"'\\]*(?!null|true|false|none)[^\s\"'\\,;})\]]{4,}"""
    r"""|<\w*(token|secret|passw\w*|api_?key)>[^<\s]{4,}<"""
)
# What a text needs to have one of the forms of either kind; cheap to look for.
_LONG = r"\S{12}|BEGIN [A-Z]"
_MARKED = "[:=>]|bearer |basic "
_TELLING = (
    r"://[^/]*@|bearer |basic |[?&;]\w+=|token|secret|passw|passphrase|passord|credential|key|pwd"
    "|authorization|jwt|otp|_hash|session|cookie"
)
# A line, or an element of an array, that is one word, and in it a run of letters and digits.
_WORD_LINE = r"(?n)^\s*[\"']?[\w+/=.~-]{20,}[\"']?\s*$"
_RUN = "[A-Za-z0-9]{16,}"
_CHANGING = (
    r"(?=[A-Za-z0-9]{16})[A-Za-z0-9]*"
    r"([0-9][A-Za-z]+[0-9]+[A-Za-z]|[A-Za-z][0-9]+[A-Za-z]+[0-9])"
)
# A line that is one word of Base64, either alphabet, with small and large letters and digits: its
# runs are cut by other characters, so that it is judged whole.
_MIXED = (
    r"(?n)^\s*[\"']?((?=[\w+/-]*[a-z])(?=[\w+/-]*[A-Z])(?=[\w+/-]*[0-9])[\w+/-]{20,}=*)[\"']?\s*$"
)
_STEP = "[a-z](?=[A-Z0-9])|[A-Z](?=[a-z0-9])|[0-9](?=[A-Za-z])"
_SYLLABLES = "[A-Z]?[a-z]{2,}"
STEPPED = 0.3
UNSPOKEN = 0.4
"""Of a word's characters, those before one of another kind, and those that are in no syllables.

Three in ten and two in five are passed by all but 0.3 % of random texts of 43 characters, by
neither ``userProfileImageUploadV2`` nor ``2026-01-02T10_11_12Z-Export-User-42-Batch-7``.
"""
_PUBLIC_ID = (
    r"(?n)^\s*(acct|card|ch|cs|cus|dp|du|evt|ii|il|in|mandate|pi|pm|po|price|prod|promo|py|pyr|re"
    r"|req|seti|si|src|sub|tr|txn)_((test|live)_)?[A-Za-z0-9]+\s*$"
)
"""The ids of Stripe's objects, which are random and no credentials."""

SAMPLE = 500
"""How many values of a column, that could be random, have their entropy taken."""

Opened = Mapping[str, Mapping[str, Mapping[str, bool]]]
"""The setting ``mirror``: by schema, table and column, whether it is mirrored."""


@dataclass(frozen=True)
class Judge:
    """Decides which columns stay in Postgres.

    Attributes:
        documented: The contract.
        schema: The schema that it is about.
        renamed: The setting ``columns``.
        opened: The setting ``mirror``, which has the last word.
    """

    documented: Mapping[str, contract.Table]
    schema: str
    renamed: Mapping[str, Mapping[str, str]]
    opened: Opened

    def judge(self, table: SourceTable) -> dict[str, str]:
        """Return the undocumented columns of ``table`` that stay behind, each with the reason."""
        reasons = {column.name: self._reason(table, column) for column in table.columns}
        return {name: reason for name, reason in reasons.items() if reason}

    def looks_through(self, table: SourceTable) -> set[str]:
        """Return the columns of ``table`` whose content is judged before it is read."""
        return {
            column.name
            for column in table.columns
            if column.base not in _NO_TEXT
            and not self._is_documented(table.schema, table.name, column.name)
            and self._opened(table.schema, table.name, column.name) is None
        }

    def _opened(self, schema: str, table: str, column: str) -> bool | None:
        return self.opened.get(schema, {}).get(table, {}).get(column)

    def _is_documented(self, schema: str, table: str, column: str) -> bool:
        if schema != self.schema or table not in self.documented:
            return False
        return column in self.renamed.get(table, {}).values() or any(
            column == known.name or column in known.aliases
            for known in self.documented[table].every_column
        )

    def _reason(self, table: SourceTable, column: SourceColumn) -> str:
        if self._is_documented(table.schema, table.name, column.name):
            return ""
        opened = self._opened(table.schema, table.name, column.name)
        if opened is not None:
            return "" if opened else BY_SETTING
        if any(schema in SYSTEM_SCHEMAS for schema, _, _ in column.origins):
            return BY_ORIGIN
        is_copy = len(column.origins) == 1
        if (is_copy or column.base not in _NO_TEXT) and any(map(self._stays, column.origins)):
            return BY_ORIGIN
        if column.base in _CLOCKED:
            return ""
        if (column.base is None or column.cast) and looks_secret(column.type.rpartition(".")[2]):
            return BY_TYPE
        return judge_name(table.name, column.name, is_number=column.base in _NUMBERS)

    def _stays(self, origin: tuple[str, str, str]) -> bool:
        """Say whether a column, known by its name alone, stays behind."""
        schema, table, column = origin
        if self._is_documented(schema, table, column):
            names = {column, *(d for d, s in self.renamed.get(table, {}).items() if s == column)}
            return any(
                known.is_secret and names & {known.name, *known.aliases}
                for known in self.documented[table].every_column
            )
        opened = self._opened(schema, table, column)
        return bool(judge_name(table, column)) if opened is None else not opened


def judge_name(table: str, column: str, *, is_number: bool = False) -> str:
    """Return why a column of this name may hold credentials; empty if nothing says so."""
    if looks_secret(column, is_number=is_number):
        return BY_NAME
    if not is_number and _TABLE.search("_".join(_split(table))) and not _is_id(column):
        return BY_TABLE
    return ""


def looks_secret(name: str, *, is_number: bool = False) -> bool:
    """Say whether a column, or a type, called ``name`` may hold a credential."""
    words = _split(name)

    def has(pattern: re.Pattern[str]) -> bool:
        return any(pattern.fullmatch(word) for word in words)

    if has(_NUMBERED) or ({"code", "codes"} & set(words) and has(_CODE_OF)):
        return True
    is_spoken = has(_WORDS) or _SPOKEN.search("_".join(words))
    return not is_number and bool(is_spoken or any(_JOINED.search(word) for word in words))


def _split(name: str) -> list[str]:
    """Return the words of a name in snake_case, camelCase or with blanks, in lower case."""
    parted = re.sub(r"(?<=[^\W_A-Z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return [word for word in re.split(r"[\W_]+", parted.lower()) if word]


def _is_id(name: str) -> bool:
    return any(_ID.fullmatch(word) for word in _split(name)[-1:])


def find_credentials(source: Source, mirror: Mirror, where: str = "true") -> list[str]:
    """Return the source columns that hold what looks like a credential in rows of ``where``.

    Args:
        source: The source, at the snapshot.
        mirror: The table.
        where: A condition of Postgres.
    """
    columns = [
        column
        for column in mirror.columns
        if column.is_judged and column.transfer_mode != "secret" and column.source.is_readable
    ]
    if not columns or not mirror.table.is_populated:
        return []
    tests = ", ".join(
        f"coalesce(bool_or({_has_form(text)}), false),"
        f" coalesce(bool_or({_may_be_random(text)}), false)"
        for text in map(_text, columns)
    )
    flags = source.execute(f"select {tests} from {mirror.remote} where {where}")[0]
    found = []
    for column, has_form, may_be_random in zip(columns, flags[::2], flags[1::2], strict=True):
        is_random = may_be_random and not _holds_ids(mirror.table.name, column.source.name)
        if has_form or (is_random and _has_entropy(source, mirror, column, where)):
            found.append(column.source.name)
    return found


def _holds_ids(table: str, column: str) -> bool:
    """Say whether random values of a column are ids: those of sessions are credentials."""
    return _is_id(column) and "session" not in "".join(_split(table))


def _has_entropy(source: Source, mirror: Mirror, column: Column, where: str) -> bool:
    text = _text(column)
    rows = source.execute(
        f"""
        select coalesce(bool_or(is_random), false)
        from (
            select {text} as value from {mirror.remote}
            where ({where}) and {_may_be_random(text)} limit {SAMPLE}
        ) as sample
        cross join lateral (
            select entropy >= case when run.found[1] ~ '^([0-9a-f]+|[0-9A-F]+)$'
                then {MIN_HEX_ENTROPY} else {MIN_ENTROPY} end as is_random
            from regexp_matches(sample.value, '{_RUN}', 'g') as run (found)
            cross join lateral (
                select -sum(share * ln(share)) / ln(2) as entropy
                from (
                    select count(*)::float8 / length(run.found[1]) as share
                    from regexp_split_to_table(run.found[1], '') as character group by character
                ) as shares
            ) as measured
            where sample.value ~ {literal(_CHANGING)}

            union all

            select length(word.found[1]) - length(regexp_replace(word.found[1], '{_STEP}', '', 'g'))
                    >= {STEPPED} * length(word.found[1])
                and length(regexp_replace(word.found[1], '{_SYLLABLES}', '', 'g'))
                    >= {UNSPOKEN} * length(word.found[1])
            from regexp_matches(sample.value, {literal(_MIXED)}, 'g') as word (found)
        ) as measured
        """
    )
    return bool(rows[0][0])


def _has_form(text: str) -> str:
    """Return the condition that a text has one of the forms; most are spared the long look."""
    return (
        f"case when {text} ~ {literal(_LONG)} then {text} ~ {literal(_FORMS)} else false end"
        f" or case when {text} ~* {literal(_MARKED)} then case when {text} ~* {literal(_TELLING)}"
        f" then {text} ~* {literal(_FORMS_IN_ANY_CASE)} else false end else false end"
    )


def _may_be_random(text: str) -> str:
    return (
        f"{text} ~ {literal(_WORD_LINE)}"
        f" and ({text} ~ {literal(_CHANGING)} or {text} ~ {literal(_MIXED)})"
        f" and {text} !~ {literal(_PUBLIC_ID)}"
    )


def _text(column: Column) -> str:
    """Return the expression of Postgres for the text of a value, an element of an array a line.

    Its collation is C: those that ignore case, say, know no regular expressions.
    """
    name = quote(column.source.name)
    if column.source.element:
        text = f"array_to_string({name}, e'\\n')"
    elif column.source.base == "bytea":
        text = f"encode({name}, 'escape')"
    else:
        text = f"format('%s', {name})"
    return f'({text} collate pg_catalog."C")'
