// Loaded before configurable-http-proxy, whose own words are a status alone ("Service Unavailable"):
// what people read while the hub, which has the page for errors, does not answer.
import ConfigurableProxy from "/opt/proxy/node_modules/configurable-http-proxy/lib/configproxy.js";

const SAID = {
    en: [
        "Not there just now",
        "The platform does not answer at the moment; it may be starting again. What runs in your servers" +
            " goes on. Try again in a minute; if this stays, tell an administrator.",
    ],
    de: [
        "Gerade nicht da",
        "Die Plattform antwortet im Moment nicht; vielleicht startet sie neu. Was in Ihren Servern läuft," +
            " läuft weiter. Versuchen Sie es in einer Minute noch einmal; wenn es so bleibt, sagen Sie es einem Administrator.",
    ],
};
const AGAIN = 10; // seconds

// The first of a browser's languages that there is; they come in the order in which they are wanted.
const language = ({ headers }) =>
    (headers["accept-language"] ?? "").toLowerCase().match(/\b(?<!-)(en|de)\b/)?.[0] ?? "en";

ConfigurableProxy.prototype._handleProxyErrorDefault = function (code, kind, request, response) {
    if (response.writableEnded) return;
    if (response.headersSent) return void response.end();
    const page = (request.headers.accept ?? "").includes("text/html");
    const lang = language(request);
    const [title, said] = SAID[lang];
    // Only what can be asked again by itself is.
    const again = request.method === "GET" ? `<meta http-equiv="refresh" content="${AGAIN}">` : "";
    response.writeHead(code, {
        "Content-Type": page ? "text/html; charset=utf-8" : "application/json",
        "Cache-Control": "no-store",
        "Retry-After": AGAIN,
    });
    response.end(
        page
            ? `<!doctype html><html lang="${lang}"><head><meta charset="utf-8">${again}` +
                  `<meta name="viewport" content="width=device-width"><title>${title}</title>` +
                  '<style>:root{color-scheme:light dark}body{font:1.1rem/1.5 system-ui,sans-serif;' +
                  "max-width:36rem;margin:20vh auto 0;padding:0 1rem}</style></head>" +
                  `<body><main><h1>${title}</h1><p>${said}</p></main></body></html>\n`
            : `${JSON.stringify({ status: code, message: said })}\n`,
    );
};

const { handleProxyError } = ConfigurableProxy.prototype;
ConfigurableProxy.prototype.handleProxyError = function (code, kind, request, response, error) {
    // An address that is no UTF-8 is a mistake of whoever asks, not "500, something broke on our side".
    const said = error instanceof URIError ? 400 : code;
    // The hub's page is in the language of whoever reads it, of which the hub would hear nothing.
    const headers = { "Accept-Language": request.headers["accept-language"] ?? "" };
    const asking = Object.create(this, {
        proxyOptsForTarget: {
            value: (target) => {
                const options = this.proxyOptsForTarget(target);
                options.target.headers = headers;
                return options;
            },
        },
    });
    return handleProxyError.call(asking, said, kind, request, response, error);
};
