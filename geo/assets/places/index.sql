-- The index of places: a file of its own in the cache.
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE places (id INTEGER PRIMARY KEY, gazetteer TEXT, place_id TEXT, name TEXT, kind TEXT, country TEXT,
    latitude REAL, longitude REAL, area TEXT, adm_1 TEXT, adm_2 TEXT, population INTEGER, radius_km REAL,
    exact INTEGER, capital INTEGER);
CREATE TABLE names (key TEXT, place INTEGER, how INTEGER, PRIMARY KEY (key, place, how)) WITHOUT ROWID;
CREATE TABLE heads (head TEXT PRIMARY KEY, longest INTEGER) WITHOUT ROWID;
CREATE TABLE seats (area TEXT, name TEXT);
CREATE INDEX places_by_area ON places (area, kind);
CREATE TABLE spelled (area TEXT, key TEXT, place INTEGER, PRIMARY KEY (area, key, place)) WITHOUT ROWID;
