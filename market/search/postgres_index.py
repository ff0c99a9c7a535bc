"""The index in PostgreSQL: its own full-text search on our lexemes, shared by every process that has the database.

All lexemes of a document are in its index; those of the name (weight A) and the key words (B) stand in its row as well, so
that what it is worth can be worked out without unpacking the rest. One statement gives as many rows as there are worths.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import combinations, takewhile
from math import comb
from typing import Any

import structlog
from sqlalchemy import text

from market import db
from market.search.index import Document, Found, Key, Overtaken
from market.search.lexicon import lexicon
from market.search.models import Kind
from market.search.query import EXACT, IN_TEXT, Alternative, Lexeme, Query, Term
from market.search.ranking import EACH, conditions

log = structlog.get_logger(__name__)

_WEIGHTS = "AB"
#: Up to so many ways to have just some of the terms are asked for one by one.
_MOST_WAYS = 15
_CURRENT = "(SELECT max(id) FROM search_generations WHERE version = :version AND upto IS NOT NULL)"
#: Which generation answers. The planner does not know what unpacking a document costs: it would rather read them all, or
#: compile first. The rest of the transaction looks up rows by their keys.
_ASK = text(
    "SELECT id, set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true) "
    f"FROM search_generations WHERE id = {_CURRENT}"
)
_STATE = text(f"SELECT id, upto FROM search_generations WHERE id = {_CURRENT}")
_WRITE = text("""
    INSERT INTO search_documents (generation_id, kind, ref_id, words, top, line)
    SELECT :generation, kind, ref_id, words::tsvector, top::tsvector, line
    FROM jsonb_to_recordset(CAST(:documents AS jsonb)) AS r(kind text, ref_id bigint, words text, top text, line text)
    ON CONFLICT (generation_id, kind, ref_id) DO UPDATE SET words = excluded.words, top = excluded.top, line = excluded.line
""")
_SPEAK = text("""
    INSERT INTO search_words (generation_id, word) SELECT :generation, word FROM unnest(CAST(:words AS text[])) AS word
    ON CONFLICT DO NOTHING
""")
_DROP = text("""
    DELETE FROM search_documents d USING jsonb_to_recordset(CAST(:gone AS jsonb)) AS r(kind text, ref_id bigint)
    WHERE d.generation_id = :generation AND d.kind = r.kind AND d.ref_id = r.ref_id
