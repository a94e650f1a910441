// VS Code's status bar: memory in use of what the server has, when it stops for being idle, and the way
// back to the hub.
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

    const back = vscode.window.createStatusBarItem(
        "jhub-docker.hub", vscode.StatusBarAlignment.Left, 1000);
    back.name = "The way to the hub";
    back.text = "$(home) Hub";
    back.tooltip = "Open the hub: stop this server, or start another interface";
    back.accessibilityInformation = { label: "Hub", role: "button" };
    back.command = "jhub-docker.hub";
    let hub = "";

    // Only the browser knows by which name the hub is reached: VS Code says it of any port.
    async function open() {
        const here = await vscode.env.asExternalUri(vscode.Uri.parse("http://localhost:1/"));
        await vscode.env.openExternal(vscode.Uri.parse(new URL(hub, here.toString()).toString()));
    }

    async function look() {
        const answer = await fetch(url, { headers: { Authorization: `token ${token}` } });
        if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
        const { memory, idle_left: left, hub: home } = await answer.json();
        hub = home;
        back.show();
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
    const command = vscode.commands.registerCommand("jhub-docker.hub", open);
    const timer = setInterval(again, SECONDS * 1000);
    context.subscriptions.push(item, back, command, { dispose: () => clearInterval(timer) });
    again();
};
