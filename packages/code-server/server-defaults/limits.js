// VS Code's status bar: memory in use of what the server has, and when it stops for being idle.
// Asked of Jupyter Server in the same container, with the server's own token; without a hub there is
// neither, and nothing is shown.
"use strict";
const vscode = require("vscode");

const SECONDS = 10;

const gigabytes = (bytes) => (bytes / 2 ** 30).toFixed(1);
const minutes = (seconds) => (seconds < 90 ? "a minute" : `${Math.round(seconds / 60)} min`);

exports.activate = (context) => {
    const { JUPYTERHUB_SERVICE_URL: address, JUPYTERHUB_API_TOKEN: token } = process.env;
    if (!address || !token) return;
    const url = new URL("jhub-activity/status", address.replace(/\/?$/, "/"));
    url.hostname = "127.0.0.1";
    const item = vscode.window.createStatusBarItem(
        "jhub-docker.limits", vscode.StatusBarAlignment.Right, -100);
    item.name = "Memory and idle time";
    item.tooltip =
        "Memory that all programs of this server use together. A program that needs more is ended.";

    async function look() {
        const answer = await fetch(url, { headers: { Authorization: `token ${token}` } });
        if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
        const { memory, idle_left: left } = await answer.json();
        const most = memory && memory.limit;
        item.text = [
            memory && `${gigabytes(memory.used)}${most ? ` of ${gigabytes(most)}` : ""} GB`,
            left !== null && `idle stop in ${minutes(left)}`,
        ].filter(Boolean).join(" · ");
        item.backgroundColor = most && memory.used > 0.9 * most
            ? new vscode.ThemeColor("statusBarItem.errorBackground") : undefined;
        item.show();
    }
    const again = () => look().catch(() => item.hide());
    const timer = setInterval(again, SECONDS * 1000);
    context.subscriptions.push(item, { dispose: () => clearInterval(timer) });
    again();
};
