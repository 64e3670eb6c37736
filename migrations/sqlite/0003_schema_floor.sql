-- Which releases can work with these tables: those that know the migration `floor`. Others
-- say so at their start and end. A migration that takes something away raises it:
--   UPDATE forge_schema SET floor = <the migration after which nobody used it any more>;
CREATE TABLE forge_schema (
    one    INTEGER NOT NULL PRIMARY KEY DEFAULT 1 CHECK (one = 1),
    floor  INTEGER NOT NULL
) STRICT;

INSERT INTO forge_schema (floor) VALUES (2);
