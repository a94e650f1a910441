// Loaded before code-server: Node takes its code compiled from here where version, processor and uid
// fit, and compiles it as ever where they do not. Done in code, since a person's own programs in the
// terminal would inherit NODE_COMPILE_CACHE. Not as root, who alone could write here.
if (process.getuid() !== 0) {
    require("node:module").enableCompileCache("/opt/code-server/compile-cache");
}
