-- From when on a token lets nobody in; none for one that is good until it is revoked.
alter table tokens add column expires_at timestamptz;
