#!/usr/bin/env bash
# Writes what the MCP registry is told of a release: server.json with the release's bundles and their sums.
#
#   scripts/release-metadata.sh BUNDLE...   prints it; a BUNDLE is a file of scripts/bundle.sh
#
# The server.json of the repository names no packages: there are none before a release, and a sum is that of one file.
# A bundle is found at {repository}/releases/download/v{version}/{name of the file}, so upload it there first.
#
# For example: scripts/release-metadata.sh target/bundles/*.mcpb >dist/server.json
set -euo pipefail

[ $# -gt 0 ] || {
    echo "usage: scripts/release-metadata.sh BUNDLE..." >&2
    exit 2
}
# shellcheck disable=SC2016 # it is JavaScript
exec "$(dirname "$0")/node.sh" run -- node --eval '
    const [folder, ...bundles] = process.argv.slice(1);
    const fs = require("node:fs");
    const path = require("node:path");
    const { createHash } = require("node:crypto");
    const server = JSON.parse(fs.readFileSync(path.join(folder, "server.json"), "utf8"));
    const release = `${server.repository.url}/releases/download/v${server.version}`;
    server.packages = bundles.map((bundle) => {
        const name = path.basename(bundle);
        if (!name.startsWith(`whytrace-${server.version}-`) || !name.endsWith(".mcpb")) {
            console.error(`release-metadata.sh: ${name} is no bundle of version ${server.version}`);
            process.exit(1);
        }
        const fileSha256 = createHash("sha256").update(fs.readFileSync(bundle)).digest("hex");
        const identifier = `${release}/${name}`;
        return { registryType: "mcpb", identifier, fileSha256, transport: { type: "stdio" } };
    });
    console.log(JSON.stringify(server, null, 2));
' "$(dirname "$0")/.." "$@"
