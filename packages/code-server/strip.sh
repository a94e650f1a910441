#!/bin/sh
# strip.sh TREE: takes out of a code-server tree what a Linux server of Python people never uses.
# Licences and third-party notices stay. README.md says what each group weighs.
set -eu

tree=$1
code=$tree/lib/vscode
arch=$("$tree/lib/node" -p process.arch)

# AI: the bundled Copilot extension, its native runtime, the sandboxes its agents run in.
rm -r "$code/extensions/copilot" "$code/extensions/mermaid-markdown-features/chat-webview-out" \
    "$code/node_modules/@github" "$code/node_modules/@microsoft/mxc-sdk" \
    "$code/node_modules/@vscode/copilot-api" "$code/node_modules/@vscode/sandbox-runtime"

# What product.json says of Copilot: without it the editor has no agent to offer.
"$tree/lib/node" -e '
const fs = require("fs"), file = process.argv[1], product = JSON.parse(fs.readFileSync(file));
for (const key of ["defaultChatAgent", "voiceWsUrl"]) delete product[key];
fs.writeFileSync(file, JSON.stringify(product, null, 2));
' "$code/product.json"

# Extensions without a use here: there is no Node to debug, no desktop, no Microsoft account.
for name in microsoft-authentication ms-vscode.js-debug ms-vscode.js-debug-companion \
    ms-vscode.vscode-js-profile-table tunnel-forwarding; do
    rm -r "$code/extensions/$name"
done

# Programs for other platforms and other C libraries.
find "$code/node_modules/@vscode/ripgrep-universal/bin" -mindepth 1 -maxdepth 1 \
    ! -name "linux-$arch" -exec rm -r {} +
find "$tree" -type d -name prebuilds -path '*/node_modules/*' | while read -r prebuilds; do
    find "$prebuilds" -mindepth 1 -maxdepth 1 ! -name "linux-$arch" -exec rm -r {} +
done
find "$tree" \( -name '*.musl.node' -o -name '*.exe' -o -name '*.dll' -o -name '*.pdb' \) -delete
rm -r "$code/node_modules/node-pty/third_party" "$code/node_modules/@vscode/windows-registry/build" \
    "$code/node_modules/@vscode/windows-process-tree/build"
find "$code/node_modules/@parcel" -maxdepth 1 -name 'watcher-*-musl' -exec rm -r {} +
find "$code/extensions/node_modules/typescript/lib" -mindepth 1 -maxdepth 1 -type d -exec rm -r {} +

# What native modules were built from. Only the finished *.node files are loaded.
find "$tree" -type d -path '*/node_modules/*/build' | while read -r build; do
    [ -d "$build/Release" ] || continue
    find "$build" -depth -type f ! -path "$build/Release/*.node" -delete
    rm -rf "$build/Release/obj.target" "$build/Release/.deps" "$build/Release/obj"
    find "$build" -depth -type d -empty -delete
done
for module in @vscode/sqlite3 @vscode/spdlog @vscode/deviceid @vscode/fs-copyfile \
    @vscode/native-watchdog @parcel/watcher kerberos node-pty; do
    for sources in deps src scripts binding.gyp; do
        [ "$module/$sources" = @vscode/fs-copyfile/src ] || rm -rf "$code/node_modules/$module/$sources"
    done
done
rm -r "$tree/node_modules/argon2/argon2"
find "$tree" -type d -path '*/node_modules/node-addon-api' -prune -exec rm -r {} +

# Source maps, type declarations, documentation and tests of dependencies. TypeScript's own
# declarations (extensions/node_modules) are what it completes from, so they stay.
find "$tree" -name '*.map' -type f -delete
for modules in "$tree/node_modules" "$code/node_modules"; do
    find "$modules" -type f \( -name '*.ts' -o -name '*.mts' -o -name '*.cts' -o -name '*.tsbuildinfo' \
        -o -iname 'readme*' -o -iname 'changelog*' -o -iname 'history.md' \) -delete
    find "$modules" -depth -type d \( -name test -o -name tests -o -name __tests__ -o -name docs \
        -o -name example -o -name examples -o -name .github \) -exec rm -r {} +
done
rm "$tree/postinstall.sh"

# Symbols: addons link against .dynsym, which stays.
find "$tree" -type f -name '*.node' -exec strip --strip-unneeded {} +
strip --strip-unneeded "$tree/lib/node"
