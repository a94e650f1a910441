// Loaded before configurable-http-proxy, which reads its token only once: whoever has it made anew
// would have to restart the proxy, and with it everybody's connections. The file counts at each
// request to the API instead; never an empty one, which would let everybody in.
import { readFileSync } from "node:fs";

import ConfigurableProxy from "/opt/proxy/node_modules/configurable-http-proxy/lib/configproxy.js";

let known = process.env.CONFIGPROXY_AUTH_TOKEN;

Object.defineProperty(ConfigurableProxy.prototype, "authToken", {
    get() {
        try {
            known = readFileSync("/srv/proxy/token", "ascii").trim() || known;
        } catch {
            // It is being replaced, or gone: what was last seen there counts.
        }
        return known;
    },
    set() {},
});
