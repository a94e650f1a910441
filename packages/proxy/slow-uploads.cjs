// Loaded before configurable-http-proxy, which has no option for it: Node gives every request five
// minutes to come in, and cuts off an upload of 1 GB on a line of 20 Mbit/s. Headers still have to be
// there within a minute.
"use strict";
const http = require("node:http");
const https = require("node:https");

const HOURS = 12;

for (const module of [http, https]) {
    const { createServer } = module;
    module.createServer = (options, listener) =>
        typeof options === "function"
            ? module.createServer({}, options)
            : createServer({ requestTimeout: HOURS * 3600 * 1000, ...options }, listener);
}
require("node:module").syncBuiltinESMExports();