""")


class PostgresIndex:
    """A `SearchIndex` in the database; it says what the open transaction sees."""

    def find(self, query: Query, *, some: bool = False) -> Found | None:
        state = db.session.connection().execute(_ASK, {"version": lexicon().version}).one_or_none()
        if state is None:
            return None
        found: dict[Kind, list[tuple[int, list[int]]]] = {kind: [] for kind in Kind}
        most = None
        for kind, score, ids in _rows(query, state[0], some=some):
            if some and most is None:
                most = score // EACH
            if not some or (most and score // EACH == most):
                found[Kind(kind)].append((score % EACH if some else score, [int(id) for id in ids.split(",")]))
        return found

    def spoken(self) -> Collection[str]:
        query = text(f"SELECT word FROM search_words WHERE generation_id = {_CURRENT}")
        return list(db.session.scalars(query, {"version": lexicon().version}))

    def taken_up(self) -> int | None:
        state = self._state()
        return None if state is None else state[1]

    def update(self, documents: Iterable[Document], gone: Sequence[Key], *, upto: int) -> bool:
        with db.transaction():
            db.serialize("search_documents")
            state = self._state()
            if state is None:
                log.info("index_gone")  # these documents alone would hide the others; the next refresh makes it anew
                return False
            _write(state[0], documents)
            if gone:
                rows = json.dumps([{"kind": key.kind.value, "ref_id": key.ref_id} for key in gone])
                db.session.execute(_DROP, {"generation": state[0], "gone": rows})
            later = text("UPDATE search_generations SET upto = greatest(upto, :upto) WHERE id = :generation")
            db.session.execute(later, {"upto": upto, "generation": state[0]})
        return True

    def making(self) -> _Making:
        return _Making()

    def _state(self) -> tuple[int, int] | None:
        row = db.session.execute(_STATE, {"version": lexicon().version}).one_or_none()
        return None if row is None else (row[0], row[1])


def _rows(query: Query, generation: int, *, some: bool) -> Sequence[Any]:
    """Kind, worth and ids; with `some` those that have most of the terms are looked for first, by the index alone."""
    count = len(query.terms)
    numbers = takewhile(lambda number: comb(count, number) <= _MOST_WAYS, range(count, 0, -1)) if some else ()
    for number in [*numbers, 0]:
        parameters: dict[str, object] = {"generation": generation}
        statement = _Question(query, parameters, some=some, having=number).statement()
        rows = db.session.connection().execute(text(statement), parameters).all()
        if rows:
            return rows
    return ()


class _Making:
    """A generation that does not answer yet; each batch is a transaction of its own unless one is open."""

    def __init__(self) -> None:
        with db.transaction():
            made = text("INSERT INTO search_generations (version, begun_at) VALUES (:version, CURRENT_TIMESTAMP) RETURNING id")
            self.generation = db.session.scalars(made, {"version": lexicon().version}).one()

    def add(self, documents: Iterable[Document]) -> None:
        with db.transaction():
            self._hold()
            _write(self.generation, documents)

    def finish(self, *, upto: int) -> None:
        with db.transaction():
            db.serialize("search_documents")
            self._hold()
            this = {"upto": upto, "generation": self.generation, "version": lexicon().version}
            db.session.execute(text("UPDATE search_generations SET upto = :upto WHERE id = :generation"), this)
            # One that was begun later is left to be finished; those begun before are overtaken.
            db.session.execute(text("DELETE FROM search_generations WHERE version = :version AND id < :generation"), this)
        self._tidy()

    def leave(self) -> None:
        with db.transaction():
            db.session.execute(text("DELETE FROM search_generations WHERE id = :id"), {"id": self.generation})

    def _hold(self) -> None:
        """Until the transaction ends nobody takes this generation away."""
        held = text("SELECT id FROM search_generations WHERE id = :id FOR KEY SHARE")
        if db.session.scalar(held, {"id": self.generation}) is None:
            raise Overtaken

    def _tidy(self) -> None:
        """Let the planner know what it has to do with, and clear what is gone away: else every question still comes upon it."""
        with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM (ANALYZE) search_documents"))


class _Question:
    """One question in SQL; what people typed travels as parameters. `having` asks for just so many of the terms."""

    def __init__(self, query: Query, parameters: dict[str, object], *, some: bool, having: int = 0) -> None:
        self.query, self.parameters, self.some, self.having = query, parameters, some, having

    def statement(self) -> str:
        """Kind, worth and ids, the best worth first."""
        if self.having:
            parts = [self._part(way, " & ", every=True) for way in combinations(self.query.terms, self.having)]
        else:
            parts = [self._part(self.query.terms, " | " if self.some else " & ", every=not self.some)]
        return (
            f"SELECT kind, score, string_agg(ref_id::text, ',') FROM ({' UNION ALL '.join(parts)}) AS found "
            "GROUP BY kind, score ORDER BY score DESC"
        )

    def _part(self, terms: Sequence[Term], between: str, *, every: bool) -> str:
        """What has these terms, with its worth.

        The words alone choose the rows: asked for the generation too, the planner would go by that and unpack every row.
        What stands at the top is unpacked once, by adding nothing to it, and then looked at for each worth.
        """
        wanted = [*([f"({between.join(map(anywhere, terms))})"] if terms else []), *(f"!{anywhere(term)}" for term in self.query.without)]
        columns = f"generation_id, kind, ref_id, line, top || ''::tsvector AS top{'' if every else ', words'}"
        chosen = f" WHERE {self._has(' & '.join(wanted))}" if wanted else ""
        source = f"(SELECT {columns} FROM search_documents{chosen} OFFSET 0) AS d"
        conditions = " AND ".join(["generation_id = :generation", *self._phrases()])
        return f"(SELECT kind, ref_id, {self._score(terms, every=every)} AS score FROM {source} WHERE {conditions} OFFSET 0)"

    def _phrases(self) -> Iterator[str]:
        for phrase in self.query.phrases:
            yield f"strpos(line, {self._parameter(phrase)}) > 0"
        for phrase in self.query.no_phrases:
            yield f"strpos(line, {self._parameter(phrase)}) = 0"

    def _score(self, terms: Sequence[Term], *, every: bool) -> str:
        parts = [self._worth(term, every=every) for term in terms]
        if self.query.terms:
            parts.append(f"CASE WHEN {self._has(quoted(Lexeme(self.query.whole)), 'top')} THEN {EXACT} ELSE 0 END")
        return " + ".join(parts) or "0"

    def _worth(self, term: Term, *, every: bool) -> str:
        found: dict[int, list[str]] = {}
        for worth, place, alternative in conditions(term):
            found.setdefault(worth, []).append(within(alternative, place))
        more = EACH if self.some else 0
        cases = [f"WHEN {self._has(' | '.join(found[worth]), 'top')} THEN {worth + more}" for worth in sorted(found, reverse=True)]
        if not every:
            cases.append(f"WHEN {self._has(anywhere(term))} THEN {IN_TEXT + more}")
        return f"CASE {' '.join(cases)} ELSE {IN_TEXT + more if every else 0} END"

    def _has(self, wanted: str, column: str = "words") -> str:
        return f"{column} @@ CAST({self._parameter(wanted)} AS tsquery)"

    def _parameter(self, value: str) -> str:
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return f":{name}"


def anywhere(term: Term) -> str:
    """A term in the language of `tsquery`, wherever it stands."""
    return "(" + " | ".join(within(each) for each in term.alternatives) + ")"


def within(alternative: Alternative, place: int | None = None) -> str:
    """An alternative that stands in this place or a better one; anywhere without one."""
    weights = "" if place is None else _WEIGHTS[: place + 1]
    return "(" + " & ".join(quoted(lexeme, weights) for lexeme in alternative.lexemes) + ")"


def quoted(lexeme: Lexeme, weights: str = "") -> str:
    """A lexeme in the language of `tsquery`."""
    flags = ("*" if lexeme.start else "") + weights
    return f"{_text(lexeme.text)}{':' + flags if flags else ''}"


def _text(lexeme: str) -> str:
    doubled = lexeme.replace("\\", "\\\\").replace("'", "''").replace("\0", "")
    return f"'{doubled}'"


def _write(generation: int, documents: Iterable[Document]) -> None:
    rows: list[dict[str, object]] = []
    spoken: set[str] = set()
    for document in documents:
        top = (f"{_text(lexeme)}:1{_WEIGHTS[place]}" for lexeme, place in document.places.items() if place < len(_WEIGHTS))
        rows.append({
            "kind": document.kind.value, "ref_id": document.ref_id, "words": " ".join(map(_text, document.places)),
            "top": " ".join(top), "line": document.line.replace("\0", ""),
        })  # fmt: skip
        spoken |= document.spoken
    if rows:
        db.session.execute(_WRITE, {"generation": generation, "documents": json.dumps(rows)})
        db.session.execute(_SPEAK, {"generation": generation, "words": sorted(spoken)})
