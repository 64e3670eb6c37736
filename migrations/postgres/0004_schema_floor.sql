-- Which releases can work with these tables: those that know the migration `floor`. Others
-- say so at their start and end. A migration that takes something away raises it:
--   UPDATE forge_schema SET floor = <the migration after which nobody used it any more>;
CREATE TABLE forge_schema (
    one    boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (one),
    floor  bigint  NOT NULL
);

INSERT INTO forge_schema (floor) VALUES (3);
