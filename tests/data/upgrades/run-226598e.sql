BEGIN TRANSACTION;
CREATE TABLE cell (
    key TEXT PRIMARY KEY,
    position INTEGER,          -- order in the plan; NULL: no longer part of it
    checkpoint INTEGER NOT NULL,
    tags TEXT NOT NULL,        -- JSON list of canonical names; [] is the baseline
    prompt TEXT NOT NULL,
    negative TEXT NOT NULL,
    seed INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'planned',
    reason TEXT NOT NULL DEFAULT '',
    image TEXT NOT NULL DEFAULT '',
    image_sha256 TEXT NOT NULL DEFAULT '',
    infotext TEXT NOT NULL DEFAULT '',
    used TEXT NOT NULL DEFAULT '{}',
    stored_at TEXT NOT NULL DEFAULT ''
);
INSERT INTO "cell" VALUES('18e4192ccd0d2d34fc47e292bc5b52f331c5948b64cfe3e6ce3cb963ca3aae77',0,0,'[]','1girl','',1,'done','','baseline-s1-18e4192ccd0d.png','38a3485cc0b4d5e691e58af53f9d446047e84ac0a2a6307eae8e8752064f4cb0','1girl
Steps: 2, Sampler: Euler, CFG scale: 7.0, Seed: 1, Size: 64x64, Model: model-a','{"seed": 1, "sampler": "Euler", "steps": 2, "width": 64, "height": 64, "cfg_scale": 7.0, "batch_size": 4}','2026-11-21T08:38:57+00:00');
INSERT INTO "cell" VALUES('f47c2f01fb89dd81e81a740d2e31b981bdc40ef16910357516ac42be76170024',1,0,'["glaring"]','1girl, glaring','',1,'done','','glaring-s1-f47c2f01fb89.png','37cbbdfabbc8c39df57039dff69c7a762d38a991b713b1828d5f97883fd042ef','1girl, glaring
Steps: 2, Sampler: Euler, CFG scale: 7.0, Seed: 1, Size: 64x64, Model: model-a','{"seed": 1, "sampler": "Euler", "steps": 2, "width": 64, "height": 64, "cfg_scale": 7.0, "batch_size": 4}','2026-11-21T08:38:57+00:00');
INSERT INTO "cell" VALUES('02d4a8a8d25486c92a10489fe678765c118c1a304f8b6e644c3573972fcdb562',2,0,'["reaching"]','1girl, reaching','',1,'done','','reaching-s1-02d4a8a8d254.png','96a334d7a08161835c9ac42656a13510376f5ce70514350577537a9de7c93bab','1girl, reaching
Steps: 2, Sampler: Euler, CFG scale: 7.0, Seed: 1, Size: 64x64, Model: model-a','{"seed": 1, "sampler": "Euler", "steps": 2, "width": 64, "height": 64, "cfg_scale": 7.0, "batch_size": 4}','2026-11-21T08:38:57+00:00');
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO "meta" VALUES('schema','1');
INSERT INTO "meta" VALUES('plan','{"name": "old run", "spec": {"name": "old run", "template": "1girl, {tag}", "tags": ["glaring", "reaching"], "checkpoints": ["model-a"], "parameters": {"sampler": "Euler", "steps": 2, "width": 64, "height": 64}}, "checkpoints": [{"name": "model-a", "identity": "36eff4f79af5af2d7b6b3a595fa97f534889a1c6ce9a9d4e1e8e2d57a2a65dcd"}], "tags": [{"name": "glaring", "text": "glaring", "slot": "action", "posts": null, "implies": [], "title": {}}, {"name": "reaching", "text": "reaching", "slot": "action", "posts": null, "implies": [], "title": {}}], "skipped": [], "notes": [], "baseline": "1girl", "example_prompt": "1girl, glaring", "scorer": "fake-tagger:67c057c71800cfcf3ee4e5fba991830f6b0ddd97b8d0317af86b0c82d5042ba4", "estimate": {"images": 3, "batches": 1, "checkpoint_loads": 1, "megapixel_steps": 0.0, "disk_bytes": 18432, "resolvable_difference": 0.8859}}');
INSERT INTO "meta" VALUES('manifest','{"tag_atelier": "0.1.0", "host": "fake", "scorer": "fake-tagger:67c057c71800cfcf3ee4e5fba991830f6b0ddd97b8d0317af86b0c82d5042ba4", "batch_size": 4, "threshold": 0.35, "parameters": {"sampler": "Euler", "scheduler": "Automatic", "steps": 2, "cfg_scale": 7.0, "width": 64, "height": 64, "clip_skip": 1, "eta": null, "vae": null, "hires": null}, "seeds": [1], "started_at": "2026-11-21T08:38:56+00:00", "finished_at": "2026-11-21T08:38:57+00:00", "errors": []}');
CREATE TABLE score (
    cell TEXT NOT NULL, scorer TEXT NOT NULL, probabilities BLOB NOT NULL, PRIMARY KEY (cell, scorer)
);
INSERT INTO "score" VALUES('f47c2f01fb89dd81e81a740d2e31b981bdc40ef16910357516ac42be76170024','fake-tagger:67c057c71800cfcf3ee4e5fba991830f6b0ddd97b8d0317af86b0c82d5042ba4',X'6666663F6666663FCDCC4C3D');
INSERT INTO "score" VALUES('18e4192ccd0d2d34fc47e292bc5b52f331c5948b64cfe3e6ce3cb963ca3aae77','fake-tagger:67c057c71800cfcf3ee4e5fba991830f6b0ddd97b8d0317af86b0c82d5042ba4',X'6666663FCDCC4C3DCDCC4C3D');
INSERT INTO "score" VALUES('02d4a8a8d25486c92a10489fe678765c118c1a304f8b6e644c3573972fcdb562','fake-tagger:67c057c71800cfcf3ee4e5fba991830f6b0ddd97b8d0317af86b0c82d5042ba4',X'6666663FCDCC4C3D6666663F');
CREATE TABLE scorer (identity TEXT PRIMARY KEY, labels TEXT NOT NULL);
INSERT INTO "scorer" VALUES('fake-tagger:67c057c71800cfcf3ee4e5fba991830f6b0ddd97b8d0317af86b0c82d5042ba4','["1girl", "glaring", "reaching"]');
COMMIT;
