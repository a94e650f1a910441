// Loaded before configurable-http-proxy: every request gets an id, which goes on to hub and servers as
// X-Request-ID; one that a reverse proxy before this one gave is kept. With JHUB_LOG_FORMAT=json the
// log is JSON, with a line for each request that says its id; what is in a query is never logged.
// Who does not answer, a server that stops or a hub that starts, is told in one line a minute, without
// a stack: the proxy's own words are one of ten lines for every request.
"use strict";
const crypto = require("node:crypto");
const fs = require("node:fs");
const http = require("node:http");
const https = require("node:https");
const { createRequire, syncBuiltinESMExports } = require("node:module");

const HEADER = "x-request-id";
const GIVEN = /^[A-Za-z0-9_-]{8,64}$/;
const AS_JSON = process.env.JHUB_LOG_FORMAT === "json";

const line = (level, message, more) =>
    JSON.stringify({ time: new Date().toISOString(), level, logger: "proxy", message, ...more });

function arrived(request, response) {
    const given = request.headers[HEADER];
    const id = GIVEN.test(given ?? "") ? given : crypto.randomBytes(8).toString("hex");
    request.headers[HEADER] = id;
    if (AS_JSON && response instanceof http.ServerResponse) {
        const began = Date.now();
        response.on("close", () => {
            const path = request.url.split("?")[0];
            const message = `${response.statusCode} ${request.method} ${path}`;
            console.log(line("INFO", message, { request: id, ms: Date.now() - began }));
        });
    }
}

for (const module of [http, https]) {
    const { createServer } = module;
    module.createServer = (...given) => {
        const server = createServer(...given);
        if (!server.listeners("request").includes(arrived)) {
            server.prependListener("request", arrived);
            server.prependListener("upgrade", (request) => arrived(request));
        }
        return server;
    };
}
syncBuiltinESMExports();

const AWAY = /\b(?:connect|getaddrinfo) E[A-Z_]+ (\S+)/;
const QUIET = 60_000; // milliseconds
const told = new Map();

function shortly(info) {
    delete info[Symbol.for("splat")]; // it is in the message
    const away = AWAY.exec(info.message);
    if (!away) return info;
    if (Date.now() - (told.get(away[1]) ?? -QUIET) < QUIET) return false;
    if (told.size > 1000) told.clear();
    told.set(away[1], Date.now());
    info.message = info.message.split("\n", 1)[0];
    return info;
}

if (process.argv[1]) {
    // The very module that the proxy is about to load.
    const winston = createRequire(fs.realpathSync(process.argv[1]))("winston");
    const { createLogger, format } = winston;
    const asJson = format.printf(({ level, message }) => line(level.toUpperCase(), message));
    winston.createLogger = (options) => {
        const written = AS_JSON ? asJson : options.format;
        return createLogger({
            ...options,
            format: format.combine(format.splat(), format(shortly)(), written),
        });
    };
}
