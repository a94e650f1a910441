// Loaded before configurable-http-proxy, whose own words are a status alone ("Service Unavailable"):
// what people read while the hub, which has the page for errors, does not answer.
import ConfigurableProxy from "/opt/proxy/node_modules/configurable-http-proxy/lib/configproxy.js";

const SAID =
    "The platform does not answer at the moment; it may be starting again. What runs in your servers" +
    " goes on. Try again in a minute; if this stays, tell an administrator.";
const AGAIN = 10; // seconds

ConfigurableProxy.prototype._handleProxyErrorDefault = function (code, kind, request, response) {
    if (response.writableEnded) return;
    if (response.headersSent) return void response.end();
    const page = (request.headers.accept ?? "").includes("text/html");
    // Only what can be asked again by itself is.
    const again = request.method === "GET" ? `<meta http-equiv="refresh" content="${AGAIN}">` : "";
    response.writeHead(code, {
        "Content-Type": page ? "text/html; charset=utf-8" : "application/json",
        "Cache-Control": "no-store",
        "Retry-After": AGAIN,
    });
    response.end(
        page
            ? `<!doctype html><html lang="en"><head><meta charset="utf-8">${again}` +
                  '<meta name="viewport" content="width=device-width"><title>Not there just now</title>' +
                  '<style>:root{color-scheme:light dark}body{font:1.1rem/1.5 system-ui,sans-serif;' +
                  "max-width:36rem;margin:20vh auto 0;padding:0 1rem}</style></head>" +
                  `<body><main><h1>Not there just now</h1><p>${SAID}</p></main></body></html>\n`
            : `${JSON.stringify({ status: code, message: SAID })}\n`,
    );
};

// An address that is no UTF-8 is a mistake of whoever asks, not "500, something broke on our side".
const { handleProxyError } = ConfigurableProxy.prototype;
ConfigurableProxy.prototype.handleProxyError = function (code, kind, request, response, error) {
    const said = error instanceof URIError ? 400 : code;
    return handleProxyError.call(this, said, kind, request, response, error);
};
