"""Full-text indexes over the lines of timelines."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_SQLITE = (
    "CREATE VIRTUAL TABLE timeline_words USING fts5(sentence, content='timeline', content_rowid='id')",
    "INSERT INTO timeline_words(timeline_words) VALUES ('rebuild')",
    """CREATE TRIGGER timeline_words_new AFTER INSERT ON timeline BEGIN
        INSERT INTO timeline_words(rowid, sentence) VALUES (new.id, new.sentence); END""",
    """CREATE TRIGGER timeline_words_old AFTER DELETE ON timeline BEGIN
        INSERT INTO timeline_words(timeline_words, rowid, sentence) VALUES ('delete', old.id, old.sentence); END""",
    """CREATE TRIGGER timeline_words_other AFTER UPDATE OF sentence ON timeline BEGIN
        INSERT INTO timeline_words(timeline_words, rowid, sentence) VALUES ('delete', old.id, old.sentence);
        INSERT INTO timeline_words(rowid, sentence) VALUES (new.id, new.sentence); END""",
)
_POSTGRES = ("CREATE INDEX ix_timeline_words ON timeline USING gin (to_tsvector('simple', sentence))",)


def upgrade() -> None:
    """Make the index of the database at hand."""
    for statement in _POSTGRES if op.get_bind().dialect.name == "postgresql" else _SQLITE:
        op.execute(statement)
