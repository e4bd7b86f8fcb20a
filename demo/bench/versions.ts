import manifest from "../../bench/package.json" with { type: "json" };

/** The peers' versions, pinned in bench/package.json. */
export const versions = manifest.dependencies;
