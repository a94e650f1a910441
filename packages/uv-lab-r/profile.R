
# What one installs is one's own and stays in the home. R would ask whether to make that folder, which
# it cannot in a notebook.
local({
    mine <- Sys.getenv("R_LIBS_USER")
    if (nzchar(mine) && (dir.exists(mine) || dir.create(mine, FALSE, TRUE))) {
        .libPaths(c(mine, .libPaths()))
    }
    # The server's CPUs: R counts the machine's.
    cpus <- Sys.getenv("OMP_NUM_THREADS")
    if (grepl("^[1-9][0-9]*$", cpus)) options(mc.cores = as.integer(cpus), Ncpus = as.integer(cpus))
})
