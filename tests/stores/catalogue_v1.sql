-- A catalogue of schema version 1 with three photos of four files and one match, as it was written.
BEGIN TRANSACTION;
CREATE TABLE candidates (
 photo_a INTEGER NOT NULL, 
 photo_b INTEGER NOT NULL, 
 pdq_distance INTEGER, 
 cosine FLOAT, 
 same_pixels BOOLEAN NOT NULL, 
 view_a INTEGER NOT NULL, 
 view_b INTEGER NOT NULL, 
 PRIMARY KEY (photo_a, photo_b), 
 FOREIGN KEY(photo_a) REFERENCES photos (id) ON DELETE CASCADE, 
 FOREIGN KEY(photo_b) REFERENCES photos (id) ON DELETE CASCADE
);
CREATE TABLE collections (
 id INTEGER NOT NULL, 
 name TEXT NOT NULL, 
 kind VARCHAR NOT NULL, 
 PRIMARY KEY (id), 
 UNIQUE (name)
);
INSERT INTO "collections" VALUES(1,'ads','ads');
CREATE TABLE files (
 id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
 root_id INTEGER NOT NULL, 
 path TEXT NOT NULL, 
 raw BLOB NOT NULL, 
 size BIGINT NOT NULL, 
 mtime_ns BIGINT NOT NULL, 
 state VARCHAR NOT NULL, 
 photo_id INTEGER, 
 code VARCHAR, 
 message TEXT, 
 sightings_sha256 VARCHAR(64) NOT NULL, 
 added_run INTEGER NOT NULL, 
 first_seen VARCHAR NOT NULL, 
 last_seen VARCHAR, 
 FOREIGN KEY(root_id) REFERENCES roots (id), 
 FOREIGN KEY(photo_id) REFERENCES photos (id)
);
INSERT INTO "files" VALUES(1,1,'siteA/anna/1.jpg',X'',17727,1795307451361339608,'present',1,NULL,NULL,'8a2376e1f37c5f67577e1280ef17452c5da2eb30a1ac9f527591c4562cfd4ce8',1,'2026-11-22T00:30:51+00:00',NULL);
INSERT INTO "files" VALUES(2,1,'siteA/anna/2.jpg',X'',19363,1795307451380980265,'present',2,NULL,NULL,'8a2376e1f37c5f67577e1280ef17452c5da2eb30a1ac9f527591c4562cfd4ce8',1,'2026-11-22T00:30:51+00:00',NULL);
INSERT INTO "files" VALUES(3,1,'siteB/berta/1.jpg',X'',8161,1795307451370388880,'present',3,NULL,NULL,'7090052d002a4582ac4d1dfc0b250d668816d15a4681a2d7a7d0f64a16d78f4f',1,'2026-11-22T00:30:51+00:00',NULL);
INSERT INTO "files" VALUES(4,1,'siteB/clara/2.jpg',X'',19363,1795307451390678342,'present',2,NULL,NULL,'e6f28aaa00b131bb67588f918ea8fef73935bdb5c3de7e059083e0757beb1917',1,'2026-11-22T00:30:51+00:00',NULL);
CREATE TABLE matches (
 id INTEGER NOT NULL, 
 photo_a INTEGER NOT NULL, 
 photo_b INTEGER NOT NULL, 
 kind VARCHAR NOT NULL, 
 confidence FLOAT NOT NULL, 
 rule VARCHAR NOT NULL, 
 pdq_distance INTEGER, 
 cosine FLOAT, 
 geometry JSON, 
 run_id INTEGER NOT NULL, 
 PRIMARY KEY (id), 
 UNIQUE (photo_a, photo_b), 
 FOREIGN KEY(photo_a) REFERENCES photos (id) ON DELETE CASCADE, 
 FOREIGN KEY(photo_b) REFERENCES photos (id) ON DELETE CASCADE, 
 FOREIGN KEY(run_id) REFERENCES runs (id)
);
INSERT INTO "matches" VALUES(1,1,3,'copy',0.997539,'geometry',2,NULL,'{"inliers": 47, "overlap": 1.0, "cover_query": 1.0, "cover_photo": 1.0, "correlation": 0.9978, "agreement": 1.0, "mirrored": false, "transform": [[1.000199, -0.0003144894, 0.05756632], [0.0003132907, 1.00114, -0.1443494], [-2.070237e-06, 4.371832e-06, 1.0]], "reason": "accepted"}',1);
CREATE TABLE meta (
 "key" VARCHAR NOT NULL, 
 value TEXT NOT NULL, 
 PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('schema_version','1');
INSERT INTO "meta" VALUES('embedder','{"dimensions": 0, "identity": {"name": "", "sha256": "", "side": 0}, "preset": "hashes"}');
CREATE TABLE photos (
 id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
 sha256 VARCHAR(64) NOT NULL, 
 state VARCHAR NOT NULL, 
 searched BOOLEAN NOT NULL, 
 code VARCHAR, 
 message TEXT, 
 pixel_sha256 VARCHAR(64), 
 width INTEGER, 
 height INTEGER, 
 format VARCHAR, 
 frames INTEGER, 
 truncated BOOLEAN, 
 phash VARCHAR(16), 
 pdq VARCHAR(64), 
 pdq_quality INTEGER, 
 gate VARCHAR, 
 views INTEGER NOT NULL, 
 described_by VARCHAR, 
 UNIQUE (sha256)
);
INSERT INTO "photos" VALUES(1,'672de0492b6c1b403c0fe2086c91069fd5e50d040a7aa0f4a93f4da3386b5d08','described',1,NULL,NULL,'51b304238e810dc3c64e6a0284fe45a37ba2f3bbd038e4a1d307f453d7b68d07',320,240,'JPEG',1,0,'9bc525121afb8ab6','13bc7ca35e5e56566ca5b8dc86b3e81921b7443e76289b6f2dac07244752f851',100,'',0,'0.1.0');
INSERT INTO "photos" VALUES(2,'9d7d89cc99de5eab326a3b1d2ccda07e84965a6e61653b405b207d1da5e08102','described',1,NULL,NULL,'9bf6b76547829d9baa3c2b400da2eff59c6ce200e26ad495b0fd071a6fbd6a83',320,240,'JPEG',1,0,'8b6212bbb699e465','b1a66d6f191569d649084adc7b336ecb9adbe053a41391dc253695ec96a47523',100,'',0,'0.1.0');
INSERT INTO "photos" VALUES(3,'944d26081f1eac095377c1b4d9338b5edeec16069c34723b4941c42f59627920','described',1,NULL,NULL,'72ddd0be39064761c9c7e1cea93cf76467ffa3e32f13b47b55f103675f0cb569',320,240,'JPEG',1,0,'9bc525121afb8ab6','53bc7ca35e5e52566ca5b8dc86b3e81921b7443e76289b6f2dac07244752f851',100,'',0,'0.1.0');
CREATE TABLE profiles (
 id INTEGER NOT NULL, 
 site TEXT NOT NULL, 
 handle TEXT NOT NULL, 
 PRIMARY KEY (id), 
 UNIQUE (site, handle)
);
INSERT INTO "profiles" VALUES(1,'siteA','anna');
INSERT INTO "profiles" VALUES(2,'siteB','berta');
INSERT INTO "profiles" VALUES(3,'siteB','clara');
CREATE TABLE roots (
 id INTEGER NOT NULL, 
 collection_id INTEGER NOT NULL, 
 path TEXT NOT NULL, 
 raw BLOB NOT NULL, 
 site_from_path BOOLEAN NOT NULL, 
 manifest TEXT NOT NULL, 
 scanned_at VARCHAR, 
 scanned_run INTEGER, 
 PRIMARY KEY (id), 
 UNIQUE (collection_id, path, raw), 
 FOREIGN KEY(collection_id) REFERENCES collections (id)
);
INSERT INTO "roots" VALUES(1,1,'/cases/ads',X'',1,'','2026-11-22T00:30:51+00:00',1);
CREATE TABLE runs (
 id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
 what VARCHAR NOT NULL, 
 job TEXT NOT NULL, 
 root TEXT NOT NULL, 
 started VARCHAR NOT NULL, 
 finished VARCHAR, 
 state VARCHAR NOT NULL, 
 message TEXT NOT NULL, 
 counts JSON NOT NULL
);
INSERT INTO "runs" VALUES(1,'index','','/cases/ads','2026-11-22T00:30:51+00:00','2026-11-22T00:30:52+00:00','done','','{"seen": 4, "described": 3, "known": 1, "skipped": 0, "failed": 0, "matches": 1, "seconds": 0.783, "new": 4, "moved": 0, "changed": 0, "vanished": 0, "spent": {"scan": 0.036, "decode": 0.005, "hash": 0.186, "embed": 0.0, "store": 0.05, "search": 0.024, "verify": 0.158}}');
CREATE TABLE sightings (
 id INTEGER NOT NULL, 
 file_id INTEGER NOT NULL, 
 site TEXT NOT NULL, 
 profile_id INTEGER, 
 url TEXT NOT NULL, 
 ad_id TEXT NOT NULL, 
 posted_at TEXT NOT NULL, 
 phone TEXT NOT NULL, 
 email TEXT NOT NULL, 
 location TEXT NOT NULL, 
 text TEXT NOT NULL, 
 extra JSON NOT NULL, 
 PRIMARY KEY (id), 
 FOREIGN KEY(file_id) REFERENCES files (id) ON DELETE CASCADE, 
 FOREIGN KEY(profile_id) REFERENCES profiles (id)
);
INSERT INTO "sightings" VALUES(1,1,'siteA',1,'','','','','','','','{}');
INSERT INTO "sightings" VALUES(2,2,'siteA',1,'','','','','','','','{}');
INSERT INTO "sightings" VALUES(3,3,'siteB',2,'','','','','','','','{}');
INSERT INTO "sightings" VALUES(4,4,'siteB',3,'','','','','','','','{}');
CREATE INDEX photos_by_phash ON photos (phash);
CREATE INDEX photos_by_pixels ON photos (pixel_sha256);
CREATE INDEX photos_by_state ON photos (state, searched);
CREATE INDEX matches_by_run ON matches (run_id);
CREATE INDEX matches_by_b ON matches (photo_b);
CREATE UNIQUE INDEX files_present ON files (root_id, path, raw) WHERE state = 'present';
CREATE INDEX files_by_photo ON files (photo_id);
CREATE INDEX sightings_by_file ON sightings (file_id);
CREATE INDEX sightings_by_profile ON sightings (profile_id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('runs',1);
INSERT INTO "sqlite_sequence" VALUES('photos',3);
INSERT INTO "sqlite_sequence" VALUES('files',4);
COMMIT;
