/** @file Before `npm run bench:page`: the peers, where they are missing. Without them the page runs alone. */
import { ensurePeers } from "./ensure-peers.ts";

const missing = ensurePeers();
if (missing) console.warn(`The page will run without its peers: ${missing}`);
