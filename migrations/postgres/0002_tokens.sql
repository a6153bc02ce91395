-- Tokens of HTTP. What a client sends is not here: only its hash, from which it cannot be had back.
create table tokens (
    token_id text collate "C" primary key,
    hash text collate "C" not null unique,
    name text collate "C" not null,
    scopes text collate "C" not null,
    projects text collate "C",
    created_at timestamptz not null,
    revoked_at timestamptz
);
