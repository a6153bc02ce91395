-- Tokens of HTTP. What a client sends is not here: only its hash, from which it cannot be had back.
create table tokens (
    token_id text primary key,
    hash text not null unique,
    name text not null,
    scopes text not null,
    projects text,
    created_at datetime not null,
    revoked_at datetime
);
